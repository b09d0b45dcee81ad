"""What an operator says in 1.6 words, as the canonical intent: the inverse of commands.py.

The request was already checked against its schema; here only what the schema cannot say is refused, with the wire
name of the field.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from msgspec import UNSET

from actors.model import device
from actors.model import intents as i
from gateways.ocpp.v16 import messages as m
from gateways.ocpp.v16.commands import PURPOSES

_PURPOSES = {wire: canonical for canonical, wire in PURPOSES.items()}
_MESSAGES = {"DiagnosticsStatusNotification": "LogStatusNotification"}


class Senseless(ValueError):
    """The request fits its schema and still cannot be meant: `field` is an RFC 6901 pointer."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


def to_intent(action: str, request: m.Wire) -> i.AnyIntent:
    """Raises Senseless."""
    return _IN[action](request)


def _maybe(value: Any) -> Any:
    return None if value is UNSET else value


def _evse(connector: Any, *, least: int, field: str = "/connectorId") -> int | None:
    if connector is UNSET:
        return None
    if connector < least:
        raise Senseless(field, f"must be {least} or greater")
    return int(connector)


def _not_negative(value: Any, field: str) -> Any:
    if value is not UNSET and value < 0:
        raise Senseless(field, "must be 0 or greater")
    return _maybe(value)


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value))


def _profile(p: m.ChargingProfile, at: str) -> i.ChargingProfile:
    s = p.charging_schedule
    if not s.charging_schedule_period:
        raise Senseless(f"{at}/chargingSchedule/chargingSchedulePeriod", "must have at least one period")
    if p.charging_profile_kind == "Recurring" and p.recurrency_kind is UNSET:
        raise Senseless(f"{at}/recurrencyKind", "is needed by a recurring profile")
    _not_negative(p.stack_level, f"{at}/stackLevel")
    schedule = i.ChargingSchedule(
        charging_rate_unit=s.charging_rate_unit,
        periods=tuple(
            i.SchedulePeriod(period.start_period, _decimal(period.limit), _maybe(period.number_phases))
            for period in s.charging_schedule_period
        ),
        start_schedule=_maybe(s.start_schedule),
        duration=_maybe(s.duration),
        min_charging_rate=None if isinstance(s.min_charging_rate, type(UNSET)) else _decimal(s.min_charging_rate),
    )
    return i.ChargingProfile(
        id=p.charging_profile_id,
        stack_level=p.stack_level,
        purpose=_PURPOSES[p.charging_profile_purpose],
        kind=p.charging_profile_kind,
        schedules=(schedule,),
        recurrency_kind=_maybe(p.recurrency_kind),
        valid_from=_maybe(p.valid_from),
        valid_to=_maybe(p.valid_to),
        transaction_id=None if p.transaction_id is UNSET else str(p.transaction_id),
    )


def _remote_start(x: m.RemoteStartTransaction) -> i.AnyIntent:
    profile = None
    if isinstance(x.charging_profile, m.ChargingProfile):
        profile = _profile(x.charging_profile, "/chargingProfile")
        if profile.purpose != "TxProfile":
            raise Senseless("/chargingProfile/chargingProfilePurpose", "must be TxProfile in a remote start")
        if profile.transaction_id is not None:
            raise Senseless("/chargingProfile/transactionId", "the transaction does not exist yet")
    return i.RequestStart(id_token=x.id_tag, evse=_evse(x.connector_id, least=1), profile=profile)


def _send_local_list(x: m.SendLocalList) -> i.AnyIntent:
    if x.list_version < 1:
        raise Senseless("/listVersion", "must be 1 or greater")
    entries = []
    listed = [] if isinstance(x.local_authorization_list, type(UNSET)) else x.local_authorization_list
    for n, entry in enumerate(listed):
        info = entry.id_tag_info
        if isinstance(info, m.IdTagInfo):
            entries.append(i.LocalListEntry(entry.id_tag, info.status, _maybe(info.expiry_date), _maybe(info.parent_id_tag)))
        elif x.update_type == "Full":
            raise Senseless(f"/localAuthorizationList/{n}/idTagInfo", "is needed in a full list")
        else:
            entries.append(i.LocalListEntry(entry.id_tag))
    return i.SendLocalList(version=x.list_version, update_type=x.update_type, entries=tuple(entries))


def _reserve(x: m.ReserveNow) -> i.AnyIntent:
    return i.ReserveNow(
        id=x.reservation_id,
        expires=x.expiry_date,
        id_token=x.id_tag,
        evse=_evse(x.connector_id, least=0) or None,
        group=_maybe(x.parent_id_tag),
    )


def _clear_profile(x: m.ClearChargingProfile) -> i.AnyIntent:
    purpose = None if isinstance(x.charging_profile_purpose, type(UNSET)) else _PURPOSES[x.charging_profile_purpose]
    return i.ClearChargingProfile(
        id=_maybe(x.id), evse=_evse(x.connector_id, least=0), purpose=purpose, stack_level=_maybe(x.stack_level)
    )


def _set_profile(x: m.SetChargingProfile) -> i.AnyIntent:
    profile = _profile(x.cs_charging_profiles, "/csChargingProfiles")
    evse = _evse(x.connector_id, least=0) or 0
    if profile.purpose == "ChargingStationMaxProfile" and evse:
        raise Senseless("/connectorId", "must be 0 for a ChargePointMaxProfile")
    if profile.purpose == "TxProfile" and not evse:
        raise Senseless("/connectorId", "must be 1 or greater for a TxProfile")
    return i.SetChargingProfile(evse=evse, profile=profile)


def _composite(x: m.GetCompositeSchedule) -> i.AnyIntent:
    return i.GetCompositeSchedule(
        evse=_evse(x.connector_id, least=0) or 0,
        duration=_not_negative(x.duration, "/duration"),
        charging_rate_unit=_maybe(x.charging_rate_unit),
    )


def _diagnostics(x: m.GetDiagnostics) -> i.AnyIntent:
    return i.GetLog(
        location=_location(x.location),
        oldest=_maybe(x.start_time),
        latest=_maybe(x.stop_time),
        retries=_not_negative(x.retries, "/retries"),
        retry_interval=_not_negative(x.retry_interval, "/retryInterval"),
    )


def _firmware(x: m.UpdateFirmware) -> i.AnyIntent:
    return i.UpdateFirmware(
        location=_location(x.location),
        retrieve_at=x.retrieve_date,
        retries=_not_negative(x.retries, "/retries"),
        retry_interval=_not_negative(x.retry_interval, "/retryInterval"),
    )


def _location(uri: str) -> str:
    scheme, separator, rest = uri.partition(":")
    if not separator or not rest or not scheme.replace("+", "").replace("-", "").replace(".", "").isalnum():
        raise Senseless("/location", "must be a URI such as ftp://host/path")
    return uri


def _data_transfer(x: m.DataTransfer) -> i.AnyIntent:
    return i.DataTransfer(vendor_id=x.vendor_id, message_id=_maybe(x.message_id), data=_maybe(x.data))


def _get_configuration(x: m.GetConfiguration) -> i.AnyIntent:
    names = [] if isinstance(x.key, type(UNSET)) else x.key
    return i.GetVariables(refs=tuple(device.variable_for_key(key) for key in names))


def _change_configuration(x: m.ChangeConfiguration) -> i.AnyIntent:
    if not x.key:
        raise Senseless("/key", "must not be empty")
    return i.SetVariable(ref=device.variable_for_key(x.key), value=x.value)


_IN: dict[str, Callable[[Any], i.AnyIntent]] = {
    "CancelReservation": lambda x: i.CancelReservation(id=x.reservation_id),
    "ChangeAvailability": lambda x: i.ChangeAvailability(
        operative=x.type == "Operative", evse=_evse(x.connector_id, least=0) or None
    ),
    "ChangeConfiguration": _change_configuration,
    "ClearCache": lambda x: i.ClearCache(),
    "ClearChargingProfile": _clear_profile,
    "DataTransfer": _data_transfer,
    "GetCompositeSchedule": _composite,
    "GetConfiguration": _get_configuration,
    "GetDiagnostics": _diagnostics,
    "GetLocalListVersion": lambda x: i.GetLocalListVersion(),
    "RemoteStartTransaction": _remote_start,
    "RemoteStopTransaction": lambda x: i.RequestStop(transaction_id=str(x.transaction_id)),
    "ReserveNow": _reserve,
    "Reset": lambda x: i.Reset(type="Immediate" if x.type == "Hard" else "OnIdle"),
    "SendLocalList": _send_local_list,
    "SetChargingProfile": _set_profile,
    "TriggerMessage": lambda x: i.Trigger(
        message=_MESSAGES.get(x.requested_message, x.requested_message), evse=_evse(x.connector_id, least=1)
    ),
    "UnlockConnector": lambda x: i.UnlockConnector(evse=_evse(x.connector_id, least=1) or 1),
    "UpdateFirmware": _firmware,
}
