"""The commands of OCPP 2.0.1: every intent and the one action that carries it (PROTOCOLS 3.1 and 5.2, annex B)."""

from collections.abc import Mapping
from typing import Any

from actors.model import intents as i
from actors.model.device_keys import KEYS, VENDOR_COMPONENT
from gateways.ocpp.mapping import engine, rules
from gateways.ocpp.mapping import shapes_v201 as s
from gateways.ocpp.mapping.codecs import (
    ANY,
    LOCATION,
    NOT_NEGATIVE,
    NUMBER,
    PAIRS,
    POSITIVE,
    STATION_IS_0,
    TIME,
    choose,
)
from gateways.ocpp.mapping.command import Carry, Piece, Version
from gateways.ocpp.mapping.engine import Field, Senseless, Shape

_ONLY_1_6 = ("extended",)

REQUEST_START = Shape(
    i.RequestStart,
    (
        *s.TOKEN,
        Field("additional_info", "idToken.additionalInfo", PAIRS),
        Field("evse", "evseId", POSITIVE),
        Field("remote_start_id", "remoteStartId"),
        Field("profile", "chargingProfile", shape=s.PROFILE),
        *s.GROUP,
    ),
)
VARIABLES = Shape(i.GetVariables, (Field("refs", "getVariableData", shape=s.REF, many=True),), silent=("attributes",))
LOG = Shape(
    i.GetLog,
    (
        Field("log_type", "logType"),
        Field("request_id", "requestId"),
        Field("location", "log.remoteLocation", LOCATION),
        Field("oldest", "log.oldestTimestamp", TIME),
        Field("latest", "log.latestTimestamp", TIME),
        Field("retries", "retries", NOT_NEGATIVE),
        Field("retry_interval", "retryInterval", NOT_NEGATIVE),
    ),
    silent=_ONLY_1_6,
)
FIRMWARE = Shape(
    i.UpdateFirmware,
    (
        Field("request_id", "requestId"),
        Field("location", "firmware.location", LOCATION),
        Field("retrieve_at", "firmware.retrieveDateTime", TIME),
        Field("install_at", "firmware.installDateTime", TIME),
        Field("signing_certificate", "firmware.signingCertificate"),
        Field("signature", "firmware.signature"),
        Field("retries", "retries", NOT_NEGATIVE),
        Field("retry_interval", "retryInterval", NOT_NEGATIVE),
    ),
)


def _one_setting(x: i.SetVariable, lost: list[str]) -> list[Piece]:
    return [("SetVariables", {"setVariableData": [engine.write(s.SETTING, x, lost)]})]


AT_ONCE = 10
"""Variables in one of the CALLs that ask for all of them. Every station takes some; few say so before they are asked."""
_ALL = tuple(
    i.VariableRef(key.component, key.variable, variable_instance=key.instance)
    for key in KEYS
    if key.component != VENDOR_COMPONENT and key.mutability != "WriteOnly"
)


def _get_variables(x: i.GetVariables, lost: list[str]) -> list[Piece]:
    """Who names none wants the keys of 1.6, all of them: what 2.0.1 has of these. The rest it tells in a report only."""
    if not x.refs:
        parts = [i.GetVariables(_ALL[n : n + AT_ONCE]) for n in range(0, len(_ALL), AT_ONCE)]
        return [piece for part in parts for piece in _get_variables(part, lost)]
    payload = engine.write(VARIABLES, x, lost)
    for entry, attribute in zip(payload["getVariableData"], x.attributes, strict=False):
        if attribute != "Actual":
            entry["attributeType"] = attribute
    return [("GetVariables", payload)]


def _variables_asked(payload: dict[str, Any]) -> dict[str, Any]:
    attributes = [entry.get("attributeType", "Actual") for entry in payload["getVariableData"]]
    return engine.read(VARIABLES, payload) | {"attributes": attributes if set(attributes) != {"Actual"} else ()}


CLEAR = Shape(
    i.ClearChargingProfile,
    (
        Field("id", "chargingProfileId"),
        Field("evse", "chargingProfileCriteria.evseId", NOT_NEGATIVE),
        Field("purpose", "chargingProfileCriteria.chargingProfilePurpose"),
        Field("stack_level", "chargingProfileCriteria.stackLevel", NOT_NEGATIVE),
    ),
)


def _clear_profile(x: i.ClearChargingProfile, lost: list[str]) -> list[Piece]:
    """K10: by id or by criteria. 1.6 allows both, and there the id alone counts."""
    if x.id is None:
        return [("ClearChargingProfile", engine.write(CLEAR, x, lost))]
    lost += [name for name in ("evse", "purpose", "stack_level") if getattr(x, name) is not None]
    return [("ClearChargingProfile", {"chargingProfileId": x.id})]


def _either(payload: dict[str, Any]) -> None:
    if "chargingProfileId" in payload and payload.get("chargingProfileCriteria"):
        raise Senseless("/chargingProfileCriteria", "name an id or criteria, not both (K10)")


PROFILES = Shape(
    i.GetChargingProfiles,
    (
        Field("request_id", "requestId"),
        Field("evse", "evseId", NOT_NEGATIVE),
        Field("ids", "chargingProfile.chargingProfileId"),
        Field("purpose", "chargingProfile.chargingProfilePurpose"),
        Field("stack_level", "chargingProfile.stackLevel", NOT_NEGATIVE),
        Field("sources", "chargingProfile.chargingLimitSource"),
    ),
)


def _get_profiles(x: i.GetChargingProfiles, lost: list[str]) -> list[Piece]:
    return [("GetChargingProfiles", {"chargingProfile": {}} | engine.write(PROFILES, x, lost))]


def _whole_place(payload: dict[str, Any]) -> None:
    """F06.FR.13, for who speaks 2.0.1: it has a word for the connector."""
    evse = payload.get("evse", {})
    if payload["requestedMessage"] == "StatusNotification" and evse.get("id") and "connectorId" not in evse:
        raise Senseless("/evse/connectorId", "the connector whose status is wanted must be named (F06.FR.13)")


def _shape(kind: type, *fields: Field, silent: tuple[str, ...] = (), lost: Mapping[str, str] | None = None) -> Shape:
    return Shape(kind, fields, silent=silent, lost=dict(lost or {}))


_REQUEST = Field("request_id", "requestId")
_RETRIES = (Field("retries", "retries", NOT_NEGATIVE), Field("retry_interval", "retryInterval", NOT_NEGATIVE))


def _first_connector(x: i.Trigger) -> int | None:
    """A StatusNotification is of a connector (F06.FR.13). Who spoke 1.6 named one by its EVSE (PROTOCOLS 5.1)."""
    return 1 if x.message == "StatusNotification" and x.evse else None


V201 = Version(
    "ocpp2.0.1",
    "OCPP 2.0.1",
    (
        Carry("CancelReservation", i.CancelReservation, _shape(i.CancelReservation, Field("id", "reservationId"))),
        Carry(
            "CertificateSigned", i.CertificateSigned,
            _shape(i.CertificateSigned, Field("chain", "certificateChain"), Field("type", "certificateType")),
            into=lambda said: {"chain": said["certificateChain"], "type": said.get("certificateType")},
        ),
        Carry(
            "ChangeAvailability", i.ChangeAvailability,
            _shape(
                i.ChangeAvailability,
                Field("operative", "operationalStatus", choose(true="Operative", false="Inoperative")),
                Field("evse", "evse.id", STATION_IS_0, omit=0), Field("connector", "evse.connectorId", POSITIVE),
            ),
            rule=rules.whose_connector,
        ),
        Carry("ClearCache", i.ClearCache, _shape(i.ClearCache)),
        Carry("ClearChargingProfile", i.ClearChargingProfile, CLEAR, out=_clear_profile, check=_either),
        Carry("ClearDisplayMessage", i.ClearDisplayMessage, _shape(i.ClearDisplayMessage, Field("id", "id"))),
        Carry("ClearVariableMonitoring", i.ClearVariableMonitoring, _shape(i.ClearVariableMonitoring, Field("ids", "id"))),
        Carry(
            "CostUpdated", i.CostUpdated,
            _shape(i.CostUpdated, Field("total_cost", "totalCost", NUMBER), Field("transaction_id", "transactionId"),
                   lost={"details": "2.0.1 shows the cost alone"}),
        ),
        Carry(
            "CustomerInformation", i.CustomerInformation,
            _shape(
                i.CustomerInformation, _REQUEST, Field("report", "report"), Field("clear", "clear"), *s.CUSTOMER_TOKEN,
                Field("customer_identifier", "customerIdentifier"), Field("certificate", "customerCertificate", shape=s.HASH),
            ),
            rule=rules.one_customer,
        ),
        Carry(
            "DataTransfer", i.DataTransfer,
            _shape(i.DataTransfer, Field("vendor_id", "vendorId"), Field("message_id", "messageId"), Field("data", "data", ANY)),
        ),
        Carry("DeleteCertificate", i.DeleteCertificate,
              _shape(i.DeleteCertificate, Field("hash", "certificateHashData", shape=s.HASH), silent=("type",))),
        Carry("GetBaseReport", i.GetBaseReport, _shape(i.GetBaseReport, Field("base", "reportBase"), _REQUEST)),
        Carry("GetChargingProfiles", i.GetChargingProfiles, PROFILES, out=_get_profiles,
            rule=rules.ids_or_criteria,
        ),
        Carry(
            "GetCompositeSchedule", i.GetCompositeSchedule,
            _shape(
                i.GetCompositeSchedule, Field("evse", "evseId", NOT_NEGATIVE), Field("duration", "duration", NOT_NEGATIVE),
                Field("charging_rate_unit", "chargingRateUnit"),
            ),
        ),
        Carry(
            "GetDisplayMessages", i.GetDisplayMessages,
            _shape(i.GetDisplayMessages, _REQUEST, Field("ids", "id"), Field("priority", "priority"), Field("state", "state")),
        ),
        Carry("GetInstalledCertificateIds", i.GetInstalledCertificateIds,
              _shape(i.GetInstalledCertificateIds, Field("types", "certificateType"))),
        Carry("GetLocalListVersion", i.GetLocalListVersion, _shape(i.GetLocalListVersion)),
        Carry("GetLog", i.GetLog, LOG),
        Carry(
            "GetMonitoringReport", i.GetMonitoringReport,
            _shape(
                i.GetMonitoringReport, _REQUEST, Field("criteria", "monitoringCriteria"),
                Field("wanted", "componentVariable", shape=s.WANTED, many=True),
            ),
        ),
        Carry(
            "GetReport", i.GetReport,
            _shape(
                i.GetReport, _REQUEST, Field("criteria", "componentCriteria"),
                Field("wanted", "componentVariable", shape=s.WANTED, many=True),
            ),
        ),
        Carry("GetTransactionStatus", i.GetTransactionStatus,
              _shape(i.GetTransactionStatus, Field("transaction_id", "transactionId"))),
        Carry("GetVariables", i.GetVariables, VARIABLES, out=_get_variables, into=_variables_asked,
              takes=("getVariableData[].attributeType",), note="all of them: those that 1.6 has a key for, in several calls",
            rule=rules.no_duplicates_get,
        ),
        Carry("InstallCertificate", i.InstallCertificate,
              _shape(i.InstallCertificate, Field("type", "certificateType"), Field("certificate", "certificate"))),
        Carry(
            "PublishFirmware", i.PublishFirmware,
            _shape(
                i.PublishFirmware, Field("location", "location", LOCATION), Field("checksum", "checksum"), _REQUEST, *_RETRIES,
            ),
        ),
        Carry("RequestStartTransaction", i.RequestStart, REQUEST_START,
            rule=rules.starts,
        ),
        Carry("RequestStopTransaction", i.RequestStop, _shape(i.RequestStop, Field("transaction_id", "transactionId"))),
        Carry(
            "ReserveNow", i.ReserveNow,
            _shape(
                i.ReserveNow, Field("id", "id"), Field("expires", "expiryDateTime", TIME), *s.TOKEN,
                Field("evse", "evseId", POSITIVE), *s.GROUP, Field("connector_type", "connectorType"),
            ),
        ),
        Carry("Reset", i.Reset, _shape(i.Reset, Field("type", "type"), Field("evse", "evseId", POSITIVE))),
        Carry(
            "SendLocalList", i.SendLocalList,
            _shape(
                i.SendLocalList, Field("version", "versionNumber", POSITIVE), Field("update_type", "updateType"),
                Field("entries", "localAuthorizationList", shape=s.LIST_ENTRY, many=True),
            ),
            rule=rules.whole_list,
        ),
        Carry(
            "SetChargingProfile", i.SetChargingProfile,
            _shape(
                i.SetChargingProfile, Field("evse", "evseId", NOT_NEGATIVE), Field("profile", "chargingProfile", shape=s.PROFILE)
            ),
            rule=rules.profile,
        ),
        Carry("SetDisplayMessage", i.SetDisplayMessage,
              _shape(i.SetDisplayMessage, Field("message", "message", shape=s.DISPLAY))),
        Carry("SetMonitoringBase", i.SetMonitoringBase, _shape(i.SetMonitoringBase, Field("base", "monitoringBase"))),
        Carry("SetMonitoringLevel", i.SetMonitoringLevel,
              _shape(i.SetMonitoringLevel, Field("severity", "severity", NOT_NEGATIVE)),
            rule=rules.severity,
        ),
        Carry(
            "SetNetworkProfile", i.SetNetworkProfile,
            _shape(i.SetNetworkProfile, Field("slot", "configurationSlot"), Field("profile", "connectionData", shape=s.NETWORK)),
            rule=rules.security_profile,
        ),
        Carry("SetVariableMonitoring", i.SetVariableMonitoring,
              _shape(i.SetVariableMonitoring, Field("monitors", "setMonitoringData", shape=s.MONITOR, many=True)),
            rule=rules.severities,
        ),
        Carry("SetVariables", i.SetVariables,
              _shape(i.SetVariables, Field("settings", "setVariableData", shape=s.SETTING, many=True)),
              rule=rules.no_duplicates_set),
        Carry("SetVariables", i.SetVariable, s.SETTING, out=_one_setting, spoken=False, note="one variable"),
        Carry(
            "TriggerMessage", i.Trigger,
            _shape(
                i.Trigger, Field("message", "requestedMessage"), Field("evse", "evse.id", STATION_IS_0, omit=0),
                Field("connector", "evse.connectorId", POSITIVE, fill=_first_connector), silent=_ONLY_1_6,
            ),
            rule=rules.connector_of, check=_whole_place,
        ),
        Carry("UnlockConnector", i.UnlockConnector,
              _shape(i.UnlockConnector, Field("evse", "evseId", POSITIVE), Field("connector", "connectorId", POSITIVE))),
        Carry("UnpublishFirmware", i.UnpublishFirmware, _shape(i.UnpublishFirmware, Field("checksum", "checksum"))),
        Carry("UpdateFirmware", i.UpdateFirmware, FIRMWARE,
            rule=rules.signed_whole,
        ),
    ),
    cannot={
        i.UserPrice: ("OCPP 2.0.1 tells the price in the answer to Authorize", None),
        i.FinalCost: ("OCPP 2.0.1 tells the final cost in the answer to the last event", None),
    },
)  # fmt: skip
