"""How much a charging point can give, as its station's location says."""

from collections.abc import Mapping
from typing import Any


def power_of(location: Mapping[str, Any], evse: int | None) -> int | None:
    """W of `max_power_w`: one number for all EVSEs of a station, or a list by their numbers; of the strongest where `evse` is not
    known. None: the location does not say."""
    power = location.get("max_power_w")
    if isinstance(power, list):
        told = [each for each in power if type(each) is int]
        if not evse:
            power = max(told, default=None)
        else:
            power = power[evse - 1] if evse <= len(power) else None
    return power if type(power) is int and power > 0 else None
