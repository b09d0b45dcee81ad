"""Commands to a 1.6 station: canonical intent -> request, and the station's answer -> canonical result.

`to_wire` is strict: what 1.6 cannot carry is either named in `lost` (the station still does what was wanted) or
refused as `Unsupported` with the field (it would do something else). The rules are those of PROTOCOLS 5.2, 5.3, 5.6.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from actors.model import device
from actors.model import intents as i
from gateways.ocpp.times import wire_time
from gateways.ocpp.v16 import messages as m

PURPOSES = {
    "ChargingStationMaxProfile": "ChargePointMaxProfile",
    "TxDefaultProfile": "TxDefaultProfile",
    "TxProfile": "TxProfile",
}
TRIGGERS = {
    "BootNotification": "BootNotification",
    "Heartbeat": "Heartbeat",
    "FirmwareStatusNotification": "FirmwareStatusNotification",
    "StatusNotification": "StatusNotification",
    "MeterValues": "MeterValues",
    "LogStatusNotification": "DiagnosticsStatusNotification",
    "TransactionEvent": "MeterValues",
}
LIST_STATUS = {
    "NoCredit": "Blocked",
    "NotAllowedTypeEVSE": "Blocked",
    "NotAtThisLocation": "Blocked",
    "NotAtThisTime": "Blocked",
    "Unknown": "Invalid",
}
"""2.x authorisation statuses that 1.6 does not know (PROTOCOLS 5.5); the others have the same name."""

_TAG_CHARACTERS = 20


class _Refuse(Exception):
    def __init__(self, detail: str, field: str) -> None:
        self.unsupported = i.Unsupported(detail, field)


class Call(msgspec.Struct, frozen=True):
    """What goes out: `lost` names fields of the intent that 1.6 cannot carry."""

    action: str
    request: m.Wire
    lost: tuple[str, ...] = ()


def to_wire(intent: i.AnyIntent) -> Call | i.Unsupported:
    """The 1.6 request of an intent. Never raises."""
    try:
        return _OUT[type(intent)](intent)
    except _Refuse as refused:
        return refused.unsupported


def _tag(text: str, field: str) -> str:
    if len(text) > _TAG_CHARACTERS:
        raise _Refuse(f"an idTag of OCPP 1.6 has at most {_TAG_CHARACTERS} characters", field)
    return text


def _optional(value: Any) -> Any:
    return UNSET if value is None else value


def _optional_time(at: datetime | None) -> datetime | UnsetType:
    return UNSET if at is None else wire_time(at)


def _tenths(value: Decimal) -> float:
    """Rounded *down*: a limit may be undercut, never exceeded."""
    return float(value.quantize(m.TENTH, rounding=ROUND_FLOOR))


def _profile(profile: i.ChargingProfile, field: str, lost: list[str]) -> m.ChargingProfile:
    purpose = PURPOSES.get(profile.purpose)
    if purpose is None:
        raise _Refuse(f"OCPP 1.6 has no purpose {profile.purpose}", f"{field}.purpose")
    if not profile.schedules:
        raise _Refuse("a charging profile needs a schedule", f"{field}.schedules")
    if len(profile.schedules) > 1:
        lost.append(f"{field}.schedules[1:]")
    transaction: int | UnsetType = UNSET
    if profile.transaction_id is not None:
        if not profile.transaction_id.lstrip("-").isdecimal():
            raise _Refuse("OCPP 1.6 transactions have integer ids", f"{field}.transaction_id")
        transaction = int(profile.transaction_id)
    schedule = profile.schedules[0]
    return m.ChargingProfile(
        charging_profile_id=profile.id,
        stack_level=profile.stack_level,
        charging_profile_purpose=purpose,  # type: ignore[arg-type]
        charging_profile_kind=profile.kind,
        transaction_id=transaction,
        recurrency_kind=_optional(profile.recurrency_kind),
        valid_from=_optional_time(profile.valid_from),
        valid_to=_optional_time(profile.valid_to),
        charging_schedule=m.ChargingSchedule(
            charging_rate_unit=schedule.charging_rate_unit,
            charging_schedule_period=[
                m.ChargingSchedulePeriod(
                    start_period=period.start_period, limit=_tenths(period.limit), number_phases=_optional(period.number_phases)
                )
                for period in schedule.periods
            ],
            duration=_optional(schedule.duration),
            start_schedule=_optional_time(schedule.start_schedule),
            min_charging_rate=UNSET if schedule.min_charging_rate is None else _tenths(schedule.min_charging_rate),
        ),
    )


def _connector(evse: int, connector: int | None, field: str = "connector") -> int:
    """1.6 connector N is EVSE N, connector 1 (PROTOCOLS 5.1)."""
    if connector not in (None, 0, 1):
        raise _Refuse("an EVSE has one connector in OCPP 1.6", field)
    return evse


def _key(ref: i.VariableRef, field: str) -> str:
    key = device.key_for_variable(ref)
    if key is None:
        raise _Refuse(f"OCPP 1.6 has no key for {ref.component}.{ref.variable}", field)
    if len(key) > 50:
        raise _Refuse("a configuration key has at most 50 characters", field)
    return key


def _request_start(x: i.RequestStart) -> Call:
    lost: list[str] = []
    profile: m.ChargingProfile | UnsetType = UNSET
    if x.profile is not None:
        if x.profile.purpose != "TxProfile":
            raise _Refuse("a remote start takes a TxProfile", "profile.purpose")
        if x.profile.transaction_id is not None:
            raise _Refuse("the transaction does not exist yet", "profile.transaction_id")
        profile = _profile(x.profile, "profile", lost)
    connector = UNSET if not x.evse else x.evse
    request = m.RemoteStartTransaction(id_tag=_tag(x.id_token, "id_token"), connector_id=connector, charging_profile=profile)
    return Call("RemoteStartTransaction", request, tuple(lost))


def _request_stop(x: i.RequestStop) -> Call:
    if not x.transaction_id.lstrip("-").isdecimal():
        raise _Refuse("OCPP 1.6 transactions have integer ids", "transaction_id")
    return Call("RemoteStopTransaction", m.RemoteStopTransaction(transaction_id=int(x.transaction_id)))


def _set_variable(x: i.SetVariable) -> Call:
    if x.attribute != "Actual":
        raise _Refuse("a configuration key has its actual value only", "attribute")
    value = device.value_for_16(x.ref, x.value)
    if len(value) > 500:
        raise _Refuse("a configuration value has at most 500 characters", "value")
    return Call("ChangeConfiguration", m.ChangeConfiguration(key=_key(x.ref, "ref"), value=value))


def _get_variables(x: i.GetVariables) -> Call:
    names = [_key(ref, f"refs[{n}]") for n, ref in enumerate(x.refs)]
    return Call("GetConfiguration", m.GetConfiguration(key=names or UNSET))


def _change_availability(x: i.ChangeAvailability) -> Call:
    connector = _connector(x.evse or 0, x.connector)
    return Call(
        "ChangeAvailability", m.ChangeAvailability(connector_id=connector, type="Operative" if x.operative else "Inoperative")
    )


def _reset(x: i.Reset) -> Call:
    if x.evse:
        raise _Refuse("OCPP 1.6 resets the whole station", "evse")
    return Call("Reset", m.Reset(type="Hard" if x.type == "Immediate" else "Soft"))


def _unlock(x: i.UnlockConnector) -> Call:
    return Call("UnlockConnector", m.UnlockConnector(connector_id=_connector(x.evse, x.connector)))


def _trigger(x: i.Trigger) -> Call:
    message = TRIGGERS.get(x.message)
    if message is None:
        raise _Refuse(f"OCPP 1.6 cannot trigger {x.message}", "message")
    request = m.TriggerMessage(requested_message=message, connector_id=_optional(x.evse or None))  # type: ignore[arg-type]
    return Call("TriggerMessage", request)


def _send_local_list(x: i.SendLocalList) -> Call:
    entries = []
    for n, entry in enumerate(x.entries):
        info: m.IdTagInfo | UnsetType = UNSET
        if entry.status is not None:
            info = m.IdTagInfo(
                status=LIST_STATUS.get(entry.status, entry.status),  # type: ignore[arg-type]
                expiry_date=_optional_time(entry.expires),
                parent_id_tag=UNSET if entry.group is None else _tag(entry.group, f"entries[{n}].group"),
            )
        entries.append(m.LocalListEntry(id_tag=_tag(entry.id_token, f"entries[{n}].id_token"), id_tag_info=info))
    request = m.SendLocalList(
        list_version=x.version, update_type=x.update_type, local_authorization_list=entries if entries else UNSET
    )
    return Call("SendLocalList", request)


def _reserve(x: i.ReserveNow) -> Call:
    request = m.ReserveNow(
        connector_id=x.evse or 0,
        expiry_date=wire_time(x.expires),
        id_tag=_tag(x.id_token, "id_token"),
        reservation_id=x.id,
        parent_id_tag=UNSET if x.group is None else _tag(x.group, "group"),
    )
    return Call("ReserveNow", request)


def _set_profile(x: i.SetChargingProfile) -> Call:
    lost: list[str] = []
    profile = _profile(x.profile, "profile", lost)
    return Call("SetChargingProfile", m.SetChargingProfile(connector_id=x.evse, cs_charging_profiles=profile), tuple(lost))


def _clear_profile(x: i.ClearChargingProfile) -> Call:
    if x.purpose is not None and x.purpose not in PURPOSES:
        raise _Refuse(f"OCPP 1.6 has no purpose {x.purpose}", "purpose")
    request = m.ClearChargingProfile(
        id=_optional(x.id),
        connector_id=_optional(x.evse),
        charging_profile_purpose=UNSET if x.purpose is None else PURPOSES[x.purpose],  # type: ignore[arg-type]
        stack_level=_optional(x.stack_level),
    )
    return Call("ClearChargingProfile", request)


def _composite(x: i.GetCompositeSchedule) -> Call:
    request = m.GetCompositeSchedule(connector_id=x.evse, duration=x.duration, charging_rate_unit=_optional(x.charging_rate_unit))
    return Call("GetCompositeSchedule", request)


def _get_log(x: i.GetLog) -> Call:
    if x.log_type != "DiagnosticsLog":
        raise _Refuse(f"OCPP 1.6 without its security extension has no {x.log_type}", "log_type")
    request = m.GetDiagnostics(
        location=x.location,
        retries=_optional(x.retries),
        retry_interval=_optional(x.retry_interval),
        start_time=_optional_time(x.oldest),
        stop_time=_optional_time(x.latest),
    )
    return Call("GetDiagnostics", request, ("request_id",) if x.request_id else ())


def _update_firmware(x: i.UpdateFirmware) -> Call:
    request = m.UpdateFirmware(
        location=x.location,
        retrieve_date=wire_time(x.retrieve_at),
        retries=_optional(x.retries),
        retry_interval=_optional(x.retry_interval),
    )
    return Call("UpdateFirmware", request, ("request_id",) if x.request_id else ())


def _data_transfer(x: i.DataTransfer) -> Call:
    if len(x.vendor_id) > 255:
        raise _Refuse("a vendorId has at most 255 characters", "vendor_id")
    if x.message_id is not None and len(x.message_id) > 50:
        raise _Refuse("a messageId has at most 50 characters", "message_id")
    data = UNSET if x.data is None else x.data if isinstance(x.data, str) else msgspec.json.encode(x.data).decode()
    return Call("DataTransfer", m.DataTransfer(vendor_id=x.vendor_id, message_id=_optional(x.message_id), data=data))


_OUT: dict[type, Callable[[Any], Call]] = {
    i.RequestStart: _request_start,
    i.RequestStop: _request_stop,
    i.SetVariable: _set_variable,
    i.GetVariables: _get_variables,
    i.ChangeAvailability: _change_availability,
    i.Reset: _reset,
    i.UnlockConnector: _unlock,
    i.Trigger: _trigger,
    i.ClearCache: lambda x: Call("ClearCache", m.Empty()),
    i.SendLocalList: _send_local_list,
    i.GetLocalListVersion: lambda x: Call("GetLocalListVersion", m.Empty()),
    i.ReserveNow: _reserve,
    i.CancelReservation: lambda x: Call("CancelReservation", m.CancelReservation(reservation_id=x.id)),
    i.SetChargingProfile: _set_profile,
    i.ClearChargingProfile: _clear_profile,
    i.GetCompositeSchedule: _composite,
    i.GetLog: _get_log,
    i.UpdateFirmware: _update_firmware,
    i.DataTransfer: _data_transfer,
}
