"""Framing without a socket: what a text means, and what is answered to one that means nothing."""

import msgspec
import pytest

from gateways.ocpp.json_repair import repair
from gateways.ocpp.rpc import CODES_2_X, Answer, Call, Failure, Late, Malformed, Rpc, error, result


def test_a_call_is_read() -> None:
    assert Rpc(1).receive('[2,"a1","Heartbeat",{}]') == Call("a1", "Heartbeat", b"{}")


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ('[2,17,"Heartbeat",{}]', Call(17, "Heartbeat", b"{}")),
        ('[2,"a","Heartbeat"]', Call("a", "Heartbeat", b"{}")),
        ('[2,"a","Heartbeat",null]', Call("a", "Heartbeat", b"{}")),
        ('[2,"a","Heartbeat",{},"more"]', Call("a", "Heartbeat", b"{}")),
        ('  [ 2 , "a" , "Heartbeat" , {} ]  ', Call("a", "Heartbeat", b"{}")),
        ('[6,"a","NotifyPeriodicEventStream",{}]', Call("a", "NotifyPeriodicEventStream", b"{}", False, False)),
        ('[2,"a","X",{"a":1,"a":2}]', Call("a", "X", b'{"a":1,"a":2}')),
    ],
)
def test_what_can_only_mean_one_thing_is_understood(text: str, call: Call) -> None:
    assert Rpc(1).receive(text) == call


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "hello", "{}", "[]", "[2]", '[2,"a"]', '["2","a","X",{}]', '[2.0,"a","X",{}]', '[true,"a","X",{}]',
        '[2,null,"X",{}]', '[2,1.5,"X",{}]', '[2,{},"X",{}]', '[2,[],"X",{}]', '[2,true,"X",{}]', '[2,"","X",{}]',
        f'[2,"{"x" * 256}","X",{{}}]', f"[2,{'9' * 400},\"X\",{{}}]", "[" * 100_000,
        '[,{"a":1}]', "null", '"text"', "2",
    ],
)  # fmt: skip
def test_an_unreadable_frame_is_answered_with_the_id_minus_one(text: str) -> None:
    event = Rpc(1).receive(text)
    assert isinstance(event, Malformed)
    assert (event.unique_id, event.code) == ("-1", "FormationViolation")
    assert event.reply is not None
    assert msgspec.json.decode(event.reply)[:3] == [4, "-1", "FormationViolation"]


@pytest.mark.parametrize(
    "text",
    [
        '[2,"a7","StopTransaction",{"transactionId":5',
        '[2,"a7","StopTransaction",[]]',
        '[2,"a7","StopTransaction",5]',
        '[2,"a7",5,{}]',
        '[2,"a7",null,{}]',
        '[2,"a7","X",' + '{"a":' * 5000 + "1" + "}" * 5001,
    ],
    ids=["cut off", "list", "number", "action a number", "action null", "nested deep"],
)
def test_an_unreadable_call_whose_id_can_be_read_is_answered_with_it(text: str) -> None:
    event = Rpc(1).receive(text)
    assert isinstance(event, Malformed)
    assert event.reply is not None
    assert msgspec.json.decode(event.reply)[:3] == [4, "a7", "FormationViolation"]


def test_an_unreadable_answer_is_not_answered() -> None:
    for text in ('[3,"a",{', '[4,"a","InternalError"', '[3,"a",}]'):
        event = Rpc(1).receive(text)
        assert isinstance(event, (Malformed, Late)), text
        assert not isinstance(event, Malformed) or event.reply is None


def test_an_unknown_message_type_is_ignored_by_1_6_and_answered_by_2_x() -> None:
    old, new = Rpc(1).receive('[9,"a",{}]'), Rpc(1, CODES_2_X).receive('[9,"a",{}]')
    assert isinstance(old, Malformed)
    assert old.reply is None
    assert isinstance(new, Malformed)
    assert new.reply is not None
    assert msgspec.json.decode(new.reply)[2] == "MessageTypeNotSupported"


def test_strictly_nothing_is_forgiven() -> None:
    for text in ('[2,"a","Heartbeat"]', '[2,"a","Heartbeat",null]', '[2,"a","Heartbeat",{},1]', '[2,"a","X",{"b":,}]'):
        assert isinstance(Rpc(1, strict=True).receive(text), Malformed), text


# -- calls of ours -----------------------------------------------------------------------------------------------------


def test_an_answer_finds_its_call_once() -> None:
    rpc = Rpc(255)
    unique_id, frame = rpc.call("Reset", b'{"type":"Soft"}')
    assert msgspec.json.decode(frame) == [2, unique_id, "Reset", {"type": "Soft"}]
    assert len(unique_id) <= 36
    answer = f'[3,"{unique_id}",{{"status":"Accepted"}}]'
    assert rpc.receive(answer) == Answer(unique_id, b'{"status":"Accepted"}')
    assert rpc.receive(answer) == Late(unique_id, 3)


def test_a_call_error_finds_its_call() -> None:
    rpc = Rpc(1)
    unique_id, _ = rpc.call("Reset", b"{}")
    told = rpc.receive(f'[4,"{unique_id}","NotSupported","no such thing",{{}}]')
    assert told == Failure(unique_id, "NotSupported", "no such thing")


@pytest.mark.parametrize("tail", ['"NotSupported"]', "null,null,null]", "5,6]"])
def test_a_call_error_with_odd_parts_is_still_one(tail: str) -> None:
    rpc = Rpc(1)
    unique_id, _ = rpc.call("Reset", b"{}")
    assert isinstance(rpc.receive(f'[4,"{unique_id}",{tail}'), Failure)


def test_one_call_at_a_time() -> None:
    rpc = Rpc(1)
    rpc.call("Reset", b"{}")
    with pytest.raises(RuntimeError):
        rpc.call("Reset", b"{}")


def test_quirk_11_the_answer_to_a_given_up_call_reaches_no_other() -> None:
    """The error of a timed-out call was given to another call (ocpp-go#294)."""
    rpc = Rpc(1)
    first, _ = rpc.call("Reset", b"{}")
    rpc.give_up()
    second, _ = rpc.call("ClearCache", b"{}")
    assert first != second
    assert rpc.receive(f'[4,"{first}","InternalError","",{{}}]') == Late(first, 4)
    assert rpc.receive(f'[3,"{second}",{{"status":"Accepted"}}]') == Answer(second, b'{"status":"Accepted"}')


def test_quirk_11_an_answer_of_another_generation_reaches_nothing() -> None:
    old, new = Rpc(7), Rpc(8)
    unique_id, _ = old.call("Reset", b"{}")
    new.call("Reset", b"{}")
    assert new.receive(f'[3,"{unique_id}",{{}}]') == Late(unique_id, 3)


def test_what_we_send_is_within_its_limits() -> None:
    assert msgspec.json.decode(error("a", "InternalError", "x" * 1000))[3] == "x" * 255
    assert msgspec.json.decode(result('quote " and \\', {})) == [3, 'quote " and \\', {}]
    assert msgspec.json.decode(result(17, {})) == [3, 17, {}]


# -- repair ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "meant"),
    [
        ('[2,"1","StopTransaction",{"transactionId":,"meterStop":5}]', [2, "1", "StopTransaction", {"meterStop": 5}]),
        ('[2,"1","X",{"meterStop":5,"transactionId":}]', [2, "1", "X", {"meterStop": 5}]),
        ('[2,"1","X",{"a":}]', [2, "1", "X", {}]),
        ('[2,"1","X",{"list":[,{"b":1}]}]', [2, "1", "X", {"list": [{"b": 1}]}]),
        ('[2,"1","X",{"list":[1,,2,],}]', [2, "1", "X", {"list": [1, 2]}]),
        ('\ufeff[2,"1","X",{}]\x00\x00', [2, "1", "X", {}]),
        ('[2,"1","X",{"a":"b\x00c\td"}]', [2, "1", "X", {"a": "bc d"}]),
        ('[2,"1","X",{"a":NaN}]', [2, "1", "X", {"a": None}]),
        ('[2,"1","X",{"a":"looks like \\":,} inside"}]', [2, "1", "X", {"a": 'looks like ":,} inside'}]),
        ('[2,"1","X",{}] and more', [2, "1", "X", {}]),
    ],
)  # fmt: skip
def test_quirk_09_invalid_json_with_one_meaning_is_mended(broken: str, meant: object) -> None:
    mended = repair(broken)
    assert mended is not None
    assert msgspec.json.decode(mended) == meant


@pytest.mark.parametrize("text", ['[2,"1","X",{"a":1', '[2,"1","X",{"a":"b', '[2,"1"}', "]", '"'])
def test_quirk_09_what_was_cut_off_is_not_guessed(text: str) -> None:
    assert repair(text) is None
