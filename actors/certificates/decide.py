"""A station's certificates: signing requests, what the CA made of them, their way to the station. Pure functions.

A request is judged here and answered at once; that it was accepted is durable together with the wish that the CA sign it, an
effect of class "redeliver": the desk (gateways/pki) is asked until it has answered, and the same request always gets the same
certificate. The chain goes to the station as an order, which waits for it and is sent once. A station that never got it
asks again with the same request.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from actors.authority.messages import Revoke
from actors.campaign.watching import Watcher, told
from actors.certificates import facts as f
from actors.certificates import messages as m
from actors.certificates.rows import Here, book_rows, event
from actors.certificates.state import (
    COMBINED,
    HELD,
    OUR_DOOR,
    STATION_CERTIFICATE,
    V2G_CERTIFICATE,
    CertificatesState,
    Leaf,
    OpenOrder,
    apply,
    in_use,
    request_of,
)
from actors.limits import DomainLimits
from actors.model import certificate as c
from actors.model import csr as csr_
from actors.model import intents as i
from actors.model.decision import NOTHING, Decision, Effect, Letter, Refused, Timer
from actors.model.ids import CERTIFICATES, authority_address, digest, sibling_address, station_address
from actors.model.rows import EventRow
from actors.station.letters import IntentDone, Order, OrderEnded, StationBooted
from actors.station.messages import Done

TOPIC = "certificate"
RENEWAL = "renewal"
DONE = Decision(reply=Done())


def decided(here: Here, state: CertificatesState, facts: list[Any], now: datetime, **more: Any) -> Decision:
    """A decision whose facts show in the book."""
    after = state
    for fact in facts:
        after = apply(after, fact)
    letters = list(more.pop("letters", ()))
    for about, ok, detail in _renewed(facts, state):
        waiting = [watcher for watcher in after.watchers if watcher.about == about]
        if waiting:
            letters += told(waiting, here.station, ok=ok, detail=detail)
            facts = [*facts, f.WatchersTold(about, now)]
    rows = (*book_rows(here, state, after, now), *more.pop("rows", ()))
    return Decision(facts=facts, rows=rows, letters=letters, **more)


def _renewed(facts: list[Any], state: CertificatesState) -> list[tuple[str, bool, str]]:
    """(type, is there a new one, why not) of what has come to its end: a certificate that was told and not heard has not."""
    found = []
    for fact in facts:
        if isinstance(fact, f.CsrRefused):
            found.append((fact.use, False, f"the request was refused: {fact.detail}"))
        elif isinstance(fact, f.Delivered) and fact.status != "unknown":
            leaf = next((leaf for leaf in state.leafs if leaf.fingerprint == fact.fingerprint), None)
            if leaf is not None:
                found.append((leaf.type, fact.status == "accepted", f"certificate {leaf.serial}: {fact.status}"))
    return found


def decide_watch(here: Here, state: CertificatesState, asked: m.WatchRenewal, now: datetime) -> Decision:
    return Decision(facts=(f.RenewalWatched(Watcher(asked.id, asked.by, now, asked.use)),))


def decide_csr(
    here: Here, state: CertificatesState, asked: m.CsrReceived, organization: str | None, signs: bool, now: datetime,
    limits: DomainLimits,
) -> Decision:  # fmt: skip
    """`organization`: the operator's name, where one is set; `signs`: there is a CA for this type."""
    type = asked.type or COMBINED
    print_ = digest("csr", type, asked.csr)
    known = request_of(state, type)
    if known is not None and known.digest == print_ and known.status in ("signing", "sent"):
        return Decision(reply=m.CsrReply("Accepted"))
    if known is not None and known.status == "signing" and now < known.at + limits.csr_patience:
        return Decision(reply=m.CsrReply("Rejected", "another request of this type is with the CA"))
    try:
        if not signs:
            raise csr_.BadCsr(f"there is no CA for certificates of type {type}")
        if type in OUR_DOOR:
            told = csr_.judge(asked.csr, (*asked.serials, here.station), organization)
        else:
            told = csr_.inspect(asked.csr)
    except csr_.BadCsr as bad:
        return _refused(here, state, f.CsrRefused(type, str(bad), now), now, reply=m.CsrReply("Rejected", str(bad)))
    request = f"r{state.number + 1}"
    fact = f.CsrTaken(request, type, print_, told.subject, now)
    body = msgspec.json.encode({"request": request, "csr": asked.csr, "type": type, "at": now})
    return decided(
        here, state, [fact], now,
        effects=(Effect(f"sign:{request}", "redeliver", TOPIC, body),),
        rows=(event(here, "certificate.requested", now, type=type, subject=told.subject),),
        reply=m.CsrReply("Accepted"),
    )  # fmt: skip


def _refused(here: Here, state: CertificatesState, fact: f.CsrRefused, now: datetime, **more: Any) -> Decision:
    """A request that cannot be signed is a security event of our own making."""
    rows = (
        event(here, "certificate.refused", now, type=fact.use, detail=fact.detail),
        event(here, "station.security", now, type="CsrRefused", critical=False, detail=fact.detail),
    )
    return decided(here, state, [fact], now, rows=rows, **more)


def decide_issued(
    here: Here, state: CertificatesState, issued: m.CertificateIssued, now: datetime, limits: DomainLimits
) -> Decision:
    request = next((known for known in state.requests if known.id == issued.request), None)
    settled = ((f"sign:{issued.request}", "done"),)
    if request is None or request.status != "signing":
        return Decision(settled=settled, reply=Done())
    try:
        card = c.card_of(c.read_one(issued.chain))
    except c.BadCertificate as bad:  # of a CA outside
        return decide_refused(here, state, m.CertificateRefused(issued.request, f"what the CA sent {bad}"), now)
    order = f"certificates:signed:{issued.request}"
    fact = f.Issued(
        request.id, request.type, card.fingerprint, card.serial, card.subject, card.not_before, card.not_after, order, now
    )  # fmt: skip
    type = None if request.type == COMBINED else request.type
    return decided(
        here, state, [fact], now,
        settled=settled,
        letters=(_order(here, order, i.CertificateSigned(issued.chain, type), now, limits),),
        rows=(event(here, "certificate.issued", now, type=request.type, serial=card.serial, subject=card.subject),),
        reply=Done(),
    )  # fmt: skip


def decide_refused(here: Here, state: CertificatesState, refused: m.CertificateRefused, now: datetime) -> Decision:
    request = next((known for known in state.requests if known.id == refused.request), None)
    settled = ((f"sign:{refused.request}", "failed"),)
    if request is None or request.status != "signing":
        return Decision(settled=settled, reply=Done())
    return _refused(
        here, state, f.CsrRefused(request.type, refused.detail, now, request.id), now, settled=settled, reply=Done()
    )  # fmt: skip


def _order(here: Here, id: str, intent: i.AnyIntent, now: datetime, limits: DomainLimits) -> Letter:
    by = sibling_address(here.tenant, CERTIFICATES, here.station)
    order = Order(id, now + limits.certificate_order_within, by, intent)
    return Letter(station_address(here.tenant, here.station), order)


# -- what the station made of it -------------------------------------------------------------------------------------------


def decide_delivered(
    here: Here, state: CertificatesState, leaf: Leaf, ended: OrderEnded, now: datetime, limits: DomainLimits
) -> Decision:
    """Of the order with a signed chain."""
    if isinstance(ended.outcome, i.CommandResult):
        status, detail = ("accepted" if ended.outcome.status == "Accepted" else "rejected"), ended.outcome.status
    else:
        # A station that was told and not heard may well have it, and come with it.
        status, detail = ("unknown" if ended.outcome.reason == "unknown" else "failed"), ended.outcome.reason
    fact = f.Delivered(leaf.fingerprint, status, now)
    line = event(here, f"certificate.{status}", now, type=leaf.type, serial=leaf.serial, detail=detail)
    timers = (_renewal(leaf, now, limits),) if status in HELD and leaf.type in OUR_DOOR else ()
    return decided(here, state, [fact], now, rows=(line,), timers=timers)


def _renewal(leaf: Leaf, now: datetime, limits: DomainLimits) -> Timer:
    life = leaf.not_after - leaf.not_before
    at = leaf.not_after - min(limits.renew_before, life / 3)
    return Timer(RENEWAL, max(at, now + timedelta(seconds=1)), m.RenewalDue())


def decide_renewal(here: Here, state: CertificatesState, due: m.RenewalDue, now: datetime, limits: DomainLimits) -> Decision:
    """Until there is another one: every day anew."""
    leaf = in_use(state)
    if leaf is None and not due.at_once:
        return NOTHING
    again = Timer(RENEWAL, now + limits.renew_again, m.RenewalDue())
    if any(order.purpose == "trigger" for order in state.orders):
        return Decision(timers=(again,))
    type = leaf.type if leaf is not None else STATION_CERTIFICATE
    decision = give(here, state, "trigger", {"type": type}, _trigger(type), now, limits)
    return msgspec.structs.replace(decision, timers=(again,), reply=None)


def _trigger(type: str) -> i.Trigger:
    return i.Trigger(f"Sign{'CombinedCertificate' if type == COMBINED else type}")


def give(
    here: Here, state: CertificatesState, purpose: str, subject: dict[str, Any], intent: i.AnyIntent, now: datetime,
    limits: DomainLimits, *, facts: tuple[Any, ...] = (),
) -> Decision:  # fmt: skip
    """Order something of the station. Reply: Ordered, or Refused when too much is under way."""
    if len(state.orders) >= limits.certificate_orders:
        return Decision(reply=Refused("conflict", f"{len(state.orders)} orders about certificates are under way"))
    id = f"certificates:{purpose}:{state.number + 1}"
    fact = f.OrderGiven(id, purpose, subject, now)
    reply = m.Ordered((id,), now + limits.certificate_order_within)
    return decided(here, state, [fact, *facts], now, letters=(_order(here, id, intent, now, limits),), reply=reply)


def decide_renew(here: Here, state: CertificatesState, message: m.RenewNow, now: datetime, limits: DomainLimits) -> Decision:
    if message.type not in RENEWABLE:
        return Decision(reply=Refused("invalid", f"one of {', '.join(RENEWABLE)}", "type"))
    return give(here, state, "trigger", {"type": message.type, "who": message.who}, _trigger(message.type), now, limits)


RENEWABLE = (STATION_CERTIFICATE, V2G_CERTIFICATE, COMBINED)
INSTALLABLE = ("CSMSRootCertificate", "ManufacturerRootCertificate", "V2GRootCertificate", "MORootCertificate")


def decide_install(here: Here, state: CertificatesState, message: m.InstallRoot, now: datetime, limits: DomainLimits) -> Decision:
    if message.type not in INSTALLABLE:
        return Decision(reply=Refused("invalid", f"one of {', '.join(INSTALLABLE)}", "type"))
    try:
        certificate = c.read_one(message.certificate)
        card = c.card_of(certificate)
    except c.BadCertificate as error:
        return Decision(reply=Refused("invalid", str(error), "certificate"))
    if not card.not_before <= now < card.not_after:
        return Decision(reply=Refused("invalid", "it is not valid now", "certificate"))
    pem = c.to_pem(certificate)
    subject = {
        "type": message.type,
        "subject": card.subject,
        "hash": msgspec.to_builtins(c.hash_of(certificate, certificate)) if c.issued_by(certificate, certificate) else None,
        "who": message.who,
    }
    return give(here, state, "install", subject, i.InstallCertificate(message.type, pem), now, limits)


def decide_remove(
    here: Here, state: CertificatesState, message: m.RemoveInstalled, now: datetime, limits: DomainLimits
) -> Decision:
    known = next((entry for entry in state.installed if c.same_hash(entry.hash, message.hash)), None)
    subject = {"hash": msgspec.to_builtins(message.hash), "who": message.who}
    intent = i.DeleteCertificate(message.hash, known.type if known is not None else None)
    return give(here, state, "delete", subject, intent, now, limits)


def decide_read(here: Here, state: CertificatesState, message: m.ReadInstalled, now: datetime, limits: DomainLimits) -> Decision:
    """Type by type: 1.6 knows no other way, and 2.x does not mind."""
    orders: list[str] = []
    facts: list[Any] = []
    letters: list[Letter] = []
    types = INSTALLABLE[:2] if state.protocol == "ocpp1.6" else (*INSTALLABLE, "V2GCertificateChain")
    for n, type in enumerate(types, start=1):
        if len(state.orders) + n > limits.certificate_orders:
            return Decision(reply=Refused("conflict", f"{len(state.orders)} orders about certificates are under way"))
        id = f"certificates:read:{state.number + n}"
        orders.append(id)
        facts.append(f.OrderGiven(id, "read", {"type": type, "who": message.who}, now))
        letters.append(_order(here, id, i.GetInstalledCertificateIds((type,)), now, limits))
    reply = m.Ordered(tuple(orders), now + limits.certificate_order_within)
    return decided(here, state, facts, now, letters=letters, reply=reply)


def decide_revoke(here: Here, state: CertificatesState, message: m.RevokeIssued, now: datetime) -> Decision:
    leaf = next((leaf for leaf in state.leafs if leaf.fingerprint == message.fingerprint.lower()), None)
    if leaf is None:
        return Decision(reply=Refused("unknown", "no such certificate was issued to this station"))
    if leaf.status == "revoked":
        return DONE
    letter = Revoke(leaf.fingerprint, leaf.not_after, message.who, leaf.serial, here.station, message.reason)
    fact = f.IssuedRevoked(leaf.fingerprint, message.reason, message.who, now)
    return decided(here, state, [fact], now, letters=(Letter(authority_address(here.tenant), letter),), reply=Done())


# -- the book of what is installed -----------------------------------------------------------------------------------------


def installed_facts(
    state: CertificatesState, intent: i.AnyIntent, result: i.CommandResult, now: datetime, subject: dict[str, Any] | None = None
) -> list[Any]:
    """What the station's answer to a command says of its certificates."""
    if isinstance(intent, i.InstallCertificate) and result.status == "Accepted":
        return _one_more(intent, now)
    if isinstance(intent, i.DeleteCertificate) and result.status in ("Accepted", "NotFound"):
        return [f.InstalledGone(intent.hash, now)]
    if isinstance(intent, i.GetInstalledCertificateIds) and result.status in ("Accepted", "NotFound"):
        return [f.InstalledTold(intent.types or (*INSTALLABLE, "V2GCertificateChain"), _told(result), now)]
    return []


def _one_more(intent: i.InstallCertificate, now: datetime) -> list[Any]:
    try:
        certificate = c.read_one(intent.certificate)
    except c.BadCertificate:
        return []
    if not c.issued_by(certificate, certificate):
        return []  # its issuer's key is needed for its hash: the next report tells
    entry = f.InstalledEntry(intent.type, c.hash_of(certificate, certificate), certificate.subject.rfc4514_string())
    return [f.InstalledTold((intent.type,), (entry,), now, whole=False)]


def _told(result: i.CommandResult) -> tuple[f.InstalledEntry, ...]:
    entries = []
    for item in result.data.get("certificates", ()):
        try:
            children = tuple(msgspec.convert(child, i.CertificateHash) for child in item.get("children", ()))
            entries.append(f.InstalledEntry(item["type"], msgspec.convert(item["hash"], i.CertificateHash), "", children))
        except (msgspec.ValidationError, KeyError, TypeError):
            continue
    return tuple(entries)


def decide_intent_done(here: Here, state: CertificatesState, told: IntentDone, now: datetime) -> Decision:
    """Somebody else's command; those about certificates are never sealed."""
    if told.intent is None:
        return NOTHING
    facts = installed_facts(state, told.intent, told.result, now)
    return decided(here, state, facts, now) if facts else NOTHING


def decide_booted(here: Here, state: CertificatesState, told: StationBooted, now: datetime, limits: DomainLimits) -> Decision:
    """Another station behind the same name: what it has installed is asked anew, if it was ever asked."""
    fact = f.VersionTold(told.protocol, now)
    if not told.changed or not state.installed:
        return Decision(facts=(fact,))
    decision = decide_read(here, apply(state, fact), m.ReadInstalled("another station booted"), now, limits)
    return msgspec.structs.replace(decision, facts=(fact, *decision.facts), reply=None)


def ordered_facts(order: OpenOrder, result: i.CommandResult, now: datetime) -> list[Any]:
    """The same for an order of our own, of which only the subject is kept."""
    subject = order.subject
    if order.purpose == "install" and result.status == "Accepted" and subject.get("hash"):
        hash = msgspec.convert(subject["hash"], i.CertificateHash)
        entry = f.InstalledEntry(subject["type"], hash, subject.get("subject", ""))
        return [f.InstalledTold((subject["type"],), (entry,), now, whole=False)]
    if order.purpose == "delete" and result.status in ("Accepted", "NotFound"):
        return [f.InstalledGone(msgspec.convert(subject["hash"], i.CertificateHash), now)]
    if order.purpose == "read" and result.status in ("Accepted", "NotFound"):
        return [f.InstalledTold((subject["type"],), _told(result), now)]
    return []


def order_event(here: Here, order: OpenOrder, status: str, now: datetime) -> EventRow:
    told = {name: order.subject[name] for name in ("type", "subject") if order.subject.get(name)}
    return event(here, f"certificate.{order.purpose}", now, status=status, about=told)
