"""Passwords and security profiles that change: every way in which it can end, as plain functions."""

from typing import Any

import pytest
from msgspec.structs import replace

from actors.model import intents as i
from actors.station import credentials
from actors.station import messages as m
from actors.station.state import OpenCommand, StationState, apply
from tests.actors.kit import T0, at

REF = i.VariableRef("SecurityCtrlr", "BasicAuthPassword")
KEY = i.VariableRef("SecurityCtrlr", "BasicAuthPassword", key_1_6="AuthorizationKey")
PASSWORD = i.SetVariable(REF, "a-new-password-1234")
PROFILE = i.SetVariable(i.VariableRef("SecurityCtrlr", "SecurityProfile"), "2")
NETWORK = i.SetNetworkProfile(1, i.NetworkProfile("wss://x", 3, "Wired0", 30))
OLD = StationState(registered=True, profile=1, secret=b"old")


def after(state: StationState, facts: list[Any]) -> StationState:
    for fact in facts:
        state = apply(state, fact)
    return state


def begun(intent: i.AnyIntent, state: StationState = OLD) -> StationState:
    secret = b"new" if credentials.password_in(intent) is not None else None
    return after(state, credentials.begun(state, intent, "c1", secret, T0))


def told(status: str) -> i.CommandResult:
    return i.CommandResult(status)


def test_the_password_is_what_the_station_will_send() -> None:
    assert credentials.password_in(PASSWORD) == b"a-new-password-1234"
    assert credentials.password_in(i.SetVariable(KEY, "00FF41")) == b"\x00\xffA", "1.6 writes hex"
    assert credentials.password_in(i.SetVariable(KEY, "no hex")) == b"no hex"
    assert credentials.password_in(i.SetVariables((PROFILE, PASSWORD))) == b"a-new-password-1234"
    assert credentials.password_in(PROFILE) is None
    assert credentials.password_in(i.Reset("OnIdle")) is None


@pytest.mark.parametrize(
    ("outcome", "secret", "pending"),
    [
        (told("Accepted"), b"new", None),
        (told("RebootRequired"), b"old", b"new"),
        (told("Rejected"), b"old", None),
        (told("NotSupportedAttributeType"), b"old", None),
        (i.CommandFailure("error", "InternalError"), b"old", None),
        (i.CommandFailure("offline"), b"old", None),
        (i.CommandFailure("timeout"), b"old", b"new"),
        (i.CommandFailure("unknown"), b"old", b"new"),
    ],
)
def test_each_answer_settles_a_password_or_leaves_both(outcome: Any, secret: bytes, pending: bytes | None) -> None:
    state = begun(PASSWORD)
    assert (state.secret, state.next_secret) == (b"old", b"new"), "both, before anything is sent"
    ended = after(state, credentials.ended(state, "c1", PASSWORD, outcome, at(1)))
    assert (ended.secret, ended.next_secret) == (secret, pending)
    assert credentials.ended(state, "another", PASSWORD, outcome, at(1)) == []


def test_of_several_variables_the_status_of_the_password_counts() -> None:
    both = i.SetVariables((i.SetVariable(i.VariableRef("A", "B"), "x"), PASSWORD))
    state = begun(both)
    for status, secret in (("Accepted", b"new"), ("Rejected", b"old")):
        said = i.CommandResult(
            "", variables=(i.ReportedVariable(i.VariableRef("A", "B")), i.ReportedVariable(REF, status=status))
        )
        assert after(state, credentials.ended(state, "c1", both, said, at(1))).secret == secret


def connected(profile: int | None = 1, secret: str = "") -> m.Connected:
    return m.Connected(None, "ocpp2.0.1", 2, "peer", profile, secret)


def test_what_a_connection_shows_settles_what_no_answer_did() -> None:
    state = begun(PASSWORD)
    assert after(state, credentials.shown(state, connected(secret="next"), at(1))).secret == b"new"
    kept = after(state, credentials.shown(state, connected(secret="current"), at(1)))
    assert (kept.secret, kept.next_secret) == (b"old", None)
    under_way = replace(state, commands=(OpenCommand("c1", "SetVariable", at(1)),))
    assert credentials.shown(under_way, connected(secret="current"), at(1)) == [], "its answer is still to come"
    assert credentials.shown(state, connected(None), at(1)) == [], "another transport says nothing"


def test_two_changes_at_once_are_refused() -> None:
    assert credentials.refusal(OLD, PASSWORD) is None
    assert credentials.refusal(begun(PASSWORD), PASSWORD) is not None
    assert credentials.refusal(begun(PASSWORD), PROFILE) is None


@pytest.mark.parametrize(("intent", "goal"), [(PROFILE, 2), (NETWORK, 3)])
def test_a_higher_profile_is_good_beside_the_old_one_until_the_station_comes_in_it(intent: i.AnyIntent, goal: int) -> None:
    state = begun(intent)
    assert (state.profile, state.next_profile) == (1, goal)
    assert after(state, credentials.ended(state, "c1", intent, told("Rejected"), at(1))).next_profile == 0
    state = after(state, credentials.ended(state, "c1", intent, told("Accepted"), at(1)))
    assert credentials.shown(state, connected(1, "current"), at(1)) == []
    reached = after(state, credentials.shown(state, connected(goal), at(1)))
    assert (reached.profile, reached.next_profile) == (goal, 0)
    assert reached.secret == (None if goal == 3 else b"old"), "profile 3 knows no password"


def test_a_profile_never_falls() -> None:
    high = replace(OLD, profile=3)
    assert credentials.refusal(high, PROFILE) is not None
    assert credentials.refusal(high, NETWORK) is None, "the same again is no fall"
    assert credentials.begun(high, NETWORK, "c1", None, T0) == []
