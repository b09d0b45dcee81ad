"""What readers of several blocks need: optional fields, times, places in a station, components and variables."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import UNSET, UnsetType

from actors.model.intents import VariableRef
from gateways.ocpp.dialect import Asker, BadPayload
from gateways.ocpp.times import utc
from gateways.ocpp.v201.messages import base

_EXACT = 2.0**53


def maybe(value: Any) -> Any:
    return None if value is UNSET else value


def decimal(value: float) -> Decimal:
    """Exactly what was written, for all numbers that a meter or a schedule has."""
    return Decimal(int(value)) if value.is_integer() and abs(value) < _EXACT else Decimal(repr(value))


def when(at: datetime, asker: Asker) -> datetime:
    """For what is only shown and put in order: a clock that cannot be right is replaced by ours."""
    told, odd = utc(at, asker.now(), ())
    return asker.now() if odd else told


def not_negative(number: int, at: str) -> int:
    """2.0.1 numbers EVSEs and connectors from 0, though its schemas do not say so (PROTOCOLS 8, trap 4)."""
    if number < 0:
        raise BadPayload("PropertyConstraintViolation", f"{at} is negative")
    return number


def maybe_evse(number: int | UnsetType, at: str) -> int | None:
    return not_negative(number, at) if isinstance(number, int) else None


def place(evse: base.Evse | UnsetType, at: str) -> tuple[int | None, int | None]:
    """(evse, connector) as far as told."""
    if not isinstance(evse, base.Evse):
        return None, None
    return not_negative(evse.id, f"{at}/id"), maybe_evse(evse.connector_id, f"{at}/connectorId")


def variable(component: base.Component, named: base.Variable, at: str) -> VariableRef:
    evse, connector = place(component.evse, f"{at}/component/evse")
    return VariableRef(component.name, named.name, maybe(component.instance), maybe(named.instance), evse, connector)
