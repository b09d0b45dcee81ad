"""1.6 keys in the device model, and back."""

import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.model.device import (
    REDACTED,
    Variable,
    from_boot,
    key_for_variable,
    merge,
    place_of,
    redact,
    value_for_16,
    value_from_16,
    variable_for_key,
)
from actors.model.device_keys import KEYS, LIMITS
from actors.model.device_standard import GENERIC, standard
from actors.model.device_standard import STANDARD as CATALOGUE
from actors.model.intents import ReportedVariable, VariableRef

STANDARD = [key.key for key in KEYS]
NEWER = {
    ("SampledDataCtrlr", "SignStartedReadings"),
    ("SampledDataCtrlr", "SignUpdatedReadings"),
    ("AlignedDataCtrlr", "SignUpdatedReadings"),
}
"""Variables of OCPP 2.1 and of the white paper on signed values: not in the 2.0.1 catalogue."""


def report(key: str, value: str | None, readonly: bool | None = False) -> ReportedVariable:
    return ReportedVariable(variable_for_key(key), value, readonly)


def merged(*reports: ReportedVariable, known: Any = None) -> dict[tuple[str, str], Variable]:
    return {(v.ref.component, v.ref.variable): v for v in merge(known or {}, reports)}


def test_every_key_has_a_place_of_its_own() -> None:
    assert len({key.key.lower() for key in KEYS}) == len(KEYS)
    assert len({place_of(variable_for_key(key)) for key in STANDARD}) == len(KEYS)
    assert set(LIMITS) <= set(STANDARD)


def test_keys_stand_where_the_standard_has_such_a_variable_and_are_of_its_type() -> None:
    for key in KEYS:
        if key.component == "OCPP16" or (key.component, key.variable) in NEWER:
            continue
        known = standard(key.component, key.variable, key.instance)
        assert known is not None, key
        assert known.type == key.type, key
        assert not known.units or not key.unit or key.unit in known.units, key


@pytest.mark.parametrize("key", STANDARD)
def test_a_standard_key_is_found_again_from_its_variable_alone(key: str) -> None:
    ref = msgspec.structs.replace(variable_for_key(key), key_1_6=None)
    assert key_for_variable(ref) == key


@given(st.text(min_size=1, max_size=50) | st.sampled_from([*STANDARD, "MeterPublicKey1", "DefaultPriceText,de"]))
def test_any_key_goes_there_and_back_exactly(key: str) -> None:
    assert key_for_variable(variable_for_key(key)) == key
    again = msgspec.json.decode(msgspec.json.encode(variable_for_key(key)), type=VariableRef)
    assert key_for_variable(again) == key


@given(st.text(min_size=1, max_size=50))
def test_an_unknown_key_survives_without_its_1_6_spelling(key: str) -> None:
    ref = variable_for_key(key)
    bare = msgspec.structs.replace(ref, key_1_6=None)
    assert (key_for_variable(bare) or "").lower() == key.lower()


def test_keys_are_case_insensitive_but_keep_their_spelling() -> None:
    ref = variable_for_key("heartbeatINTERVAL")
    assert (ref.component, ref.variable, ref.key_1_6) == ("OCPPCommCtrlr", "HeartbeatInterval", "heartbeatINTERVAL")


def test_a_vendor_key_stands_under_its_own_component() -> None:
    assert variable_for_key("AcmeBrightness") == VariableRef("OCPP16", "AcmeBrightness", key_1_6="AcmeBrightness")


def test_a_public_key_belongs_to_its_evse() -> None:
    assert variable_for_key("MeterPublicKey2").evse == 2
    assert key_for_variable(VariableRef("FiscalMetering", "PublicKey", evse=3)) == "MeterPublicKey3"


def test_a_variable_that_1_6_does_not_have_has_no_key() -> None:
    assert key_for_variable(VariableRef("TxCtrlr", "TxStartPoint")) is None


def test_a_report_becomes_variables_with_type_unit_and_mutability() -> None:
    found = merged(report("HeartbeatInterval", "300"), report("NumberOfConnectors", "2", True))
    heartbeat = found["OCPPCommCtrlr", "HeartbeatInterval"]
    assert heartbeat.attributes_json() == [
        {"value": "300", "type": "Actual", "mutability": "ReadWrite", "persistent": False, "constant": False}
    ]
    assert heartbeat.characteristics_json() == {"dataType": "integer", "supportsMonitoring": False, "unit": "s"}
    assert found["OCPP16", "NumberOfConnectors"].attributes[0].mutability == "ReadOnly"


def test_a_max_length_key_sets_the_limit_of_the_list_it_bounds() -> None:
    found = merged(report("StopTxnSampledDataMaxLength", "4", True), report("StopTxnSampledData", "SoC"))
    assert found["SampledDataCtrlr", "TxEndedMeasurands"].characteristics.max_limit == 4
    assert found["SampledDataCtrlr", "TxEndedMeasurands"].attributes[0].value == "SoC"
    assert found["OCPP16", "StopTxnSampledDataMaxLength"].attributes[0].value == "4"
    reverse = merged(report("StopTxnSampledData", "SoC"), report("StopTxnSampledDataMaxLength", "4", True))
    assert reverse["SampledDataCtrlr", "TxEndedMeasurands"] == found["SampledDataCtrlr", "TxEndedMeasurands"]


def test_feature_profiles_say_which_controllers_are_there() -> None:
    found = merged(report("SupportedFeatureProfiles", "Core, SmartCharging", True))
    available = {c: v.attributes[0].value for (c, name), v in found.items() if name == "Available"}
    assert available == {"LocalAuthListCtrlr": "false", "ReservationCtrlr": "false", "SmartChargingCtrlr": "true"}


def test_an_unchanged_report_changes_nothing() -> None:
    first = merge({}, [report("HeartbeatInterval", "300"), report("Vendor", "x")])
    known = {variable.place: variable for variable in first}
    assert merge(known, [report("HeartbeatInterval", "300"), report("Vendor", "x")]) == ()
    changed = merge(known, [report("HeartbeatInterval", "60")])
    assert [v.attributes[0].value for v in changed] == ["60"]


def test_a_value_written_in_2x_words_stays_the_1_6_key_that_the_station_told() -> None:
    first = merge({}, [report("ChargingScheduleAllowedChargingRateUnit", "Current", True)])
    known = {variable.place: variable for variable in first}
    assert first[0].attributes[0].value == "A"
    changed = merge(known, [ReportedVariable(VariableRef("SmartChargingCtrlr", "RateUnit"), "A,W")])
    assert changed[0].ref.key_1_6 == "ChargingScheduleAllowedChargingRateUnit"
    assert changed[0].attributes[0].value == "A,W"


def test_a_key_that_the_station_does_not_know_is_not_kept() -> None:
    unknown = ReportedVariable(variable_for_key("Nope"), status="UnknownVariable")
    assert merge({}, [unknown]) == ()


@pytest.mark.parametrize("key", ["AuthorizationKey", "authorizationkey", "AdminPassword", "WifiKey", "vpn_pass", "MqttSecret"])
def test_a_secret_is_never_kept_and_never_shown(key: str) -> None:
    variable = merge({}, [report(key, "hunter2")])[0]
    assert variable.attributes[0].value is None
    assert redact(variable.ref, "hunter2") == REDACTED


def test_an_ordinary_value_is_shown() -> None:
    assert redact(variable_for_key("MeterPublicKey1"), "3059") == "3059"
    assert redact(variable_for_key("HeartbeatInterval"), "300") == "300"


def test_values_are_carried_between_the_vocabularies() -> None:
    rate_unit = VariableRef("SmartChargingCtrlr", "RateUnit")
    assert value_from_16("ChargingScheduleAllowedChargingRateUnit", "Current,Power") == "A,W"
    assert value_for_16(rate_unit, "A,W") == "Current,Power"
    assert value_from_16("LocalPreAuthorize", "TRUE") == "true"
    assert value_for_16(VariableRef("SecurityCtrlr", "BasicAuthPassword"), "abc") == "616263"
    assert value_for_16(variable_for_key("AuthorizationKey"), "616263") == "616263"


def test_the_catalogue_knows_types_and_units_of_variables_without_a_1_6_key() -> None:
    assert len(CATALOGUE) > 150
    assert len(GENERIC) > 60
    assert standard("EVSE", "Power", None) == ("EVSE", "Power", None, "decimal", ("W", "kW"))
    assert standard("ConnectedEV", "ProtocolSupportedByEV", "1") is not None
    assert standard("Acme", "Temperature", None) is not None
    assert standard("Acme", "Sparkle", None) is None
    reported = ReportedVariable(VariableRef("TxCtrlr", "TxStartPoint"), "PowerPathClosed")
    assert merge({}, [reported])[0].characteristics.data_type == "MemberList"


def test_a_boot_tells_the_nameplate() -> None:
    found = from_boot(vendor="Acme", model="X1", serial="7", firmware="1.0", meter_serial="M1")
    assert [(v.ref.component, v.ref.variable, v.attributes[0].value) for v in found] == [
        ("ChargingStation", "VendorName", "Acme"),
        ("ChargingStation", "Model", "X1"),
        ("ChargingStation", "SerialNumber", "7"),
        ("Controller", "FirmwareVersion", "1.0"),
        ("FiscalMetering", "SerialNumber", "M1"),
    ]


def test_keys_of_a_network_that_sound_like_a_password_are_secret_and_no_key_takes_long_to_judge() -> None:
    for key in ("WifiKey", "wlan0-passphrase", "VPN.client.pin", "WPA2Key"):
        assert redact(variable_for_key(key), "hush") == REDACTED
    for key in ("WifiName", "KeyOfWifi", "vpnServer"):
        assert redact(variable_for_key(key), "shown") == "shown"
    began = time.process_time()
    redact(variable_for_key("wifi" * 60_000), "x")
    assert time.process_time() - began < 5  # the square of its length would take minutes
