"""The central system's SOAP service: one URL a tenant for OCPP 1.2, 1.5 and 1.6-S; the body's namespace decides.

    soap = SoapService(listener.hub, listener.admission, gate)
    answer = await soap.answer(SoapRequest(...))        # one HTTP request; never raises
    nursery.start_soon(soap.run)                        # stations that fell silent go offline

A request is bounded, authenticated (as far as it already says who it is), parsed, understood and asked of the station's actor,
and answered after what it acknowledges is committed, like any frame of a WebSocket. Whatever goes wrong is a fault with the
subcode that the specification names; only an actor that cannot answer (the database is away) leaves a 503.
"""

from typing import Any

import msgspec
import trio

from actors.ports import StationCard
from actors.station import messages as s
from gateways.egress import EgressGate
from gateways.ocpp.admission import Admission, Proof, Refusal, may_use, read_basic
from gateways.ocpp.asking import NoAnswer, ask_station
from gateways.ocpp.dialect import BadPayload
from gateways.ocpp.hub import Hub, Traced
from gateways.ocpp.limits import IDENTITY_CHARACTERS
from gateways.ocpp.quirks.registry import UNKNOWN
from gateways.ocpp.soap import document, envelope, limits, wsdl
from gateways.ocpp.soap.codec import read_fields
from gateways.ocpp.soap.dialect import SoapDialect
from gateways.ocpp.soap.faults import Fault, identity_mismatch, internal_error, not_supported, protocol_error, security_error
from gateways.ocpp.soap.link import SoapLink
from gateways.ocpp.soap.operations import Version
from gateways.ocpp.soap.redaction import redact_tree, redact_unreadable
from runtime.errors import ActorError

Headers = tuple[tuple[str, str], ...]


class SoapRequest(msgspec.Struct, frozen=True):
    """One POST. `identity` from the URL; `secure`: it came over TLS, perhaps ended by a balancer in front."""

    tenant: str
    identity: str | None
    body: bytes
    content_type: str = ""
    content_encoding: str = ""
    accept_encoding: str = ""
    authorization: str = ""
    peer: str = ""
    secure: bool = False


class SoapAnswer(msgspec.Struct, frozen=True):
    status: int
    body: bytes
    headers: Headers


class _Exchange(msgspec.Struct):
    """What has been learnt of a request so far: what a fault needs to be written and traced."""

    version: Version | None = None
    message_id: str | None = None
    card: StationCard | None = None
    proof: Proof = Proof(0)
    link: SoapLink | None = None
    action: str = ""
    text: str = ""
    correlation: str = ""
    traced: bool = False
    unauthorised: bool = False


class _Sender(msgspec.Struct):
    """In the trace: a station that is known, but has no link, since its message could not be read."""

    tenant: str
    station: str
    protocol: str


class SoapService:
    def __init__(self, hub: Hub, admission: Admission, gate: EgressGate) -> None:
        self._hub = hub
        self._admission = admission
        self._gate = gate
        self._links: set[SoapLink] = set()
        self._answering = 0

    def stats(self) -> dict[str, int]:
        return {"soap_stations": len(self._links), "soap_answering": self._answering}

    def link(self, tenant: str, station: str) -> SoapLink | None:
        found = self._hub.links.get((tenant, station))
        return found if isinstance(found, SoapLink) else None

    def describe(self, label: str, location: str) -> bytes | None:
        """The WSDL of a version at `location`; None for a version that is none."""
        return wsdl.describe(label, location)

    async def run(self) -> None:
        """Until cancelled: stations that fell silent are away. On the way out all are, as after any restart."""
        try:
            while True:
                await trio.sleep(limits.SWEEP_SECONDS)
                now = self._hub.monotonic()
                with self._hub.contained("sweeping SOAP stations"):
                    for link in [each for each in self._links if each.is_silent(now)]:
                        self._hub.counters.closed_silent += 1
                        link.end(1006, f"no message for {link.interval} s twice")
        finally:
            for link in list(self._links):
                link.end(1001, "the central system restarts")

    async def answer(self, request: SoapRequest) -> SoapAnswer:
        """The answer to one request. Nothing but cancellation escapes."""
        exchange = _Exchange()
        if self._answering >= limits.REQUESTS:
            self._hub.counters.refused_busy += 1
            return self._refused(request, exchange, internal_error("too busy", 503, limits.RETRY_AFTER_SECONDS))
        self._answering += 1
        try:
            with trio.fail_after(limits.ANSWER_SECONDS):
                root = await self._handle(request, exchange)
            return _answer(request, 200, document.serialise(root))
        except Fault as fault:
            return self._refused(request, exchange, fault)
        except trio.TooSlowError:
            self._hub.counters.unanswered += 1
            return self._refused(request, exchange, internal_error("no answer in time", 503, limits.RETRY_AFTER_SECONDS))
        except Exception as error:
            self._hub.fault("answering a SOAP request", error, exchange.link)
            return self._refused(request, exchange, internal_error())
        finally:
            self._answering -= 1
            if exchange.link is not None:
                exchange.link.answering -= 1

    def refuse(self, request: SoapRequest, fault: Fault) -> SoapAnswer:
        """The answer to a request that never came to be one (its body is too large, say)."""
        return self._refused(request, _Exchange(), fault)

    # -- one request -----------------------------------------------------------------------------------------------------

    async def _handle(self, request: SoapRequest, exchange: _Exchange) -> Any:
        basic = read_basic(request.authorization.encode("latin-1", "replace"))
        said = request.identity or (basic[0] if basic is not None else None)
        if said is None and self._admission.limited(request.peer, None) is not None:
            raise security_error("too many refused requests from this address", 429)
        if said is not None:
            exchange.card = await self._identified(request, exchange, said, basic, "soap")
        heard = self._understood(request, exchange)
        identity = self._agreed(request, heard.identity, said)
        if exchange.card is None:
            exchange.card = await self._identified(request, exchange, identity, basic, heard.version.protocol)
        card = exchange.card
        if not may_use(card, heard.version.protocol):
            raise security_error(f"this station's settings do not allow {heard.version.protocol}")
        link = self._plugged(card, exchange.proof, heard.version, request.peer)
        if not link.takes_one_more():
            raise internal_error("too many messages", 503, limits.RETRY_AFTER_SECONDS)
        link.answering += 1
        exchange.link = link
        return await self._asked(link, heard, exchange)

    async def _identified(
        self, request: SoapRequest, exchange: _Exchange, identity: str, basic: tuple[str, bytes] | None, protocol: str
    ) -> StationCard:
        """The station that this is, with its proof. Raises Fault."""
        place = (request.tenant, identity)
        if not identity.isprintable() or len(identity) > IDENTITY_CHARACTERS:
            self._admission.unknown(request.peer, place)
            raise identity_mismatch("this is no identity of a station")
        if basic is not None and basic[0].lower() != identity.lower():
            self._admission.count(request.peer, place)
            raise identity_mismatch("the user name of the Authorization header is another station's")
        found = await self._admission.prove(place, basic, request.peer, request.secure, protocol)
        if not isinstance(found, Refusal):
            card, exchange.proof = found
            return card
        if found.status == 404:
            raise identity_mismatch(f"no station {identity[:50]!r} is known here")
        if found.status == 401:
            exchange.unauthorised = True
            raise security_error("the station did not prove who it is", 401)
        raise security_error("too many refused requests", found.status)

    def _understood(self, request: SoapRequest, exchange: _Exchange) -> envelope.Heard:
        try:
            root = document.parse(document.inflate(request.body, request.content_encoding))
        except Fault:
            exchange.text = redact_unreadable(request.body.decode("utf-8", "replace"))
            self._malformed(request, exchange)
            raise
        try:
            heard = envelope.read_request(root, request.content_type, strict=self._hub.strict)
        except Fault:
            exchange.text = redact_tree("", root)
            self._malformed(request, exchange)
            raise
        exchange.version, exchange.message_id, exchange.action = heard.version, heard.message_id, heard.operation.action
        exchange.text = redact_tree(heard.operation.action, root)
        return heard

    def _malformed(self, request: SoapRequest, exchange: _Exchange) -> None:
        """Counted; and against its address where nobody has proved to be its sender."""
        self._hub.counters.malformed += 1
        if exchange.card is None:
            self._admission.count(request.peer, None)

    def _agreed(self, request: SoapRequest, header: str | None, said: str | None) -> str:
        """The identity that URL, header and Authorization agree on. Raises Fault."""
        if header is None and said is None:
            raise identity_mismatch("the header chargeBoxIdentity is missing, and the URL names no station")
        if header is not None and said is not None and header.lower() != said.lower():
            self._admission.count(request.peer, (request.tenant, said))
            raise identity_mismatch("chargeBoxIdentity is not the station of this URL and this Authorization")
        identity = header or said
        assert identity is not None
        return identity

    def _plugged(self, card: StationCard, proof: Proof, version: Version, peer: str) -> SoapLink:
        """The station's link: the one it has, or a new one that replaces whatever it had. A station that shows its next password,
        or comes in another security profile, has come anew: its actor learns of such things from Connected."""
        hub, key = self._hub, (card.tenant, card.station)
        old = hub.links.get(key)
        if isinstance(old, SoapLink) and old.protocol == version.protocol and not old.differs(proof):
            old.proof = proof
            old.heard()
            return old
        dialect = SoapDialect(version, card.tenant, hub.vault, hub.now, strict=hub.strict, quirks=hub.quirks)
        if card.made != UNKNOWN:
            dialect.learn(card.made, (card.serial,))
        link = SoapLink(hub, self._gate, self._links, dialect, card.tenant, card.station, proof)
        hub.links[key] = link
        self._links.add(link)
        hub.counters.accepted += 1
        if old is not None:
            old.replaced()
        connected = s.Connected(link, link.protocol, link.generation, peer, proof.profile, proof.secret)
        if not hub.system.tell(link.address, connected):
            link.end(1013, "try again later")
            raise internal_error("try again later", 503, limits.RETRY_AFTER_SECONDS)
        return link

    async def _asked(self, link: SoapLink, heard: envelope.Heard, exchange: _Exchange) -> Any:
        hub, action = self._hub, heard.operation.action
        exchange.correlation = link.correlation()
        hub.counters.calls_in += 1
        odd, bad = list(heard.oddities), None
        try:
            message = link.dialect.read(action, read_fields(heard.operation.request, heard.body))
            if link.dialect.mended:
                odd.append(f"mended: {', '.join(link.dialect.mended)}")
            link.note()
        except BadPayload as wrong:
            bad = wrong
            hub.note(link.tenant, link.station, ("refused",))
        if heard.oddities:
            hub.note(link.tenant, link.station, ("envelope",))
        note = "; ".join(odd) or None
        hub.record(link, "in", "CALL", action, heard.message_id or "", exchange.text, note, exchange.correlation)
        exchange.traced = True
        if bad is not None:
            hub.counters.malformed += 1
            if bad.code in ("NotSupported", "NotImplemented"):
                raise not_supported(bad.detail)
            raise protocol_error(bad.detail)
        try:
            await self._learn_callback(link, heard.callback, exchange.correlation)
            reply = await ask_station(hub, link.address, message, exchange.correlation, link.dialect.unreadable)
        except NoAnswer as silence:
            hub.counters.unanswered += 1
            raise internal_error(str(silence), 503, limits.RETRY_AFTER_SECONDS) from None
        except ActorError as failure:
            raise internal_error(type(failure).__name__) from None
        refused = link.dialect.refusal(reply)
        if refused is not None:
            code, detail = refused
            if code == "SecurityError":
                raise security_error(detail)
            raise internal_error(detail) if code in ("GenericError", "InternalError") else protocol_error(detail)
        if isinstance(reply, s.BootReply):
            link.booted(reply.interval)
        told = link.dialect.write(action, self._hub.groups.reveal(link.tenant, reply))
        root = envelope.write_response(heard.version, heard.operation, told, heard.message_id)
        hub.counters.answers_out += 1
        hub.record(
            link, "out", "CALLRESULT", action, heard.message_id or "", redact_tree(action, root), None, exchange.correlation
        )
        return root

    async def _learn_callback(self, link: SoapLink, address: str | None, correlation: str) -> None:
        """Where the station listens is durable before its message is answered; asked only when it is news."""
        if link.callback_known and (address is None or address == link.callback):
            return
        told = s.Callback(address)
        known = await ask_station(self._hub, link.address, told, correlation, link.dialect.unreadable)
        if isinstance(known, s.CallbackKnown):
            link.callback, link.callback_known = known.address, True

    # -- faults ----------------------------------------------------------------------------------------------------------

    def _refused(self, request: SoapRequest, exchange: _Exchange, fault: Fault) -> SoapAnswer:
        self._hub.counters.errors_out += 1
        root = envelope.write_fault(fault, exchange.version, exchange.message_id)
        link: Traced | None = exchange.link
        if link is None and exchange.card is not None:
            protocol = exchange.version.protocol if exchange.version is not None else "soap"
            link = _Sender(exchange.card.tenant, exchange.card.station, protocol)
        if link is not None:
            told, unique_id = f"{fault.subcode or fault.code}: {fault.reason}", exchange.message_id or ""
            if not exchange.traced:
                self._hub.record(link, "in", "malformed", exchange.action, unique_id, exchange.text, told, exchange.correlation)
            body = redact_tree("", root)
            self._hub.record(link, "out", "CALLERROR", exchange.action, unique_id, body, told, exchange.correlation)
        extra: list[tuple[str, str]] = []
        if exchange.unauthorised:
            extra.append(("WWW-Authenticate", 'Basic realm="OCPP", charset="UTF-8"'))
        if fault.retry is not None or fault.status == 429:
            extra.append(("Retry-After", str(fault.retry or 60)))
        return _answer(request, fault.status, document.serialise(root), *extra)


def _answer(request: SoapRequest, status: int, body: bytes, *extra: tuple[str, str]) -> SoapAnswer:
    body, encoding = document.deflate(body, request.accept_encoding)
    headers = [("Content-Type", f"{envelope.MEDIA}; charset=utf-8"), ("Vary", "Accept-Encoding"), *extra]
    if encoding is not None:
        headers.append(("Content-Encoding", encoding))
    return SoapAnswer(status, body, tuple(headers))
