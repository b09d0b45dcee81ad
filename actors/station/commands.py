"""The lane towards the station: what an operator (or the system) wants of it. Pure functions.

A CALL is not idempotent, so it is an effect of class "once": `CommandIssued` and its `not_after` are committed before
anything is sent, and it is never sent twice. The asker waits (`later`) while the station's inbox goes on. What the
node forgot in a crash ends as "unknown": nobody can tell, and nothing is repeated.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, get_args

import msgspec

from actors.limits import DomainLimits
from actors.model import intents as i
from actors.model.decision import NOTHING, Decision, Effect, Letter, Refused
from actors.model.intents import (
    CommandFailure,
    CommandResult,
    RequestStart,
    RequestStop,
)
from actors.station import credentials
from actors.station import facts as f
from actors.station import messages as m
from actors.station.decide import Station
from actors.station.orders import TOPIC, told
from actors.station.rows import event, station_row
from actors.station.state import OpenCommand, StationState, apply


def refusal(state: StationState, command: m.Command, now: datetime, limits: DomainLimits) -> Refused | None:
    """Why this command is not even rendered. PROTOCOLS 2.4: nothing is sent to a station whose boot was rejected, and
    no remote start or stop before it was accepted."""
    if not state.registered:
        return Refused("unknown", "there is no such station")
    if command.not_after <= now:
        return Refused("expired", "the time in which this was to be sent is over")
    for known, outcome in state.settled:
        if known == command.id:
            return Refused("conflict", f"this command was sent before; it ended as {outcome}")
    if state.boot_status == "Rejected":
        return Refused("state", "the station's boot was rejected: nothing may be sent to it")
    if state.boot_status != "Accepted" and isinstance(command.intent, RequestStart | RequestStop):
        return Refused("state", "the station has not been accepted yet: no remote start or stop")
    refused = credentials.refusal(state, command.intent)
    if refused is not None:
        return refused
    if len(state.commands) >= limits.open_commands:
        return Refused("conflict", f"{len(state.commands)} commands are under way already")
    return None


def decide_issue(
    here: Station,
    state: StationState,
    prepared: m.PreparedCommand,
    token_ref: str | None,
    now: datetime,
    request_id: int | None = None,
    secret: bytes | None = None,
) -> Decision:
    """Commit the attempt; it is sent after the commit (`released`). `secret`: the hash of a new password."""
    command, wire = prepared.command, prepared.wire
    intent = type(command.intent).__name__
    fact = f.CommandIssued(
        command.id, intent, wire.action, command.not_after, command.who, now, token_ref,
        getattr(command.intent, "evse", None), request_id,
    )  # fmt: skip
    body = msgspec.json.encode({"action": wire.action})
    begun = credentials.begun(state, command.intent, command.id, secret, now)
    return Decision(
        facts=(fact, *begun),
        effects=(Effect(command.id, "once", TOPIC, body, command.not_after),),
        rows=(
            event(here.tenant, here.id, "command.issued", now, id=command.id, action=wire.action),
            *changed_row(here, state, begun, now),
        ),
        later=command.id,
    )


def changed_row(here: Station, state: StationState, facts: Sequence[Any], now: datetime) -> tuple[Any, ...]:
    """The station's row after `facts`, which admission reads; none where there are none."""
    if not facts:
        return ()
    for fact in facts:
        state = apply(state, fact)
    return (station_row(here.tenant, here.id, state, now),)


def transaction_named(intent: i.AnyIntent) -> str | None:
    """The transaction that an intent is about, as its caller named it."""
    profile = getattr(intent, "profile", None)
    named = getattr(intent, "transaction_id", None) or getattr(profile, "transaction_id", None)
    return named if isinstance(named, str) else None


def about_transaction(intent: Any, transaction_id: str) -> Any:
    """The same intent about the transaction as the station itself calls it."""
    if getattr(intent, "transaction_id", None):
        return msgspec.structs.replace(intent, transaction_id=transaction_id)
    return msgspec.structs.replace(intent, profile=msgspec.structs.replace(intent.profile, transaction_id=transaction_id))


def is_open(state: StationState, command: str) -> bool:
    return open_command(state, command) is not None


def open_command(state: StationState, id: str) -> OpenCommand | None:
    return next((command for command in state.commands if command.id == id), None)


_REQUESTED: dict[type, str] = {i.RequestStart: "remote_start_id"} | {
    intent: "request_id" for intent in get_args(i.AnyIntent) if "request_id" in intent.__struct_fields__
}
"""Intent -> its field for the id under which its data will come later."""


def numbered(state: StationState, intent: i.AnyIntent) -> tuple[i.AnyIntent, int | None]:
    """The intent with a request id that was never used for this station, where it has a place for one; and that id."""
    field = _REQUESTED.get(type(intent))
    if field is None:
        return intent, None
    given: int = getattr(intent, field)
    if given:
        return intent, given
    return msgspec.structs.replace(intent, **{field: state.next_request}), state.next_request


def carried(wire: m.WireCall, given: i.AnyIntent, request_id: int | None) -> tuple[m.WireCall, int | None]:
    """What of a filled-in id went out: a version that cannot carry it lost nothing that anybody had asked for."""
    field = _REQUESTED.get(type(given))
    if field is None or field not in wire.lost:
        return wire, request_id
    if getattr(given, field):
        return wire, None
    return msgspec.structs.replace(wire, lost=tuple(name for name in wire.lost if name != field)), None


def decide_done(
    here: Station,
    state: StationState,
    done: m.CommandDone,
    sent: m.Sent | None,
    intent: i.AnyIntent | None,
    now: datetime,
    concern: Sequence[Letter] = (),
    history: tuple[Sequence[Any], Sequence[Any]] = ((), ()),
) -> Decision:
    """The station's answer, or why there is none. `sent` answers whoever still waits; a report on a command that is
    settled already changes nothing. `intent`: what was sent, while that is known. `concern`: letters to the siblings whose
    books the answer concerns; `history`: facts and rows that the answer adds to the station's own books."""
    command = open_command(state, done.id)
    if command is None:
        return NOTHING
    outcome = done.outcome
    if isinstance(outcome, CommandResult):
        settled, status = "done", outcome.status
    else:
        settled = "unknown" if outcome.reason in ("unknown", "timeout") else "failed"
        status = outcome.reason
    facts: list[Any] = [f.CommandSettled(done.id, settled, status, now)]
    rows: list[Any] = [event(here.tenant, here.id, "command.settled", now, id=done.id, outcome=settled, status=status)]
    credential_facts = credentials.ended(state, done.id, intent, outcome, now)
    facts += credential_facts
    rows += changed_row(here, state, credential_facts, now)
    facts += history[0]
    rows += history[1]
    protocol, lost = (sent.protocol, sent.wire.lost) if sent is not None else ("", ())
    letters = told(here, (command,), outcome, protocol, lost)
    letters += concern
    return Decision(
        facts=facts,
        settled=((done.id, settled),),
        rows=rows,
        letters=letters,
        answers=((done.id, sent),) if sent is not None else (),
        reply=m.Done(),
    )


def decide_lost(here: Station, state: StationState, ids: Sequence[str], now: datetime) -> Decision:
    """Commands of whose CALL nobody can report any more: the node died, or their connection closed."""
    commands = [command for command in state.commands if command.id in ids]
    if not commands:
        return NOTHING
    lost = [command.id for command in commands]
    facts = [f.CommandSettled(known, "unknown", "unknown", now) for known in lost]
    rows = [event(here.tenant, here.id, "command.settled", now, id=known, outcome="unknown", status="unknown") for known in lost]
    letters = told(here, commands, CommandFailure("unknown", detail="nobody can report on it any more"))
    return Decision(facts=facts, settled=[(known, "unknown") for known in lost], rows=rows, letters=letters)
