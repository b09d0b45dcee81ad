"""Block E: TransactionEvent."""

from msgspec import UNSET

from actors.model.meter import Reading
from actors.station import messages as s
from gateways.ocpp.dialect import Asker
from gateways.ocpp.readings import content_of, read_all
from gateways.ocpp.times import utc
from gateways.ocpp.v201.inbound.metering import sample
from gateways.ocpp.v201.inbound.parts import maybe
from gateways.ocpp.v201.inbound.tokens import token, token_info
from gateways.ocpp.v201.messages import base
from gateways.ocpp.v201.messages import transactions as m


def event(x: m.TransactionEvent, asker: Asker, flags: tuple[str, ...], payload: bytes) -> s.TransactionEvent:
    """Whatever number its EVSE has, it is kept: a refused event would come again for ever. One that cannot be is left out."""
    now = asker.now()
    at, flags = utc(x.timestamp, now, flags)
    found: tuple[Reading, ...] = ()
    if x.meter_value is not UNSET:
        found, flags = read_all(x.meter_value, now, flags, sample)
    evse = connector = None
    if x.evse is not UNSET:
        evse, connector = x.evse.id, maybe(x.evse.connector_id)
        if evse < 1 or (connector is not None and connector < 1):
            flags = (*flags, "evse")
            evse, connector = evse if evse >= 1 else None, None
    info = x.transaction_info
    return s.TransactionEvent(
        type=x.event_type,
        transaction_id=info.transaction_id,
        seq=x.seq_no,
        at=at,
        trigger=x.trigger_reason,
        content=content_of(payload),
        offline=x.offline is True,
        evse=evse,
        connector=connector,
        token=None if x.id_token is UNSET else token(x.id_token, asker),
        charging_state=maybe(info.charging_state),
        stopped_reason=maybe(info.stopped_reason),
        remote_start_id=maybe(info.remote_start_id),
        reservation=maybe(x.reservation_id),
        time_spent_charging=maybe(info.time_spent_charging),
        cable_max_current=maybe(x.cable_max_current),
        phases_used=maybe(x.number_of_phases_used),
        readings=found,
        flags=flags,
    )


def answered(x: s.TransactionReply) -> m.TransactionEventResponse:
    text = x.message
    return m.TransactionEventResponse(
        total_cost=UNSET if x.total_cost is None else float(x.total_cost),
        charging_priority=UNSET if x.priority is None else x.priority,
        id_token_info=UNSET if x.verdict is None else token_info(x.verdict, x.notes),
        updated_personal_message=UNSET
        if text is None
        else base.MessageContent(
            format=text.format,  # type: ignore[arg-type]
            content=text.content,
            language=UNSET if text.language is None else text.language,
        ),
    )
