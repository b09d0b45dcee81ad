"""Passwords and security profiles that change (OCPP 2.0.1 A01, A05; 1.6 AuthorizationKey, SecurityProfile). Pure functions.

A station that was told a new password, or to come in a higher profile, may have done it although nobody heard its answer. So
the new one is committed *before* the CALL goes out, and both are good until it is settled: by the answer, or, where there is
none, by what the station shows when it connects the next time. Only the hash of a password is ever kept.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from actors.model import intents as i
from actors.model.decision import Refused
from actors.station import facts as f
from actors.station import messages as m
from actors.station.state import StationState

PASSWORD = "basicauthpassword"  # noqa: S105 - the variable's name
PROFILE = "securityprofile"
CURRENT, NEXT = "current", "next"
"""Which password a new connection has shown."""
_OPEN = frozenset({"timeout", "unknown"})
"""Failures after which nobody knows what the station did."""


def password_in(intent: i.AnyIntent) -> bytes | None:
    """The new password of a command that sets one, as the station will send it in Basic. A caller who speaks 1.6 writes the
    key as hex; the station uses its bytes."""
    for setting in _settings(intent):
        if setting.ref.variable.lower() == PASSWORD:
            return password_of(setting)
    return None


def password_of(setting: i.SetVariable) -> bytes:
    if setting.ref.key_1_6 is None:
        return setting.value.encode()
    try:
        return bytes.fromhex(setting.value)
    except ValueError:
        return setting.value.encode()


def profile_in(intent: i.AnyIntent) -> int | None:
    """The security profile that a command leads the station to."""
    if isinstance(intent, i.SetNetworkProfile):
        return intent.profile.security_profile
    for setting in _settings(intent):
        if setting.ref.variable.lower() == PROFILE and setting.value.strip().isdecimal():
            return int(setting.value)
    return None


def _settings(intent: i.AnyIntent) -> Sequence[i.SetVariable]:
    if isinstance(intent, i.SetVariable):
        return (intent,)
    return intent.settings if isinstance(intent, i.SetVariables) else ()


def refusal(state: StationState, intent: i.AnyIntent) -> Refused | None:
    """Why this must not be sent: two changes at once, or a lower profile (A05.FR.07)."""
    if state.next_secret is not None and password_in(intent) is not None:
        detail = "a change of the password is not settled yet: the station shows what it has when it connects the next time"
        return Refused("state", detail)
    profile = profile_in(intent)
    if profile is not None and profile < state.profile:
        return Refused("state", f"the station has security profile {state.profile}, which can only rise")
    return None


def begun(state: StationState, intent: i.AnyIntent, command: str, secret: bytes | None, now: datetime) -> list[Any]:
    """Facts to commit together with the attempt. `secret`: the hash of the new password, where there is one."""
    facts: list[Any] = []
    if secret is not None:
        facts.append(f.SecretPending(secret, command, now))
    profile = profile_in(intent)
    if profile is not None and profile > state.profile and profile != state.next_profile:
        facts.append(f.ProfileSought(profile, command, now))
    return facts


def ended(
    state: StationState, command: str, intent: i.AnyIntent | None, outcome: i.CommandResult | i.CommandFailure, now: datetime
) -> list[Any]:
    """Facts of the answer to the command that began a change. An answer that says "after a reboot" settles nothing yet."""
    facts: list[Any] = []
    if isinstance(outcome, i.CommandFailure):
        if outcome.reason in _OPEN:
            return []
        accepted = passed = False
    else:
        status = outcome.status
        if isinstance(intent, i.SetVariables):
            told = _of_ours(outcome)
            if told is not None and told.reason == i.NO_ANSWER:
                return []
            status = outcome.status if told is None else told.status
        accepted, passed = status == "Accepted", status in ("Accepted", "RebootRequired")
    if state.next_secret is not None and state.next_secret_by == command:
        if accepted:
            facts.append(f.SecretChanged(state.next_secret, now))
        elif not passed:
            facts.append(f.SecretDropped(now))
    if state.next_profile and state.next_profile_by == command and not passed:
        facts.append(f.ProfileDropped(now))
    return facts


def _of_ours(outcome: i.CommandResult) -> i.ReportedVariable | None:
    """The one among several settings that matters here."""
    return next((told for told in outcome.variables if told.ref.variable.lower() in (PASSWORD, PROFILE)), None)


def shown(state: StationState, new: m.Connected, now: datetime) -> list[Any]:
    """What a new connection settles: the station has shown a password, and come in a profile."""
    facts: list[Any] = []
    if state.next_secret is not None:
        if new.secret == NEXT:
            facts.append(f.SecretChanged(state.next_secret, now))
        elif new.secret == CURRENT and not any(command.id == state.next_secret_by for command in state.commands):
            facts.append(f.SecretDropped(now))
    if state.next_profile and new.profile == state.next_profile:
        facts.append(f.ProfileReached(state.next_profile, now))
    return facts
