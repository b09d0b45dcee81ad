"""A command of several CALLs: in order, one after the other, with one outcome for all."""

from datetime import timedelta

import msgspec
import trio

from actors.model import intents as i
from actors.model.ids import station_address
from actors.station import messages as s
from gateways.ocpp.sequence import Progress, combined
from tests.gateways.ocpp.node import Node, Station, connect, open_node, small_limits

HEARTBEAT = i.SetVariable(i.VariableRef("OCPPCommCtrlr", "HeartbeatInterval"), "60")
RETRIES = i.SetVariable(i.VariableRef("OCPPCommCtrlr", "ResetRetries"), "3")
KEY = i.SetVariable(i.VariableRef("SecurityCtrlr", "BasicAuthPassword"), "correct-horse-battery")
THREE = i.SetVariables((HEARTBEAT, RETRIES, KEY))


def wire(key: str, *more: s.WireCall) -> s.WireCall:
    return s.WireCall("ChangeConfiguration", msgspec.json.encode({"key": key, "value": "60"}), (), more)


def test_an_error_concerns_one_call_and_silence_all_that_follow() -> None:
    whole = wire("a", wire("b"), wire("c"))
    progress = Progress(whole)
    assert progress.after(i.CommandFailure("error", "GenericError")) == whole.more[0]
    assert progress.after(i.CommandResult("Accepted")) == whole.more[1]
    assert progress.after(i.CommandResult("Rejected")) is None
    outcome = progress.outcome()
    assert isinstance(outcome, i.CommandResult)
    told = [(variable.ref.variable, variable.status, variable.reason) for variable in outcome.variables]
    assert told == [("a", "Rejected", "GenericError"), ("b", "Accepted", None), ("c", "Rejected", None)]
    silent = Progress(whole)
    silent.after(i.CommandResult("Accepted"))
    assert silent.after(i.CommandFailure("timeout")) is None
    outcome = silent.outcome()
    assert isinstance(outcome, i.CommandResult)
    assert [variable.reason for variable in outcome.variables] == [None, "NoAnswer", "NotSent"]


def test_where_nothing_was_answered_the_first_failure_is_the_outcome() -> None:
    failure = i.CommandFailure("timeout")
    assert combined((wire("a"), wire("b")), [failure]) == failure
    assert Progress(wire("a", wire("b"))).outcome(i.CommandFailure("offline")) == i.CommandFailure("offline")


def test_certificates_of_all_types_are_one_list() -> None:
    asked = s.WireCall("GetInstalledCertificateIds", b"{}")
    found = i.CommandResult("Accepted", {"certificates": [{"type": "CSMSRootCertificate", "hash": {}, "children": []}]})
    outcome = combined((asked, asked), [i.CommandResult("NotFound", {"certificates": []}), found])
    assert outcome == found


def test_of_all_variables_those_are_told_that_the_station_has() -> None:
    asked = s.WireCall("GetVariables", b"{}")
    known, hidden, unknown = (
        i.ReportedVariable(i.VariableRef("C", name), status=status)
        for name, status in (("a", "Accepted"), ("b", "Rejected"), ("c", "UnknownVariable"))
    )
    outcome = combined(
        (asked, asked), [i.CommandResult("", variables=(known, unknown)), i.CommandResult("", variables=(hidden,))]
    )
    assert isinstance(outcome, i.CommandResult)
    assert outcome.variables == (known, hidden)


async def _ask(node: Node, intent: i.AnyIntent) -> s.Sent:
    command = s.Command("c-1", intent, node.system.now() + timedelta(seconds=60), "test")
    sent = await node.system.ask(station_address("demo", "CP1"), command, deadline=60)
    assert isinstance(sent, s.Sent), sent
    return sent


async def _answers(station: Station, answers: list[str]) -> list[object]:
    heard = []
    for answer in answers:
        frame = await station.message()
        heard.append(frame[3])
        if answer == "error":
            await station.send(msgspec.json.encode([4, frame[1], "GenericError", "no", {}]))
        else:
            await station.send(msgspec.json.encode([3, frame[1], {"status": answer}]))
    return heard


async def test_several_variables_reach_a_1_6_station_one_after_the_other() -> None:
    async with open_node(limits=small_limits()) as node, trio.open_nursery() as nursery:
        station = await connect(node)
        await station.boot()
        heard: list[object] = []

        async def answer() -> None:
            heard.extend(await _answers(station, ["Accepted", "error", "RebootRequired"]))

        nursery.start_soon(answer)
        sent = await _ask(node, THREE)
        assert [msgspec.to_builtins(each)["key"] for each in heard] == ["HeartbeatInterval", "ResetRetries", "AuthorizationKey"]
        assert isinstance(sent.outcome, i.CommandResult)
        assert [variable.status for variable in sent.outcome.variables] == ["Accepted", "Rejected", "RebootRequired"]
        assert sent.outcome.variables[2].value is None, "a password is not told"
        assert len(sent.wire.more) == 2


async def test_a_connection_that_ends_between_two_calls_leaves_the_first_as_it_was_answered() -> None:
    async with open_node(limits=small_limits(call_gap=600.0)) as node, trio.open_nursery() as nursery:
        station = await connect(node)
        await station.boot()

        async def answer_and_go() -> None:
            await _answers(station, ["Accepted"])
            await trio.sleep(0.1)
            await station.aclose()

        nursery.start_soon(answer_and_go)
        sent = await _ask(node, THREE)
        # The actor may learn of the closed connection before it hears what became of the rest: then nobody can tell.
        if isinstance(sent.outcome, i.CommandResult):
            assert [variable.reason for variable in sent.outcome.variables] == [None, "NotSent", "NotSent"]
        else:
            assert sent.outcome.reason == "unknown"
