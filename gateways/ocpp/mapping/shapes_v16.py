"""Objects inside the commands of OCPP 1.6, its configuration keys, and what no table of fields can say (PROTOCOLS 2.8, 2.9)."""

from collections.abc import Callable
from typing import Any

import msgspec

from actors.model import device
from actors.model import intents as i
from actors.station.vendors import COST_VENDOR, PNC_VENDOR
from gateways.ocpp.mapping import engine
from gateways.ocpp.mapping import words as w
from gateways.ocpp.mapping.codecs import (
    INTEGER_ID,
    NOT_NEGATIVE,
    ONE_CONNECTOR,
    STATION_IS_0,
    TENTHS,
    TIME,
    words,
)
from gateways.ocpp.mapping.command import Piece, pieces
from gateways.ocpp.mapping.commands_v201 import V201
from gateways.ocpp.mapping.engine import Codec, Field, Refuse, Senseless, Shape

# -- objects ----------------------------------------------------------------------------------------------------------

PERIOD = Shape(
    i.SchedulePeriod,
    (Field("start_period", "startPeriod"), Field("limit", "limit", TENTHS), Field("number_phases", "numberPhases")),
    lost={"phase_to_use": "1.6 cannot choose a phase"},
)
SCHEDULE = Shape(
    i.ChargingSchedule,
    (
        Field("charging_rate_unit", "chargingRateUnit"),
        Field("periods", "chargingSchedulePeriod", shape=PERIOD, many=True),
        Field("start_schedule", "startSchedule", TIME),
        Field("duration", "duration"),
        Field("min_charging_rate", "minChargingRate", TENTHS),
    ),
    lost={"sales_tariff": "ISO 15118 is not in 1.6"},
    silent=("id",),
)
PURPOSE = words(w.PURPOSES, "OCPP 1.6")
PROFILE = Shape(
    i.ChargingProfile,
    (
        Field("id", "chargingProfileId"),
        Field("stack_level", "stackLevel", NOT_NEGATIVE),
        Field("purpose", "chargingProfilePurpose", PURPOSE),
        Field("kind", "chargingProfileKind"),
        Field("schedules", "chargingSchedule", shape=SCHEDULE, first=True),
        Field("recurrency_kind", "recurrencyKind"),
        Field("valid_from", "validFrom", TIME),
        Field("valid_to", "validTo", TIME),
        Field("transaction_id", "transactionId", INTEGER_ID),
    ),
)
NO_TYPE = {"token_type": "an idTag has no type", "additional_info": "1.6 has no place for it"}
NO_GROUP_TYPE = {"group_type": "an idTag has no type"}
_STATUS = words(w.LIST_STATUS, "OCPP 1.6", only=False, back={"Blocked": "Blocked", "Invalid": "Invalid"})
LIST_ENTRY = Shape(
    i.LocalListEntry,
    (
        Field("id_token", "idTag"),
        Field("status", "idTagInfo.status", _STATUS),
        Field("expires", "idTagInfo.expiryDate", TIME),
        Field("group", "idTagInfo.parentIdTag"),
    ),
    lost=NO_TYPE | NO_GROUP_TYPE
    | {
        "evses": "a token of 1.6 charges everywhere at the station", "priority": "1.6 has no priority",
        "language": "1.6 shows no messages", "second_language": "1.6 shows no messages", "message": "1.6 shows no messages",
    },
)  # fmt: skip

NO_REQUEST_ID = {"request_id": "progress is told without it"}
RETRIES = (Field("retries", "retries", NOT_NEGATIVE), Field("retry_interval", "retryInterval", NOT_NEGATIVE))
STATION = Field("evse", "connectorId", STATION_IS_0, fill=lambda x: 0)
CONNECTOR = Field("connector", None, ONE_CONNECTOR)


# -- configuration keys -----------------------------------------------------------------------------------------------


def _key_of(ref: i.VariableRef) -> str:
    key = device.key_for_variable(ref)
    if key is None:
        raise Refuse(f"OCPP 1.x has no key for {ref.component}.{ref.variable}")
    return key


def _ref_of(key: str) -> i.VariableRef:
    if not key:
        raise ValueError("must not be empty")
    return device.variable_for_key(key)


def _keys_of(refs: tuple[i.VariableRef, ...]) -> list[str]:
    keys = []
    for n, ref in enumerate(refs):
        try:
            keys.append(_key_of(ref))
        except Refuse as refused:
            raise Refuse(refused.detail, f"[{n}]") from None
    return keys


KEY = Codec(_key_of, _ref_of, "a configuration key, PROTOCOLS 5.7")
KEYS = Codec(_keys_of, lambda keys: [_ref_of(key) for key in keys], "configuration keys")
SETTING = Shape(
    i.SetVariable,
    (Field("ref", "key", KEY), Field("value", "value")),
    refused={"attribute": "a configuration key has its actual value only"},
)


Out = Callable[[Any, list[str]], list[Piece]]


def changing(setting: Shape) -> Out:
    """One ChangeConfiguration, its key and value by `setting`."""

    def change(x: i.SetVariable, lost: list[str]) -> list[Piece]:
        payload = engine.write(setting, x, lost)
        return [("ChangeConfiguration", payload | {"value": device.value_for_16(x.ref, x.value)})]

    return change


def changing_each(setting: Shape) -> Out:
    """One CALL an item, in order. What no key can carry is told as lost, and refused where nothing else is left."""
    change = changing(setting)

    def change_each(x: i.SetVariables, lost: list[str]) -> list[Piece]:
        found: list[Piece] = []
        refused: Refuse | None = None
        for n, one in enumerate(x.settings):
            try:
                found += change(one, lost)
            except Refuse as why:
                refused = refused or Refuse(why.detail, f"settings[{n}].{why.field}")
                lost.append(f"settings[{n}]")
        if not found:
            raise refused or Refuse("name at least one variable", "settings")
        return found

    return change_each


def wanting(key: Codec) -> Out:
    """Named variables by their keys; a whole component, or no name at all: everything, and the centre picks."""

    def wanted_keys(x: i.GetReport, lost: list[str]) -> list[Piece]:
        keys = []
        for n, one in enumerate(x.wanted):
            if one.variable is None:
                return [("GetConfiguration", {})]
            ref = i.VariableRef(
                one.component, one.variable, one.component_instance, one.variable_instance, one.evse, one.connector
            )
            try:
                keys.append(key.out(ref))
            except Refuse:
                lost.append(f"wanted[{n}]")
        if x.wanted and not keys:
            raise Refuse("OCPP 1.x has no key for any of these", "wanted")
        return [("GetConfiguration", {"key": keys} if keys else {})]

    return wanted_keys


def actual_only(x: i.GetVariables) -> None:
    for n, attribute in enumerate(x.attributes):
        if attribute != "Actual":
            raise Refuse("a configuration key has its actual value only", f"refs[{n}]")


# -- certificates and other things in DataTransfer --------------------------------------------------------------------


def as_2_0_1(x: Any, lost: list[str]) -> list[Piece]:
    """PROTOCOLS 2.9: the 2.0.1 message as text in a DataTransfer."""
    ((action, payload),) = pieces(V201.to(x), x, lost)
    text = msgspec.json.encode(payload).decode()
    return [("DataTransfer", {"vendorId": PNC_VENDOR, "messageId": action, "data": text})]


def asked_by_type(x: i.GetInstalledCertificateIds, lost: list[str]) -> list[Piece]:
    """1.6 is asked for one type at a time; those of ISO 15118 are asked in one DataTransfer."""
    found: list[Piece] = [
        ("GetInstalledCertificateIds", {"certificateType": w.ROOTS[kind]}) for kind in x.types or w.ROOTS if kind in w.ROOTS
    ]
    others = tuple(kind for kind in x.types if kind not in w.ROOTS)
    return found + (as_2_0_1(i.GetInstalledCertificateIds(others), lost) if others else [])


def running_cost(x: i.CostUpdated, lost: list[str]) -> list[Piece]:
    try:
        cost = {"transactionId": INTEGER_ID.out(x.transaction_id), "cost": float(x.total_cost)}
    except Refuse as refused:
        raise Refuse(refused.detail, "transaction_id") from None
    return [("DataTransfer", {"vendorId": COST_VENDOR, "messageId": "RunningCost", "data": msgspec.json.encode(cost).decode()})]


def full_is_whole(payload: dict[str, Any]) -> None:
    for n, entry in enumerate(payload.get("localAuthorizationList", ())):
        if payload["updateType"] == "Full" and "idTagInfo" not in entry:
            raise Senseless(f"/localAuthorizationList/{n}/idTagInfo", "is needed in a full list")
