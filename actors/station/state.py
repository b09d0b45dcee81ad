"""A station's state and how facts change it. What lives (its line, routes, waiting commands' payloads) is not here."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.limits import DomainLimits
from actors.model.device import Variable
from actors.station import facts as f
from actors.station.messages import Boot

LIMITS = DomainLimits()


class OpenCommand(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Committed, perhaps sent, not settled."""

    id: str
    intent: str
    not_after: datetime
    token_ref: str | None = None
    evse: int | None = None


class StationState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`codes`: the permanent code of EVSE n is `codes[n - 1]`, also of EVSEs that were taken away again.
    `boot_status` is the last answer to a boot; it survives reconnects, which need no new boot (quirk 5)."""

    registered: bool = False
    evses: int = 0
    profile: int = 0
    secret: bytes | None = None
    versions: tuple[str, ...] = ()
    tariff: str | None = None
    location: dict[str, Any] = {}
    codes: tuple[str, ...] = ()
    boot: Boot | None = None
    boot_status: str | None = None
    booted_at: datetime | None = None
    status: f.StatusTold | None = None
    firmware: str | None = None
    log: str | None = None
    variables: tuple[Variable, ...] = ()
    commands: tuple[OpenCommand, ...] = ()
    settled: tuple[tuple[str, str], ...] = ()
    """(id, outcome) of recent commands: a repeated id is never sent again."""
    unattributed: tuple[datetime, str] | None = None
    """Natural key of the last meter message that belonged to nobody."""
    callback: str | None = None
    """Where a station that listens itself is called."""


def _registered(state: StationState, fact: f.Registered) -> StationState:
    return replace(
        state,
        registered=True,
        evses=fact.evses,
        profile=fact.profile,
        secret=fact.secret,
        versions=fact.versions,
        tariff=fact.tariff,
        location=fact.location,
        codes=fact.codes,
    )


def _unregistered(state: StationState, fact: f.Unregistered) -> StationState:
    """A station that comes back under the same name keeps its codes (they are printed) and boots anew."""
    return StationState(codes=state.codes, settled=state.settled)


def _secret_changed(state: StationState, fact: f.SecretChanged) -> StationState:
    return replace(state, secret=fact.secret)


def _booted(state: StationState, fact: f.Booted) -> StationState:
    return replace(state, boot=fact.boot, boot_status=fact.status, booted_at=fact.at)


def _status_told(state: StationState, fact: f.StatusTold) -> StationState:
    return state if fact.late else replace(state, status=fact)


def _firmware_told(state: StationState, fact: f.FirmwareTold) -> StationState:
    return replace(state, firmware=fact.status)


def _log_told(state: StationState, fact: f.LogTold) -> StationState:
    return replace(state, log=fact.status)


def _variables_told(state: StationState, fact: f.VariablesTold) -> StationState:
    known = {variable.place: variable for variable in state.variables}
    known.update((variable.place, variable) for variable in fact.variables)
    # What comes last and does not fit stands in the rows only.
    return replace(state, variables=tuple(known.values())[: LIMITS.variables])


def _command_issued(state: StationState, fact: f.CommandIssued) -> StationState:
    command = OpenCommand(fact.id, fact.intent, fact.not_after, fact.token_ref, fact.evse)
    return replace(state, commands=(*state.commands, command))


def _command_settled(state: StationState, fact: f.CommandSettled) -> StationState:
    commands = tuple(command for command in state.commands if command.id != fact.id)
    settled = (*state.settled, (fact.id, fact.status or fact.outcome))[-LIMITS.recent_commands :]
    return replace(state, commands=commands, settled=settled)


def _callback_told(state: StationState, fact: f.CallbackTold) -> StationState:
    return replace(state, callback=fact.address)


def _unattributed(state: StationState, fact: f.Unattributed) -> StationState:
    return replace(state, unattributed=(fact.readings[0].at, fact.content)) if fact.readings else state


_APPLY: dict[type, Callable[[StationState, Any], StationState]] = {
    f.Registered: _registered,
    f.Unregistered: _unregistered,
    f.SecretChanged: _secret_changed,
    f.Booted: _booted,
    f.StatusTold: _status_told,
    f.FirmwareTold: _firmware_told,
    f.LogTold: _log_told,
    f.VariablesTold: _variables_told,
    f.CommandIssued: _command_issued,
    f.CommandSettled: _command_settled,
    f.CallbackTold: _callback_told,
    f.Unattributed: _unattributed,
}


def apply(state: StationState, fact: Any) -> StationState:
    return _APPLY[type(fact)](state, fact)
