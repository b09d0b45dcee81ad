"""What each kind of campaign asks of a station, and what an answer to it means. Pure functions."""

from datetime import datetime

from actors.model.campaign import CertificateWork, FirmwareWork, Work
from actors.model.intents import AnyIntent, InstallCertificate, UpdateFirmware

HOPELESS = frozenset({"InvalidSignature", "InvalidCertificate", "RevokedCertificate", "InstallCertificate:Failed"})
"""Answers that another attempt would not change."""


def order_of(work: Work, now: datetime) -> AnyIntent:
    """What the station is told."""
    if isinstance(work, CertificateWork):
        return InstallCertificate(work.type, work.certificate)
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
