"""Answers to commands in the words of each version: statuses and fields as tables (PROTOCOLS 1.3 and 5.2).

A canonical status is 2.x's. Statuses that are not in a table are the same word in both.
"""

from collections.abc import Mapping
from typing import Any

Statuses = Mapping[str, Mapping[str, str]]
"""Action -> {status: status}."""

FROM_1_6: Statuses = {
    "ChangeConfiguration": {"NotSupported": "UnknownVariable"},
    "UnlockConnector": {"NotSupported": "UnknownConnector"},
}
"""What a 1.6 station says -> canonical."""

TO_1_6: Statuses = {
    "ChangeConfiguration": {
        "UnknownVariable": "NotSupported", "UnknownComponent": "NotSupported", "NotSupportedAttributeType": "NotSupported",
    },
    "UnlockConnector": {"UnknownConnector": "NotSupported", "OngoingAuthorizedTransaction": "UnlockFailed"},
    "Reset": {"Scheduled": "Accepted"},
    "ClearChargingProfile": {"Rejected": "Unknown"},
}  # fmt: skip
"""Canonical -> what a caller in 1.6 words reads."""

TO_1_5: Statuses = {
    "ChangeConfiguration": {"RebootRequired": "Accepted"},
    "UnlockConnector": {"Unlocked": "Accepted", "UnlockFailed": "Rejected", "NotSupported": "Rejected"},
}
"""1.6 -> what a caller in 1.5 words reads."""

TO_2_0_1: Statuses = {
    "SendLocalList": {"NotSupported": "Failed"},
    "CustomerInformation": {"": "Accepted"},
    "ClearChargingProfile": {"Rejected": "Unknown"},
}
"""Canonical, or what only 1.6 can say -> what a caller in 2.0.1 words reads."""

SILENT = frozenset({"UpdateFirmware", "CostUpdated"})
"""Actions whose response cannot say no, in the words of some version: a station's no becomes a failure."""

DATA: Mapping[str, Mapping[str, str]] = {
    "DataTransfer": {"data": "data"},
    "GetLocalListVersion": {"version": "versionNumber"},
    "GetLog": {"file_name": "filename"},
    "GetTransactionStatus": {"ongoing": "ongoingIndicator", "messages_in_queue": "messagesInQueue"},
    "RequestStartTransaction": {"transaction_id": "transactionId"},
}
"""2.0.1 action -> {key of a result's data: field of the response}."""

HASH_FIELDS: Mapping[str, str] = {
    "algorithm": "hashAlgorithm",
    "issuer_name_hash": "issuerNameHash",
    "issuer_key_hash": "issuerKeyHash",
    "serial_number": "serialNumber",
}
"""A certificate's hash in results -> on the wire."""

BUILT_BY_CENTRE = ("BuiltByCentre", "made from the station's configuration keys; no report will follow, its device model has it")
"""statusInfo of a report that a station without reports was asked for."""


FROM_OWN_BOOK = ("BuiltByCentre", "from the centre's own book of what the station accepted: its version cannot be asked")


def text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
