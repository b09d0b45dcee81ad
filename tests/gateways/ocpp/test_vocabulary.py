"""Commands in an operator's words: every wrong field named, every result in the same words."""

from decimal import Decimal

import msgspec
import pytest

from actors.model import intents as i
from actors.station.messages import WireCall
from gateways.ocpp import vocabulary
from gateways.ocpp.v16 import commands
from gateways.ocpp.v16.dialect import Dialect
from storage.vault import Vault
from tests.protocol.test_ocpp_client import COMMANDS

PROFILE = COMMANDS["SetChargingProfile"][0]["csChargingProfiles"]
DEFAULT = {**PROFILE, "chargingProfilePurpose": "TxDefaultProfile"}
MAXIMUM = {**PROFILE, "chargingProfilePurpose": "ChargePointMaxProfile"}
NUMBERED = {**PROFILE, "transactionId": 4}


@pytest.mark.parametrize("action", sorted(COMMANDS))
def test_what_is_said_goes_out_as_it_was_said(action: str) -> None:
    payload = COMMANDS[action][0]
    parsed = vocabulary.parse_command(action, payload, "ocpp1.6")
    call = commands.to_wire(parsed.intent)
    assert isinstance(call, commands.Call)
    assert (call.action, msgspec.to_builtins(call.request), call.lost) == (action, payload, ())


@pytest.mark.parametrize("action", sorted(COMMANDS))
def test_what_is_answered_comes_back_as_it_was_answered(action: str) -> None:
    payload, answer = COMMANDS[action]
    parsed = vocabulary.parse_command(action, payload, "ocpp1.6")
    dialect = Dialect("demo", Vault(bytes(32)), lambda: None)  # type: ignore[arg-type, return-value]
    wire = dialect.render(parsed.intent)
    assert isinstance(wire, WireCall)
    result = dialect.answer(wire.action, wire.payload, msgspec.json.encode(answer))
    assert vocabulary.render_result(parsed, result) == answer


@pytest.mark.parametrize(
    ("action", "status", "canonical"),
    [
        ("ChangeConfiguration", "NotSupported", "UnknownVariable"),
        ("UnlockConnector", "NotSupported", "UnknownConnector"),
        ("SetChargingProfile", "NotSupported", "Rejected"),
        ("Reset", "SomethingNew", "SomethingNew"),
    ],
)
def test_statuses_are_canonical_in_between(action: str, status: str, canonical: str) -> None:
    dialect = Dialect("demo", Vault(bytes(32)), lambda: None)  # type: ignore[arg-type, return-value]
    payload = msgspec.json.encode(COMMANDS[action][0])
    outcome = dialect.answer(action, payload, msgspec.json.encode({"status": status}))
    assert isinstance(outcome, i.CommandResult)
    assert outcome.status == canonical


def test_every_wrong_field_is_named() -> None:
    wrong = {
        "connectorId": "1",
        "extra": 1,
        "csChargingProfiles": {
            **PROFILE,
            "chargingProfilePurpose": "Nonsense",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.05}, {"limit": 1}],
            },
        },
    }
    with pytest.raises(vocabulary.InvalidCommand) as caught:
        vocabulary.parse_command("SetChargingProfile", wrong)
    assert {error.pointer for error in caught.value.errors} == {
        "/connectorId",
        "/extra",
        "/csChargingProfiles/chargingProfilePurpose",
        "/csChargingProfiles/chargingSchedule/chargingSchedulePeriod/0/limit",
        "/csChargingProfiles/chargingSchedule/chargingSchedulePeriod/1/startPeriod",
    }


@pytest.mark.parametrize(
    ("action", "payload", "pointer"),
    [
        ("RemoteStartTransaction", {"idTag": "x" * 21}, "/idTag"),
        ("RemoteStartTransaction", {"idTag": "x", "connectorId": 0}, "/connectorId"),
        ("RemoteStartTransaction", {"idTag": "x", "chargingProfile": DEFAULT}, "/chargingProfile/chargingProfilePurpose"),
        ("RemoteStartTransaction", {"idTag": "x", "chargingProfile": NUMBERED}, "/chargingProfile/transactionId"),
        ("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": MAXIMUM}, "/connectorId"),
        ("SetChargingProfile", {"connectorId": 0, "csChargingProfiles": PROFILE}, "/connectorId"),
        ("UnlockConnector", {"connectorId": 0}, "/connectorId"),
        ("GetDiagnostics", {"location": "not a uri"}, "/location"),
        ("GetDiagnostics", {"location": "ftp://x/y", "retries": -1}, "/retries"),
        ("SendLocalList", {"listVersion": 0, "updateType": "Full"}, "/listVersion"),
        ("SendLocalList", {"listVersion": 1, "updateType": "Full", "localAuthorizationList": [{"idTag": "x"}]},
         "/localAuthorizationList/0/idTagInfo"),
        ("UpdateFirmware", {"location": "ftp://x/y", "retrieveDate": "tomorrow"}, "/retrieveDate"),
        ("Reset", {}, "/type"),
        ("Reset", {"type": None}, "/type"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_its_field(action: str, payload: dict[str, object], pointer: str) -> None:
    with pytest.raises(vocabulary.InvalidCommand) as caught:
        vocabulary.parse_command(action, payload)
    assert [error.pointer for error in caught.value.errors] == [pointer]


def test_an_unknown_action_or_version_is_named() -> None:
    for action, version in (("Nonsense", None), ("Reset", "ocpp0.9"), ("BootNotification", None)):
        with pytest.raises(vocabulary.UnknownCommand) as caught:
            vocabulary.parse_command(action, {}, version)
        assert "Reset" in caught.value.known


def test_a_failure_is_rendered_in_words() -> None:
    parsed = vocabulary.parse_command("ClearCache", {})
    failure = i.CommandFailure("error", "NotSupported", "no cache")
    assert vocabulary.render_result(parsed, failure) == {"error": "error", "code": "NotSupported", "detail": "no cache"}


@pytest.mark.parametrize(("version", "number"), [("ocpp2.0.1", 40), ("ocpp1.6", 26), ("ocpp1.5", 15)])
def test_the_catalogue_has_every_command_with_whole_schemas(version: str, number: int) -> None:
    catalogue = vocabulary.commands(version)
    assert len(catalogue) == number
    assert [info.action for info in catalogue] == sorted(vocabulary.WORDS[version].types)
    for info in catalogue:
        text = msgspec.json.encode(info.request).decode() + msgspec.json.encode(info.response).decode()
        for name in {part.split('"')[0] for part in text.split("#/$defs/")[1:]}:
            assert name in {**info.request.get("$defs", {}), **info.response.get("$defs", {})}
    assert vocabulary.commands("ocpp9") == ()


# -- what 1.6 cannot carry -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("intent", "field"),
    [
        (i.Reset("OnIdle", evse=1), "evse"),
        (i.RequestStart("x" * 21), "id_token"),
        (i.RequestStop("a-uuid"), "transaction_id"),
        (i.SetVariable(i.VariableRef("TxCtrlr", "TxStartPoint"), "x"), "ref"),
        (i.SetVariable(i.VariableRef("OCPP16", "Key"), "x", attribute="Target"), "attribute"),
        (i.SetVariable(i.VariableRef("OCPP16", "Key"), "x" * 501), "value"),
        (i.GetVariables((i.VariableRef("OCPP16", "a"), i.VariableRef("No", "Such"))), "refs[1]"),
        (i.Trigger("PublishFirmwareStatusNotification"), "message"),
        (i.UnlockConnector(1, 2), "connector"),
        (i.GetLog("ftp://x", "DataCollectorLog"), "log_type"),
        (i.ClearChargingProfile(purpose="ChargingStationExternalConstraints"), "purpose"),
        (i.SendLocalList(1, "Full", (i.LocalListEntry("x" * 30, "Accepted"),)), "entries[0].id_token"),
    ],
)
def test_what_1_6_cannot_carry_is_unsupported_with_the_field(intent: i.AnyIntent, field: str) -> None:
    refused = commands.to_wire(intent)
    assert isinstance(refused, i.Unsupported)
    assert refused.field == field


def test_a_limit_is_rounded_down_never_up_and_what_is_lost_is_named() -> None:
    schedule = i.ChargingSchedule("A", (i.SchedulePeriod(0, Decimal("16.19")),))
    profile = i.ChargingProfile(1, 0, "TxDefaultProfile", "Relative", (schedule, schedule))
    call = commands.to_wire(i.SetChargingProfile(1, profile))
    assert isinstance(call, commands.Call)
    sent = msgspec.to_builtins(call.request)
    assert sent["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] == 16.1
    assert call.lost == ("profile.schedules[1:]",)


def test_variables_of_2_x_find_their_keys() -> None:
    call = commands.to_wire(i.SetVariable(i.VariableRef("OCPPCommCtrlr", "HeartbeatInterval"), "60"))
    assert isinstance(call, commands.Call)
    assert msgspec.to_builtins(call.request) == {"key": "HeartbeatInterval", "value": "60"}


# -- secrets -------------------------------------------------------------------------------------------------------------


def test_what_is_shown_of_a_call_hides_secrets_and_masks_tags() -> None:
    def shown(action: str, payload: object) -> object:
        return vocabulary.show_wire(WireCall(action, msgspec.json.encode(payload)))

    plain = {"key": "HeartbeatInterval", "value": "60"}
    secret = {"key": "AuthorizationKey", "value": "0011"}
    assert shown("ChangeConfiguration", secret) == {"key": "AuthorizationKey", "value": "***"}
    assert shown("ChangeConfiguration", plain) == plain
    assert shown("RemoteStartTransaction", {"idTag": "04A2B3C4"}) == {"idTag": "04…C4"}
    assert shown("ReserveNow", {"idTag": "AB", "parentIdTag": "GROUP-0001"}) == {"idTag": "…", "parentIdTag": "GR…01"}


def test_what_is_shown_of_several_calls_hides_secrets_in_each() -> None:
    def change(key: str, value: str, *more: WireCall) -> WireCall:
        return WireCall("ChangeConfiguration", msgspec.json.encode({"key": key, "value": value}), (), more)

    shown = vocabulary.show_wire(change("HeartbeatInterval", "60", change("AuthorizationKey", "0011")))
    assert [call["payload"]["value"] for call in shown["calls"]] == ["60", "***"]
    variables = {"setVariableData": [
        {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}, "attributeValue": "hunter2"},
        {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}, "attributeValue": "60"},
    ]}  # fmt: skip
    assert "hunter2" not in str(vocabulary.show_wire(WireCall("SetVariables", msgspec.json.encode(variables))))


def test_a_secret_key_reveals_no_value() -> None:
    dialect = Dialect("demo", Vault(bytes(32)), lambda: None)  # type: ignore[arg-type, return-value]
    answer = {"configurationKey": [{"key": "AuthorizationKey", "readonly": False, "value": "00112233"}]}
    outcome = dialect.answer("GetConfiguration", b"{}", msgspec.json.encode(answer))
    assert isinstance(outcome, i.CommandResult)
    assert outcome.variables[0].value is None
    change = dialect.answer("ChangeConfiguration", b'{"key":"AuthorizationKey","value":"0011"}', b'{"status":"Accepted"}')
    assert isinstance(change, i.CommandResult)
    assert change.variables == ()
