"""What a 1.6 station says, in canonical messages, and our replies in its words (PROTOCOLS 5.1, 5.4 to 5.6).

The table `READERS` has one function for each action, those of the security extension (security.py) among them; `WRITERS` puts
the actors' answers into wire form. Connector N is EVSE N, connector 1; connector 0 is the station.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET

from actors.model.meter import ENERGY_IMPORT, Reading, Sample
from actors.model.token import IdToken, TokenVerdict
from actors.model.units import base_unit, parse_decimal
from actors.station import messages as s
from gateways.ocpp.dialect import Asker
from gateways.ocpp.mapping.words import LIST_STATUS, LOG_STATUS, REASON, STATUS, token_type
from gateways.ocpp.readings import content_of, read_all
from gateways.ocpp.times import utc, wire_time
from gateways.ocpp.v16 import messages as m
from gateways.ocpp.v16 import security


def _token(tag: str, asker: Asker) -> tuple[IdToken, tuple[str, ...]]:
    """The token, and what had to be done to its text (quirk 26)."""
    read, flags = asker.tag(tag)
    return asker.vault.token(asker.tenant, read, token_type(read)), flags


def _authorize(x: m.Authorize, asker: Asker, flags: tuple[str, ...], payload: bytes) -> s.Authorize:
    return s.Authorize(_token(x.id_tag, asker)[0])


def _maybe(value: Any) -> Any:
    return None if value is UNSET else value


# -- requests ------------------------------------------------------------------------------------------------------------


def _boot(x: m.BootNotification, asker: Asker, flags: tuple[str, ...], payload: bytes) -> s.Boot:
    return s.Boot(
        x.charge_point_vendor, x.charge_point_model, _maybe(x.charge_point_serial_number), _maybe(x.firmware_version),
        _maybe(x.iccid), _maybe(x.imsi), _maybe(x.charge_box_serial_number), _maybe(x.meter_type),
        _maybe(x.meter_serial_number),
    )  # fmt: skip


def _status(x: m.StatusNotification, asker: Asker, flags: tuple[str, ...], payload: bytes) -> s.ConnectorStatus:
    at = None
    if isinstance(x.timestamp, datetime):
        at, odd = utc(x.timestamp, asker.now(), ())
        if odd:
            at = None
    connector = x.connector_id
    return s.ConnectorStatus(
        connector, 1 if connector else 0, STATUS[x.status], x.status, x.error_code, _maybe(x.info), _maybe(x.vendor_id),
        _maybe(x.vendor_error_code), at,
    )  # fmt: skip


def _start(x: m.StartTransaction, asker: Asker, flags: tuple[str, ...], payload: bytes) -> s.TransactionStart:
    at, flags = utc(x.timestamp, asker.now(), flags)
    token, odd = _token(x.id_tag, asker)
    reservation = _maybe(x.reservation_id)
    return s.TransactionStart(x.connector_id, 1, token, x.meter_start, at, reservation, (*flags, *odd) if odd else flags)


def _stop(x: m.StopTransaction, asker: Asker, flags: tuple[str, ...], payload: bytes) -> s.TransactionStop:
    now = asker.now()
    at, flags = utc(x.timestamp, now, flags)
    token = None
    if isinstance(x.id_tag, str) and x.id_tag:
        token, odd = _token(x.id_tag, asker)
        flags = (*flags, *odd) if odd else flags
    readings: tuple[Reading, ...] = ()
    if isinstance(x.transaction_data, list):
        readings, flags = read_all(x.transaction_data, now, flags, _sample)
    reason = "Local" if x.reason is UNSET else str(x.reason)
    return s.TransactionStop(x.transaction_id, x.meter_stop, at, REASON.get(reason, reason), token, readings, flags)


def _meter(x: m.MeterValues, asker: Asker, flags: tuple[str, ...], payload: bytes) -> s.TransactionMeter:
    readings, flags = read_all(x.meter_value, asker.now(), flags, _sample)
    connector = x.connector_id
    return s.TransactionMeter(connector, 1 if connector else 0, _maybe(x.transaction_id), readings, content_of(payload), flags)


def _data(x: m.DataTransfer, asker: Asker, flags: tuple[str, ...], payload: bytes) -> s.DataTransferred:
    return s.DataTransferred(x.vendor_id, _maybe(x.message_id), _maybe(x.data))


def _diagnostics(x: m.DiagnosticsStatusNotification, asker: Asker, flags: tuple[str, ...], payload: bytes) -> s.LogStatus:
    return s.LogStatus(LOG_STATUS.get(x.status, x.status))


HEARTBEAT = s.Heartbeat()

READERS: dict[str, Callable[[Any, Asker, tuple[str, ...], bytes], Any]] = {
    "Authorize": _authorize,
    "BootNotification": _boot,
    "DataTransfer": _data,
    "DiagnosticsStatusNotification": _diagnostics,
    "FirmwareStatusNotification": lambda x, asker, flags, payload: s.FirmwareStatus(x.status),
    "Heartbeat": lambda x, asker, flags, payload: HEARTBEAT,
    "MeterValues": _meter,
    "StartTransaction": _start,
    "StatusNotification": _status,
    "StopTransaction": _stop,
    **security.READERS,
}


def _sample(x: m.SampledValue) -> tuple[Sample, bool]:
    text = x.value
    factor, measurand, unit, context, phase, location, odd = _meant(x.measurand, x.unit, x.context, x.phase, x.location)
    if x.format == "SignedData":
        return Sample(None, text, measurand, unit, context, phase, location, True), False
    value = Decimal(text) if len(text) < 19 and text.isdecimal() and text.isascii() else parse_decimal(text)
    if value is None:
        return Sample(None, text, measurand, unit, context, phase, location), False
    return Sample(value if factor == 1 else value * factor, "", measurand, unit, context, phase, location), odd


@lru_cache(maxsize=1024)
def _meant(measurand: Any, unit: Any, context: Any, phase: Any, location: Any) -> tuple[Any, ...]:
    """(factor to the base unit, then measurand, base unit, context, phase and location as `Sample` has them, whether unit and
    measurand do not fit together): a station sends the same few again and again."""
    measured = ENERGY_IMPORT if measurand is UNSET else str(measurand)
    factor, known, odd = base_unit(_ONE, _maybe(unit), measured)
    return (
        int(factor), measured, known, "Sample.Periodic" if context is UNSET else str(context), _maybe(phase),
        "Outlet" if location is UNSET else str(location), odd,
    )  # fmt: skip


_ONE = Decimal(1)


# -- replies -------------------------------------------------------------------------------------------------------------


EMPTY = m.Empty()


def _tag_info(verdict: TokenVerdict) -> m.IdTagInfo:
    """Statuses that 1.6 does not know are the nearest refusal; a group that is no idTag is left out."""
    group = verdict.group
    return m.IdTagInfo(
        status=LIST_STATUS.get(verdict.status, verdict.status),  # type: ignore[arg-type]
        expiry_date=UNSET if verdict.expires is None else wire_time(verdict.expires),
        parent_id_tag=UNSET if group is None or len(group) > 20 else group,
    )


def _data_reply(x: s.DataReply) -> m.Wire:
    data = UNSET if x.data is None else x.data if isinstance(x.data, str) else msgspec.json.encode(x.data).decode()
    return m.DataTransferResponse(status=x.status, data=data)  # type: ignore[arg-type]


WRITERS: dict[type, Callable[[Any], m.Wire]] = {
    s.BootReply: lambda x: m.BootNotificationResponse(status=x.status, current_time=wire_time(x.at), interval=x.interval),
    datetime: lambda x: m.HeartbeatResponse(current_time=wire_time(x)),
    TokenVerdict: lambda x: m.AuthorizeResponse(id_tag_info=_tag_info(x)),
    s.StartReply: lambda x: m.StartTransactionResponse(id_tag_info=_tag_info(x.verdict), transaction_id=x.number),
    s.StopReply: lambda x: m.StopTransactionResponse(id_tag_info=UNSET if x.verdict is None else _tag_info(x.verdict)),
    s.Done: lambda x: EMPTY,
    s.DataReply: _data_reply,
    **security.WRITERS,
}
"""The CALLRESULT payload of each answer that an actor gives."""
