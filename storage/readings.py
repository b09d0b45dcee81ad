"""Meter readings out of a session's facts, whatever fact carries them.

A reading lies in the fact that recorded it (a meter message, a start, a stop); a page that shows a session's
curve needs only those, in order of time. The two registers between which was billed stand in the fact of the stop.
"""

from collections.abc import Iterable

import msgspec

from actors.model.meter import Reading


class _Carrier(msgspec.Struct):
    """Any fact: of all its fields only the readings matter here."""

    readings: tuple[Reading, ...] = ()


class _End(msgspec.Struct):
    """The fact of a stop: of its own words only these matter here."""

    meter_stop_wh: int | None = None
    energy_wh: int | None = None


_decode_end = msgspec.json.Decoder(_End).decode
_decode = msgspec.json.Decoder(_Carrier).decode


def readings_of(bodies: Iterable[bytes]) -> list[Reading]:
    """All readings in the encoded facts, in order of time; of equal times, as recorded. One that is told again word for word
    (the end of a transaction may repeat them all) is one reading."""
    found = list(dict.fromkeys(reading for body in bodies for reading in _decode(body).readings))
    found.sort(key=lambda reading: reading.at)
    return found


def registers_of(bodies: Iterable[bytes]) -> tuple[int, int] | None:
    """(register at the start, register at the stop) in Wh, as the fact of the stop has them; None while there is none."""
    found = None
    for body in bodies:
        end = _decode_end(body)
        if end.meter_stop_wh is not None and end.energy_wh is not None:
            found = end.meter_stop_wh - end.energy_wh, end.meter_stop_wh
    return found
