"""What a meter can tell, measurand by measurand; every version of OCPP names them alike and wraps them differently."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gateways.simulator.physics.meter import VOLTAGE, Meter

REGISTER = "Energy.Active.Import.Register"
KNOWN = (
    REGISTER,
    "Power.Active.Import",
    "Power.Offered",
    "Current.Import",
    "Current.Offered",
    "Voltage",
    "Frequency",
    "SoC",
)


@dataclass(frozen=True)
class Sample:
    measurand: str
    value: float
    unit: str
    phase: str | None = None


def samples(meter: Meter, measurands: Iterable[str], now: datetime) -> list[Sample]:
    """In the order asked for; what this meter does not know is left out. `now` is real time."""
    register, power = meter.read(now), meter.power(now)
    found: list[Sample] = []
    for name in measurands:
        found += _one(meter, name, register, power)
    return found


def _one(meter: Meter, name: str, register: int, power: float) -> list[Sample]:
    phases = [f"L{n}" for n in range(1, meter.phases + 1)]
    if name == REGISTER:
        return [Sample(name, register, "Wh")]
    if name == "Power.Active.Import":
        return [Sample(name, round(power), "W")]
    if name == "Power.Offered":
        return [Sample(name, round(meter.offered_w), "W")]
    if name == "Current.Import":
        return [Sample(name, round(meter.current(power), 1), "A", phase) for phase in phases]
    if name == "Current.Offered":
        return [Sample(name, round(meter.current(meter.offered_w), 1), "A")]
    if name == "Voltage":
        return [Sample(name, VOLTAGE, "V", f"{phase}-N") for phase in phases]
    if name == "Frequency":
        return [Sample(name, 50.0, "Hz")]
    if name == "SoC" and meter.battery is not None:
        return [Sample(name, round(100 * meter.battery.soc, 1), "Percent")]
    return []
