"""What each kind of campaign asks of a station or of a keeper of its books, and what an answer means. Pure functions."""

from datetime import datetime

from actors.certificates.messages import WatchRenewal
from actors.configuration.messages import AssignFor
from actors.locallist.messages import PutListFor
from actors.model.campaign import CertificateWork, ConfigurationWork, FirmwareWork, LocalListWork, RenewalWork, Work
from actors.model.decision import AddressKey, Letter
from actors.model.ids import CERTIFICATES, CONFIGURATION, LOCAL_LIST, sibling_address
from actors.model.intents import AnyIntent, InstallCertificate, Trigger, UpdateFirmware

HOPELESS = frozenset({"InvalidSignature", "InvalidCertificate", "RevokedCertificate", "UnknownStation", "SecurityError"})
"""Answers, of the station or of its actor, that another attempt would not change."""


def is_kept(work: Work) -> bool:
    """Does a keeper carry it out, which has orders, tries and patience of its own?"""
    return isinstance(work, ConfigurationWork | LocalListWork)


def asked(work: Work, here: AddressKey, station: str, id: str) -> list[Letter]:
    """Letters to the keeper concerned; KeeperDone comes back."""
    if isinstance(work, ConfigurationWork):
        return [Letter(sibling_address(here[0], CONFIGURATION, station), AssignFor(work.template, id, here))]
    if isinstance(work, LocalListWork):
        return [Letter(sibling_address(here[0], LOCAL_LIST, station), PutListFor(work.refs, id, here))]
    if isinstance(work, RenewalWork):  # the station is told by an order; its keeper of certificates knows how it ends
        return [Letter(sibling_address(here[0], CERTIFICATES, station), WatchRenewal(id, here, work.type))]
    return []


def order_of(work: Work, now: datetime) -> AnyIntent:
    """What the station is told."""
    if isinstance(work, CertificateWork):
        return InstallCertificate(work.type, work.certificate)
    if isinstance(work, RenewalWork):
        return Trigger("SignV2GCertificate" if work.type == "V2GCertificate" else "SignChargingStationCertificate")
    assert isinstance(work, FirmwareWork), "all else is kept"
    return UpdateFirmware(
        work.location, work.retrieve_at or now, 0, work.retries, work.retry_interval, work.install_at,
        work.signing_certificate, work.signature,
    )  # fmt: skip


def is_taken(work: Work, status: str) -> bool:
    """Has the station agreed?"""
    if isinstance(work, FirmwareWork):
        return status in ("Accepted", "AcceptedCanceled")
    return status == "Accepted"


def ends_with_answer(work: Work) -> bool:
    """Is its answer all, or does the outcome come later?"""
    return isinstance(work, CertificateWork)
