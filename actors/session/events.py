"""What a session answers to the events of an OCPP 2.x transaction (PROTOCOLS 3.3): pure functions.

Every event is a fact and always answered. The first that comes opens the session, even if it is not Started. A number
that is known already is a retry: the same answer, nothing changes. Ended ends the session once nothing is missing
between the two; until then it stays open, and a durable timer sees to it that it does not wait for ever.
`conclude.py` ends, rates and books.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from actors.evse.messages import SessionAuthorised, SessionClosed, SessionOpened
from actors.limits import DomainLimits
from actors.model.decision import Decision, Letter, Signal, Timer
from actors.model.ids import evse_address, session_address, session_id_for_transaction, station_address
from actors.model.intents import MessageText
from actors.model.rows import NumberRow
from actors.session import book as b
from actors.session import facts as f
from actors.session import messages as m
from actors.session.apply import apply
from actors.session.conclude import GAP, conclude
from actors.session.letters import reservation_used
from actors.session.rows import event, has_evse, place_of, session_row
from actors.session.running import cost_so_far
from actors.session.state import SessionState, expects_events, row_due
from actors.session.told import cost_due, worth_showing
from actors.session.wallet import trimmed
from actors.station.messages import RouteKnown, TransactionEvent, TransactionReply
from actors.wallet.sizing import without_hold

METER_TRIGGERS = frozenset({"MeterValuePeriodic", "MeterValueClock"})
OVERDUE = "overdue"
NOTHING_NEW = TransactionReply()
MESSAGE_LENGTH = 512
"""MessageContent.content (2.0.1)."""


def decide_event(session: str, state: SessionState, message: m.Event, now: datetime, limits: DomainLimits) -> Decision:
    told = message.told
    if state.stop is not None and _is_another(state, told):
        return _next_generation(session, state, message)
    if state.book is not None and b.knows(state.book, told.seq):
        return _again(session, state, message, now)
    facts = _facts(state, message)
    if _goes_without_saying(state, facts, now):
        return Decision(facts=facts, signals=_route(session, state, state, message), reply=NOTHING_NEW)
    after = state
    for fact in facts:
        after = apply(after, fact)
    assert after.book is not None, "an event is in the book"
    waiting = expects_events(state)
    if waiting and b.complete(after.book):
        decision = conclude(session, state, after, facts, now, lambda ended: answer(ended, message))
        return replace(
            decision,
            letters=(*decision.letters, *_vacated(session, state, after), *reservation_used(session, state, after)),
            rows=(*_numbered(session, state, after), *decision.rows),
            signals=_route(session, state, after, message),
        )
    reply = answer(after, message)
    timers: list[Timer] = []
    if state.phase == "new":
        timers.append(Timer(OVERDUE, now + limits.overdue_after, m.Overdue(now)))
    if waiting and after.book.ended is not None and (state.book is None or state.book.ended is None):
        patience = limits.gap_timeout if message.gap_timeout is None else timedelta(seconds=message.gap_timeout)
        timers.append(Timer(GAP, now + patience, m.GapOver(now)))
    rows: Sequence[Any] = ()
    if not waiting or after.book.ended is not None or after.phase != state.phase or worth_showing(state, facts[0]):
        rows = (*_numbered(session, state, after), session_row(session, after, now), event(session, after, _kind(state), now))
    return Decision(
        facts=facts,
        rows=rows,
        letters=(
            *_vacated(session, state, after),
            *reservation_used(session, state, after),
            *_occupied(session, state, after),
            *_remembered(session, state, after, now),
        ),
        signals=_route(session, state, after, message),
        timers=timers,
        reply=reply,
    )


def _goes_without_saying(state: SessionState, facts: list[Any], now: datetime) -> bool:
    """One reading more of a charge that goes on, with neither row nor cost due: most events are that."""
    book = state.book
    return (
        book is not None
        and type(facts[0]) is f.EventMetered
        and book.ended is None
        and (state.phase != "started" or bool(book.moves))
        and expects_events(state)
        and not row_due(state, now)
        and not cost_due(book, now)
    )


def decide_gap_over(session: str, state: SessionState, message: m.GapOver, now: datetime, limits: DomainLimits) -> Decision:
    """What is missing did not come: it goes on with what is there, and an operator sees that there was a gap."""
    if state.book is None or state.book.ended is None or not expects_events(state):
        return Decision()
    return conclude(session, state, state, [], now, _nobody)


def _nobody(state: SessionState) -> None:
    """A timer waits for no answer."""


def answer(state: SessionState, message: m.Event) -> TransactionReply:
    """A verdict where the event carried a token; the final cost to Ended, the running one now and then to Updated."""
    told = message.told
    cost = None
    if told.type == "Ended":
        cost = final_cost(state)
    elif told.type == "Updated" and state.book is not None and state.book.priced_seq == told.seq and expects_events(state):
        running = cost_so_far(state, told.at)
        cost = None if running is None else running.incl.major()
    accepted = message.verdict is not None and message.verdict.accepted
    return TransactionReply(
        verdict=message.verdict,
        total_cost=cost,
        priority=message.priority if accepted else None,
        message=_tariff_text(state, message.notes.languages if message.notes else ()) if accepted else None,
        notes=message.notes if accepted else None,
    )


def final_cost(state: SessionState) -> Decimal | None:
    """With taxes, in major units; 0 where nothing is due, None where nobody can tell yet."""
    if state.phase == "waived":
        return Decimal(0)
    return None if state.cost is None else state.cost.incl.major()


def _tariff_text(state: SessionState, languages: Sequence[str]) -> MessageText | None:
    """The text that the operator wrote for drivers (OCPI tariff_alt_text), in the driver's language or else its first."""
    told = state.tariff.body.get("tariff_alt_text") if state.tariff is not None else None
    texts = [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []
    if not texts:
        return None
    spoken = (each for wanted in languages for each in texts if _same_language(each.get("language"), wanted))
    chosen = next(spoken, texts[0])
    text, language = chosen.get("text"), chosen.get("language")
    if not isinstance(text, str) or not text:
        return None
    return MessageText(text[:MESSAGE_LENGTH], language=language if isinstance(language, str) else None)


def _same_language(one: Any, other: str) -> bool:
    """ "de" and "de-AT" are, for who has to choose among few."""
    return isinstance(one, str) and one.partition("-")[0].lower() == other.partition("-")[0].lower()


def _again(session: str, state: SessionState, message: m.Event, now: datetime) -> Decision:
    """A number that is known. Another content under it is kept and flagged; a hash that is forgotten counts as equal, unless the
    number may be one of a gap that was too many to be kept apart: then it may come for the first time, and is kept."""
    told, book = message.told, state.book
    assert book is not None
    reply = answer(state, message)
    signals = _route(session, state, state, message)
    first = b.content_of(book, told.seq)
    retry = first == told.content or (first is None and not book.holed)
    if retry or (told.seq, told.content) in book.contested:
        return Decision(reply=reply, signals=signals)
    fact = f.EventContradicted(
        told.seq, told.type, told.at, message.received, told.trigger, told.content, told.token, told.charging_state,
        told.readings,
    )  # fmt: skip
    after = apply(state, fact)
    rows = (session_row(session, after, now), event(session, after, "session.flagged", now))
    return Decision(facts=(fact,), rows=rows, reply=reply, signals=signals)


def _is_another(state: SessionState, told: TransactionEvent) -> bool:
    """Some stations count their transactions, and count from the beginning again: what starts after the end of this one is
    another charge. What follows it comes here too, and goes there. A retry is none, even of a station whose clock was set
    back in between, so that it started after it ended."""
    if state.ended_at is None or told.at <= state.ended_at or (told.type != "Started" and state.repeated is None):
        return False
    return state.book is None or not b.is_retry(state.book, told)


def _next_generation(session: str, state: SessionState, message: m.Event) -> Decision:
    """To the session of the same id that comes after this one. The first of them remembers the latest, so that there are never
    many to ask."""
    place = place_of(state)
    following = state.repeated
    generation = state.generation + 1
    if following is None:
        following = session_id_for_transaction(place.station, state.transaction_id, generation)
    message = replace(message, generation=generation, verdict=without_hold(message.verdict))
    return Decision(forward=(session_address(place.tenant, following), message))


def _remembered(session: str, before: SessionState, after: SessionState, now: datetime) -> Sequence[Letter]:
    if before.phase != "new" or not after.generation:
        return ()
    place = place_of(after)
    first = session_id_for_transaction(place.station, after.transaction_id)
    return (Letter(session_address(place.tenant, first), m.Repeated(session, now)),)


# -- facts


def _prices(state: SessionState, message: m.Event, usual: bool) -> bool:
    """Does the tariff that came along become the session's? `usual`: the event opens it, or is its start. A card's token brings
    the one that its driver agreed to, which nothing replaces: the plug may have come first, or the start late."""
    if message.verdict is not None and message.verdict.payment.startswith("attempt:"):
        return True
    return usual and (state.verdict is None or not state.verdict.payment.startswith("attempt:"))


def _facts(state: SessionState, message: m.Event) -> list[Any]:
    told = message.told
    flags = _flags(state, message)
    metered = f.EventMetered(told.seq, told.at, message.received, told.content, told.readings) if told.readings else None
    if metered is not None and state.book is not None and _only_readings(told, state.book):
        return [replace(metered, flags=flags) if flags else metered]
    first, started = state.phase == "new", told.type == "Started"
    opening = f.EventTold(
        seq=told.seq,
        kind=told.type,
        at=told.at,
        received=message.received,
        trigger=told.trigger,
        content=told.content,
        transaction_id="" if state.transaction_id else told.transaction_id,
        place=message.place if _is_news(state, message) else None,
        number=message.number if first else 0,
        tariff=message.tariff if _prices(state, message, first or started) else None,
        token=told.token,
        verdict=message.verdict,
        charging_state=told.charging_state,
        stopped_reason=told.stopped_reason,
        remote_start_id=told.remote_start_id,
        reservation=told.reservation,
        time_spent_charging=told.time_spent_charging,
        cable_max_current=told.cable_max_current,
        phases_used=told.phases_used,
        offline=told.offline,
        flags=flags,
        generation=message.generation if first else 0,
        merchant=trimmed(message.merchant),
    )
    return [opening] if metered is None else [opening, metered]


def _only_readings(told: TransactionEvent, book: b.Book) -> bool:
    """The many events that tell nothing but the meter: one fact is enough. The charging state is nothing new where it is
    that of before and nothing is missing in between."""
    return (
        told.type == "Updated"
        and told.trigger in METER_TRIGGERS
        and told.token is None
        and told.evse is None
        and (told.charging_state is None or b.repeats(book, told.seq, told.charging_state))
        and told.time_spent_charging is None
        and told.phases_used is None
        and told.cable_max_current is None
        and told.remote_start_id is None
        and told.reservation is None
        and not told.offline
    )


def _is_news(state: SessionState, message: m.Event) -> bool:
    """The place of the first event; then where the EVSE becomes known, by the event with the lowest number."""
    known, place = state.place, message.place
    if known is None:
        return True
    if message.told.evse is None or (known.evse, known.connector) == (place.evse, place.connector):
        return False
    seq = state.book.place_seq if state.book is not None else None
    return seq is None or message.told.seq < seq or (known.evse == place.evse and message.told.connector is not None)


def _flags(state: SessionState, message: m.Event) -> tuple[str, ...]:
    told = message.told
    flags = (*told.flags, *message.flags)
    if not expects_events(state):
        return (*flags, "event_after_end")
    known = state.place
    if known is not None and known.evse and told.evse is not None and message.place.evse != known.evse:
        flags = (*flags, "evse_contradicted")
    book = state.book
    if state.phase == "new" and message.generation:
        flags = (*flags, "transaction_id_reused")
    if book is not None:
        if told.type == "Started" and book.started is not None:
            flags = (*flags, "started_again")
        if told.type == "Ended" and book.ended is not None:
            flags = (*flags, "ended_again")
    return flags


# -- the rest of the turn


def _kind(before: SessionState) -> str:
    return "session.started" if before.phase == "new" else "session.updated"


def _numbered(session: str, before: SessionState, after: SessionState) -> Sequence[NumberRow]:
    if before.number or not after.number:
        return ()
    place = place_of(after)
    return (NumberRow(tenant=place.tenant, number=after.number, station=place.station, session=session),)


def _route(session: str, before: SessionState, after: SessionState, message: m.Event) -> Sequence[Signal]:
    """To the station, where it offers a number: it does not know that the session exists."""
    if not message.number:
        return ()
    place = place_of(after)
    known = RouteKnown(after.number, session, place.evse, place.connector, after.transaction_id)
    return (Signal(station_address(place.tenant, place.station), known),)


def _occupied(session: str, before: SessionState, after: SessionState) -> Sequence[Letter]:
    """The EVSE hears of the session as soon as the station names it, and of its token as soon as there is one."""
    place, was = place_of(after), before.place
    if not after.open or not has_evse(place):
        return ()
    to, ref = evse_address(place.tenant, place.station, place.evse), _ref(after)
    if was is not None and was.evse == place.evse:
        if ref is None or ref == _ref(before):
            return ()
        assert after.heard_at is not None, "an event was heard"
        return (Letter(to, SessionAuthorised(session, ref, after.heard_at)),)
    assert after.started_at is not None, "an open session has an event"
    return (Letter(to, SessionOpened(session, place.connector, after.started_at, ref)),)


def _ref(state: SessionState) -> str | None:
    return state.token.ref if state.token is not None else None


def _vacated(session: str, before: SessionState, after: SessionState) -> Sequence[Letter]:
    """An event with a lower number named another EVSE: the one believed so far is free."""
    was, place = before.place, place_of(after)
    if was is None or not has_evse(was) or was.evse == place.evse or not before.open:
        return ()
    assert after.heard_at is not None, "an event was heard"
    return (Letter(evse_address(was.tenant, was.station, was.evse), SessionClosed(session, after.heard_at)),)
