"""What stations say, version by version: which message means what, and where each field of the canonical message comes from.

The dialects read by typed code, since messages of stations are the hot path; this table says what that code does, and
a test holds every row of it against the code (PROTOCOLS 1.3, 5.4 to 5.6). `lost` are fields of the wire that nothing is made of.
"""

from collections.abc import Mapping

import msgspec

from actors.certificates import messages as certificates
from actors.charging import messages as charging
from actors.device import messages as device
from actors.display import messages as display
from actors.reservation import messages as reservation
from actors.station import messages as s
from gateways.ocpp.mapping import words as w


class Told(msgspec.Struct, frozen=True):
    """One action of one version. `fields`: field of the canonical message -> dotted wire name; `words`: field -> the table by
    which its value is translated."""

    action: str
    fields: Mapping[str, str] = {}
    words: Mapping[str, Mapping[str, str]] = {}
    lost: Mapping[str, str] = {}
    note: str = ""
    extension: bool = False
    inside: bool = False
    """As text in a DataTransfer of the Plug & Charge vocabulary (PROTOCOLS 2.9): `fields` are those of the text."""


class Meaning(msgspec.Struct, frozen=True):
    """A canonical message and how each version says it; a version that is not here cannot. `also`: its second way."""

    of: type
    says: str
    versions: Mapping[str, Told]
    also: Mapping[str, Told] = {}

    def ways(self, version: str) -> tuple[Told, ...]:
        return tuple(ways[version] for ways in (self.versions, self.also) if version in ways)


_1_5, _1_6, _2_0_1 = "ocpp1.5", "ocpp1.6", "ocpp2.0.1"
_BOOT_1_X = {
    "vendor": "chargePointVendor", "model": "chargePointModel", "serial": "chargePointSerialNumber",
    "firmware": "firmwareVersion", "iccid": "iccid", "imsi": "imsi", "box_serial": "chargeBoxSerialNumber",
    "meter_type": "meterType", "meter_serial": "meterSerialNumber",
}  # fmt: skip
_DATA = {"vendor_id": "vendorId", "message_id": "messageId", "data": "data"}
_STATUS_1_X = {
    "evse": "connectorId", "status": "status", "detail": "status", "error": "errorCode", "info": "info", "vendor_id": "vendorId",
    "vendor_error": "vendorErrorCode", "at": "timestamp",
}  # fmt: skip
_START = {
    "evse": "connectorId", "token": "idTag", "meter_start_wh": "meterStart", "at": "timestamp", "reservation": "reservationId",
}  # fmt: skip
_STOP = {
    "number": "transactionId",
    "meter_stop_wh": "meterStop",
    "at": "timestamp",
    "token": "idTag",
    "readings": "transactionData",
}
_AUTHORIZE = {"token": "idToken", "certificate": "certificate", "chain": "iso15118CertificateHashData"}
_CONTRACT = {"schema_version": "iso15118SchemaVersion", "action": "action", "exi": "exiRequest"}
_INSIDE = "of ISO 15118, as text in a DataTransfer"
_CONNECTOR = "connector n is EVSE n, connector 1; 0 is the station"
_REQUEST = {"request_id": "requestId"}
_PART = _REQUEST | {"more": "tbc"}
_NUMBERED_PART = _PART | {"seq": "seqNo", "generated_at": "generatedAt"}


def _same(action: str, fields: Mapping[str, str]) -> Mapping[str, Told]:
    return {version: Told(action, fields) for version in (_2_0_1, _1_6, _1_5)}


MEANINGS: tuple[Meaning, ...] = (
    Meaning(s.Boot, "The station started, or wants to be known", {
        _2_0_1: Told("BootNotification", {
            "vendor": "chargingStation.vendorName", "model": "chargingStation.model", "serial": "chargingStation.serialNumber",
            "firmware": "chargingStation.firmwareVersion", "iccid": "chargingStation.modem.iccid",
            "imsi": "chargingStation.modem.imsi", "reason": "reason",
        }, note="the meter is told in a report of the device model"),
        _1_6: Told("BootNotification", _BOOT_1_X, note="reason Unknown; the meter goes to FiscalMetering"),
        _1_5: Told("BootNotification", _BOOT_1_X, note="as 1.6; answered with heartbeatInterval, Pending as Rejected"),
    }),
    Meaning(s.Heartbeat, "It lives", _same("Heartbeat", {})),
    Meaning(s.Authorize, "May this token charge?", {
        _2_0_1: Told("Authorize", _AUTHORIZE),
        _1_6: Told("Authorize", {"token": "idTag"}, note="its type is what it looks like"),
        _1_5: Told("Authorize", {"token": "idTag"}, note="its type is what it looks like"),
    }, {_1_6: Told("Authorize", _AUTHORIZE, note=_INSIDE, inside=True)}),
    Meaning(s.ConnectorStatus, "The state of a connector", {
        _2_0_1: Told("StatusNotification", {
            "evse": "evseId", "connector": "connectorId", "status": "connectorStatus", "detail": "connectorStatus",
            "at": "timestamp",
        }, note="errors come as events; AvailabilityState in NotifyEvent means the same"),
        _1_6: Told("StatusNotification", _STATUS_1_X, {"status": w.STATUS}, note=_CONNECTOR),
        _1_5: Told("StatusNotification", _STATUS_1_X, {"error": w.ERROR_1_5}, note="Occupied is kept as the station said it"),
    }),
    Meaning(s.TransactionStart, "A transaction began (1.x)", {
        _1_6: Told("StartTransaction", _START, note="we give the transaction its number"),
        _1_5: Told("StartTransaction", _START, note="we give the transaction its number"),
    }),
    Meaning(s.TransactionMeter, "The meter, in a transaction or outside", {
        _2_0_1: Told("MeterValues", {"evse": "evseId", "readings": "meterValue"}, note="outside of transactions"),
        _1_6: Told("MeterValues", {"evse": "connectorId", "number": "transactionId", "readings": "meterValue"}, note=_CONNECTOR),
        _1_5: Told("MeterValues", {"evse": "connectorId", "number": "transactionId", "readings": "values"},
                   {"readings": w.UNITS_1_5}),
    }),
    Meaning(s.TransactionStop, "A transaction ended (1.x)", {
        _1_6: Told("StopTransaction", _STOP | {"reason": "reason"}, {"reason": w.REASON}, note="no reason means Local"),
        _1_5: Told("StopTransaction", _STOP, {"readings": w.UNITS_1_5}, note="no reason means Local"),
    }),
    Meaning(s.TransactionEvent, "A transaction began, went on or ended (2.x)", {
        _2_0_1: Told("TransactionEvent", {
            "type": "eventType", "transaction_id": "transactionInfo.transactionId", "seq": "seqNo", "at": "timestamp",
            "trigger": "triggerReason", "offline": "offline", "evse": "evse.id", "connector": "evse.connectorId",
            "token": "idToken", "charging_state": "transactionInfo.chargingState",
            "stopped_reason": "transactionInfo.stoppedReason", "remote_start_id": "transactionInfo.remoteStartId",
            "reservation": "reservationId", "time_spent_charging": "transactionInfo.timeSpentCharging",
            "cable_max_current": "cableMaxCurrent", "phases_used": "numberOfPhasesUsed", "readings": "meterValue",
        }, note="in 1.x: StartTransaction, MeterValues with its number, StatusNotification and StopTransaction"),
    }),
    Meaning(s.DataTransferred, "A message of a vendor's own", _same("DataTransfer", _DATA)),
    Meaning(s.FirmwareStatus, "How far a firmware update is", {
        _2_0_1: Told("FirmwareStatusNotification", {"status": "status"} | _REQUEST),
        _1_6: Told("FirmwareStatusNotification", {"status": "status"}),
        _1_5: Told("FirmwareStatusNotification", {"status": "status"}),
    }, {_1_6: Told("SignedFirmwareStatusNotification", {"status": "status"} | _REQUEST, note="signed", extension=True)}),
    Meaning(s.LogStatus, "How far the upload of a log is", {
        _2_0_1: Told("LogStatusNotification", {"status": "status"} | _REQUEST),
        _1_6: Told("DiagnosticsStatusNotification", {"status": "status"}, {"status": w.LOG_STATUS}),
        _1_5: Told("DiagnosticsStatusNotification", {"status": "status"}, {"status": w.LOG_STATUS}),
    }, {_1_6: Told("LogStatusNotification", {"status": "status"} | _REQUEST, extension=True)}),
    Meaning(s.SecurityEvent, "Something that concerns security happened", {
        _2_0_1: Told("SecurityEventNotification", {"type": "type", "at": "timestamp", "tech_info": "techInfo"}),
        _1_6: Told("SecurityEventNotification", {"type": "type", "at": "timestamp", "tech_info": "techInfo"}, extension=True),
    }),
    Meaning(certificates.CsrReceived, "A certificate is to be signed", {
        _2_0_1: Told("SignCertificate", {"csr": "csr", "type": "certificateType"}),
        _1_6: Told("SignCertificate", {"csr": "csr"}, note="the station's own", extension=True),
    }, {_1_6: Told("SignCertificate", {"csr": "csr", "type": "certificateType"}, note=_INSIDE, inside=True)}),
    Meaning(certificates.OcspAsked, "Is this certificate revoked?", {
        _2_0_1: Told("GetCertificateStatus", {"request": "ocspRequestData"}),
        _1_6: Told("GetCertificateStatus", {"request": "ocspRequestData"}, note=_INSIDE, inside=True),
    }),
    Meaning(certificates.ContractAsked, "An EV wants its contract certificate", {
        _2_0_1: Told("Get15118EVCertificate", _CONTRACT),
        _1_6: Told("Get15118EVCertificate", _CONTRACT, note=_INSIDE, inside=True),
    }),
    Meaning(device.ReportPart, "A part of a report on the device model", {
        _2_0_1: Told("NotifyReport", _NUMBERED_PART | {"data": "reportData"}, note="1.x: made of GetConfiguration"),
    }),
    Meaning(device.MonitoringPart, "A part of a report on monitors", {
        _2_0_1: Told("NotifyMonitoringReport", _NUMBERED_PART | {"monitors": "monitor"}),
    }),
    Meaning(device.EventsPart, "Events of the device model", {
        _2_0_1: Told("NotifyEvent", {"seq": "seqNo", "more": "tbc", "generated_at": "generatedAt", "events": "eventData"},
                     note="1.x: the errorCode of a StatusNotification"),
    }),
    Meaning(charging.ProfilesPart, "Charging profiles that the station holds", {
        _2_0_1: Told("ReportChargingProfiles", _PART | {
            "evse": "evseId", "source": "chargingLimitSource", "profiles": "chargingProfile",
        }),
    }),
    Meaning(charging.LimitNotified, "Somebody else limits the station", {
        _2_0_1: Told("NotifyChargingLimit", {
            "source": "chargingLimit.chargingLimitSource", "grid_critical": "chargingLimit.isGridCritical", "evse": "evseId",
            "schedules": "chargingSchedule",
        }),
    }),
    Meaning(charging.LimitCleared, "That limit is over", {
        _2_0_1: Told("ClearedChargingLimit", {"source": "chargingLimitSource", "evse": "evseId"}),
    }),
    Meaning(charging.ChargingNeeds, "What an EV needs", {
        _2_0_1: Told("NotifyEVChargingNeeds", {
            "evse": "evseId", "needs": "chargingNeeds", "max_schedule_tuples": "maxScheduleTuples",
        }),
    }),
    Meaning(charging.EvSchedule, "The schedule that an EV chose", {
        _2_0_1: Told("NotifyEVChargingSchedule", {"evse": "evseId", "time_base": "timeBase", "schedule": "chargingSchedule"}),
    }),
    Meaning(display.DisplayPart, "Messages on the display", {
        _2_0_1: Told("NotifyDisplayMessages", _PART | {"messages": "messageInfo"}),
    }),
    Meaning(reservation.ReservationStatus, "A reservation is gone", {
        _2_0_1: Told("ReservationStatusUpdate", {"id": "reservationId", "status": "reservationUpdateStatus"}),
    }),
    Meaning(s.CustomerReportPart, "What the station keeps of a customer", {
        _2_0_1: Told("NotifyCustomerInformation", _PART | {"seq": "seqNo", "data": "data", "at": "generatedAt"}),
    }),
    Meaning(s.PublishFirmwareStatus, "How far the publishing of firmware is", {
        _2_0_1: Told("PublishFirmwareStatusNotification", {"status": "status", "locations": "location"} | _REQUEST),
    }),
)  # fmt: skip
"""In the order in which people look for them."""
