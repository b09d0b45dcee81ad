"""The commands of OCPP 1.6, its security extension and the two DataTransfer vocabularies (PROTOCOLS 2.1, 2.8, 2.9, 5.2, 5.3)."""

from typing import Any

from actors.model import intents as i
from gateways.ocpp.mapping import rules
from gateways.ocpp.mapping import shapes_v16 as s
from gateways.ocpp.mapping import words as w
from gateways.ocpp.mapping.codecs import (
    INTEGER_ID,
    JSON_TEXT,
    LOCATION,
    NOT_NEGATIVE,
    POSITIVE,
    TIME,
    choose,
    words,
)
from gateways.ocpp.mapping.command import Carry, Version
from gateways.ocpp.mapping.engine import Field, Shape
from gateways.ocpp.mapping.shapes_v201 import HASH


def _shape(kind: type, *fields: Field, silent: tuple[str, ...] = (), **more: Any) -> Shape:
    return Shape(kind, fields, silent=silent, **more)


_NO = "OCPP 1.6 has no "
_PNC_TRIGGER = _shape(
    i.Trigger, Field("message", "requestedMessage"), Field("evse", "evse.id"), Field("connector", "evse.connectorId"),
    silent=("extended",),
)  # fmt: skip

V16 = Version(
    "ocpp1.6",
    "OCPP 1.6",
    (
        Carry("CancelReservation", i.CancelReservation, _shape(i.CancelReservation, Field("id", "reservationId"))),
        Carry(
            "ChangeAvailability", i.ChangeAvailability,
            _shape(
                i.ChangeAvailability, Field("operative", "type", choose(true="Operative", false="Inoperative")),
                s.STATION, s.CONNECTOR,
            ),
        ),
        Carry("ChangeConfiguration", i.SetVariable, s.SETTING, out=s.changing(s.SETTING)),
        Carry(
            "ChangeConfiguration", i.SetVariables, _shape(i.SetVariables, Field("settings", "", shape=s.SETTING, many=True)),
            out=s.changing_each(s.SETTING), spoken=False, note="one call a variable, in order",
        ),
        Carry("ClearCache", i.ClearCache, _shape(i.ClearCache)),
        Carry(
            "ClearCache", i.CustomerInformation,
            _shape(
                i.CustomerInformation, Field("clear", None), Field("report", None),
                lost={"id_token": "the whole cache is cleared", "token_type": "an idTag has no type"} | s.NO_REQUEST_ID,
                refused={
                    "customer_identifier": "a 1.6 station knows idTags only", "certificate": "a 1.6 station knows idTags only",
                },
            ),
            when=lambda x: x.clear and not x.report, spoken=False, note="to clear, not to report",
        ),
        Carry(
            "ClearChargingProfile", i.ClearChargingProfile,
            _shape(
                i.ClearChargingProfile, Field("id", "id"), Field("evse", "connectorId", NOT_NEGATIVE),
                Field("purpose", "chargingProfilePurpose", s.PURPOSE), Field("stack_level", "stackLevel"),
            ),
        ),
        Carry(
            "DataTransfer", i.DataTransfer,
            _shape(
                i.DataTransfer, Field("vendor_id", "vendorId"), Field("message_id", "messageId"), Field("data", "data", JSON_TEXT)
            ),
        ),
        Carry(
            "DataTransfer", i.CostUpdated,
            _shape(
                i.CostUpdated, Field("total_cost", "data.cost"), Field("transaction_id", "data.transactionId", INTEGER_ID),
                Field("details", "data"),
            ),
            out=s.running_cost, spoken=False, note="RunningCost of the California vocabulary",
        ),
        Carry(
            "DataTransfer", i.UserPrice,
            _shape(
                i.UserPrice, Field("id_token", "data.idToken"), Field("text", "data.priceText"),
                Field("texts", "data.priceTextExtra"),
            ),
            out=s.user_price, spoken=False, note="SetUserPrice of the California vocabulary",
        ),
        Carry(
            "DataTransfer", i.FinalCost,
            _shape(
                i.FinalCost, Field("transaction_id", "data.transactionId", INTEGER_ID), Field("total_cost", "data.cost"),
                Field("text", "data.priceText"), Field("texts", "data.priceTextExtra"), Field("qr_code", "data.qrCodeText"),
            ),
            out=s.final_cost, spoken=False, note="FinalCost of the California vocabulary",
        ),
        Carry(
            "GetCompositeSchedule", i.GetCompositeSchedule,
            _shape(
                i.GetCompositeSchedule, Field("evse", "connectorId", NOT_NEGATIVE), Field("duration", "duration", NOT_NEGATIVE),
                Field("charging_rate_unit", "chargingRateUnit"),
            ),
        ),
        Carry(
            "GetConfiguration", i.GetVariables,
            _shape(
                i.GetVariables, Field("refs", "key", s.KEYS), silent=("attributes",),
            ),
            rule=s.actual_only,
        ),
        Carry(
            "GetConfiguration", i.GetBaseReport,
            _shape(i.GetBaseReport, Field("base", None), lost=s.NO_REQUEST_ID),
            when=lambda x: x.base != "SummaryInventory", out=lambda x, lost: [("GetConfiguration", {})], spoken=False,
            note="the centre builds the report from the keys; there is no summary",
        ),
        Carry(
            "GetConfiguration", i.GetReport,
            _shape(i.GetReport, Field("wanted", "key"), Field("criteria", None), lost=s.NO_REQUEST_ID),
            when=lambda x: not x.criteria, out=s.wanting(s.KEY), spoken=False,
            note="the centre builds the report from the keys; not by criteria",
        ),
        Carry(
            "GetDiagnostics", i.GetLog,
            _shape(
                i.GetLog, Field("location", "location", LOCATION), Field("log_type", None), *s.RETRIES,
                Field("oldest", "startTime", TIME), Field("latest", "stopTime", TIME), lost=s.NO_REQUEST_ID, silent=("extended",),
            ),
            when=lambda x: x.log_type == "DiagnosticsLog" and not x.extended, note="a diagnostics log",
        ),
        Carry("GetLocalListVersion", i.GetLocalListVersion, _shape(i.GetLocalListVersion)),
        Carry(
            "RemoteStartTransaction", i.RequestStart,
            _shape(
                i.RequestStart, Field("id_token", "idTag"), Field("evse", "connectorId", POSITIVE, omit=0),
                Field("profile", "chargingProfile", shape=s.PROFILE),
                lost=s.NO_TYPE | s.NO_GROUP_TYPE | {
                    "group": "a remote start of 1.6 names no group",
                    "remote_start_id": "the start is known by its idTag, connector and time",
                },
            ),
            rule=rules.starts_16,
        ),
        Carry("RemoteStopTransaction", i.RequestStop,
              _shape(i.RequestStop, Field("transaction_id", "transactionId", INTEGER_ID))),
        Carry(
            "ReserveNow", i.ReserveNow,
            _shape(
                i.ReserveNow, s.STATION, Field("expires", "expiryDate", TIME), Field("id_token", "idTag"),
                Field("group", "parentIdTag"), Field("id", "reservationId"),
                lost={"token_type": "an idTag has no type"} | s.NO_GROUP_TYPE,
                refused={"connector_type": "OCPP 1.6 reserves a connector, not a kind of plug"},
            ),
        ),
        Carry(
            "Reset", i.Reset,
            _shape(
                i.Reset, Field("type", "type", words(w.RESETS, "OCPP 1.6")),
                refused={"evse": "OCPP 1.6 resets the whole station"},
            ),
        ),
        Carry(
            "SendLocalList", i.SendLocalList,
            _shape(
                i.SendLocalList, Field("version", "listVersion", POSITIVE), Field("update_type", "updateType"),
                Field("entries", "localAuthorizationList", shape=s.LIST_ENTRY, many=True),
            ),
            check=s.full_is_whole,
        ),
        Carry(
            "SetChargingProfile", i.SetChargingProfile,
            _shape(
                i.SetChargingProfile, Field("evse", "connectorId", NOT_NEGATIVE),
                Field("profile", "csChargingProfiles", shape=s.PROFILE),
            ),
            rule=rules.profile_16,
        ),
        Carry(
            "DataTransfer", i.Trigger, _PNC_TRIGGER, when=lambda x: x.message in w.PNC_TRIGGERS, out=s.as_2_0_1,
            spoken=False, note="certificates of ISO 15118, in the Plug & Charge vocabulary",
        ),
        Carry(
            "ExtendedTriggerMessage", i.Trigger,
            _shape(
                i.Trigger, Field("message", "requestedMessage", words(w.EXTENDED_TRIGGERS, "OCPP 1.6")),
                Field("evse", "connectorId", POSITIVE, omit=0), s.CONNECTOR, silent=("extended",),
            ),
            when=lambda x: x.extended or x.message == "SignChargingStationCertificate",
            extension=True, fixed={"extended": True},
            note="the station's certificate, and where the station speaks the extension",
        ),
        Carry(
            "TriggerMessage", i.Trigger,
            _shape(
                i.Trigger, Field("message", "requestedMessage", words(w.TRIGGERS, "OCPP 1.6")),
                Field("evse", "connectorId", POSITIVE, omit=0), s.CONNECTOR, silent=("extended",),
            ),
            note="a TransactionEvent is asked for as MeterValues",
        ),
        Carry("UnlockConnector", i.UnlockConnector,
              _shape(i.UnlockConnector, Field("evse", "connectorId", POSITIVE), s.CONNECTOR)),
        Carry(
            "UpdateFirmware", i.UpdateFirmware,
            _shape(
                i.UpdateFirmware, Field("location", "location", LOCATION), Field("retrieve_at", "retrieveDate", TIME), *s.RETRIES,
                Field("signing_certificate", None), Field("signature", None),
                lost=s.NO_REQUEST_ID | {"install_at": "1.6 installs when it has it"},
            ),
            when=lambda x: x.signing_certificate is None and x.signature is None, note="not signed",
        ),
        # the security extension
        Carry(
            "CertificateSigned", i.CertificateSigned,
            _shape(i.CertificateSigned, Field("chain", "certificateChain"), Field("type", None)),
            when=lambda x: x.type == "ChargingStationCertificate", extension=True, note="the station's own",
        ),
        Carry(
            "DataTransfer", i.CertificateSigned,
            _shape(i.CertificateSigned, Field("chain", "data.certificateChain"), Field("type", "data.certificateType")),
            out=s.as_2_0_1, spoken=False, note="those of ISO 15118, in the Plug & Charge vocabulary",
        ),
        Carry(
            "DeleteCertificate", i.DeleteCertificate,
            _shape(i.DeleteCertificate, Field("hash", "certificateHashData", shape=HASH), Field("type", None)),
            when=lambda x: x.type not in w.PNC_ROOTS, extension=True, note="those of centre and manufacturer",
        ),
        Carry(
            "DataTransfer", i.DeleteCertificate,
            _shape(i.DeleteCertificate, Field("hash", "data.certificateHashData", shape=HASH), Field("type", None)),
            out=s.as_2_0_1, spoken=False, note="where known to be of ISO 15118, in the Plug & Charge vocabulary",
        ),
        Carry(
            "GetInstalledCertificateIds", i.GetInstalledCertificateIds,
            _shape(i.GetInstalledCertificateIds, Field("types", "certificateType")),
            out=s.asked_by_type, into=lambda said: {"types": [words(w.ROOTS, "").into(said["certificateType"])]},
            extension=True, note="one type a call; those of ISO 15118 in the Plug & Charge vocabulary",
        ),
        Carry(
            "GetLog", i.GetLog,
            _shape(
                i.GetLog, Field("log_type", "logType"), Field("request_id", "requestId"),
                Field("location", "log.remoteLocation", LOCATION), Field("oldest", "log.oldestTimestamp", TIME),
                Field("latest", "log.latestTimestamp", TIME), *s.RETRIES, silent=("extended",),
            ),
            extension=True, fixed={"extended": True}, note="a security log, and where the station speaks the extension",
        ),
        Carry(
            "InstallCertificate", i.InstallCertificate,
            _shape(
                i.InstallCertificate, Field("type", "certificateType", words(w.ROOTS, "OCPP 1.6")),
                Field("certificate", "certificate"),
            ),
            when=lambda x: x.type in w.ROOTS, extension=True, note="roots of centre and manufacturer",
        ),
        Carry(
            "DataTransfer", i.InstallCertificate,
            _shape(i.InstallCertificate, Field("type", "data.certificateType"), Field("certificate", "data.certificate")),
            out=s.as_2_0_1, spoken=False, note="roots of ISO 15118, in the Plug & Charge vocabulary",
        ),
        Carry(
            "SignedUpdateFirmware", i.UpdateFirmware,
            _shape(
                i.UpdateFirmware, Field("request_id", "requestId"), Field("location", "firmware.location", LOCATION),
                Field("retrieve_at", "firmware.retrieveDateTime", TIME), Field("install_at", "firmware.installDateTime", TIME),
                Field("signing_certificate", "firmware.signingCertificate"), Field("signature", "firmware.signature"), *s.RETRIES,
            ),
            rule=rules.signed_whole, extension=True, note="signed",
        ),
    ),
    cannot={
        i.ClearDisplayMessage: (_NO + "display messages", None),
        i.ClearVariableMonitoring: (_NO + "monitors", None),
        i.CustomerInformation: (_NO + "report on a customer; only the cache can be cleared", "report"),
        i.GetBaseReport: ("the keys of OCPP 1.6 give no summary", "base"),
        i.GetChargingProfiles: (_NO + "way to ask for charging profiles; the admin API answers by our own book", None),
        i.GetDisplayMessages: (_NO + "display messages", None),
        i.GetMonitoringReport: (_NO + "monitors", None),
        i.GetReport: (_NO + "report by criteria", "criteria"),
        i.GetTransactionStatus: (_NO + "way to ask for a transaction", None),
        i.PublishFirmware: (_NO + "local controller that publishes firmware", None),
        i.SetDisplayMessage: (_NO + "display messages", None),
        i.SetMonitoringBase: (_NO + "monitors", None),
        i.SetMonitoringLevel: (_NO + "monitors", None),
        i.SetNetworkProfile: (_NO + "standard key for the centre's address", None),
        i.SetVariableMonitoring: (_NO + "monitors", None),
        i.UnpublishFirmware: (_NO + "local controller that publishes firmware", None),
    },
)  # fmt: skip
