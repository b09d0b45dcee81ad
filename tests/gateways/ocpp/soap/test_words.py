"""OCPP 1.2 and 1.5 in 1.6 words and back: the table of differences, row by row (PROTOCOLS 1.3)."""

from typing import Any

import pytest

from actors.model.intents import Unsupported
from gateways.ocpp.soap.operations import VERSIONS
from gateways.ocpp.v15.words import BY_PROTOCOL, Words

W12, W15, W16 = (BY_PROTOCOL[name](VERSIONS[name]) for name in ("ocpp1.2", "ocpp1.5", "ocpp1.6-S"))

HEARD: list[tuple[Words, str, Any, Any]] = [
    (W15, "StatusNotification", {"status": "Occupied", "errorCode": "Mode3Error"},
     {"status": "Charging", "errorCode": "EVCommunicationError"}),
    (W15, "StatusNotification", {"status": "Faulted", "errorCode": "OtherError"},
     {"status": "Faulted", "errorCode": "OtherError"}),
    (W15, "MeterValues",
     {"connectorId": 1, "values": [{"timestamp": "t", "value": [{"value": "7", "unit": "Amp"}, {"value": "8"}]}]},
     {"connectorId": 1, "meterValue": [{"timestamp": "t", "sampledValue": [{"value": "7", "unit": "A"}, {"value": "8"}]}]}),
    (W15, "StopTransaction", {"transactionId": 1, "transactionData": [
        {"values": [{"timestamp": "a", "value": [{"value": "1"}]}, {"timestamp": "b", "value": [{"value": "2"}]}]},
        {"values": [{"timestamp": "c", "value": [{"value": "3", "unit": "Volt"}]}]}]},
     {"transactionId": 1, "transactionData": [
         {"timestamp": "a", "sampledValue": [{"value": "1"}]}, {"timestamp": "b", "sampledValue": [{"value": "2"}]},
         {"timestamp": "c", "sampledValue": [{"value": "3", "unit": "V"}]}]}),
    (W15, "StopTransaction", {"transactionId": 1}, {"transactionId": 1}),
    (W12, "MeterValues", {"connectorId": 1, "values": [{"timestamp": "t", "value": 1500}]},
     {"connectorId": 1, "meterValue": [{"timestamp": "t", "sampledValue": [{"value": "1500"}]}]}),
    (W16, "StatusNotification", {"status": "Preparing"}, {"status": "Preparing"}),
]  # fmt: skip


@pytest.mark.parametrize(("words", "action", "said", "meant"), HEARD)
def test_what_a_station_says(words: Words, action: str, said: Any, meant: Any) -> None:
    assert words.heard(action, said) == meant


@pytest.mark.parametrize("status", ["Accepted", "Rejected", "Pending"])
def test_a_boot_is_answered_with_a_heartbeat_interval_and_never_with_pending(status: str) -> None:
    told = {"status": status, "currentTime": "t", "interval": 60}
    older = {"status": "Rejected" if status == "Pending" else status, "currentTime": "t", "heartbeatInterval": 60}
    assert W15.said("BootNotification", told) == W12.said("BootNotification", told) == older
    assert W16.said("BootNotification", told) == told


COMMANDS: list[tuple[Words, str, Any, Any]] = [
    (W15, "ChangeConfiguration", {"key": "HeartbeatInterval", "value": "1"}, {"key": "HeartBeatInterval", "value": "1"}),
    (W12, "ChangeConfiguration", {"key": "heartbeatinterval", "value": "1"}, {"key": "HeartBeatInterval", "value": "1"}),
    (W15, "ChangeConfiguration", {"key": "ConnectionTimeOut", "value": "1"}, {"key": "ConnectionTimeOut", "value": "1"}),
    (W15, "GetConfiguration", {}, {}),
    (W15, "GetConfiguration", {"key": ["HeartbeatInterval", "X"]}, {"key": ["HeartBeatInterval", "X"]}),
    (W15, "SendLocalList", {"listVersion": 1, "updateType": "Full"}, {"listVersion": 1, "updateType": "Full"}),
    (W15, "SendLocalList", {"localAuthorizationList": [{"idTag": "a"}]}, {"localAuthorisationList": [{"idTag": "a"}]}),
    (W16, "SendLocalList", {"localAuthorizationList": [{"idTag": "a"}]}, {"localAuthorizationList": [{"idTag": "a"}]}),
]  # fmt: skip


@pytest.mark.parametrize(("words", "action", "wanted", "said"), COMMANDS)
def test_what_a_station_is_told(words: Words, action: str, wanted: Any, said: Any) -> None:
    assert words.command(action, wanted) == said


def test_every_command_goes_out_in_its_version_or_is_refused() -> None:
    for action in VERSIONS["ocpp1.6-S"].station.operations:
        for words in (W12, W15):
            made = words.command(action, {"key": "k"} if action == "ChangeConfiguration" else {})
            assert isinstance(made, Unsupported) == (action not in words.version.station.operations), action


ANSWERED = [
    (W15, "UnlockConnector", {"status": "Accepted"}, {"status": "Unlocked"}),
    (W12, "UnlockConnector", {"status": "Rejected"}, {"status": "UnlockFailed"}),
    (W16, "UnlockConnector", {"status": "NotSupported"}, {"status": "NotSupported"}),
    (W15, "SendLocalList", {"status": "HashError", "hash": "x"}, {"status": "Failed", "hash": "x"}),
    (W15, "Reset", {"status": "Rejected"}, {"status": "Rejected"}),
    (W15, "GetConfiguration",
     {"configurationKey": [{"key": "HeartBeatInterval", "readonly": False}], "unknownKey": ["heartbeatinterval"]},
     {"configurationKey": [{"key": "HeartbeatInterval", "readonly": False}], "unknownKey": ["HeartbeatInterval"]}),
]  # fmt: skip


@pytest.mark.parametrize(("words", "action", "said", "meant"), ANSWERED)
def test_what_a_station_answers(words: Words, action: str, said: Any, meant: Any) -> None:
    assert words.answered(action, said) == meant


def test_a_command_that_went_out_is_remembered_in_the_callers_words() -> None:
    asked = {"key": "HeartbeatInterval", "value": "60"}
    said = W15.command("ChangeConfiguration", asked)
    assert isinstance(said, dict)
    assert W15.commanded("ChangeConfiguration", said) == asked
