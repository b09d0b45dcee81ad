"""What a 2.0.1 station says, as the domain hears it, and what it is answered: all 25 actions, valid and odd."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import jsonschema
import msgspec
import pytest

from actors.certificates.messages import ContractReply, CsrReply, OcspAsked, OcspReply
from actors.charging.messages import ChargingNeeds, EvSchedule, LimitNotified, NeedsReply, ProfilesPart
from actors.device.messages import EventsPart, MonitoringPart, ReportPart
from actors.model.intents import MessageText, VariableRef
from actors.model.token import TokenVerdict
from actors.station import messages as s
from gateways.ocpp import rpc
from gateways.ocpp.dialect import BadPayload, Several
from gateways.ocpp.v201.dialect import Dialect
from gateways.ocpp.v201.inbound import READERS, WRITERS
from gateways.ocpp.v201.messages import FROM_STATION, TO_STATION
from storage.vault import Vault
from tests.protocol.schemas import Generator, accepts, dump, schema_201

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AT = "2026-11-22T11:00:00Z"
SAMPLE: dict[str, Any] = {"value": 1.5, "unitOfMeasure": {"unit": "Wh", "multiplier": 3}}
EVENT: dict[str, Any] = {
    "eventType": "Updated", "timestamp": AT, "triggerReason": "MeterValuePeriodic", "seqNo": 4,
    "transactionInfo": {"transactionId": "tx-1", "chargingState": "Charging"}, "evse": {"id": 2, "connectorId": 1},
}  # fmt: skip


def dialect(strict: bool = False) -> Dialect:
    return Dialect("demo", Vault(bytes(32)), lambda: NOW, strict)


def read(action: str, payload: Any, strict: bool = False) -> Any:
    return dialect(strict).read(rpc.Call("1", action, msgspec.json.encode(payload)))


def refused(action: str, payload: Any, strict: bool = False) -> str:
    with pytest.raises(BadPayload) as bad:
        read(action, payload, strict)
    return bad.value.code


# -- all of them -------------------------------------------------------------------------------------------------------------


def test_every_action_of_a_station_has_a_reader() -> None:
    assert READERS.keys() == FROM_STATION.keys()


@pytest.mark.parametrize("action", sorted(FROM_STATION))
def test_whatever_the_schema_accepts_is_understood(action: str) -> None:
    """But for negative EVSEs and connectors, which the schema forgot."""
    generator = Generator(random.Random(action))
    rules = schema_201(action)
    understood = 0
    for n in range(40):
        payload = dump(generator.valid(rules, {0: True, 1: False}.get(n))).encode()
        try:
            message = dialect(strict=True).read(rpc.Call("1", action, payload))
        except BadPayload as bad:
            negative = bad.code == "PropertyConstraintViolation" and bad.detail.endswith(" is negative")
            if not negative:
                raise
            continue
        msgspec.json.encode(message)
        understood += 1
    assert understood


@pytest.mark.parametrize(
    ("action", "reply"),
    [
        ("Authorize", TokenVerdict("Accepted")),
        ("Authorize", TokenVerdict("NotAtThisTime", NOW, "family", "t_1")),
        ("Authorize", s.AuthorizeReply(TokenVerdict("Blocked"), "ContractCancelled")),
        ("BootNotification", s.BootReply("Pending", 300, NOW)),
        ("DataTransfer", s.DataReply("Accepted", {"any": [1, None]})),
        ("DataTransfer", s.DataReply("UnknownVendorId")),
        ("Get15118EVCertificate", ContractReply("Failed", "")),
        ("GetCertificateStatus", OcspReply("Accepted", "MIIB")),
        ("Heartbeat", NOW),
        ("MeterValues", s.Done()),
        ("NotifyEVChargingNeeds", NeedsReply("Processing")),
        ("NotifyEVChargingSchedule", NeedsReply("Rejected")),
        ("SignCertificate", CsrReply("Rejected", "the organisation is another")),
        ("SignCertificate", CsrReply("Accepted")),
        ("TransactionEvent", s.TransactionReply()),
        (
            "TransactionEvent",
            s.TransactionReply(TokenVerdict("Accepted"), Decimal("4.20"), -3, MessageText("Bye", "ASCII", "en")),
        ),
        ("TransactionEvent", s.Done()),
    ],
)
def test_what_we_answer_is_valid(action: str, reply: Any) -> None:
    written = msgspec.json.encode(dialect().write(reply))
    assert accepts(jsonschema.Draft6Validator(schema_201(f"{action}Response")), written.decode()), written
    assert type(reply) in WRITERS
    assert dialect().refusal(reply) is None


def test_a_refusal_of_the_station_actor_becomes_the_error_it_names() -> None:
    refusal = dialect().refusal(s.NotAdmitted("SecurityError", "a BootNotification comes first"))
    assert refusal == ("SecurityError", "a BootNotification comes first")


# -- tokens --------------------------------------------------------------------------------------------------------------------


def test_a_token_is_known_by_its_uid_and_keeps_its_type() -> None:
    told = read("Authorize", {"idToken": {"idToken": "04a2b3c4", "type": "ISO15693"}})
    assert told.token.ref == Vault(bytes(32)).token("demo", "04A2B3C4").ref
    assert told.token.type == "ISO15693"
    assert not told.chain


def test_nothing_of_a_key_code_is_kept_readable() -> None:
    token = read("Authorize", {"idToken": {"idToken": "12345678", "type": "KeyCode"}}).token
    assert token.masked == "…"
    assert "12345678" not in repr(token)


def test_a_start_without_authorisation_has_a_token_of_that_type() -> None:
    token = read("TransactionEvent", {**EVENT, "idToken": {"idToken": "", "type": "NoAuthorization"}}).token
    assert token.type == "NoAuthorization"


def test_a_contract_certificate_and_its_hashes_come_along() -> None:
    hashed = {
        "hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "1", "responderURL": "http://o",
    }  # fmt: skip
    payload = {"idToken": {"idToken": "DE8ACC12E46L89", "type": "eMAID"}, "certificate": "PEM"}
    told = read("Authorize", {**payload, "iso15118CertificateHashData": [hashed]})
    assert told.certificate == "PEM"
    assert told.chain == (s.OcspRequest("SHA256", "aa", "bb", "1", "http://o"),)
    assert read("GetCertificateStatus", {"ocspRequestData": hashed}) == OcspAsked(told.chain[0])


def test_of_a_certificate_chain_nothing_is_left_out() -> None:
    payload = {"idToken": {"idToken": "A", "type": "eMAID"}, "iso15118CertificateHashData": [{"hashAlgorithm": "SHA256"}]}
    assert refused("Authorize", payload) == "OccurrenceConstraintViolation"


# -- transactions and meter values -----------------------------------------------------------------------------------------------


def test_a_transaction_event_is_read_whole() -> None:
    told = read("TransactionEvent", {
        **EVENT, "eventType": "Ended", "offline": True, "numberOfPhasesUsed": 3, "cableMaxCurrent": 32, "reservationId": 9,
        "idToken": {"idToken": "04A2B3C4", "type": "ISO14443"}, "meterValue": [{"timestamp": AT, "sampledValue": [SAMPLE]}],
        "transactionInfo": {
            "transactionId": "tx-1", "timeSpentCharging": 60, "stoppedReason": "EVDisconnected", "remoteStartId": 5,
        },
    })  # fmt: skip
    assert (told.type, told.transaction_id, told.seq, told.at) == ("Ended", "tx-1", 4, NOW - timedelta(hours=1))
    assert (told.trigger, told.stopped_reason, told.offline) == ("MeterValuePeriodic", "EVDisconnected", True)
    assert (told.evse, told.connector, told.phases_used, told.cable_max_current) == (2, 1, 3, 32)
    assert (told.reservation, told.remote_start_id, told.time_spent_charging) == (9, 5, 60)
    assert told.token.ref.startswith("t_")
    assert told.readings[0].samples[0].value == 1500
    assert told.flags == ()


def test_the_content_of_an_event_tells_a_repetition_from_another() -> None:
    assert read("TransactionEvent", EVENT).content == read("TransactionEvent", EVENT).content
    assert (
        read("TransactionEvent", EVENT).content
        != read("TransactionEvent", {**EVENT, "timestamp": "2026-11-22T11:00:01Z"}).content
    )


def test_an_evse_that_cannot_be_is_left_out_of_an_event_and_refused_elsewhere() -> None:
    told = read("TransactionEvent", {**EVENT, "evse": {"id": -1}})
    assert (told.evse, told.connector, told.flags) == (None, None, ("evse",))
    meter = {"evseId": -1, "meterValue": [{"timestamp": AT, "sampledValue": [SAMPLE]}]}
    assert refused("MeterValues", meter) == "PropertyConstraintViolation"
    status = {"timestamp": AT, "connectorStatus": "Available", "evseId": 1, "connectorId": -1}
    assert refused("StatusNotification", status) == "PropertyConstraintViolation"


@pytest.mark.parametrize(
    ("sampled", "value", "unit", "measurand"),
    [
        ({"value": 1234}, "1234", "Wh", "Energy.Active.Import.Register"),
        ({"value": 1.234, "unitOfMeasure": {"unit": "kWh"}}, "1234", "Wh", "Energy.Active.Import.Register"),
        ({"value": 12, "unitOfMeasure": {"multiplier": 2}}, "1200", "Wh", "Energy.Active.Import.Register"),
        ({"value": 11.5, "unitOfMeasure": {"unit": "kW", "multiplier": -1}, "measurand": "Power.Active.Import"}, "1150", "W",
         "Power.Active.Import"),
        ({"value": 16.1, "measurand": "Current.Import", "phase": "L1"}, "16.1", "A", "Current.Import"),
        ({"value": 80, "measurand": "SoC"}, "80", "Percent", "SoC"),
    ],
)  # fmt: skip
def test_values_are_normalised(sampled: dict[str, Any], value: str, unit: str, measurand: str) -> None:
    told = read("MeterValues", {"evseId": 1, "meterValue": [{"timestamp": AT, "sampledValue": [sampled]}]})
    (sample,) = told.readings[0].samples
    assert (sample.value, sample.unit, sample.measurand) == (Decimal(value), unit, measurand)
    assert (sample.context, sample.location) == ("Sample.Periodic", "Outlet")


def test_a_value_that_no_meter_has_is_kept_as_it_came() -> None:
    told = read("MeterValues", {"evseId": 1, "meterValue": [{"timestamp": AT, "sampledValue": [{"value": 1e300}]}]})
    assert (told.readings[0].samples[0].value, told.readings[0].samples[0].raw) == (None, "1e+300")


def test_a_signed_value_is_kept_byte_for_byte_beside_its_number() -> None:
    record = {
        "signedMeterData": "T0NNRnx7fSx7fQ==", "signingMethod": "ECDSA", "encodingMethod": "OCMF", "publicKey": "a2V5",
    }  # fmt: skip
    sampled = {"value": 5, "context": "Transaction.End", "signedMeterValue": record}
    told = read("MeterValues", {"evseId": 1, "meterValue": [{"timestamp": AT, "sampledValue": [sampled]}]})
    (sample,) = told.readings[0].samples
    assert (sample.value, sample.signed, sample.context) == (5, True, "Transaction.End")
    assert msgspec.json.decode(sample.raw) == record


def test_one_unreadable_sample_does_not_cost_the_others() -> None:
    meter = [{"timestamp": AT, "sampledValue": [{"value": "n/a"}, {"value": "12,5"}, SAMPLE]}]
    told = read("TransactionEvent", {**EVENT, "meterValue": meter})
    assert [sample.value for sample in told.readings[0].samples] == [Decimal("12.5"), 1500]
    assert set(told.flags) == {"sample_unreadable", "type"}


def test_a_multiplier_that_is_none_of_any_meter_makes_no_number() -> None:
    sampled = {"value": 4000, "unitOfMeasure": {"unit": "Wh", "multiplier": 31}}
    told = read("MeterValues", {"evseId": 1, "meterValue": [{"timestamp": AT, "sampledValue": [sampled]}]})
    (sample,) = told.readings[0].samples
    assert (sample.value, sample.raw) == (None, "4000.0e31"), "not 4000 Wh"


# -- the rest ------------------------------------------------------------------------------------------------------------


def test_a_boot_tells_its_reason() -> None:
    station = {"vendorName": "V", "model": "M", "serialNumber": "S", "firmwareVersion": "1.0", "modem": {"iccid": "I"}}
    told = read("BootNotification", {"chargingStation": station, "reason": "PowerUp"})
    assert told == s.Boot("V", "M", "S", "1.0", "I", reason="PowerUp")


def test_a_status_is_of_its_connector() -> None:
    told = read("StatusNotification", {"timestamp": AT, "connectorStatus": "Occupied", "evseId": 2, "connectorId": 3})
    assert told == s.ConnectorStatus(2, 3, "Occupied", "Occupied", at=NOW - timedelta(hours=1))


def test_a_status_word_of_1_6_is_understood() -> None:
    told = read("StatusNotification", {"timestamp": AT, "connectorStatus": "SuspendedEV", "evseId": 1, "connectorId": 1})
    assert told.status == "Occupied"


def test_a_report_keeps_every_attribute() -> None:
    data = {
        "component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power", "instance": "x"},
        "variableAttribute": [{"value": "11000", "mutability": "ReadOnly", "constant": True}, {"type": "MaxSet", "value": "1"}],
        "variableCharacteristics": {"dataType": "decimal", "supportsMonitoring": True, "unit": "W", "maxLimit": 22000},
    }  # fmt: skip
    told = read("NotifyReport", {"requestId": 7, "generatedAt": AT, "seqNo": 1, "tbc": True, "reportData": [data]})
    assert isinstance(told, ReportPart)
    assert (told.request_id, told.seq, told.more) == (7, 1, True)
    (device,) = told.data
    assert device.ref == VariableRef("EVSE", "Power", variable_instance="x", evse=1)
    assert [(a.type, a.value, a.mutability, a.constant) for a in device.attributes] == [
        ("Actual", "11000", "ReadOnly", True), ("MaxSet", "1", "ReadWrite", False),
    ]  # fmt: skip
    assert device.characteristics is not None
    assert (device.characteristics.data_type, device.characteristics.max_limit) == ("decimal", 22000)


def test_an_event_of_availability_is_a_status_as_well() -> None:
    def event(component: dict[str, Any], value: str, name: str = "AvailabilityState") -> dict[str, Any]:
        return {
            "eventId": 1, "timestamp": AT, "trigger": "Delta", "actualValue": value, "component": component,
            "variable": {"name": name}, "eventNotificationType": "HardWiredNotification",
        }  # fmt: skip

    data = [
        event({"name": "Connector", "evse": {"id": 2, "connectorId": 1}}, "Occupied"),
        event({"name": "ChargingStation"}, "Available"),
        event({"name": "EVSE", "evse": {"id": 2}}, "Occupied"),
        event({"name": "Connector", "evse": {"id": 2, "connectorId": 1}}, "true", "Problem"),
    ]
    told = read("NotifyEvent", {"generatedAt": AT, "seqNo": 0, "eventData": data})
    assert isinstance(told, Several)
    assert told.before == (
        s.ConnectorStatus(2, 1, "Occupied", "Occupied", at=NOW - timedelta(hours=1)),
        s.ConnectorStatus(0, 0, "Available", "Available", at=NOW - timedelta(hours=1)),
    )
    assert isinstance(told.last, EventsPart)
    assert len(told.last.events) == 4
    assert isinstance(read("NotifyEvent", {"generatedAt": AT, "seqNo": 0, "eventData": data[2:]}), EventsPart)


def test_monitors_are_told_one_by_one() -> None:
    group = {
        "component": {"name": "EVSE"}, "variable": {"name": "Power"},
        "variableMonitoring": [
            {"id": 1, "transaction": False, "value": 5.5, "type": "UpperThreshold", "severity": 3},
            {"id": 2, "transaction": True, "value": 60, "type": "Periodic", "severity": 8},
        ],
    }  # fmt: skip
    told = read("NotifyMonitoringReport", {"requestId": 1, "seqNo": 0, "generatedAt": AT, "monitor": [group]})
    assert isinstance(told, MonitoringPart)
    assert [(m.id, m.type, m.value, m.transaction) for m in told.monitors] == [
        (1, "UpperThreshold", 5.5, False), (2, "Periodic", 60.0, True),
    ]  # fmt: skip


def test_charging_messages_keep_limits_exactly() -> None:
    schedule = {
        "id": 1, "chargingRateUnit": "A", "minChargingRate": 6.1,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.1}, {"startPeriod": 60, "limit": 6, "numberPhases": 1}],
    }  # fmt: skip
    limit = read("NotifyChargingLimit", {
        "evseId": 1, "chargingLimit": {"chargingLimitSource": "EMS", "isGridCritical": True}, "chargingSchedule": [schedule],
    })  # fmt: skip
    assert isinstance(limit, LimitNotified)
    assert [period.limit for period in limit.schedules[0].periods] == [Decimal("16.1"), Decimal(6)]
    assert limit.schedules[0].min_charging_rate == Decimal("6.1")
    profile = {
        "id": 3, "stackLevel": 1, "chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Relative",
        "chargingSchedule": [schedule], "transactionId": "tx",
    }  # fmt: skip
    part = read(
        "ReportChargingProfiles", {"requestId": 1, "evseId": 0, "chargingLimitSource": "CSO", "chargingProfile": [profile]}
    )
    assert isinstance(part, ProfilesPart)
    assert (part.profiles[0].id, part.profiles[0].transaction_id, part.profiles[0].schedules) == (3, "tx", limit.schedules)
    needs = read("NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": {"requestedEnergyTransfer": "DC", "departureTime": AT}})
    assert isinstance(needs, ChargingNeeds)
    assert needs.needs == {"requestedEnergyTransfer": "DC", "departureTime": AT}
    chosen = read("NotifyEVChargingSchedule", {"evseId": 1, "timeBase": AT, "chargingSchedule": schedule})
    assert isinstance(chosen, EvSchedule)


# -- tolerance and strictness ----------------------------------------------------------------------------------------------------


def test_a_clock_that_cannot_be_right_is_flagged_in_events_and_replaced_where_it_only_informs() -> None:
    assert read("TransactionEvent", {**EVENT, "timestamp": "1999-01-01T00:00:00Z"}).flags == ("clock",)
    assert read("StatusNotification", {
        "timestamp": "1999-01-01T00:00:00Z", "connectorStatus": "Available", "evseId": 1, "connectorId": 1
    }).at is None  # fmt: skip
    assert read("SecurityEventNotification", {"type": "SettingSystemTime", "timestamp": "1999-01-01T00:00:00Z"}).at == NOW


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"timestamp": "2026-11-22T11:00:00"}, "time_zone"),
        ({"seqNo": "4"}, "type"),
        ({"offline": "true"}, "type"),
        ({"unknown": 1}, "unknown_field"),
        ({"reservationId": None}, "null"),
        ({"triggerReason": "SomethingNew"}, "enum"),
        ({"meterValue": []}, "empty"),
        ({"customData": {"vendor": "x"}}, "custom_data"),
    ],
)
def test_an_event_that_breaks_its_schema_is_accepted_and_flagged(change: dict[str, Any], flag: str) -> None:
    told = read("TransactionEvent", {**EVENT, **change})
    assert told.seq == 4
    assert flag in told.flags


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"seqNo": None}, "OccurrenceConstraintViolation"),
        ({"transactionInfo": {}}, "OccurrenceConstraintViolation"),
        ({"eventType": "Paused"}, "PropertyConstraintViolation"),
        ({"seqNo": "four"}, "TypeConstraintViolation"),
        ({"transactionInfo": []}, "TypeConstraintViolation"),
    ],
)
def test_what_cannot_be_placed_is_refused_with_the_codes_of_2_0_1(change: dict[str, Any], code: str) -> None:
    assert refused("TransactionEvent", {**EVENT, **change}) == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"seqNo": "4"}, "TypeConstraintViolation"),
        ({"unknown": 1}, "FormatViolation"),
        ({"meterValue": []}, "OccurrenceConstraintViolation"),
        ({"triggerReason": "SomethingNew"}, "PropertyConstraintViolation"),
        ({"transactionInfo": {"transactionId": "x" * 37}}, "PropertyConstraintViolation"),
    ],
)
def test_strictly_every_break_is_refused(change: dict[str, Any], code: str) -> None:
    assert refused("TransactionEvent", {**EVENT, **change}, strict=True) == code


def test_an_action_of_the_centre_and_an_unknown_one_are_told_apart() -> None:
    assert {refused(action, {}) for action in TO_STATION.keys() - FROM_STATION.keys()} == {"NotSupported"}
    assert refused("StartTransaction", {}) == "NotImplemented"


def test_a_poisonous_event_is_told_with_its_transaction() -> None:
    told = dialect().unreadable(read("TransactionEvent", EVENT), "dead")
    assert told == s.Unreadable("event", "dead", 2, None, NOW, "tx-1")
    assert dialect().unreadable(s.Heartbeat(), "dead") is None
