"""The small parts of a device model's keeper: packs of variables, and the counting of parts."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.device.packs import PINNED, Model, unmentioned
from actors.device.reports import Assembly, found, kept, with_part
from actors.model.device import Attribute, Characteristics, Variable
from actors.model.intents import VariableRef
from tests.actors.kit import T0


def variable(component: str, name: str, value: str | None = None, **more: object) -> Variable:
    return Variable(VariableRef(component, name, **more), (Attribute(value),), Characteristics("string"))  # type: ignore[arg-type]


def packed(*variables: Variable, seen: int = 1) -> dict[str, str]:
    model = Model({})
    for each in variables:
        model.put(each, seen)
    return model.packs()


def test_a_packed_model_gives_back_what_was_put_into_it() -> None:
    told = (
        variable("Connector", "AvailabilityState", "Available", evse=1, connector=2),
        variable("Connector", "AvailabilityState", "Faulted", evse=1, connector=1),
        variable("OCPP16", "HeartbeatInterval", "300", key_1_6="HeartbeatInterval"),
        variable("AuthCtrlr", "Enabled", None, component_instance="main", variable_instance="x"),
    )
    packs = packed(*told)
    assert len(packs) == 4
    assert set(Model(packs).all()) == set(told)
    assert all(Model(packs).known(each.ref) == each for each in told)


def test_names_have_no_case_and_the_spelling_that_came_first_stays() -> None:
    packs = packed(variable("SmartChargingCtrlr", "LimitChangeSignificance", "1.0"))
    model = Model(packs)
    shouted = VariableRef("SMARTCHARGINGCTRLR", "limitchangesignificance", evse=0)
    assert model.canonical(shouted) == VariableRef("SmartChargingCtrlr", "LimitChangeSignificance")
    assert model.known(shouted) is not None
    assert not model.put(Variable(model.canonical(shouted), (Attribute("2.0"),)), 2)
    (after,) = Model(model.packs()).all()
    assert (after.ref.component, after.attributes[0].value) == ("SmartChargingCtrlr", "2.0")


def test_what_was_looked_at_but_not_changed_is_the_same_text() -> None:
    packs = packed(variable("A", "x"), variable("B", "x"))
    model = Model(packs)
    assert model.known(VariableRef("a", "X")) is not None
    model.put(variable("B", "y"), 1)
    after = model.packs()
    assert after["a/@0.0"] is packs["a/@0.0"]
    assert after["b/@0.0"] != packs["b/@0.0"]


def test_a_component_without_variables_is_gone() -> None:
    model = Model(packed(variable("A", "x"), variable("B", "x")))
    assert model.remove(VariableRef("a", "X"))
    assert not model.remove(VariableRef("a", "X"))
    assert list(model.packs()) == ["b/@0.0"]


def test_what_no_newer_report_mentioned_is_found_in_slices_and_pinned_variables_never() -> None:
    model = Model(packed(*(variable("A", f"v{n}") for n in range(5)), seen=1))
    model.put(variable("A", "v3"), 2)
    model.put(variable("ChargingStation", "VendorName", "V"), PINNED)
    model.put(variable("ChargingStation", "VendorName", "W"), 1)
    model.put(variable("A", "key", key_1_6="Key"), 1)
    packs = model.packs()
    assert [ref.variable for ref in unmentioned(packs, 2, False, 3)] == ["v0", "v1", "v2"]
    assert [ref.variable for ref in unmentioned(packs, 2, False, 99)] == ["v0", "v1", "v2", "v4", "key"]
    assert [ref.variable for ref in unmentioned(packs, 2, True, 99)] == ["key"]


def test_two_thousand_variables_take_little_memory() -> None:
    packs = packed(
        *(
            Variable(
                VariableRef(f"Component{n % 50}", f"Variable{n}", evse=n % 4),
                (Attribute("some value", mutability="ReadOnly"),),
                Characteristics("integer", unit="s", max_limit=100),
            )
            for n in range(2000)
        )
    )
    assert sum(len(text) for text in packs.values()) < 300_000
    assert msgspec.json.encode(packs)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=40).flatmap(lambda extra: st.permutations([*range(13), *extra])))
def test_parts_in_any_order_with_any_repeats_make_a_report_complete_exactly_when_all_are_there(order: list[int]) -> None:
    report = Assembly(1, 1, "variables", T0, T0)
    came: set[int] = set()
    for seq in order:
        assert report.has(seq) == (seq in came)
        report = with_part(report, seq, seq != 12, T0)
        came.add(seq)
        assert report.complete == (came == set(range(13)))
        assert report.count == len(came)
    assert report.parts == ((0, 12),)


def test_reports_are_bounded_and_those_that_ended_make_room_first() -> None:
    reports: tuple[Assembly, ...] = ()
    for n in range(3):
        report = Assembly(n, n, "variables", T0, T0 + timedelta(seconds=n), ended=n == 1)
        reports = kept(reports, report, 3)
    reports = kept(reports, Assembly(9, 9, "variables", T0, T0), 3)
    assert [report.request_id for report in reports] == [0, 2, 9]
    assert found(reports, 9, "monitors") is None, "the same request id of another kind is another report"


@pytest.mark.parametrize("more", [True, False])
def test_a_part_that_names_an_earlier_end_does_not_shorten_the_report(more: bool) -> None:
    report = with_part(Assembly(1, 1, "variables", T0, T0), 5, False, T0)
    assert with_part(report, 2, more, T0).last == 5
