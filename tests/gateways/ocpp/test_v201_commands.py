"""Commands of OCPP 2.0.1, both ways: said, carried, answered; and what its rules forbid, refused with the field."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import jsonschema
import msgspec
import pytest

from actors.model import intents as i
from gateways.ocpp.mapping.engine import Senseless
from gateways.ocpp.v201 import answers, commands, spoken
from gateways.ocpp.v201.messages import TO_STATION
from tests.gateways.ocpp.said_201 import HASH, SAID_201, TOKEN
from tests.protocol.schemas import accepts, schema_201

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)


def valid(name: str, value: Any) -> None:
    """By the official schema."""
    assert accepts(jsonschema.Draft6Validator(schema_201(name)), msgspec.json.encode(value).decode()), value


def test_all_forty_commands_are_said_here() -> None:
    assert SAID_201.keys() == TO_STATION.keys()


@pytest.mark.parametrize("action", sorted(SAID_201))
def test_what_is_said_goes_out_as_it_was_said(action: str) -> None:
    payload = SAID_201[action][0]
    valid(action, payload)
    intent = spoken.to_intent(action, msgspec.convert(payload, TO_STATION[action][0]))
    call = commands.to_wire(intent)
    assert isinstance(call, commands.Call), call
    assert (call.action, call.lost, call.more) == (action, (), ())
    sent = msgspec.to_builtins(call.request)
    assert sent == payload
    valid(action, sent)


@pytest.mark.parametrize("action", sorted(SAID_201))
def test_what_is_answered_comes_back_as_it_was_answered(action: str) -> None:
    payload, answer = SAID_201[action]
    valid(f"{action}Response", answer)
    intent = spoken.to_intent(action, msgspec.convert(payload, TO_STATION[action][0]))
    result = answers.read_answer(action, msgspec.json.encode(payload), answer)
    assert msgspec.json.decode(msgspec.json.encode(result), type=i.CommandResult) == result, "it travels in letters"
    said = answers.write_answer(action, result, intent)
    assert said == answer
    valid(f"{action}Response", said)


@pytest.mark.parametrize("action", sorted(SAID_201))
def test_a_status_that_no_schema_knows_reaches_the_operator(action: str) -> None:
    payload, answer = SAID_201[action]
    if "status" in answer:
        result = answers.read_answer(action, msgspec.json.encode(payload), {"status": "SomethingNew"})
        assert result.status == "SomethingNew"
    assert isinstance(answers.read_answer(action, msgspec.json.encode(payload), {}), i.CommandResult)


def _profile(purpose: str = "TxProfile", **more: Any) -> i.ChargingProfile:
    period = more.pop("period", i.SchedulePeriod(0, Decimal(16)))
    more.setdefault("schedules", (i.ChargingSchedule("A", (period,)),))
    return i.ChargingProfile(1, 0, purpose, "Relative", **more)


_SETTING = i.SetVariable(i.VariableRef("OCPPCommCtrlr", "HeartbeatInterval"), "60")
_SAME = i.SetVariable(i.VariableRef("ocppcommctrlr", "heartbeatinterval"), "70")
_HASH = i.CertificateHash("SHA256", "aa", "bb", "1f")


@pytest.mark.parametrize(
    ("intent", "field"),
    [
        (i.SetChargingProfile(1, _profile()), "profile.transaction_id"),  # K01.FR.03
        (i.SetChargingProfile(0, _profile(transaction_id="t")), "evse"),
        (i.SetChargingProfile(1, _profile("ChargingStationMaxProfile")), "evse"),
        (i.SetChargingProfile(1, _profile("TxDefaultProfile", transaction_id="t")), "profile.transaction_id"),
        (i.SetChargingProfile(0, _profile("ChargingStationExternalConstraints")), "profile.purpose"),  # K01.FR.22
        (i.SetChargingProfile(0, _profile("TxDefaultProfile", period=i.SchedulePeriod(0, Decimal(1), 3, 1))),
         "profile.schedules[0].periods[0].phase_to_use"),
        (i.SetChargingProfile(0, _profile("TxDefaultProfile", period=i.SchedulePeriod(5, Decimal(1)))),
         "profile.schedules[0].periods[0].start_period"),
        (i.SetChargingProfile(0, _profile("TxDefaultProfile", schedules=())), "profile.schedules"),
        (i.SetChargingProfile(0, _profile("TxDefaultProfile", schedules=_profile().schedules * 4)), "profile.schedules"),
        (i.RequestStart("AB", profile=_profile("TxDefaultProfile")), "profile.purpose"),
        (i.RequestStart("AB", profile=_profile(transaction_id="t")), "profile.transaction_id"),
        (i.RequestStart("x" * 37), "id_token"),
        (i.RequestStart("AB", evse=0), "evse"),
        (i.RequestStop("t" * 37), "transaction_id"),
        (i.CustomerInformation(True, False), "id_token"),  # N09
        (i.CustomerInformation(True, False, id_token="AB", customer_identifier="c"), "customer_identifier"),
        (i.CustomerInformation(True, False, customer_identifier="c", certificate=_HASH), "certificate"),
        (i.SetVariables((_SETTING, _SAME)), "settings[1]"),  # B05.FR.13
        (i.SetVariables(()), "settings"),
        (i.SetVariables((i.SetVariable(_SETTING.ref, "x" * 1001),)), "settings[0].value"),
        (i.GetVariables((_SETTING.ref, _SETTING.ref)), "refs[1]"),
        (i.GetChargingProfiles(ids=(1,), purpose="TxProfile"), "ids"),  # K09
        (i.Trigger("StatusNotification"), "evse"),  # F06.FR.13
        (i.SetMonitoringLevel(10), "severity"),
        (i.SetVariableMonitoring((i.MonitorSetting(_SETTING.ref, "Delta", 1, 10),)), "monitors[0].severity"),
        (i.UpdateFirmware("https://x/y", AT, signing_certificate="c"), "signature"),  # L01.FR.11
        (i.SendLocalList(1, "Full", (i.LocalListEntry("AB"),)), "entries[0].status"),
        (i.SendLocalList(0, "Full"), "version"),
        (i.SetNetworkProfile(1, i.NetworkProfile("wss://x", 4, "Wired0", 30)), "profile.security_profile"),
        (i.UnlockConnector(0), "evse"),
    ],
)  # fmt: skip
def test_what_the_standard_forbids_is_refused_with_the_field(intent: i.AnyIntent, field: str) -> None:
    refused = commands.to_wire(intent)
    assert isinstance(refused, i.Unsupported), refused
    assert refused.field == field, refused


@pytest.mark.parametrize(
    ("action", "change", "pointer"),
    [
        ("SetChargingProfile", {"evseId": 0}, "/evseId"),
        ("CustomerInformation", {"customerIdentifier": "c"}, "/customerIdentifier"),
        ("ClearChargingProfile", {"chargingProfileId": 1}, "/chargingProfileCriteria"),
        ("SetVariables", {"setVariableData": SAID_201["SetVariables"][0]["setVariableData"] * 2}, "/setVariableData/2"),
        ("TriggerMessage", {"evse": {"id": 0}}, "/evse/id"),
        ("TriggerMessage", {"evse": {"id": 1}}, "/evse/connectorId"),
        ("ChangeAvailability", {"evse": {"id": 0, "connectorId": 1}}, "/evse/id"),
        ("GetLog", {"log": {"remoteLocation": "nowhere"}}, "/log/remoteLocation"),
        ("UnlockConnector", {"connectorId": 0}, "/connectorId"),
    ],
)  # fmt: skip
def test_a_caller_is_told_of_his_own_field(action: str, change: dict[str, Any], pointer: str) -> None:
    payload = SAID_201[action][0] | change
    with pytest.raises(Senseless) as caught:
        spoken.to_intent(action, msgspec.convert(payload, TO_STATION[action][0]))
    assert caught.value.field == pointer


def test_a_token_without_a_type_gets_the_one_it_looks_like() -> None:
    for text, kind in (("04A2B3C4", "ISO14443"), ("DE8ACC12E46L89", "eMAID"), ("APP-77", "Central")):
        call = commands.to_wire(i.RequestStart(text, evse=1, remote_start_id=3))
        assert isinstance(call, commands.Call)
        assert msgspec.to_builtins(call.request)["idToken"] == {"idToken": text, "type": kind}


def test_who_named_a_connector_by_its_evse_asks_for_the_status_of_its_first() -> None:
    call = commands.to_wire(i.Trigger("StatusNotification", evse=2))
    assert isinstance(call, commands.Call)
    assert msgspec.to_builtins(call.request)["evse"] == {"id": 2, "connectorId": 1}


def test_who_names_no_key_gets_all_that_2_0_1_has_of_them_in_several_calls() -> None:
    call = commands.to_wire(i.GetVariables())
    assert isinstance(call, commands.Call)
    asked = [item for each in (call, *call.more) for item in msgspec.to_builtins(each.request)["getVariableData"]]
    assert len(call.more) > 2
    assert {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}} in asked
    assert not any(item["variable"]["name"] == "BasicAuthPassword" for item in asked)
    for each in (call, *call.more):
        valid("GetVariables", msgspec.to_builtins(each.request))


def test_an_id_alone_clears_a_profile_and_the_criteria_are_told_as_lost() -> None:
    call = commands.to_wire(i.ClearChargingProfile(id=3, evse=1, purpose="TxProfile"))
    assert isinstance(call, commands.Call)
    assert (msgspec.to_builtins(call.request), call.lost) == ({"chargingProfileId": 3}, ("evse", "purpose"))


def test_secrets_that_a_station_reveals_are_not_kept() -> None:
    password = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    told = {"getVariableResult": [{"attributeStatus": "Accepted", "attributeValue": "hunter2", **password}]}
    result = answers.read_answer("GetVariables", b"{}", told)
    assert "hunter2" not in repr(result)
    asked = msgspec.json.encode({"setVariableData": [{"attributeValue": "hunter2", **password}]})
    result = answers.read_answer("SetVariables", asked, {"setVariableResult": [{"attributeStatus": "Accepted", **password}]})
    assert (result.status, result.variables[0].value) == ("Accepted", None)


def test_a_certificate_s_hash_and_a_token_are_there_and_back() -> None:
    intent = spoken.to_intent(
        "DeleteCertificate", msgspec.convert({"certificateHashData": HASH}, TO_STATION["DeleteCertificate"][0])
    )
    assert isinstance(intent, i.DeleteCertificate)
    assert intent.hash.serial_number == "1f"
    assert TOKEN["type"] == "ISO14443"
