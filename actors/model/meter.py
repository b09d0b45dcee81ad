"""Meter readings in the canonical shape of OCPP 2.x SampledValue, units normalised (PROTOCOLS 5.6)."""

from datetime import datetime
from decimal import Decimal

import msgspec

ENERGY_IMPORT = "Energy.Active.Import.Register"


class Sample(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One sampled value. `value` in the base unit (Wh, W, A, V, Percent ...), kWh already times 1000; None when `raw` cannot
    be read as a number. A `signed` one keeps its record byte for byte in `raw`: of 1.6 the text of the value, which has no number
    then; of 2.x the SignedMeterValueType as JSON, beside the number."""

    value: Decimal | None
    raw: str = ""
    measurand: str = ENERGY_IMPORT
    unit: str = "Wh"
    context: str = "Sample.Periodic"
    phase: str | None = None
    location: str = "Outlet"
    signed: bool = False


class Reading(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a meter said at one moment."""

    at: datetime
    samples: tuple[Sample, ...]
