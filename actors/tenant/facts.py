"""What is remembered of a tenant's administration. Every type has a golden file in tests/actors/golden."""

from datetime import datetime
from typing import Any

import msgspec

from actors.model.token import TokenCard


class Created(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="created"):
    name: str
    currency: str
    country: str
    time_zone: str
    unknown_stations: str
    who: str
    at: datetime
    settings: dict[str, Any] = {}


class Changed(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="changed"):
    name: str
    time_zone: str
    unknown_stations: str
    who: str
    at: datetime
    settings: dict[str, Any] = {}


class TokenPut(msgspec.Struct, frozen=True, gc=False, tag="token_put"):
    card: TokenCard
    who: str
    at: datetime


class TokenDeleted(msgspec.Struct, frozen=True, gc=False, tag="token_deleted"):
    ref: str
    who: str
    at: datetime


class TariffPut(msgspec.Struct, frozen=True, gc=False, tag="tariff_put"):
    id: str
    version: int
    valid_from: datetime
    fingerprint: str
    currency: str
    body: dict[str, Any]
    who: str
    at: datetime


class TariffDeleted(msgspec.Struct, frozen=True, gc=False, tag="tariff_deleted"):
    id: str
    who: str
    at: datetime


TenantFact = Created | Changed | TokenPut | TokenDeleted | TariffPut | TariffDeleted
