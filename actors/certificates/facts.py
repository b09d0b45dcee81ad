"""What is remembered of a station's certificates, and of its rise to a higher profile. Requests as what they name,
never a private key. Every type has a golden file."""

from datetime import datetime
from typing import Any

import msgspec

from actors.campaign.watching import Watcher
from actors.model.intents import CertificateHash


class CsrTaken(msgspec.Struct, frozen=True, gc=False, tag="csr_taken"):
    """A sound request went to the CA. `digest` recognises it when the station sends it again."""

    request: str
    use: str
    digest: str
    subject: str
    at: datetime


class CsrRefused(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="csr_refused"):
    """By us (`request` empty) or by the CA."""

    use: str
    detail: str
    at: datetime
    request: str = ""


class Issued(msgspec.Struct, frozen=True, gc=False, tag="issued"):
    """The CA signed it; the chain is on its way to the station as order `order`."""

    request: str
    use: str
    fingerprint: str
    serial: str
    subject: str
    not_before: datetime
    not_after: datetime
    order: str
    at: datetime


class Delivered(msgspec.Struct, frozen=True, gc=False, tag="delivered"):
    """What the station made of a signed chain: accepted, rejected, unknown (it may have it) or failed (it does not)."""

    fingerprint: str
    status: str
    at: datetime


class IssuedRevoked(msgspec.Struct, frozen=True, gc=False, tag="issued_revoked"):
    fingerprint: str
    reason: str
    who: str
    at: datetime


class OrderGiven(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="order_given"):
    """`purpose`: trigger, install, delete, read, profile ...; `subject` what it is about, for people and for its end."""

    order: str
    purpose: str
    subject: dict[str, Any]
    at: datetime


class OrderSettled(msgspec.Struct, frozen=True, gc=False, tag="order_settled"):
    order: str
    status: str
    at: datetime


class InstalledTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="installed_told"):
    """What the station has installed of the types in `types` (all of them, replaced), or (`whole` False) one more."""

    types: tuple[str, ...]
    entries: tuple["InstalledEntry", ...]
    at: datetime
    whole: bool = True


class InstalledEntry(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`children`: hashes of the certificates below it (V2GCertificateChain)."""

    type: str
    hash: CertificateHash
    subject: str = ""
    children: tuple[CertificateHash, ...] = ()


class InstalledGone(msgspec.Struct, frozen=True, gc=False, tag="installed_gone"):
    hash: CertificateHash
    at: datetime


class ProfileStep(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="profile_step"):
    """The rise to security profile `goal`: `step` is network, priority, reset or key; or its end: done, failed."""

    goal: int
    step: str
    at: datetime
    order: str = ""
    detail: str = ""
    plan: dict[str, Any] = {}


class VersionTold(msgspec.Struct, frozen=True, gc=False, tag="version_told"):
    """Which OCPP version the station speaks: what it can be asked for depends on it."""

    protocol: str
    at: datetime


class RenewalWatched(msgspec.Struct, frozen=True, gc=False, tag="renewal_watched"):
    """Somebody waits for a new certificate of the type that `watcher.about` names."""

    watcher: Watcher


class WatchersTold(msgspec.Struct, frozen=True, gc=False, tag="watchers_told"):
    """Those who waited for a certificate of this type."""

    about: str
    at: datetime


CertificatesFact = (
    CsrTaken | CsrRefused | Issued | Delivered | IssuedRevoked | OrderGiven | OrderSettled | InstalledTold | InstalledGone
    | ProfileStep | VersionTold | RenewalWatched | WatchersTold
)  # fmt: skip
