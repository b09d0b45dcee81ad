"""The client certificate of a connection: whose it is, and whether it is good for the station that it comes for (security
profile 3: PROTOCOLS 2.3, OCPP 2.0.1 A00.FR.4xx). Pure but for a cache.

TLS has proved that the peer holds the key, and that the chain leads to *some* tenant's CA. Here: does it lead to this tenant's,
was it revoked, has it expired, does it name this station and its operator?
"""

from datetime import datetime
from functools import lru_cache

import msgspec
from cryptography import x509

from actors.model import certificate as c
from actors.ports import AuthorityCard, StationCard, TenantCard


class Peer(msgspec.Struct, frozen=True, gc=False):
    """What is kept of it for the connection's life: `name` is its CN. `renew`: it opens the door for getting another one and no
    more, since it has expired (A00.FR.429) or is the factory's (A00.FR.806)."""

    fingerprint: str
    name: str
    renew: bool


class BadPeer(Exception):
    """The text says why this certificate does not open this door."""


@lru_cache(maxsize=2048)
def _anchors(pems: tuple[str, ...]) -> tuple[x509.Certificate, ...]:
    return tuple(c.read_one(pem) for pem in pems)


def judge(der: bytes, station: StationCard, tenant: TenantCard, authority: AuthorityCard | None, now: datetime) -> Peer:
    """Raises BadPeer. An expired one passes where the tenant's setting `expired_certificates` is "pending"; one of a factory that
    the tenant trusts names its maker, not the operator."""
    if authority is None:
        raise BadPeer("the tenant trusts no CA yet")
    try:
        leaf = c.read_der(der)
        card = c.card_of(leaf)
    except c.BadCertificate as error:
        raise BadPeer(str(error)) from None
    path, factory = c.path_to(leaf, (), _anchors(authority.anchors("station"))), False
    if path is None:
        path, factory = c.path_to(leaf, (), _anchors(authority.anchors("factory"))), True
    if path is None or card.ca:
        raise BadPeer("its chain leads to no CA that the tenant trusts for stations")
    revoked = [each for each in path if c.fingerprint(each) in authority.revoked]
    if revoked:
        raise BadPeer("it was revoked")
    if not factory:
        _same_operator(card, tenant)
    _same_station(card, station)
    expired = c.expired(path, now)
    if expired and (now < card.not_before or tenant.settings.get("expired_certificates") != "pending"):
        raise BadPeer(f"it is valid from {card.not_before.isoformat()} to {card.not_after.isoformat()}")
    return Peer(card.fingerprint, card.common_name or "", expired or factory)


def _same_operator(card: c.Card, tenant: TenantCard) -> None:
    name = tenant.settings.get("cpo_name")
    if name and (card.organization or "").casefold() != str(name).casefold():
        raise BadPeer(f"its O is {card.organization!r}, not the operator's name {name!r}")


def _same_station(card: c.Card, station: StationCard) -> None:
    """CN is the serial number that the station booted with, or its identity; a certificate of our own names it besides."""
    expected = {name.casefold() for name in (station.serial, station.station) if name}
    if (card.common_name or "").casefold() not in expected:
        raise BadPeer(f"its CN is {card.common_name!r}, not the station's serial number or identity")
    ours = [name for name in card.names if name.startswith(c.STATION_URI)]
    if ours and c.station_uri(station.station) not in ours:
        raise BadPeer("it was issued to another station")


def matches_boot(peer: Peer, serials: tuple[str | None, ...], identity: str) -> bool:
    """B01.FR.11: the serial number of the BootNotification is the one that the certificate names."""
    return peer.name.casefold() in {name.casefold() for name in (*serials, identity) if name}
