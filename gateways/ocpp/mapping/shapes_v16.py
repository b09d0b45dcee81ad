"""Objects inside the commands of OCPP 1.6, its configuration keys, and what no table of fields can say (PROTOCOLS 2.8, 2.9)."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
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
from gateways.ocpp.times import wire_time

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


def _cost_message(name: str, said: dict[str, Any]) -> list[Piece]:
    """PROTOCOLS 2.8: a message of the California vocabulary; what is not known is left out."""
    data = msgspec.json.encode({key: value for key, value in said.items() if value not in (None, [], {})}).decode()
    return [("DataTransfer", {"vendorId": COST_VENDOR, "messageId": name, "data": data})]


def _transaction(transaction_id: str) -> Any:
    try:
        return INTEGER_ID.out(transaction_id)
    except Refuse as refused:
        raise Refuse(refused.detail, "transaction_id") from None


def _price(price: i.Price | None, *, idle: bool = False) -> dict[str, Any] | None:
    if price is None:
        return None
    said = {
        "kWhPrice": _number(price.per_kwh), "hourPrice": _number(price.per_hour), "flatFee": _number(price.flat),
        "graceMinutes": price.grace_minutes if idle else None,
    }  # fmt: skip
    return {key: value for key, value in said.items() if value is not None}


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _moment(at: datetime | None) -> datetime | None:
    return None if at is None else wire_time(at)


def running_cost(x: i.CostUpdated, lost: list[str]) -> list[Piece]:
    said: dict[str, Any] = {"transactionId": _transaction(x.transaction_id), "cost": float(x.total_cost)}
    details = x.details
    if details is not None:
        following = {
            "atTime": _moment(details.next_at),
            "chargingPrice": _price(details.next_charging),
            "idlePrice": _price(details.next_idle, idle=True),
        }
        trigger = {
            "atTime": _moment(details.trigger_at),
            "atEnergykWh": None if details.trigger_wh is None else details.trigger_wh / 1000,
            "atPowerkW": None if details.trigger_w is None else details.trigger_w / 1000,
            "atCPStatus": ",".join(details.trigger_statuses) or None,
        }
        said |= {
            "timestamp": _moment(details.at),
            "meterValue": details.meter_wh,
            "state": details.state,
            "chargingPrice": _price(details.charging),
            "idlePrice": _price(details.idle, idle=True),
            "nextPeriod": {key: value for key, value in following.items() if value is not None},
            "triggerMeterValue": {key: value for key, value in trigger.items() if value is not None},
        }
    return _cost_message("RunningCost", said)


def _extra(texts: Sequence[i.MessageText]) -> list[dict[str, str | None]]:
    return [{"format": text.format, "language": text.language, "content": text.content} for text in texts]


def user_price(x: i.UserPrice, lost: list[str]) -> list[Piece]:
    return _cost_message("SetUserPrice", {"idToken": x.id_token, "priceText": x.text, "priceTextExtra": _extra(x.texts)})


def final_cost(x: i.FinalCost, lost: list[str]) -> list[Piece]:
    said = {
        "transactionId": _transaction(x.transaction_id), "cost": float(x.total_cost), "priceText": x.text or None,
        "priceTextExtra": _extra(x.texts), "qrCodeText": x.qr_code,
    }  # fmt: skip
    return _cost_message("FinalCost", said)


def full_is_whole(payload: dict[str, Any]) -> None:
    for n, entry in enumerate(payload.get("localAuthorizationList", ())):
        if payload["updateType"] == "Full" and "idTagInfo" not in entry:
            raise Senseless(f"/localAuthorizationList/{n}/idTagInfo", "is needed in a full list")
