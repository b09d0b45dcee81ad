"""Meter values of any version as canonical readings; how one sampled value is read is the version's own matter."""

from collections.abc import Callable, Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Any

from actors.model.meter import Reading, Sample
from gateways.ocpp.times import utc


def content_of(payload: bytes) -> str:
    """Tells a repetition from another message with the same key."""
    return blake2b(payload, digest_size=12).hexdigest()


def read_all(
    values: Iterable[Any], now: datetime, flags: tuple[str, ...], sample_of: Callable[[Any], tuple[Sample, bool]]
) -> tuple[tuple[Reading, ...], tuple[str, ...]]:
    """The readings, and `flags` with what was doubted: their times, or that a unit does not suit its measurand, which
    `sample_of` says of each."""
    readings = []
    odd = False
    for value in values:
        at, flags = utc(value.timestamp, now, flags)
        samples = []
        for sampled in value.sampled_value:
            sample, strange = sample_of(sampled)
            samples.append(sample)
            odd = odd or strange
        readings.append(Reading(at, tuple(samples)))
    if odd:
        flags = (*flags, "unit")
    return tuple(readings), tuple(dict.fromkeys(flags)) if len(flags) > 1 else flags
