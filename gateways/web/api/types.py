"""Field types that several bodies share, with the bounds that the API promises."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

Identifier = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$", description="a-z, 0-9, - and _, at most 63")
]
ShortText = Annotated[str, msgspec.Meta(max_length=200)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$", description="ISO 4217")]
Country = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
EnergyWh = Annotated[int, msgspec.Meta(ge=0, le=10**12)]


def known_time_zone(name: str) -> bool:
    """An IANA name. Asked one by one: listing them all walks the whole database of files."""
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return False
    return True
