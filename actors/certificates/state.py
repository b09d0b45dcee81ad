"""What is kept of a station's certificates: the request at the CA, what was issued, what the station has installed, orders
under way. Every list is bounded (actors/limits.py)."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.campaign.watching import Watcher, joined
from actors.certificates import facts as f
from actors.limits import DomainLimits
from actors.model.certificate import same_hash

LIMITS = DomainLimits()
STATION_CERTIFICATE = "ChargingStationCertificate"
V2G_CERTIFICATE = "V2GCertificate"
COMBINED = "Combined"
"""Asked for by a 2.x station that names no type: for the connection to us, and for vehicles where it speaks ISO 15118."""
OUR_DOOR = (STATION_CERTIFICATE, COMBINED)
"""Types with which a station connects to us."""


class Request(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The last CSR of a type. `status`: signing, sent, accepted, unknown, rejected, failed or refused."""

    id: str
    type: str
    digest: str
    status: str
    at: datetime


class Leaf(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An issued certificate. `status`: sent, accepted, unknown (told, not heard), rejected, failed, replaced or revoked."""

    fingerprint: str
    serial: str
    type: str
    subject: str
    not_before: datetime
    not_after: datetime
    status: str
    order: str
    request: str = ""


class OpenOrder(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    id: str
    purpose: str
    subject: dict[str, Any]


class Rise(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """On the way to security profile `goal`. `plan`: slot and URL of the network profile."""

    goal: int
    step: str
    order: str
    plan: dict[str, Any] = {}


class CertificatesState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    number: int = 0
    """Requests and orders so far: their ids count on."""
    requests: tuple[Request, ...] = ()
    """One for each type."""
    leafs: tuple[Leaf, ...] = ()
    installed: tuple[f.InstalledEntry, ...] = ()
    orders: tuple[OpenOrder, ...] = ()
    rise: Rise | None = None
    protocol: str = ""
    watchers: tuple[Watcher, ...] = ()


def request_of(state: CertificatesState, type: str) -> Request | None:
    return next((known for known in state.requests if known.type == type), None)


HELD = ("accepted", "unknown")
"""Statuses of a certificate that the station has, or may have."""


def in_use(state: CertificatesState) -> Leaf | None:
    """The certificate for the connection to us that the station accepted last."""
    return next((leaf for leaf in reversed(state.leafs) if leaf.type in OUR_DOOR and leaf.status in HELD), None)


def _with_request(state: CertificatesState, request: Request) -> CertificatesState:
    others = tuple(known for known in state.requests if known.type != request.type)
    return replace(state, requests=(*others, request))


def _csr_taken(state: CertificatesState, fact: f.CsrTaken) -> CertificatesState:
    state = replace(state, number=state.number + 1)
    return _with_request(state, Request(fact.request, fact.use, fact.digest, "signing", fact.at))


def _csr_refused(state: CertificatesState, fact: f.CsrRefused) -> CertificatesState:
    return _status(state, fact.request, "refused") if fact.request else state


def _status(state: CertificatesState, request: str, status: str) -> CertificatesState:
    requests = tuple(replace(known, status=status) if known.id == request else known for known in state.requests)
    return replace(state, requests=requests)


def _issued(state: CertificatesState, fact: f.Issued) -> CertificatesState:
    leaf = Leaf(
        fact.fingerprint, fact.serial, fact.use, fact.subject, fact.not_before, fact.not_after, "sent", fact.order, fact.request
    )  # fmt: skip
    others = tuple(known for known in state.leafs if known.fingerprint != fact.fingerprint)
    return _status(replace(state, leafs=(*others, leaf)[-LIMITS.certificates :]), fact.request, "sent")


def _delivered(state: CertificatesState, fact: f.Delivered) -> CertificatesState:
    found = next((leaf for leaf in state.leafs if leaf.fingerprint == fact.fingerprint), None)
    if found is None:
        return state

    def after(leaf: Leaf) -> Leaf:
        if leaf.fingerprint == fact.fingerprint:
            return replace(leaf, status=fact.status)
        replaced = fact.status == "accepted" and leaf.type == found.type and leaf.status in HELD
        return replace(leaf, status="replaced") if replaced else leaf

    return _status(replace(state, leafs=tuple(map(after, state.leafs))), found.request, fact.status)


def _revoked(state: CertificatesState, fact: f.IssuedRevoked) -> CertificatesState:
    leafs = tuple(replace(leaf, status="revoked") if leaf.fingerprint == fact.fingerprint else leaf for leaf in state.leafs)
    return replace(state, leafs=leafs)


def _renewal_watched(state: CertificatesState, fact: f.RenewalWatched) -> CertificatesState:
    return replace(state, watchers=joined(state.watchers, fact.watcher))


def _watchers_told(state: CertificatesState, fact: f.WatchersTold) -> CertificatesState:
    return replace(state, watchers=tuple(watcher for watcher in state.watchers if watcher.about != fact.about))


def _order_given(state: CertificatesState, fact: f.OrderGiven) -> CertificatesState:
    orders = (*state.orders, OpenOrder(fact.order, fact.purpose, fact.subject))
    return replace(state, orders=orders, number=state.number + 1)


def _order_settled(state: CertificatesState, fact: f.OrderSettled) -> CertificatesState:
    return replace(state, orders=tuple(order for order in state.orders if order.id != fact.order))


def _installed_told(state: CertificatesState, fact: f.InstalledTold) -> CertificatesState:
    """A report has no subjects; we know those of what we installed."""
    known = {(entry.type, *msgspec.structs.astuple(entry.hash)): entry.subject for entry in state.installed}
    fresh = tuple(
        entry if entry.subject else replace(entry, subject=known.get((entry.type, *msgspec.structs.astuple(entry.hash)), ""))
        for entry in fact.entries
    )
    if fact.whole:
        kept = tuple(entry for entry in state.installed if entry.type not in fact.types)
    else:
        kept = tuple(entry for entry in state.installed if not any(_same(entry, new) for new in fresh))
    return replace(state, installed=(*kept, *fresh)[-LIMITS.installed_certificates :])


def _same(one: f.InstalledEntry, other: f.InstalledEntry) -> bool:
    return one.type == other.type and same_hash(one.hash, other.hash)


def _installed_gone(state: CertificatesState, fact: f.InstalledGone) -> CertificatesState:
    return replace(state, installed=tuple(entry for entry in state.installed if not same_hash(entry.hash, fact.hash)))


def _profile_step(state: CertificatesState, fact: f.ProfileStep) -> CertificatesState:
    if fact.step in ("done", "failed"):
        return replace(state, rise=None)
    return replace(state, rise=Rise(fact.goal, fact.step, fact.order, fact.plan))


_APPLY: dict[type, Callable[[CertificatesState, Any], CertificatesState]] = {
    f.CsrTaken: _csr_taken,
    f.CsrRefused: _csr_refused,
    f.Issued: _issued,
    f.Delivered: _delivered,
    f.IssuedRevoked: _revoked,
    f.OrderGiven: _order_given,
    f.RenewalWatched: _renewal_watched,
    f.WatchersTold: _watchers_told,
    f.OrderSettled: _order_settled,
    f.InstalledTold: _installed_told,
    f.InstalledGone: _installed_gone,
    f.ProfileStep: _profile_step,
    f.VersionTold: lambda state, fact: replace(state, protocol=fact.protocol),
}


def apply(state: CertificatesState, fact: Any) -> CertificatesState:
    return _APPLY[type(fact)](state, fact)
