"""What a campaign does with what it is told: pure functions of state, message and time. `turn.py` is how it goes on."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from actors.campaign import facts as f
from actors.campaign import messages as m
from actors.campaign import targets as t
from actors.campaign import work
from actors.campaign.rows import definition_view, summary, target_view
from actors.campaign.state import (
    DELETED,
    DRAFT,
    ENDED,
    GATHERING,
    PAUSED,
    RUNNING,
    SCHEDULED,
    UNDER_WAY,
    CampaignState,
)
from actors.campaign.turn import NEXT, START, Turn, target_timer
from actors.model.campaign import FirmwareWork
from actors.model.decision import NOTHING, Decision, Refused
from actors.model.intents import CommandFailure
from actors.station.letters import FirmwareProgress, OrderEnded
from actors.station.messages import Done
from actors.station.orders import NOT_SENT
from actors.station.state import FIRMWARE_ENDS

UNKNOWN = Decision(reply=Refused("unknown", "there is no such campaign"))


def is_there(state: CampaignState) -> bool:
    return state.phase not in ("", DELETED)


def decide(turn: Turn, message: Any) -> Decision:
    """A message of no known class is a bug and raises KeyError."""
    kind = type(message)
    if kind is m.Create:
        return _create(turn, message)
    if not is_there(turn.state):
        return UNKNOWN if kind in _ASKED else NOTHING
    if kind in _ASKED:
        return _ASKED[kind](turn, message)
    _TOLD[kind](turn, message)
    turn.go_on()
    return turn.decision()


# -- the operator ----------------------------------------------------------------------------------------------------------


def _create(turn: Turn, message: m.Create) -> Decision:
    if is_there(turn.state):
        return Decision(reply=Refused("exists", "there is a campaign of this id"))
    turn.put(f.Created(message.definition, message.who, turn.now))
    start_at = message.definition.start_at
    if start_at is not None:
        turn.timer(START, max(start_at, turn.now), m.StartDue())
    turn.tell("created", name=message.definition.name, who=message.who)
    return turn.decision(Done())


def _look(turn: Turn, message: m.Look) -> Decision:
    shown = summary(turn.here[2], turn.state)
    return Decision(reply={**shown, "definition": definition_view(turn.definition)})


def _look_stations(turn: Turn, message: m.LookStations) -> Decision:
    if message.after is not None and turn.state.target(message.after) is None:
        return Decision(reply=Refused("invalid", "it names no station of this campaign", "cursor"))
    passed = message.after is None
    found: list[tuple[str, t.Target]] = []
    for station, target in turn.state.everybody():
        if passed and message.state in (None, target.state):
            found.append((station, target))
            if len(found) > message.limit:
                break
        passed = passed or station == message.after
    page = found[: message.limit]
    more = page[-1][0] if len(found) > message.limit and page else None
    return Decision(reply=m.StationsPage(tuple(target_view(*one) for one in page), more))


def _delete(turn: Turn, message: m.Delete) -> Decision:
    if turn.state.phase in UNDER_WAY:
        return Decision(reply=Refused("state", "it is under way: cancel it first"))
    for station, target in turn.state.everybody():
        if target.state == t.RETRYING:
            turn.timer(target_timer(station), None)
    turn.timer(START, None)
    turn.timer(NEXT, None)
    turn.put(f.Deleted(message.who, turn.now))
    turn.tell("deleted", who=message.who)
    return turn.decision(Done())


_ALLOWED: dict[str, tuple[str, ...]] = {
    "start": (DRAFT, SCHEDULED),
    "pause": (GATHERING, RUNNING),
    "resume": (PAUSED,),
    "cancel": (DRAFT, SCHEDULED, GATHERING, RUNNING, PAUSED),
    "retry": (RUNNING, PAUSED, ENDED),
}
"""Command -> the phases in which it makes sense."""


def _control(turn: Turn, message: m.Control) -> Decision:
    phase, allowed = turn.state.phase, _ALLOWED[message.action]
    if phase not in allowed:
        return Decision(reply=Refused("state", f"the campaign is {phase}; this takes one that is {' or '.join(allowed)}"))
    if message.action == "retry" and not turn.state.counts.get(t.FAILED, 0):
        return Decision(reply=Refused("state", "no station has failed"))
    _COMMANDS[message.action](turn, message.who)
    turn.go_on()
    return turn.decision(summary(turn.here[2], turn.state))


def _start(turn: Turn, who: str) -> None:
    turn.put(f.Started(who, turn.now))
    turn.tell("started", who=who)
    turn.timer(START, None)
    turn.timer(NEXT, turn.now, m.Advance())


def _pause(turn: Turn, who: str) -> None:
    turn.pause("", who)


def _resume(turn: Turn, who: str) -> None:
    turn.put(f.Resumed(who, turn.now))
    turn.tell("resumed", who=who)
    turn.timer(NEXT, turn.now, m.Advance())


def _cancel(turn: Turn, who: str) -> None:
    for station, target in turn.state.everybody():
        if target.state == t.RETRYING:
            turn.timer(target_timer(station), None)
    turn.put(f.Cancelled(who, turn.now))
    turn.tell("cancelling", who=who)
    turn.timer(START, None)
    turn.timer(NEXT, turn.now, m.Advance())


def _retry(turn: Turn, who: str) -> None:
    turn.put(f.Retried(who, turn.now))
    turn.tell("retried", who=who)


_COMMANDS: dict[str, Callable[[Turn, str], None]] = {
    "start": _start,
    "pause": _pause,
    "resume": _resume,
    "cancel": _cancel,
    "retry": _retry,
}


# -- what comes by itself --------------------------------------------------------------------------------------------------


def _start_due(turn: Turn, message: m.StartDue) -> None:
    if turn.state.phase == SCHEDULED:
        _start(turn, "schedule")


def _advance(turn: Turn, message: m.Advance) -> None:
    """Going on is all there is to do."""


def _taken(turn: Turn, message: m.Taken) -> None:
    """Targets in slices; those beyond what a campaign may have would be forgotten silently, so it ends instead."""
    state = turn.state
    if state.phase != GATHERING:
        return
    if state.total + len(message.stations) > turn.limits.campaign_targets:
        reason = f"more than {turn.limits.campaign_targets} stations are meant: make several campaigns"
        turn.put(f.Cancelled("limit", turn.now, reason))
        turn.tell("cancelling", who="limit", reason=reason)
        return
    turn.put(f.TargetsTaken(message.stations, message.after, message.more, turn.now, message.already))
    if message.more:
        turn.timer(NEXT, turn.now, m.Advance())
    elif turn.state.bounds:
        turn.tell("wave", wave=1, waves=len(turn.state.bounds), total=turn.state.total)


def _order_ended(turn: Turn, ended: OrderEnded) -> None:
    station, outcome = ended.station, ended.outcome
    target = turn.state.target(station)
    if target is None or ended.id != turn.order_id(station) or target.state not in (t.ORDERED, t.WITHDRAWING):
        return
    kind = turn.definition.work
    if isinstance(outcome, CommandFailure):
        _order_failed(turn, station, outcome)
    elif not work.is_taken(kind, outcome.status):
        turn.fail(station, outcome.status or "refused", final=outcome.status in work.HOPELESS)
    elif work.ends_with_answer(kind):
        turn.succeed(station, outcome.status)
    else:
        turn.move(station, "taken", outcome.status)


def _order_failed(turn: Turn, station: str, failure: CommandFailure) -> None:
    detail = failure.code if failure.reason == "error" and failure.code else failure.reason
    if failure.reason == "offline":  # the connection closed before it went out
        turn.unsent(station)
    elif failure.code == NOT_SENT:
        began = turn.target(station).began
        if failure.reason == "superseded" or (began is not None and _window_closed(turn, began)):
            turn.unsent(station)
        else:
            turn.fail(station, "timeout: the station was not there")
    elif failure.reason in ("unknown", "timeout") and isinstance(turn.definition.work, FirmwareWork):
        # It may have got it. Asking again at once would start the download anew: its statuses will tell.
        if turn.move(station, "taken", f"{failure.reason}: perhaps it has the order"):
            _until(turn, station, turn.now + turn.limits.campaign_unclear)
    else:
        final = failure.reason == "unsupported" or failure.code in work.HOPELESS
        turn.fail(station, detail, final=final)


def _window_closed(turn: Turn, began: datetime) -> bool:
    """Was it the window that ended the order's time, and not the deadline?"""
    seconds = (turn.now - began).total_seconds()
    return turn.definition.window is not None and seconds < turn.definition.deadline


def _keeper_done(turn: Turn, done: m.KeeperDone) -> None:
    """Of an attempt before this one only a success counts."""
    if turn.state.target(done.station) is None:
        return
    if done.ok:
        turn.succeed(done.station, done.detail)
    elif done.id == turn.order_id(done.station) and turn.target(done.station).state in t.ACTIVE:
        turn.fail(done.station, done.detail)


def _firmware_progress(turn: Turn, told: FirmwareProgress) -> None:
    kind, station = turn.definition.work, told.station
    target = turn.state.target(station)
    if target is None or not isinstance(kind, FirmwareWork):
        return
    if told.status == "Installed":
        turn.succeed(station, "Installed")
    elif told.status == "Booted":
        if kind.version is not None and told.firmware == kind.version:
            turn.succeed(station, f"booted with {told.firmware}")
    elif told.order != turn.order_id(station):
        return  # of an attempt before this one
    elif told.status in FIRMWARE_ENDS:
        turn.fail(station, told.status, final=told.status in work.HOPELESS)
    elif target.state in (t.ORDERED, t.WITHDRAWING):
        turn.move(station, "taken", told.status)  # before the station's answer was settled
    elif target.detail != told.status:
        unclear = target.detail.startswith(("unknown", "timeout"))
        if turn.move(station, "progress", told.status) and unclear:  # so it has it: now the deadline counts
            _until(turn, station, None)


def _until(turn: Turn, station: str, at: datetime | None) -> None:
    """When the attempt of a station is over, at the latest: at its deadline, or sooner."""
    target = turn.target(station)
    deadline = (target.began or turn.now) + timedelta(seconds=turn.definition.deadline) + turn.limits.campaign_grace
    turn.timer(target_timer(station), min(at or deadline, deadline), m.AttemptDue(station, target.number))


def _attempt_due(turn: Turn, due: m.AttemptDue) -> None:
    target = turn.state.target(due.station)
    if target is not None and target.number == due.number and target.state in t.ACTIVE:
        reached = f" (it had come to {target.detail})" if target.state == t.RUNNING and target.detail else ""
        turn.fail(due.station, f"timeout{reached}")


def _retry_due(turn: Turn, due: m.RetryDue) -> None:
    target = turn.state.target(due.station)
    if target is not None and target.number == due.number:
        turn.move(due.station, "due")


_ASKED: dict[type, Callable[[Turn, Any], Decision]] = {
    m.Look: _look,
    m.LookStations: _look_stations,
    m.Control: _control,
    m.Delete: _delete,
}
_TOLD: dict[type, Callable[[Turn, Any], None]] = {
    m.StartDue: _start_due,
    m.Advance: _advance,
    m.Taken: _taken,
    OrderEnded: _order_ended,
    FirmwareProgress: _firmware_progress,
    m.KeeperDone: _keeper_done,
    m.AttemptDue: _attempt_due,
    m.RetryDue: _retry_due,
}
