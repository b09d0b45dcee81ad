"""Who may open a connection: decided before the upgrade, from cards in memory, at once for 10,000 stations.

The path names tenant and station (`/ocpp/{tenant}/{identity}`), Basic authentication proves it (security profiles 1 and 2),
or a client certificate does (3), the subprotocol chooses the version. Every refusal is counted, and limited per address *and*
identity, since carriers put thousands of stations behind one address; a limited asker gets 429 without its password being
looked at.
"""

import base64
import binascii
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from actors.model.ids import station_address
from actors.model.rows import EventRow, InboxRow
from actors.ports import StationCard, TenantCard
from actors.station.auth import hash_secret, verify_secret
from actors.station.messages import Register
from gateways.ocpp import peer as peers
from gateways.ocpp.dialects import DIALECTS
from gateways.ocpp.handshake import StationRequest
from gateways.ocpp.hub import Hub
from gateways.ocpp.limits import ENROL_EVSES, IDENTITY_CHARACTERS, IDENTITY_CHARACTERS_2_X
from runtime.errors import ActorError

PREFIX = "/ocpp/"
PROTOCOLS = tuple(DIALECTS)
"""Subprotocols that this gateway speaks."""
SOAP_PROTOCOLS = ("ocpp1.6-S", "ocpp1.5", "ocpp1.2")
"""Versions that it speaks over HTTP (soap/)."""
TokenBytes = Callable[[int], bytes]
_PAIR_REFILL = 0.1
_ADDRESS_REFILL = 5.0
_ENROLMENT_REFILL = 0.2
_TENANT_ENROLMENT_REFILL = 1.0


class Refusal(NamedTuple):
    status: int
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Proof(NamedTuple):
    """How a station proved who it is: by which security profile; with its present password or the next one (`secret` "current"
    or "next", "" for none); by which certificate."""

    profile: int
    secret: str = ""
    certificate: peers.Peer | None = None


class Admitted(NamedTuple):
    """`protocol` None: no common version, so the upgrade is completed without one and then closed (PROTOCOLS 2.2)."""

    tenant: str
    station: str
    protocol: str | None
    subprotocol: str | None
    proof: Proof = Proof(0)
    noted: tuple[str, ...] = ()
    """Marks of quirks in how it asked."""


class Failures:
    """Token buckets of refusals (and of enrolments), by whatever key; the least recently used is forgotten first."""

    def __init__(self, burst: int, refill: float, records: int) -> None:
        self._burst = burst
        self._refill = refill
        self._records = records
        self._buckets: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def exhausted(self, key: object, now: float) -> bool:
        return self._left(key, now) < 1

    def count(self, key: object, now: float) -> None:
        self._buckets[key] = (self._left(key, now) - 1, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._records:
            self._buckets.popitem(last=False)

    def _left(self, key: object, now: float) -> float:
        left, at = self._buckets.get(key, (float(self._burst), now))
        return min(self._burst, left + (now - at) * self._refill)


class Admission:
    def __init__(self, hub: Hub, token_bytes: TokenBytes) -> None:
        limits = hub.limits
        self._hub = hub
        self._token_bytes = token_bytes
        self._pairs = Failures(limits.failures_per_pair, _PAIR_REFILL, limits.failure_records)
        self._addresses = Failures(limits.failures_per_address, _ADDRESS_REFILL, limits.failure_records)
        self._enrolled = Failures(limits.enrolments_per_address, _ENROLMENT_REFILL, limits.failure_records)
        self._enrolled_of = Failures(limits.enrolments_per_tenant, _TENANT_ENROLMENT_REFILL, limits.failure_records)

    async def admit(
        self, request: StationRequest, peer: str, secure: bool, certificate: bytes | None = None
    ) -> Admitted | Refusal:
        """Awaits only for an unknown station of a tenant that accepts those. `certificate`: the client's, as DER."""
        place = read_path(request.path)
        if place is None:
            return self.limited(peer, None) or self.unknown(peer, None)
        offered = request.proposed_subprotocols
        basic = read_basic(request.header(b"authorization"))
        found = await self.prove(place, basic, peer, secure, offered[0][:32] if offered else None, certificate)
        if isinstance(found, Refusal):
            return found
        card, proof = found
        allowed = allowed_protocols(card)
        protocol, subprotocol = choose_protocol(offered, allowed)
        if protocol is None and subprotocol is None and not offered:
            tenant_card = self._hub.snapshots.tenant(card.tenant)
            if tenant_card is not None and tenant_card.settings.get("require_subprotocol"):
                return Admitted(card.tenant, card.station, None, None, proof)
            protocol = next((version for version in allowed if version in PROTOCOLS), None)
        return Admitted(card.tenant, card.station, protocol, subprotocol, proof, _oddities(request, offered, card))

    async def prove(
        self,
        place: tuple[str, str],
        basic: tuple[str, bytes] | None,
        peer: str,
        secure: bool,
        offered: str | None,
        certificate: bytes | None = None,
    ) -> tuple[StationCard, Proof] | Refusal:
        """The card of the station at `place`, (tenant, identity), once it has proved who it is, and how it did; whatever the
        transport. A Refusal is counted: 429 (limited), 404 (unknown), 401 (not proved). `offered`: its protocol, for the
        inbox."""
        hub = self._hub
        tenant, identity = place
        limited = self.limited(peer, place)
        if limited is not None:
            return limited
        tenant_card = hub.snapshots.tenant(tenant)
        if tenant_card is None:
            return self.unknown(peer, place)
        card = self._card(tenant, identity)
        if card is None:
            if tenant_card.unknown_stations == "inbox":
                self._knocked(tenant, identity, offered, peer)
            elif tenant_card.unknown_stations == "accept":
                if not self._may_enrol(tenant, peer):
                    hub.counters.refused_limit += 1
                    return Refusal(429, ((b"Retry-After", b"60"),))
                card = await self._enrol(tenant, identity, basic)
            if card is None:
                return self.unknown(peer, place)
        proof = self._proof(card, tenant_card, identity, basic, secure, certificate)
        if proof is None:
            hub.counters.refused_password += 1
            self.count(peer, place)
            return Refusal(401, ((b"WWW-Authenticate", b'Basic realm="OCPP", charset="UTF-8"'),))
        return card, proof

    def limited(self, peer: str, place: tuple[str, str] | None) -> Refusal | None:
        """A Refusal when this asker was refused too often of late."""
        now = self._hub.monotonic()
        if self._pairs.exhausted((peer, place), now) or self._addresses.exhausted(peer, now):
            self._hub.counters.refused_limit += 1
            return Refusal(429, ((b"Retry-After", b"60"),))
        return None

    def count(self, peer: str, place: tuple[str, str] | None) -> None:
        """One more refusal of this asker."""
        now = self._hub.monotonic()
        self._pairs.count((peer, place), now)
        self._addresses.count(peer, now)

    def unknown(self, peer: str, place: tuple[str, str] | None) -> Refusal:
        self._hub.counters.refused_unknown += 1
        self.count(peer, place)
        return Refusal(404)

    def _card(self, tenant: str, identity: str) -> StationCard | None:
        """By its identity; stations that changed its case find themselves, too (quirk 7)."""
        find = self._hub.snapshots.station
        for spelling in dict.fromkeys((identity, identity.upper(), identity.lower())):
            card = find(tenant, spelling)
            if card is not None:
                return card
        return None

    def _proof(
        self,
        card: StationCard,
        tenant: TenantCard,
        identity: str,
        basic: tuple[str, bytes] | None,
        secure: bool,
        certificate: bytes | None,
    ) -> Proof | None:
        """By the station's profile, or by the one it rises to; never by a lower one (A05.FR.07)."""
        profiles = {card.profile, card.next_profile} if card.next_profile else {card.profile}
        if 3 in profiles and certificate is not None:
            found = self._certificate(card, tenant, certificate)
            if found is not None:
                return Proof(3, certificate=found)
        wanted = profiles & ({1, 2} if secure else {1})
        if wanted and basic is not None:
            secret = _which_secret(card, identity, basic)
            if secret:
                return Proof(max(wanted), secret)
        return Proof(0) if card.profile == 0 else None

    def _certificate(self, card: StationCard, tenant: TenantCard, der: bytes) -> peers.Peer | None:
        """A certificate that is not good for this station is a security event."""
        hub = self._hub
        try:
            return peers.judge(der, card, tenant, hub.snapshots.authority(card.tenant), hub.now())
        except peers.BadPeer as bad:
            hub.counters.refused_certificate += 1
            body = {"type": "InvalidChargingStationCertificate", "critical": True, "detail": str(bad)}
            hub.sink.put(EventRow(tenant=card.tenant, kind="station.security", subject=card.station, at=hub.now(), body=body))
            return None

    def _knocked(self, tenant: str, identity: str, offered: str | None, peer: str) -> None:
        now = self._hub.now()
        row = InboxRow(
            tenant=tenant, station=identity, first_seen=now, last_seen=now, attempts=1, protocol=offered, peer=peer
        )  # fmt: skip
        self._hub.sink.put(row)

    def _may_enrol(self, tenant: str, peer: str) -> bool:
        now = self._hub.monotonic()
        if self._enrolled.exhausted(peer, now) or self._enrolled_of.exhausted(tenant, now):
            return False
        self._enrolled.count(peer, now)
        self._enrolled_of.count(tenant, now)
        return True

    async def _enrol(self, tenant: str, identity: str, basic: tuple[str, bytes] | None) -> StationCard | None:
        """Register a station that nobody knew. A password it shows is the one it must show from now on."""
        secret = hash_secret(basic[1], self._token_bytes) if basic is not None and basic[0] == identity else None
        register = Register(
            evses=ENROL_EVSES, profile=0 if secret is None else 1, secret=secret, keep_secret=False,
            versions=(*PROTOCOLS, *SOAP_PROTOCOLS),
            tariff=None, location={}, who="unknown station accepted",
        )  # fmt: skip
        try:
            await self._hub.system.ask(station_address(tenant, identity), register, deadline=self._hub.limits.ask_seconds)
        except ActorError:
            return None
        return self._hub.snapshots.station(tenant, identity)


def read_path(path: str) -> tuple[str, str] | None:
    """(tenant, identity) of `/ocpp/{tenant}/{identity}`, percent-decoded; the identity may hold slashes and spaces."""
    path = path.partition("?")[0]
    while path.startswith("//"):
        path = path[1:]
    if not path.startswith(PREFIX):
        return None
    tenant, _, identity = path[len(PREFIX) :].lstrip("/").partition("/")
    tenant, identity = _decoded(tenant), _decoded(identity.strip("/"))
    if not tenant or not identity or len(identity) > IDENTITY_CHARACTERS or len(tenant) > IDENTITY_CHARACTERS:
        return None
    return (tenant, identity) if tenant.isprintable() and identity.isprintable() else None


def _oddities(request: StationRequest, offered: tuple[str, ...], card: StationCard) -> tuple[str, ...]:
    """What is forgiven in an upgrade (quirk 7). A percent-encoded blank or colon is no oddity: it must be."""
    plain = unquote_to_bytes(request.path.partition("?")[0])
    spelt = plain == f"{PREFIX}{card.tenant}/{card.station}".encode()
    return (*(() if offered else ("no_subprotocol",)), *(() if spelt else ("identity",)))


def _decoded(part: str) -> str:
    try:
        return unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        return ""


def read_basic(header: bytes | None) -> tuple[str, bytes] | None:
    """(user, password) of an Authorization header. The password is bytes: a 1.6 AuthorizationKey need not be text."""
    if header is None or header[:6].lower() != b"basic ":
        return None
    try:
        user, colon, password = base64.b64decode(header[6:].strip(), validate=True).partition(b":")
        return (user.decode(), password) if colon else None
    except (binascii.Error, UnicodeDecodeError):
        return None


def _which_secret(card: StationCard, identity: str, basic: tuple[str, bytes]) -> str:
    """ "current", "next" (while a new password is on its way), or "" for neither."""
    user, password = basic
    if user.lower() != identity.lower():
        verify_secret(card.secret, password)  # as long as a wrong password
        return ""
    given = (password, _from_hex(password))
    if any(verify_secret(card.secret, secret) for secret in given):
        return "current"
    if card.next_secret is not None and any(verify_secret(card.next_secret, secret) for secret in given):
        return "next"
    return ""


def _from_hex(password: bytes) -> bytes:
    """Some stations send the hex text of their AuthorizationKey instead of its bytes (PROTOCOLS 8, trap 7)."""
    try:
        return bytes.fromhex(password.decode("ascii"))
    except (ValueError, UnicodeDecodeError):
        return b""


def _subprotocol(version: str) -> str:
    """A card may say `1.6` or `ocpp1.6`."""
    return version if version.startswith("ocpp") else f"ocpp{version}"


def allowed_protocols(card: StationCard) -> tuple[str, ...]:
    """The versions that the operator allows a station and that its identity fits, in the operator's order: 2.x takes at most
    48 characters (PROTOCOLS 2.2; a colon in it makes Basic authentication fail by itself)."""
    versions = tuple(map(_subprotocol, card.versions))
    if len(card.station) > IDENTITY_CHARACTERS_2_X:
        return tuple(version for version in versions if not version.startswith("ocpp2"))
    return versions


def may_use(card: StationCard, protocol: str) -> bool:
    """Whether a station's settings allow a version."""
    return protocol.lower() in {_subprotocol(version).lower() for version in card.versions}


def choose_protocol(offered: tuple[str, ...], allowed: tuple[str, ...]) -> tuple[str | None, str | None]:
    """(protocol, subprotocol header): the first that the client offers, the station may use and we speak."""
    usable = {_subprotocol(version) for version in allowed} & set(PROTOCOLS)
    for offer in offered:
        if offer.lower() in usable:
            return offer.lower(), offer
    return None, None
