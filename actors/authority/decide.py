"""A tenant's certificate authority: pure functions of state, message and time."""

from datetime import datetime
from typing import Any

from actors.authority import facts as f
from actors.authority import messages as m
from actors.authority.state import AuthorityState, apply
from actors.limits import DomainLimits
from actors.model import certificate as c
from actors.model.decision import Decision, Refused
from actors.model.rows import AuthorityRow, EventRow
from actors.station.messages import Done


def decide_made(tenant: str, state: AuthorityState, made: m.Made, now: datetime) -> Decision:
    if state.material is not None:
        return Decision(reply=state.material)
    if made.material is None:
        return Decision(reply=Refused("unsupported", "this node has nothing to make a certificate authority with"))
    return _changed(tenant, state, f.Founded(made.material, now), now, "authority.founded", made.material)


def decide_trust(tenant: str, state: AuthorityState, message: m.Trust, now: datetime, limits: DomainLimits) -> Decision:
    if message.use not in m.USES:
        return Decision(reply=Refused("invalid", f"one of {', '.join(m.USES)}", "use"))
    try:
        chain = c.read_chain(message.certificate)
        card = c.card_of(chain[0])
    except c.BadCertificate as error:
        return Decision(reply=Refused("invalid", str(error), "certificate"))
    if len(chain) > 1:
        return Decision(reply=Refused("invalid", "one certificate at a time", "certificate"))
    if not card.ca:
        return Decision(reply=Refused("invalid", "it is not the certificate of a CA (basic constraints)", "certificate"))
    if card.not_after <= now:
        return Decision(reply=Refused("invalid", f"it expired at {card.not_after.isoformat()}", "certificate"))
    known = any((t.use, t.fingerprint) == (message.use, card.fingerprint) for t in state.trusted)
    if known:
        return Decision(reply=m.Trusted(card.fingerprint, created=False))
    if len(state.trusted) >= limits.trusted_authorities:
        return Decision(reply=Refused("conflict", f"{len(state.trusted)} CAs are trusted already: remove one first"))
    fact = f.OtherTrusted(
        message.use, card.fingerprint, c.to_pem(chain[0]), card.subject, card.not_after, message.who, now
    )  # fmt: skip
    reply = m.Trusted(card.fingerprint, created=True)
    return _changed(tenant, state, fact, now, "authority.trusted", reply, use=message.use, subject=card.subject)


def decide_distrust(tenant: str, state: AuthorityState, message: m.Distrust, now: datetime) -> Decision:
    known = [t for t in state.trusted if (t.use, t.fingerprint) == (message.use, message.fingerprint)]
    if not known:
        return Decision(reply=Refused("unknown", "this CA is not trusted for that"))
    fact = f.OtherDistrusted(message.use, message.fingerprint, message.who, now)
    return _changed(tenant, state, fact, now, "authority.distrusted", Done(), use=message.use, subject=known[0].subject)


def decide_revoke(tenant: str, state: AuthorityState, message: m.Revoke, now: datetime) -> Decision:
    """Twice is once; what has expired need not be remembered."""
    if message.until <= now or any(known.fingerprint == message.fingerprint for known in state.revoked):
        return Decision(reply=Done())
    fact = f.Revoked(message.fingerprint, message.serial, message.station, message.reason, message.until, message.who, now)
    told = {"station": message.station, "serial": message.serial, "reason": message.reason}
    return _changed(tenant, state, fact, now, "certificate.revoked", Done(), **told)


def _changed(tenant: str, state: AuthorityState, fact: Any, now: datetime, kind: str, reply: Any, **told: Any) -> Decision:
    event = EventRow(tenant=tenant, kind=kind, subject=tenant, at=now, body=told)
    return Decision(facts=(fact,), rows=(authority_row(tenant, apply(state, fact), now), event), reply=reply)


def authority_row(tenant: str, state: AuthorityState, now: datetime) -> AuthorityRow:
    return AuthorityRow(
        tenant=tenant,
        chain=list(state.material.chain) if state.material is not None else [],
        trusted=[[known.use, known.certificate] for known in state.trusted],
        revoked=[known.fingerprint for known in state.revoked],
        updated_at=now,
    )
