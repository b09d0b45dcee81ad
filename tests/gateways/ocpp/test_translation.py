"""Every command in every version's words to a station of every version: there and back it is the same, or the loss is named."""

import contextlib
import json
import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.model import intents as i
from actors.model.device_keys import KEYS
from actors.station.messages import WireCall
from gateways.ocpp import vocabulary
from gateways.ocpp.mapping import engine
from gateways.ocpp.mapping.command import Version
from gateways.ocpp.mapping.commands_v15 import V15
from gateways.ocpp.mapping.commands_v16 import V16
from gateways.ocpp.mapping.commands_v201 import AT_ONCE, V201
from gateways.ocpp.mapping.wire import Call, to_call
from gateways.ocpp.soap.dialect import SoapDialect
from gateways.ocpp.soap.operations import VERSIONS
from gateways.ocpp.times import wire_time
from gateways.ocpp.v15.messages import TO_STATION as TYPES_15
from gateways.ocpp.v16.actions import TO_STATION as TYPES_16
from gateways.ocpp.v201.messages import TO_STATION as TYPES_201
from storage.vault import Vault
from tests.gateways.ocpp.said_16 import SAID_16
from tests.gateways.ocpp.said_201 import AT, HASH, HEARTBEAT, PROFILE, SAID_201, TARGET, TOKEN
from tests.kits.examples import examples
from tests.protocol.schemas import Generator, accepts, dump, schema, schema_201

TYPES: dict[str, Any] = {"ocpp2.0.1": TYPES_201, "ocpp1.6": TYPES_16, "ocpp1.5": TYPES_15}
TABLES: dict[str, Version] = {"ocpp2.0.1": V201, "ocpp1.6": V16, "ocpp1.5": V15}
SCHEMAS: dict[str, Any] = {
    "ocpp2.0.1": lambda name: jsonschema.Draft6Validator(schema_201(name)),
    "ocpp1.6": lambda name: jsonschema.Draft4Validator(schema(name)),
}


def carried(version: str, intent: i.AnyIntent) -> Call | i.Unsupported:
    """What goes out to a station of that version; it must be valid by the official schema."""
    call = to_call(TABLES[version], TYPES[version], intent)
    if isinstance(call, Call) and version in SCHEMAS:
        for each in (call, *call.more):
            assert accepts(SCHEMAS[version](each.action), msgspec.json.encode(each.request).decode()), each
    return call


def said(version: str, action: str, payload: dict[str, Any]) -> vocabulary.ParsedCommand:
    return vocabulary.parse_command(action, payload, version)


# -- the tables -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", sorted(TABLES))
def test_every_intent_and_each_of_its_fields_is_carried_lost_or_refused(version: str) -> None:
    table = TABLES[version]

    def accounted(shape: engine.Shape) -> None:
        names = {field.name for field in shape.fields} | set(shape.lost) | set(shape.refused) | set(shape.silent)
        assert names == {field.name for field in msgspec.structs.fields(shape.of)}, shape.of
        for field in shape.fields:
            if field.shape is not None:
                accounted(field.shape)

    for kind in i.AnyIntent.__args__:  # type: ignore[attr-defined]
        carries = [carry for carry in table.carries if carry.intent is kind]
        assert carries or kind in table.cannot, kind
        last = carries[-1].when if carries else None
        assert last is None or kind in table.cannot or len({carry.when for carry in carries}) > 1, kind
        for carry in carries:
            accounted(carry.shape)


@pytest.mark.parametrize("version", sorted(TABLES))
def test_every_action_of_a_version_can_be_said_and_sent(version: str) -> None:
    spoken = {carry.action for carry in TABLES[version].carries if carry.spoken}
    assert spoken == set(TYPES[version])


@pytest.mark.parametrize("action", sorted(SAID_201))
def test_every_field_that_2_0_1_has_is_in_the_table(action: str) -> None:
    """customData and a group's additionalInfo apart, which no intent holds: those are told as lost."""
    carry = V201.said(action)
    names = _names(schema_201(action))
    missing = [name for name in names if not _covered(carry.shape, name) and name not in carry.takes]
    assert missing == [] or all("roupIdToken" in name or "idToken.additionalInfo" in name for name in missing), missing


def _names(rules: dict[str, Any], at: str = "") -> list[str]:
    found: list[str] = []
    for name, inner in rules.get("properties", {}).items():
        if name == "customData":
            continue
        item = inner.get("items", inner)
        path = f"{at}{name}" + ("[]" if "items" in inner else "")
        found += _names(item, f"{path}.") if item.get("properties") else [path.removesuffix("[]")]
    return found


def _covered(shape: engine.Shape, name: str) -> bool:
    whole = engine.intent_path(shape, name)
    if whole is None:
        return False
    back = engine.wire_path(shape, whole)
    return back is not None and (name.startswith(back) or back.startswith(name))


# -- there and back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", sorted(SAID_16))
def test_1_6_words_reach_a_1_6_station_unchanged(action: str) -> None:
    payload = SAID_16[action][0]
    parsed = said("ocpp1.6", action, payload)
    call = carried("ocpp1.6", parsed.intent)
    assert isinstance(call, Call), call
    assert (call.action, msgspec.to_builtins(call.request), call.lost) == (action, payload, ())


REFUSED_AT_2_0_1 = {"SetChargingProfile": "/csChargingProfiles/transactionId"}
"""K01.FR.03: 2.0.1 wants the transaction named, 1.6 does not."""


@pytest.mark.parametrize("action", sorted(SAID_16))
def test_every_1_6_command_survives_the_way_through_2_0_1(action: str) -> None:
    """1.6 -> intent -> 2.0.1 -> intent -> 1.6: the same, or a loss that was named."""
    payload = SAID_16[action][0]
    parsed = said("ocpp1.6", action, payload)
    there = carried("ocpp2.0.1", parsed.intent)
    if action in REFUSED_AT_2_0_1:
        assert isinstance(there, i.Unsupported)
        assert vocabulary.pointer(parsed, str(there.field)) == REFUSED_AT_2_0_1[action]
        return
    assert isinstance(there, Call), there
    assert vocabulary.lost(parsed, there.lost) == [], "2.0.1 carries all that 1.6 can say"
    back = said("ocpp2.0.1", there.action, msgspec.to_builtins(there.request))
    again = carried("ocpp1.6", back.intent)
    assert isinstance(again, Call), again
    assert msgspec.to_builtins(again.request) == _as_2_0_1_says_it(action, payload)


def _as_2_0_1_says_it(action: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The log of the security extension is 1.6's plain one, unless it is the security log."""
    if action == "GetLog" and payload["logType"] == "DiagnosticsLog":
        log = payload["log"]
        return {"location": log["remoteLocation"]}
    return payload


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp1.5"])
@pytest.mark.parametrize("action", sorted(SAID_201))
def test_every_2_0_1_command_reaches_an_older_station_or_names_what_does_not(action: str, version: str) -> None:
    payload = SAID_201[action][0]
    parsed = said("ocpp2.0.1", action, payload)
    there = carried(version, parsed.intent)
    if isinstance(there, i.Unsupported):
        assert there.detail
        if there.field is not None:
            assert _says(payload, vocabulary.pointer(parsed, there.field)), there
        return
    lost = vocabulary.lost(parsed, there.lost)
    for name in lost:
        assert _says(payload, "/" + name.split("[")[0].replace(".", "/")), name


def _says(payload: Any, pointer: str) -> bool:
    value = payload
    for step in pointer.split("/")[1:]:
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return False
    return True


@pytest.mark.parametrize(
    ("action", "payload", "sent", "lost"),
    [
        ("RequestStartTransaction", {"idToken": TOKEN, "remoteStartId": 4, "evseId": 2},
         ("RemoteStartTransaction", {"idTag": "04A2B3C4", "connectorId": 2}), ["remoteStartId", "idToken.type"]),
        ("RequestStopTransaction", {"transactionId": "77"}, ("RemoteStopTransaction", {"transactionId": 77}), []),
        ("SetVariables", {"setVariableData": [{**HEARTBEAT, "attributeValue": "60"}]},
         ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"}), []),
        ("GetVariables", {"getVariableData": [HEARTBEAT]}, ("GetConfiguration", {"key": ["HeartbeatInterval"]}), []),
        ("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"}, ("GetConfiguration", {}), ["requestId"]),
        ("GetReport", {"requestId": 1, "componentVariable": [HEARTBEAT]},
         ("GetConfiguration", {"key": ["HeartbeatInterval"]}), ["requestId"]),
        ("GetReport", {"requestId": 1, "componentVariable": [{"component": {"name": "EVSE"}}]},
         ("GetConfiguration", {}), ["requestId"]),
        ("ChangeAvailability", {"operationalStatus": "Operative"},
         ("ChangeAvailability", {"connectorId": 0, "type": "Operative"}), []),
        ("Reset", {"type": "OnIdle"}, ("Reset", {"type": "Soft"}), []),
        ("UnlockConnector", {"evseId": 2, "connectorId": 1}, ("UnlockConnector", {"connectorId": 2}), []),
        ("TriggerMessage", {"requestedMessage": "TransactionEvent", "evse": {"id": 1}},
         ("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1}), []),
        ("TriggerMessage", {"requestedMessage": "SignChargingStationCertificate"},
         ("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"}), []),
        ("TriggerMessage", {"requestedMessage": "SignV2GCertificate"},
         ("DataTransfer", {"vendorId": "org.openchargealliance.iso15118pnc", "messageId": "TriggerMessage",
                           "data": '{"requestedMessage":"SignV2GCertificate"}'}), []),
        ("ReserveNow", {"id": 3, "expiryDateTime": AT, "idToken": TOKEN},
         ("ReserveNow", {"connectorId": 0, "expiryDate": AT, "idTag": "04A2B3C4", "reservationId": 3}), ["idToken.type"]),
        ("CostUpdated", {"totalCost": 3.5, "transactionId": "77"},
         ("DataTransfer", {"vendorId": "org.openchargealliance.costmsg", "messageId": "RunningCost",
                           "data": '{"transactionId":77,"cost":3.5}'}), []),
        ("CustomerInformation", {"requestId": 1, "report": False, "clear": True, "idToken": TOKEN},
         ("ClearCache", {}), ["idToken.idToken", "idToken.type", "requestId"]),
        ("InstallCertificate", {"certificateType": "CSMSRootCertificate", "certificate": "PEM"},
         ("InstallCertificate", {"certificateType": "CentralSystemRootCertificate", "certificate": "PEM"}), []),
        ("InstallCertificate", {"certificateType": "V2GRootCertificate", "certificate": "PEM"},
         ("DataTransfer", {"vendorId": "org.openchargealliance.iso15118pnc", "messageId": "InstallCertificate",
                           "data": '{"certificateType":"V2GRootCertificate","certificate":"PEM"}'}), []),
        ("DeleteCertificate", {"certificateHashData": HASH}, ("DeleteCertificate", {"certificateHashData": HASH}), []),
        ("GetLog", {"requestId": 4, "logType": "DiagnosticsLog", "log": {"remoteLocation": "ftp://x/y", "oldestTimestamp": AT}},
         ("GetDiagnostics", {"location": "ftp://x/y", "startTime": AT}), ["requestId"]),
        ("DataTransfer", {"vendorId": "v", "data": {"a": 1}}, ("DataTransfer", {"vendorId": "v", "data": '{"a":1}'}), []),
        ("DataTransfer", {"vendorId": "v", "customData": {"vendorId": "w"}}, ("DataTransfer", {"vendorId": "v"}), ["customData"]),
    ],
)  # fmt: skip
def test_2_0_1_words_to_a_1_6_station(
    action: str, payload: dict[str, Any], sent: tuple[str, dict[str, Any]], lost: list[str]
) -> None:
    parsed = said("ocpp2.0.1", action, payload)
    call = carried("ocpp1.6", parsed.intent)
    assert isinstance(call, Call), call
    assert (call.action, msgspec.to_builtins(call.request)) == sent
    assert sorted(vocabulary.lost(parsed, call.lost)) == sorted(lost)


@pytest.mark.parametrize(
    ("action", "payload", "pointer"),
    [
        ("RequestStartTransaction", {"idToken": {**TOKEN, "idToken": "x" * 30}, "remoteStartId": 1}, "/idToken/idToken"),
        ("RequestStartTransaction", {"idToken": {"idToken": "", "type": "NoAuthorization"}, "remoteStartId": 1}, "/idToken/type"),
        ("RequestStopTransaction", {"transactionId": "a-uuid"}, "/transactionId"),
        ("SetVariables", {"setVariableData": [{**TARGET, "attributeValue": "1"}]}, "/setVariableData/0"),
        ("Reset", {"type": "Immediate", "evseId": 1}, "/evseId"),
        ("UnlockConnector", {"evseId": 1, "connectorId": 2}, "/connectorId"),
        ("ReserveNow", {"id": 1, "expiryDateTime": AT, "idToken": TOKEN, "connectorType": "cType2"}, "/connectorType"),
        ("GetReport", {"requestId": 1, "componentCriteria": ["Problem"]}, "/componentCriteria"),
        ("GetBaseReport", {"requestId": 1, "reportBase": "SummaryInventory"}, "/reportBase"),
        ("CustomerInformation", {"requestId": 1, "report": True, "clear": True, "idToken": TOKEN}, "/report"),
        ("SetChargingProfile", {"evseId": 1, "chargingProfile": PROFILE}, "/chargingProfile/transactionId"),
        ("TriggerMessage", {"requestedMessage": "PublishFirmwareStatusNotification"}, "/requestedMessage"),
    ],
)  # fmt: skip
def test_what_1_6_cannot_carry_is_refused_with_the_callers_field(action: str, payload: dict[str, Any], pointer: str) -> None:
    parsed = said("ocpp2.0.1", action, payload)
    refused = carried("ocpp1.6", parsed.intent)
    assert isinstance(refused, i.Unsupported), refused
    assert vocabulary.pointer(parsed, str(refused.field)) == pointer


@pytest.mark.parametrize(
    "kind",
    [
        i.GetChargingProfiles(), i.GetMonitoringReport(), i.SetMonitoringBase("All"), i.SetMonitoringLevel(1),
        i.SetVariableMonitoring(()), i.ClearVariableMonitoring((1,)), i.GetTransactionStatus(),
        i.PublishFirmware("https://x", "0"), i.UnpublishFirmware("0"), i.GetDisplayMessages(), i.ClearDisplayMessage(1),
        i.SetNetworkProfile(1, i.NetworkProfile("wss://x", 1, "Wired0", 30)),
        i.SetDisplayMessage(i.DisplayMessage(1, "InFront", i.MessageText("x"))),
    ],
)  # fmt: skip
@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp1.5"])
def test_what_older_versions_do_not_know_is_refused_in_words(kind: i.AnyIntent, version: str) -> None:
    refused = carried(version, kind)
    assert isinstance(refused, i.Unsupported)
    assert version[4:] in refused.detail


def test_a_setting_of_several_variables_is_one_call_each_in_order() -> None:
    items = [
        {**HEARTBEAT, "attributeValue": "60"},
        {**TARGET, "attributeValue": "1"},
        {"component": {"name": "OCPP16"}, "variable": {"name": "Vendor.Key"}, "attributeValue": "x"},
    ]
    parsed = said("ocpp2.0.1", "SetVariables", {"setVariableData": items})
    call = carried("ocpp1.6", parsed.intent)
    assert isinstance(call, Call)
    assert [msgspec.to_builtins(each.request) for each in (call, *call.more)] == [
        {"key": "HeartbeatInterval", "value": "60"}, {"key": "Vendor.Key", "value": "x"},
    ]  # fmt: skip
    assert vocabulary.lost(parsed, call.lost) == ["setVariableData[1]"]


def test_certificates_are_asked_for_type_by_type() -> None:
    kinds = ["CSMSRootCertificate", "ManufacturerRootCertificate", "V2GRootCertificate", "MORootCertificate"]
    parsed = said("ocpp2.0.1", "GetInstalledCertificateIds", {"certificateType": kinds})
    call = carried("ocpp1.6", parsed.intent)
    assert isinstance(call, Call)
    assert [each.action for each in (call, *call.more)] == ["GetInstalledCertificateIds"] * 2 + ["DataTransfer"]
    everything = carried("ocpp1.6", i.GetInstalledCertificateIds())
    assert isinstance(everything, Call)
    assert [msgspec.to_builtins(each.request)["certificateType"] for each in (everything, *everything.more)] == [
        "CentralSystemRootCertificate", "ManufacturerRootCertificate",
    ]  # fmt: skip


@pytest.mark.parametrize("row", KEYS, ids=lambda row: row.key)
def test_every_configuration_key_is_there_and_back(row: Any) -> None:
    parsed = said("ocpp1.6", "ChangeConfiguration", {"key": row.key, "value": "1"})
    there = carried("ocpp2.0.1", parsed.intent)
    assert isinstance(there, Call)
    back = said("ocpp2.0.1", "SetVariables", msgspec.to_builtins(there.request))
    again = carried("ocpp1.6", back.intent)
    assert isinstance(again, Call)
    assert msgspec.to_builtins(again.request)["key"] == row.key


@given(key=st.text(min_size=1, max_size=50).filter(lambda key: "\x00" not in key))
@settings(max_examples=examples(200))
def test_any_vendor_s_key_is_there_and_back(key: str) -> None:
    parsed = said("ocpp1.6", "GetConfiguration", {"key": [key]})
    there = to_call(V201, TYPES_201, parsed.intent)
    assert isinstance(there, Call)
    back = said("ocpp2.0.1", "GetVariables", msgspec.to_builtins(there.request))
    again = to_call(V16, TYPES_16, back.intent)
    assert isinstance(again, Call)
    assert [name.lower() for name in msgspec.to_builtins(again.request)["key"]] == [key.lower()]


# -- 1.5 --------------------------------------------------------------------------------------------------------------


def test_1_5_spells_a_key_and_a_list_in_its_own_way() -> None:
    parsed = said("ocpp2.0.1", "SetVariables", {"setVariableData": [{**HEARTBEAT, "attributeValue": "60"}]})
    call = carried("ocpp1.5", parsed.intent)
    assert isinstance(call, Call)
    assert msgspec.to_builtins(call.request) == {"key": "HeartBeatInterval", "value": "60"}
    entries = [{"idTag": "AB", "idTagInfo": {"status": "Accepted"}}]
    spoken = said(
        "ocpp1.5", "SendLocalList", {"updateType": "Full", "listVersion": 1, "localAuthorisationList": entries, "hash": "h"}
    )
    assert spoken.unsaid == ("hash",)
    newer = carried("ocpp2.0.1", spoken.intent)
    assert isinstance(newer, Call)
    assert newer.action == "SendLocalList"
    older = carried("ocpp1.5", spoken.intent)
    assert isinstance(older, Call)
    assert msgspec.to_builtins(older.request)["localAuthorisationList"] == entries


def test_a_profile_in_a_remote_start_is_refused_at_1_5_with_its_field() -> None:
    payload = SAID_201["RequestStartTransaction"][0]
    parsed = said("ocpp2.0.1", "RequestStartTransaction", payload)
    refused = carried("ocpp1.5", parsed.intent)
    assert isinstance(refused, i.Unsupported)
    assert vocabulary.pointer(parsed, str(refused.field)) == "/chargingProfile"


@pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1"])
@pytest.mark.parametrize("action", sorted({*SAID_16, *SAID_201}))
def test_a_soap_station_is_sent_what_the_table_of_1_5_says(action: str, version: str) -> None:
    said_there = SAID_16 if version == "ocpp1.6" else SAID_201
    if action not in said_there:
        return
    parsed = said(version, action, said_there[action][0])
    table = carried("ocpp1.5", parsed.intent)
    soap = SoapDialect(VERSIONS["ocpp1.5"], "demo", Vault(bytes(32)), lambda: datetime.now(UTC)).render(parsed.intent)
    if isinstance(table, i.Unsupported):
        assert isinstance(soap, i.Unsupported)
        return
    assert isinstance(soap, WireCall), soap
    assert soap.action == table.action
    sent = [msgspec.json.decode(each.payload) for each in (soap, *soap.more)]
    assert sent == [_json(each) for each in (table, *table.more)]


# -- results ---------------------------------------------------------------------------------------------------------


def _result(parsed: vocabulary.ParsedCommand, result: i.CommandResult) -> dict[str, Any]:
    rendered = vocabulary.render_result(parsed, result)
    if parsed.version in SCHEMAS:
        validator = SCHEMAS[parsed.version](f"{parsed.action}Response")
        assert accepts(validator, msgspec.json.encode(rendered).decode()), rendered
    return rendered


@pytest.mark.parametrize(
    ("version", "action", "payload", "result", "answer"),
    [
        ("ocpp1.6", "Reset", {"type": "Soft"}, i.CommandResult("Scheduled"), {"status": "Accepted"}),
        ("ocpp1.6", "UnlockConnector", {"connectorId": 1}, i.CommandResult("OngoingAuthorizedTransaction"),
         {"status": "UnlockFailed"}),
        ("ocpp1.6", "ChangeConfiguration", {"key": "X", "value": "1"}, i.CommandResult("UnknownComponent"),
         {"status": "NotSupported"}),
        ("ocpp1.5", "UnlockConnector", {"connectorId": 1}, i.CommandResult("Unlocked"), {"status": "Accepted"}),
        ("ocpp1.5", "ChangeConfiguration", {"key": "X", "value": "1"}, i.CommandResult("RebootRequired"), {"status": "Accepted"}),
        ("ocpp2.0.1", "SendLocalList", {"versionNumber": 1, "updateType": "Full"}, i.CommandResult("NotSupported"),
         {"status": "Failed",
          "statusInfo": {"reasonCode": "UnsupportedRequest", "additionalInfo": "the station said NotSupported"}}),
        ("ocpp2.0.1", "UnlockConnector", {"evseId": 1, "connectorId": 1}, i.CommandResult("UnknownConnector"),
         {"status": "UnknownConnector"}),
    ],
)  # fmt: skip
def test_a_result_comes_back_in_the_callers_words(
    version: str, action: str, payload: dict[str, Any], result: i.CommandResult, answer: dict[str, Any]
) -> None:
    assert _result(said(version, action, payload), result) == answer


def test_a_report_that_the_centre_builds_says_so() -> None:
    parsed = said("ocpp2.0.1", "GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
    told = i.CommandResult("", variables=(i.ReportedVariable(i.VariableRef("OCPPCommCtrlr", "HeartbeatInterval"), "60"),))
    answer = _result(parsed, told)
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Accepted", "BuiltByCentre")
    assert _result(parsed, i.CommandResult(""))["status"] == "EmptyResultSet"


def test_values_of_1_6_keys_come_back_as_variables_and_the_other_way_round() -> None:
    rate = i.VariableRef("SmartChargingCtrlr", "RateUnit")
    units = "ChargingScheduleAllowedChargingRateUnit"
    asked = said("ocpp1.6", "GetConfiguration", {"key": [units, "AuthorizationKey", "Nope"]})
    told = i.CommandResult("", variables=(
        i.ReportedVariable(rate, "A,W"),
        i.ReportedVariable(i.VariableRef("SecurityCtrlr", "BasicAuthPassword"), status="Rejected"),
        i.ReportedVariable(i.VariableRef("OCPP16", "Nope"), status="UnknownComponent"),
    ))  # fmt: skip
    assert _result(asked, told) == {
        "configurationKey": [
            {"key": units, "readonly": True, "value": "Current,Power"},
            {"key": "AuthorizationKey", "readonly": False},
        ],
        "unknownKey": ["Nope"],
    }
    newer = said("ocpp2.0.1", "GetVariables", {"getVariableData": [
        {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}},
        {"component": {"name": "smartchargingctrlr"}, "variable": {"name": "rateunit"}},
        {"component": {"name": "X"}, "variable": {"name": "Y"}},
    ]})  # fmt: skip
    keys = i.CommandResult("", variables=(
        i.ReportedVariable(i.VariableRef("SecurityCtrlr", "BasicAuthPassword", key_1_6="AuthorizationKey")),
        i.ReportedVariable(i.VariableRef("SmartChargingCtrlr", "RateUnit", key_1_6=units), "A"),
    ))  # fmt: skip
    found = _result(newer, keys)["getVariableResult"]
    assert [one["attributeStatus"] for one in found] == ["Rejected", "Accepted", "UnknownVariable"]
    assert found[1]["attributeValue"] == "A"


def test_a_no_that_the_callers_words_cannot_tell_is_a_failure() -> None:
    parsed = said("ocpp1.6", "UpdateFirmware", {"location": "ftp://x/y", "retrieveDate": AT})
    failure = vocabulary.refusal(parsed, i.CommandResult("InvalidCertificate"))
    assert failure is not None
    assert (failure.reason, failure.code) == ("error", "InvalidCertificate")
    assert vocabulary.refusal(parsed, i.CommandResult("Accepted")) is None
    newer = said("ocpp2.0.1", "UpdateFirmware", SAID_201["UpdateFirmware"][0])
    assert vocabulary.refusal(newer, i.CommandResult("InvalidCertificate")) is None, "2.0.1 has a word for it"


# -- which words were meant ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "payload", "version"),
    [
        ("Reset", {"type": "Hard"}, "ocpp1.6"),
        ("Reset", {"type": "OnIdle"}, "ocpp2.0.1"),
        ("DataTransfer", {"vendorId": "v", "data": "x"}, "ocpp2.0.1"),
        ("UnlockConnector", {"connectorId": 1}, "ocpp1.6"),
        ("RemoteStartTransaction", {"idTag": "AB"}, "ocpp1.6"),
        ("SendLocalList", {"listVersion": 1, "updateType": "Full"}, "ocpp1.6"),
        ("SendLocalList", {"listVersion": 1, "updateType": "Full", "localAuthorisationList": []}, "ocpp1.5"),
        ("SendLocalList", {"versionNumber": 1, "updateType": "Full"}, "ocpp2.0.1"),
        ("ClearCache", {}, "ocpp2.0.1"),
        ("GetInstalledCertificateIds", {"certificateType": "ManufacturerRootCertificate"}, "ocpp1.6"),
    ],
)  # fmt: skip
def test_the_newest_words_that_the_payload_fits_are_meant(action: str, payload: dict[str, Any], version: str) -> None:
    assert vocabulary.parse_command(action, payload).version == version


def test_a_payload_that_fits_nowhere_is_held_against_the_words_it_is_nearest_to() -> None:
    with pytest.raises(vocabulary.InvalidCommand) as caught:
        vocabulary.parse_command("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": 3})
    assert [error.pointer for error in caught.value.errors] == ["/csChargingProfiles"]
    with pytest.raises(vocabulary.InvalidCommand) as caught:
        vocabulary.parse_command("SetChargingProfile", {"evseId": 1, "chargingProfile": 3})
    assert [error.pointer for error in caught.value.errors] == ["/chargingProfile"]


def test_translated_means_that_the_station_got_other_words() -> None:
    def wire(action: str, payload: dict[str, Any]) -> WireCall:
        return WireCall(action, msgspec.json.encode(payload))

    clear = vocabulary.parse_command("ClearCache", {})
    assert not vocabulary.translated(clear, "ocpp1.6", wire("ClearCache", {}))
    start = said("ocpp1.6", "RemoteStartTransaction", {"idTag": "AB"})
    assert vocabulary.translated(start, "ocpp2.0.1", wire("RequestStartTransaction", {"idToken": {}}))
    assert not vocabulary.translated(start, "ocpp1.6-S", wire("RemoteStartTransaction", {"idTag": "AB"}))


# -- generated by the official schemas ---------------------------------------------------------------------------------

GENERATED = 40


def _spoken(version: str, action: str, rules: Any) -> list[vocabulary.ParsedCommand]:
    """Commands that fit the schema and that can be meant."""
    generator = Generator(random.Random(f"{version} {action}"))
    found = []
    for n in range(GENERATED):
        payload = json.loads(dump(generator.valid(rules, {0: True, 1: False}.get(n))))
        with contextlib.suppress(vocabulary.InvalidCommand):
            found.append(said(version, action, _sensible(payload)))
    assert found
    return found


@pytest.mark.parametrize("action", sorted(TYPES_16))
def test_whatever_1_6_can_say_is_understood_and_said_again(action: str) -> None:
    for parsed in _spoken("ocpp1.6", action, schema(action)):
        call = carried("ocpp1.6", parsed.intent)
        assert isinstance(call, Call), (call, parsed.payload)
        again = said("ocpp1.6", call.action, _json(call))
        assert _plain(again.intent) == _plain(parsed.intent)
        assert call.action == action
        assert call.lost == ()
        there = carried("ocpp2.0.1", parsed.intent)
        if isinstance(there, i.Unsupported):
            assert there.detail
            continue
        newer = said("ocpp2.0.1", there.action, _json(there))
        back = carried("ocpp1.6", newer.intent)
        assert isinstance(back, Call), (back, parsed.payload)
        once_more = said("ocpp1.6", back.action, _json(back))
        lost = set(vocabulary.lost(parsed, there.lost))
        assert _told(once_more, lost) == _told(again, lost), (parsed.payload, there.lost)


@pytest.mark.parametrize("action", sorted(TYPES_201))
def test_whatever_2_0_1_can_say_is_understood_and_said_again(action: str) -> None:
    for parsed in _spoken("ocpp2.0.1", action, schema_201(action)):
        call = carried("ocpp2.0.1", parsed.intent)
        assert isinstance(call, Call), (call, parsed.payload)
        again = said("ocpp2.0.1", call.action, _json(call))
        assert _plain(again.intent) == _plain(parsed.intent)
        assert (call.action, call.lost) == (action, ())
        for version in ("ocpp1.6", "ocpp1.5"):
            older = carried(version, parsed.intent)
            if isinstance(older, i.Unsupported):
                assert older.detail


_URLS = frozenset({"location", "remoteLocation", "ocppCsmsUrl"})


def _sensible(value: Any) -> Any:
    """What the schema allows and the standard does not, made the way it asks for: rules have tests of their own."""
    if isinstance(value, list):
        return [_sensible(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {name: "https://example.com/x" if name in _URLS else _sensible(inner) for name, inner in value.items()}
    for n, period in enumerate(made.get("chargingSchedulePeriod", ())):
        period["startPeriod"] = n * 60
        if "phaseToUse" in period:
            period["numberPhases"] = 1
    if "chargingProfilePurpose" in made and "chargingSchedule" in made:
        made |= {"chargingProfilePurpose": "TxDefaultProfile", "recurrencyKind": "Daily", "stackLevel": 1}
        made.pop("transactionId", None)
    return {name: abs(inner) if type(inner) is int else inner for name, inner in made.items()} | (
        {"securityProfile": 2} if "securityProfile" in made else {}
    )


def _json(call: Call) -> dict[str, Any]:
    payload: dict[str, Any] = msgspec.to_builtins(call.request)
    return payload


def _plain(intent: i.AnyIntent) -> Any:
    """Times in whole seconds of UTC, as they go out."""
    text = msgspec.json.encode(_rounded(intent)).decode()
    return json.loads(text)


def _rounded(value: Any) -> Any:
    if isinstance(value, datetime):
        return wire_time(value.astimezone(UTC))
    if isinstance(value, msgspec.Struct):
        return {name: _rounded(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple):
        return [_rounded(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


def _told(parsed: vocabulary.ParsedCommand, lost: set[str]) -> Any:
    """What a 1.6 caller said, without what he knows to be lost, and by the plain log rather than the extension's."""
    fields = _plain(parsed.intent)
    for name in (*lost, "extended", "request_id", "log_type"):
        fields.pop(name, None)
    if isinstance(parsed.intent, i.GetVariables) and len(parsed.intent.refs) == AT_ONCE:
        return {"refs": [], "attributes": []}  # the first of the calls that ask for all of them
    if isinstance(parsed.intent, i.ClearChargingProfile) and parsed.intent.id is not None:
        return parsed.intent.id
    return fields


def test_the_end_of_the_calendar_and_absurd_limits_break_nothing() -> None:
    profile = {**PROFILE, "validTo": "9999-12-31T23:59:59.999Z", "transactionId": "77"}
    parsed = said("ocpp2.0.1", "SetChargingProfile", {"evseId": 1, "chargingProfile": profile})
    for version in ("ocpp2.0.1", "ocpp1.6"):
        call = carried(version, parsed.intent)
        assert isinstance(call, Call), call
        assert "9999-12-31T23:59:59Z" in msgspec.json.encode(call.request).decode()
    for limit in (1e300, -1e300, 1e16):
        schedule = {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
        absurd = {**profile, "chargingSchedule": [schedule]}
        parsed = said("ocpp2.0.1", "SetChargingProfile", {"evseId": 1, "chargingProfile": absurd})
        assert isinstance(carried("ocpp2.0.1", parsed.intent), Call | i.Unsupported)
        refused = carried("ocpp1.6", parsed.intent)
        assert isinstance(refused, i.Unsupported)
        where = "/chargingProfile/chargingSchedule/0/chargingSchedulePeriod/0/limit"
        assert vocabulary.pointer(parsed, str(refused.field)) == where


@pytest.mark.parametrize("version", ["ocpp2.0.1", "ocpp1.6"])
def test_whatever_a_caller_says_is_understood_or_refused_and_never_breaks_anything(version: str) -> None:
    rng = random.Random(version)
    judged = 0
    for action in sorted(TYPES[version]):
        rules = schema_201(action) if version == "ocpp2.0.1" else schema(action)
        generator = Generator(rng)
        whole = _sensible(json.loads(dump(generator.valid(rules, True))))
        broken = [json.loads(dump(instance)) for instance in generator.broken(rules, whole)]
        for payload in rng.sample(broken, min(len(broken), 60)):
            if not isinstance(payload, dict):
                continue
            try:
                parsed = vocabulary.parse_command(action, payload, rng.choice([version, None]))
            except vocabulary.InvalidCommand as invalid:
                invalid.add_note(action)
                judged += bool(invalid.errors)
                continue
            judged += 1
            for station in TABLES:
                call = to_call(TABLES[station], TYPES[station], parsed.intent)
                names = call.lost if isinstance(call, Call) else (call.field or "",)
                for name in names:
                    vocabulary.pointer(parsed, name)
    assert judged > 500
