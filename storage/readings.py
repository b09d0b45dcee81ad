"""Meter readings out of a session's facts, whatever fact carries them.

A reading lies in the fact that recorded it (a meter message, a start, a stop); a page that shows a session's
curve needs only those, in order of time.
"""

from collections.abc import Iterable

import msgspec

from actors.model.meter import Reading


class _Carrier(msgspec.Struct):
    """Any fact: of all its fields only the readings matter here."""

    readings: tuple[Reading, ...] = ()


_decode = msgspec.json.Decoder(_Carrier).decode


def readings_of(bodies: Iterable[bytes]) -> list[Reading]:
    """All readings in the encoded facts, in order of time; of equal times, as recorded. One that is told again word for word
    (the end of a transaction may repeat them all) is one reading."""
    found = list(dict.fromkeys(reading for body in bodies for reading in _decode(body).readings))
    found.sort(key=lambda reading: reading.at)
    return found
