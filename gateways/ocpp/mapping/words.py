"""Words that OCPP versions have for the same thing (PROTOCOLS 1.3, 5.3, 5.5, 5.6): data, used by every dialect.

Canonical words are those of OCPP 2.x. A table from canonical to 1.6 is named FROM, the other way TO where it is not simply
the inverse. Words that are not in a table are the same in both.
"""

import re
from collections.abc import Mapping

from actors.model.token import TokenType

STATUS: Mapping[str, str] = {
    "Available": "Available",
    "Preparing": "Occupied",
    "Charging": "Occupied",
    "SuspendedEVSE": "Occupied",
    "SuspendedEV": "Occupied",
    "Finishing": "Occupied",
    "Reserved": "Reserved",
    "Unavailable": "Unavailable",
    "Faulted": "Faulted",
}
"""1.6 connector status -> 2.x connectorStatus. 1.5 has the five words of 2.x itself."""

REASON: Mapping[str, str] = {"HardReset": "ImmediateReset", "SoftReset": "ImmediateReset", "UnlockCommand": "Remote"}
"""1.6 stop reasons that 2.x calls otherwise."""

ERROR_1_5: Mapping[str, str] = {"Mode3Error": "EVCommunicationError"}
"""1.5 error codes that 1.6 calls otherwise."""

LIST_STATUS: Mapping[str, str] = {
    "NoCredit": "Blocked",
    "NotAllowedTypeEVSE": "Blocked",
    "NotAtThisLocation": "Blocked",
    "NotAtThisTime": "Blocked",
    "Unknown": "Invalid",
}
"""2.x authorisation statuses that 1.x does not know; the others have the same name."""

PURPOSES: Mapping[str, str] = {
    "ChargingStationMaxProfile": "ChargePointMaxProfile",
    "TxDefaultProfile": "TxDefaultProfile",
    "TxProfile": "TxProfile",
}
RESETS: Mapping[str, str] = {"Immediate": "Hard", "OnIdle": "Soft"}
TRIGGERS: Mapping[str, str] = {
    "BootNotification": "BootNotification",
    "Heartbeat": "Heartbeat",
    "FirmwareStatusNotification": "FirmwareStatusNotification",
    "StatusNotification": "StatusNotification",
    "MeterValues": "MeterValues",
    "LogStatusNotification": "DiagnosticsStatusNotification",
    "TransactionEvent": "MeterValues",
}
"""2.x requestedMessage -> TriggerMessage of 1.6."""

EXTENDED_TRIGGERS: Mapping[str, str] = {
    "BootNotification": "BootNotification",
    "Heartbeat": "Heartbeat",
    "FirmwareStatusNotification": "FirmwareStatusNotification",
    "StatusNotification": "StatusNotification",
    "MeterValues": "MeterValues",
    "LogStatusNotification": "LogStatusNotification",
    "SignChargingStationCertificate": "SignChargePointCertificate",
    "TransactionEvent": "MeterValues",
}
"""The same for ExtendedTriggerMessage of the security extension."""

PNC_TRIGGERS = ("SignV2GCertificate", "SignCombinedCertificate")
"""What a 1.6 station is asked for in a DataTransfer of Plug & Charge (PROTOCOLS 2.9)."""

ROOTS: Mapping[str, str] = {
    "CSMSRootCertificate": "CentralSystemRootCertificate",
    "ManufacturerRootCertificate": "ManufacturerRootCertificate",
}
"""Certificate uses of the 1.6 security extension."""

PNC_ROOTS = ("V2GRootCertificate", "MORootCertificate", "V2GCertificateChain")

LOG_STATUS: Mapping[str, str] = {"UploadFailed": "UploadFailure"}
"""1.x DiagnosticsStatusNotification -> 2.x LogStatusNotification."""

UNITS_1_5: Mapping[str, str] = {"Amp": "A", "Volt": "V"}
"""1.5 units that everybody else writes otherwise."""

KEYS_1_5: Mapping[str, str] = {"HeartbeatInterval": "HeartBeatInterval"}
"""1.6 configuration keys that 1.5 spells otherwise (PROTOCOLS 1.3)."""

UNLOCK_1_5: Mapping[str, str] = {"Unlocked": "Accepted", "UnlockFailed": "Rejected"}
"""1.6 answer to UnlockConnector -> 1.5."""

UPDATE_STATUS_1_5: Mapping[str, str] = {"HashError": "Failed"}
"""1.5 answer to SendLocalList -> 1.6. We send no hash, so a station that complains of one could not use the list."""


_HEX = re.compile(r"[0-9A-Fa-f]+")
_EMAID = re.compile(r"[A-Za-z]{2}-?[A-Za-z0-9]{3}-?[A-Za-z0-9]{9}(?:-?[A-Za-z0-9])?")


def token_type(tag: str) -> TokenType | None:
    """What an idTag looks like (PROTOCOLS 5.1); None when like nothing in particular."""
    length = len(tag)
    if _HEX.fullmatch(tag):
        return "ISO14443" if length in (8, 14) else "ISO15693" if length == 16 else None
    return "eMAID" if length >= 14 and _EMAID.fullmatch(tag) else None


def type_of(tag: str) -> TokenType:
    """The 2.x type of a text that nobody gave one: the centre sends it, so the centre may have made it."""
    return token_type(tag) or "Central"
