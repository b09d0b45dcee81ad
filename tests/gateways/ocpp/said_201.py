"""What an operator says in 2.0.1 words, command by command, and what the station answers: both must come through unchanged."""

from typing import Any

from tests.kits import pki

SIGNER = pki.Ca("Maker").issue("firmware").pem
AT = "2026-11-22T10:00:00Z"
LATER = "2026-11-23T10:00:00Z"
TOKEN = {"idToken": "04A2B3C4", "type": "ISO14443"}
GROUP = {"idToken": "FLEET", "type": "Central"}
HASH = {"hashAlgorithm": "SHA256", "issuerNameHash": "aa" * 32, "issuerKeyHash": "bb" * 32, "serialNumber": "1f"}
BUSY = {"reasonCode": "Busy", "additionalInfo": "later"}
HEARTBEAT = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
TARGET = {
    "component": {"name": "EVSE", "instance": "left", "evse": {"id": 1, "connectorId": 2}},
    "variable": {"name": "Power", "instance": "x"},
}
SCHEDULE = {
    "id": 7, "chargingRateUnit": "A", "startSchedule": AT, "duration": 3600, "minChargingRate": 6.5,
    "chargingSchedulePeriod": [
        {"startPeriod": 0, "limit": 16.19, "numberPhases": 1, "phaseToUse": 2},
        {"startPeriod": 60, "limit": 8, "numberPhases": 3},
    ],
    "salesTariff": {
        "id": 1, "numEPriceLevels": 2,
        "salesTariffEntry": [{"relativeTimeInterval": {"start": 0, "duration": 60}, "ePriceLevel": 1}],
    },
}  # fmt: skip
PROFILE = {
    "id": 5, "stackLevel": 1, "chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Recurring",
    "recurrencyKind": "Daily",
    "validFrom": AT, "validTo": LATER, "chargingSchedule": [SCHEDULE, {**SCHEDULE, "id": 8}], "transactionId": "tx-1",
}  # fmt: skip
START_PROFILE = {key: value for key, value in PROFILE.items() if key != "transactionId"}
MESSAGE = {"format": "UTF8", "content": "Willkommen", "language": "de"}
PNG = {"apn": "internet", "apnUserName": "u", "apnPassword": "p", "simPin": 1234, "apnAuthentication": "CHAP"}
VPN = {"server": "vpn.example", "user": "u", "group": "g", "password": "p", "key": "k", "type": "IKEv2"}

SAID_201: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "CancelReservation": ({"reservationId": 5}, {"status": "Rejected", "statusInfo": BUSY}),
    "CertificateSigned": (
        {"certificateChain": "-----BEGIN CERTIFICATE-----", "certificateType": "V2GCertificate"}, {"status": "Accepted"},
    ),
    "ChangeAvailability": (
        {"operationalStatus": "Inoperative", "evse": {"id": 1, "connectorId": 2}}, {"status": "Scheduled"},
    ),
    "ClearCache": ({}, {"status": "Accepted"}),
    "ClearChargingProfile": (
        {"chargingProfileCriteria": {"evseId": 1, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0}},
        {"status": "Unknown"},
    ),
    "ClearDisplayMessage": ({"id": 3}, {"status": "Unknown"}),
    "ClearVariableMonitoring": (
        {"id": [1, 2]},
        {"clearMonitoringResult": [{"id": 1, "status": "Accepted"}, {"id": 2, "status": "NotFound"}]},
    ),
    "CostUpdated": ({"totalCost": 12.34, "transactionId": "tx-1"}, {}),
    "CustomerInformation": (
        {"requestId": 9, "report": True, "clear": False, "idToken": TOKEN}, {"status": "Invalid"},
    ),
    "DataTransfer": ({"vendorId": "v", "messageId": "m", "data": {"a": [1]}}, {"status": "Accepted", "data": [1]}),
    "DeleteCertificate": ({"certificateHashData": HASH}, {"status": "NotFound"}),
    "GetBaseReport": ({"requestId": 1, "reportBase": "FullInventory"}, {"status": "Accepted"}),
    "GetChargingProfiles": (
        {"requestId": 2, "evseId": 1, "chargingProfile": {
            "chargingProfilePurpose": "TxProfile", "stackLevel": 0, "chargingLimitSource": ["CSO"]}},
        {"status": "NoProfiles"},
    ),
    "GetCompositeSchedule": (
        {"duration": 60, "chargingRateUnit": "A", "evseId": 1},
        {"status": "Accepted", "schedule": {
            "evseId": 1, "duration": 60, "scheduleStart": AT, "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.5, "numberPhases": 1, "phaseToUse": 1}]}},
    ),
    "GetDisplayMessages": ({"requestId": 3, "id": [1], "priority": "InFront", "state": "Idle"}, {"status": "Unknown"}),
    "GetInstalledCertificateIds": (
        {"certificateType": ["CSMSRootCertificate", "V2GCertificateChain"]},
        {"status": "Accepted", "certificateHashDataChain": [
            {"certificateType": "V2GCertificateChain", "certificateHashData": HASH, "childCertificateHashData": [HASH]}]},
    ),
    "GetLocalListVersion": ({}, {"versionNumber": 7}),
    "GetLog": (
        {"requestId": 4, "logType": "SecurityLog", "retries": 2, "retryInterval": 10, "log": {
            "remoteLocation": "https://example.com/up", "oldestTimestamp": AT, "latestTimestamp": LATER}},
        {"status": "AcceptedCanceled", "filename": "log.zip"},
    ),
    "GetMonitoringReport": (
        {"requestId": 5, "monitoringCriteria": ["DeltaMonitoring"], "componentVariable": [TARGET]}, {"status": "EmptyResultSet"},
    ),
    "GetReport": (
        {"requestId": 6, "componentCriteria": ["Problem"], "componentVariable": [{"component": {"name": "EVSE"}}]},
        {"status": "NotSupported"},
    ),
    "GetTransactionStatus": ({"transactionId": "tx-1"}, {"ongoingIndicator": False, "messagesInQueue": True}),
    "GetVariables": (
        {"getVariableData": [HEARTBEAT, {**TARGET, "attributeType": "Target"}]},
        {"getVariableResult": [
            {"attributeStatus": "Accepted", "attributeValue": "60", **HEARTBEAT},
            {"attributeStatus": "UnknownVariable", "attributeType": "Target", "attributeStatusInfo": {"reasonCode": "NotFound"},
             **TARGET}]},
    ),
    "InstallCertificate": ({"certificateType": "MORootCertificate", "certificate": "-----BEGIN"}, {"status": "Failed"}),
    "PublishFirmware": (
        {"location": "https://example.com/fw", "checksum": "0" * 32, "requestId": 7, "retries": 1, "retryInterval": 5},
        {"status": "Accepted"},
    ),
    "RequestStartTransaction": (
        {"idToken": {**TOKEN, "additionalInfo": [{"additionalIdToken": "AB12", "type": "plate"}]}, "remoteStartId": 11,
         "evseId": 1, "groupIdToken": GROUP, "chargingProfile": START_PROFILE},
        {"status": "Accepted", "transactionId": "tx-2"},
    ),
    "RequestStopTransaction": ({"transactionId": "tx-1"}, {"status": "Rejected"}),
    "ReserveNow": (
        {"id": 8, "expiryDateTime": LATER, "connectorType": "cType2", "idToken": TOKEN, "evseId": 1, "groupIdToken": GROUP},
        {"status": "Occupied"},
    ),
    "Reset": ({"type": "OnIdle", "evseId": 1}, {"status": "Scheduled"}),
    "SendLocalList": (
        {"versionNumber": 2, "updateType": "Full", "localAuthorizationList": [{
            "idToken": TOKEN, "idTokenInfo": {
                "status": "Accepted", "cacheExpiryDateTime": LATER, "chargingPriority": 1, "language1": "de", "language2": "en",
                "evseId": [1, 2], "groupIdToken": GROUP, "personalMessage": MESSAGE}}]},
        {"status": "VersionMismatch"},
    ),
    "SetChargingProfile": ({"evseId": 1, "chargingProfile": PROFILE}, {"status": "Rejected", "statusInfo": BUSY}),
    "SetDisplayMessage": (
        {"message": {
            "display": {"name": "Display", "evse": {"id": 1, "connectorId": 1}}, "id": 4, "priority": "AlwaysFront",
            "state": "Charging", "startDateTime": AT, "endDateTime": LATER, "transactionId": "tx-1", "message": MESSAGE}},
        {"status": "NotSupportedPriority"},
    ),
    "SetMonitoringBase": ({"monitoringBase": "All"}, {"status": "Accepted"}),
    "SetMonitoringLevel": ({"severity": 4}, {"status": "Accepted"}),
    "SetNetworkProfile": (
        {"configurationSlot": 1, "connectionData": {
            "ocppVersion": "OCPP20", "ocppTransport": "JSON", "ocppCsmsUrl": "wss://example.com/ocpp", "messageTimeout": 30,
            "securityProfile": 2, "ocppInterface": "Wired0", "apn": PNG, "vpn": VPN}},
        {"status": "Failed"},
    ),
    "SetVariableMonitoring": (
        {"setMonitoringData": [{
            "id": 1, "transaction": True, "value": 80.5, "type": "UpperThreshold", "severity": 3, **TARGET}]},
        {"setMonitoringResult": [
            {"id": 1, "status": "Rejected", "type": "UpperThreshold", "severity": 3, "statusInfo": BUSY, **TARGET}]},
    ),
    "SetVariables": (
        {"setVariableData": [
            {"attributeValue": "60", **HEARTBEAT}, {"attributeType": "MinSet", "attributeValue": "5", **TARGET}]},
        {"setVariableResult": [
            {"attributeStatus": "Accepted", **HEARTBEAT},
            {"attributeType": "MinSet", "attributeStatus": "RebootRequired", **TARGET}]},
    ),
    "TriggerMessage": (
        {"evse": {"id": 1, "connectorId": 2}, "requestedMessage": "StatusNotification"}, {"status": "NotImplemented"},
    ),
    "UnlockConnector": ({"evseId": 1, "connectorId": 2}, {"status": "OngoingAuthorizedTransaction"}),
    "UnpublishFirmware": ({"checksum": "0" * 32}, {"status": "DownloadOngoing"}),
    "UpdateFirmware": (
        {"requestId": 12, "retries": 1, "retryInterval": 60, "firmware": {
            "location": "https://example.com/fw", "retrieveDateTime": AT, "installDateTime": LATER,
            "signingCertificate": SIGNER, "signature": "c2ln"}},
        {"status": "InvalidCertificate"},
    ),
}  # fmt: skip
