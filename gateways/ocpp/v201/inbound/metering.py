"""Meter values (PROTOCOLS 5.6): numbers times a power of ten in a unit, normalised to the base units.

A signed value keeps the station's whole SignedMeterValueType as JSON in `raw`, its data byte for byte: what proves a reading
is the record, the method and the key together (PROTOCOLS 2.7).
"""

from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET

from actors.model.meter import ENERGY_IMPORT, Sample
from actors.model.units import base_unit
from actors.station import messages as s
from gateways.ocpp.dialect import Asker
from gateways.ocpp.readings import content_of, read_all
from gateways.ocpp.v201.inbound.parts import decimal, maybe, not_negative
from gateways.ocpp.v201.messages import transactions as m

_ONE = Decimal(1)
_LARGEST = 1e30
"""No meter says more, and nothing is calculated with it."""
_LARGEST_MULTIPLIER = 30
"""A power of ten beyond it makes no number of any meter: the value is kept as it came."""
_encode = msgspec.json.Encoder().encode


def meter_values(x: m.MeterValues, asker: Asker, flags: tuple[str, ...], payload: bytes) -> s.TransactionMeter:
    """Outside of transactions (block J): in 2.x those of a transaction come with its events."""
    found, flags = read_all(x.meter_value, asker.now(), flags, sample)
    evse = not_negative(x.evse_id, "/evseId")
    return s.TransactionMeter(evse, 1 if evse else 0, None, found, content_of(payload), flags)


def sample(x: m.SampledValue) -> tuple[Sample, bool]:
    measure = x.unit_of_measure
    unit, multiplier = (measure.unit, maybe(measure.multiplier) or 0) if measure is not UNSET else (UNSET, 0)
    factor, measurand, unit, context, phase, location, odd = _meant(
        x.measurand, unit, multiplier, x.context, x.phase, x.location
    )  # fmt: skip
    if not -_LARGEST < x.value < _LARGEST or factor is None:
        raw = f"{x.value!r}e{multiplier}" if multiplier else repr(x.value)
        return Sample(None, raw, measurand, unit, context, phase, location), False
    value = decimal(x.value)
    if factor != 1:
        value *= factor
    if x.signed_meter_value is UNSET:
        return Sample(value, "", measurand, unit, context, phase, location), odd
    record = _encode(x.signed_meter_value).decode()
    return Sample(value, record, measurand, unit, context, phase, location, True), odd


@lru_cache(maxsize=1024)
def _meant(measurand: Any, unit: Any, multiplier: int, context: Any, phase: Any, location: Any) -> tuple[Any, ...]:
    """(factor to the base unit or None, then measurand, base unit, context, phase and location as `Sample` has them, whether
    unit and measurand do not fit together): a station sends the same few again and again. A missing unit is the measurand's
    own, not Wh for everything as the standard has it: no station means that."""
    measured = ENERGY_IMPORT if measurand is UNSET else str(measurand)
    factor, known, odd = base_unit(_ONE, maybe(unit), measured, multiplier)
    return (
        factor if abs(multiplier) <= _LARGEST_MULTIPLIER else None, measured, known,
        "Sample.Periodic" if context is UNSET else str(context), maybe(phase),
        "Outlet" if location is UNSET else str(location), odd,
    )  # fmt: skip
