"""Who gets a place that several pay for, and how a claim ends."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
import trio

from actors.evse.decide import decide
from actors.evse.messages import (
    ClaimOver,
    ConnectorStatus,
    EvseReserved,
    EvseUnreserved,
    SessionAuthorised,
    SessionClosed,
    SessionOpened,
)
from actors.evse.rows import Here
from actors.evse.state import EvseState, apply
from actors.limits import DomainLimits
from actors.model.decision import Decision, Letter
from actors.model.ids import PAYMENT, evse_address
from actors.model.rows import EvseRow
from actors.payment.messages import ClaimEvse, EvseClaimed, EvseRefused, ReleaseEvse
from actors.station import messages as m
from runtime.actor import Actor, Context
from tests.actors.kit import STATION, T0, TENANT, House, at

HERE = Here(TENANT, STATION, 1)
LIMITS = DomainLimits()
FREE = EvseState(code="abc", present=True)


def told(detail: str, status: str = "Occupied") -> ConnectorStatus:
    return ConnectorStatus(1, 1, status, detail, at=T0)


def claim(attempt: str = "p1", ref: str = "tok_p1", until: float = 10) -> ClaimEvse:
    return ClaimEvse(attempt, ref, at(until))


def play(*messages: Any, state: EvseState = FREE, minutes: float = 1) -> tuple[EvseState, list[Decision]]:
    decisions = []
    for message in messages:
        decision = decide(HERE, state, message, at(minutes), LIMITS)
        for fact in decision.facts:
            state = apply(state, fact)
        decisions.append(decision)
    return state, decisions


def answers(decisions: list[Decision]) -> list[tuple[str, Any]]:
    return [
        (letter.to[2], getattr(letter.message, "reason", "claimed"))
        for decision in decisions
        for letter in decision.letters
        if letter.to[1] == PAYMENT
    ]


AVAILABLE, _ = play(told("Available", "Available"))


def test_the_first_one_gets_the_place_and_the_second_hears_at_once() -> None:
    state, decisions = play(claim(), claim("p2", "tok_p2"), state=AVAILABLE)
    assert answers(decisions) == [("p1", "claimed"), ("p2", "claimed")]
    assert [type(letter.message) for decision in decisions for letter in decision.letters] == [EvseClaimed, EvseRefused]
    assert state.claim is not None
    assert state.claim.attempt == "p1"
    (timer,) = decisions[0].timers
    assert (timer.at, timer.message) == (at(10), ClaimOver("p1"))
    (row,) = decisions[0].rows
    assert isinstance(row, EvseRow)
    assert row.claimed


def test_the_same_claim_again_is_answered_again_and_written_once() -> None:
    _, (first, second) = play(claim(), claim(), state=AVAILABLE)
    assert (len(first.facts), len(second.facts)) == (1, 0)
    assert first.letters == second.letters


def again_and_again(times: int, card: str = "c1", how: str = "release") -> EvseState:
    """One card claims the place and lets it go, minute by minute."""
    state = AVAILABLE
    for n in range(times):
        asked = ClaimEvse(f"a{n}", f"tok_a{n}", at(n + 3), card)
        end = ReleaseEvse(f"a{n}") if how == "release" else ClaimOver(f"a{n}")
        state, _ = play(asked, state=state, minutes=n + 1)
        state, _ = play(end, state=state, minutes=n + (2 if how == "release" else 4))
        assert state.claim is None
    return state


@pytest.mark.parametrize("how", ["release", "over"])
def test_a_card_that_keeps_a_place_in_vain_again_and_again_is_refused_before_it_claims_it(how: str) -> None:
    state = again_and_again(LIMITS.claims_of_card, how=how)
    state, decisions = play(ClaimEvse("a9", "tok_a9", at(30), "c1"), state=state, minutes=10)
    assert answers(decisions) == [("a9", "too_often")]
    assert state.claim is None
    _, decisions = play(ClaimEvse("b1", "tok_b1", at(30), "c2"), state=state, minutes=10)
    assert answers(decisions) == [("b1", "claimed")], "other cards may"
    _, decisions = play(ClaimEvse("a9", "tok_a9", at(90), "c1"), state=state, minutes=70)
    assert answers(decisions) == [("a9", "claimed")], "and so may this one, an hour later"


def test_what_a_person_does_whose_plug_does_not_fit_is_no_reason_to_refuse() -> None:
    state = again_and_again(LIMITS.claims_of_card - 1)
    _, decisions = play(ClaimEvse("a9", "tok_a9", at(30), "c1"), state=state, minutes=10)
    assert answers(decisions) == [("a9", "claimed")]


def test_claims_that_led_to_a_charge_or_were_lost_to_another_driver_do_not_count() -> None:
    state = AVAILABLE
    for n in range(12):
        ref = f"tok_{n}" if n % 2 else "tok_stranger"
        begun = SessionOpened(f"s{n}", 1, at(n + 1), ref)
        state, _ = play(ClaimEvse(f"p{n}", f"tok_{n}", at(n + 9), "c1"), begun, state=state, minutes=n + 1)
        state, _ = play(SessionClosed(f"s{n}", at(n + 1)), told("Available", "Available"), state=state, minutes=n + 1)
    assert state.idle == ()


def test_an_attempt_that_has_the_place_keeps_it_however_often_its_card_had_it_before() -> None:
    state = again_and_again(LIMITS.claims_of_card - 1)
    last = ClaimEvse("a9", "tok_a9", at(30), "c1")
    state, _ = play(last, state=state, minutes=10)
    _, decisions = play(msgspec.structs.replace(last, until=at(40)), state=state, minutes=11)
    assert answers(decisions) == [("a9", "claimed")]


def test_what_is_remembered_of_cards_is_bounded_and_a_claim_without_one_is_none_of_it() -> None:
    state = AVAILABLE
    for n in range(LIMITS.claims_idle + 20):
        asked = ClaimEvse(f"a{n}", f"tok_a{n}", at(60), "" if n % 3 == 0 else f"c{n}")
        state, _ = play(asked, ReleaseEvse(f"a{n}"), state=state, minutes=1 + n / 10)
    assert 0 < len(state.idle) <= LIMITS.claims_idle
    state, _ = play(ClaimEvse("late", "tok_l", at(500), "cl"), ReleaseEvse("late"), state=state, minutes=300)
    assert [one.card for one in state.idle] == ["cl"], "what is older than the window is forgotten"


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ((told("Available", "Available"), SessionOpened("s1", 1, T0, "tok_other")), "occupied"),
        ((told("Charging"),), "occupied"),
        ((told("Faulted", "Faulted"),), "faulted"),
        ((told("Unavailable", "Unavailable"),), "unavailable"),
        ((told("Reserved", "Reserved"),), "reserved"),
        ((told("Available", "Available"), EvseReserved(7, "tok_other", at(30))), "reserved"),
        ((), "unknown"),
    ],
)
def test_a_place_that_cannot_be_used_is_refused_and_says_why(before: tuple[Any, ...], reason: str) -> None:
    state, decisions = play(*before, claim())
    assert answers(decisions) == [("p1", reason)]
    assert state.claim is None


def test_an_evse_that_the_station_does_not_have_is_unknown() -> None:
    _, decisions = play(told("Available", "Available"), claim(), state=EvseState(code="abc"))
    assert answers(decisions) == [("p1", "unknown")]


@pytest.mark.parametrize(
    "before",
    [
        (told("Preparing"),),
        (told("EVConnected"), SessionOpened("s1", 1, T0)),
        (told("Available", "Available"), EvseReserved(7, "tok_p1", at(30))),
        (told("Reserved", "Reserved"), EvseReserved(7, "tok_p1", at(30))),
        (told("Available", "Available"), EvseReserved(7, "tok_other", at(0.5))),
        (told("Available", "Available"), EvseReserved(7, "tok_other", at(30)), EvseUnreserved(7)),
        (told("Available", "Available"), SessionOpened("s1", 1, T0, "tok_other"), SessionClosed("s1", at(1))),
    ],
    ids=["plugged", "plugged and begun without a token", "own reservation", "reserved for him", "past", "cancelled", "left"],
)
def test_a_place_that_waits_for_its_driver_can_be_claimed(before: tuple[Any, ...]) -> None:
    _, decisions = play(*before, claim())
    assert answers(decisions) == [("p1", "claimed")]
    assert type(decisions[-1].letters[0].message) is EvseClaimed


@pytest.mark.parametrize("begins", [SessionOpened("s1", 1, at(1), "tok_p1"), "authorised later"])
def test_the_session_of_its_token_ends_a_claim(begins: Any) -> None:
    messages = [begins]
    if isinstance(begins, str):
        messages = [SessionOpened("s1", 1, at(1)), SessionAuthorised("s1", "tok_p1", at(1))]
    state, decisions = play(claim(), *messages, state=AVAILABLE)
    assert (state.claim, state.session, state.token_ref) == (None, "s1", "tok_p1")
    assert answers(decisions) == [("p1", "claimed")], "nothing more is told: the session tells it"
    assert [timer.at for timer in decisions[-1].timers] == [None]
    assert not decisions[-1].rows[-1].claimed


@pytest.mark.parametrize("later", [False, True])
def test_a_session_of_another_token_is_a_fact_and_the_claim_is_lost(later: bool) -> None:
    other = [SessionOpened("s1", 1, at(1), "tok_other")]
    if later:
        other = [SessionOpened("s1", 1, at(1)), SessionAuthorised("s1", "tok_other", at(1))]  # type: ignore[list-item]
    state, decisions = play(claim(), *other, state=AVAILABLE)
    assert (state.claim, state.session) == (None, "s1")
    assert answers(decisions) == [("p1", "claimed"), ("p1", "occupied")]


def test_a_claim_ends_by_release_and_by_time_and_by_nobody_elses_word() -> None:
    state, _ = play(claim(), ReleaseEvse("p2"), state=AVAILABLE)
    assert state.claim is not None
    released, _ = play(ReleaseEvse("p1"), state=state)
    assert released.claim is None
    early, _ = play(ClaimOver("p1"), state=state)
    assert early.claim is not None
    late, (decision,) = play(ClaimOver("p1"), state=state, minutes=10)
    assert late.claim is None
    assert not decision.rows[0].claimed
    taken, decisions = play(claim("p3", "tok_p3", 20), state=state, minutes=11)
    assert taken.claim is not None
    assert taken.claim.attempt == "p3", "a claim whose time is over stands in nobody's way, even before its timer"
    assert answers(decisions) == [("p3", "claimed")]


class Scan(msgspec.Struct, frozen=True):
    """Ask: claim the place."""


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    kind: str


class Nothing(msgspec.Struct, frozen=True):
    pass


class Attempt(Actor[Nothing]):
    """A payment attempt that only wants the place."""

    kind = PAYMENT
    state_type = Nothing
    fact_type = Answer
    durable_type = EvseClaimed | EvseRefused

    def __init__(self, context: Context, heard: dict[str, list[Any]]) -> None:
        super().__init__(context)
        self._id = context.address.id
        self._heard = heard

    def initial(self) -> Nothing:
        return Nothing()

    def apply(self, state: Nothing, fact: Any) -> Nothing:
        return state

    def decide(self, state: Nothing, message: Any, now: datetime) -> Decision:
        if isinstance(message, Scan):
            asked = ClaimEvse(self._id, f"tok_{self._id}", now + timedelta(minutes=10))
            return Decision(letters=(Letter(evse_address(TENANT, STATION, 1), asked),), reply=m.Done())
        self._heard.setdefault(self._id, []).append(message)
        return Decision(facts=(Answer(type(message).__name__),))


async def test_of_500_who_pay_for_one_place_at_once_one_gets_it_until_his_time_is_over(
    autojump_clock: Any, nursery: trio.Nursery
) -> None:
    house, heard = House(seed=7), dict[str, list[Any]]()
    del house.system.registry.kinds[PAYMENT]  # only the place matters here
    house.system.register(PAYMENT, lambda context: Attempt(context, heard))
    await nursery.start(house.system.run)
    await house.furnish(evses=1)
    await house.station(m.ConnectorStatus(1, 1, "Available", "Available", at=T0))
    order = [f"p{n}" for n in range(500)]
    house.random.shuffle(order)
    for attempt in order:
        nursery.start_soon(house.ask, (TENANT, PAYMENT, attempt), Scan())
    await trio.sleep(5)
    assert len(heard) == 500
    assert sum(type(said[0]) is EvseClaimed for said in heard.values()) == 1
    assert sum(said == [EvseRefused("claimed", said[0].at)] for said in heard.values()) == 499
    assert next(iter(house.rows.table(EvseRow))).claimed
    await trio.sleep(605)
    assert not next(iter(house.rows.table(EvseRow))).claimed
