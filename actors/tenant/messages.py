"""What a tenant actor is told: a brand's settings, its tokens and tariffs. Administration only, never the hot path.

Each change is a fact, a row and, after the commit, a new card in the snapshots.
"""

from datetime import datetime
from typing import Any

import msgspec

from actors.model.rows import VaultRow
from actors.model.token import TokenCard


class Create(msgspec.Struct, frozen=True, gc=False):
    """Reply: Done or Refused(code="exists")."""

    name: str
    currency: str
    country: str
    time_zone: str
    unknown_stations: str
    who: str
    settings: dict[str, Any] = {}


class Change(msgspec.Struct, frozen=True, gc=False):
    """New settings of a brand, whole. Currency and country stay: its books are kept in one, its taxes follow the other.
    Reply: Done, or Refused(code="unknown")."""

    name: str
    time_zone: str
    unknown_stations: str
    who: str
    settings: dict[str, Any] = {}


class PutToken(msgspec.Struct, frozen=True, gc=False):
    """`sealed` keeps the UID in the vault, `sealed_group` that of the group (a row to write as well). Reply: TokenStored."""

    card: TokenCard
    sealed: VaultRow
    who: str
    sealed_group: VaultRow | None = None


class TokenStored(msgspec.Struct, frozen=True, gc=False):
    created: bool


class DeleteToken(msgspec.Struct, frozen=True, gc=False):
    """Reply: Done, or Refused(code="unknown")."""

    ref: str
    who: str


class PutTariff(msgspec.Struct, frozen=True, gc=False):
    """An OCPI 2.2.1 or 2.3.0 tariff object, already validated by actors/model/tariff. Reply: TariffStored."""

    id: str
    body: dict[str, Any]
    valid_from: datetime | None
    who: str


class TariffStored(msgspec.Struct, frozen=True, gc=False):
    created: bool
    version: int
    fingerprint: str


class DeleteTariff(msgspec.Struct, frozen=True, gc=False):
    """Sessions that froze a version keep it. Reply: Done, or Refused(code="unknown")."""

    id: str
    who: str
