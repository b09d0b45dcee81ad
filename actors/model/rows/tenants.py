"""A tenant and what it keeps for all its stations: tokens, tariffs, whom it trusts."""

from datetime import datetime
from typing import Any

from actors.model.rows.base import Row
from actors.model.token import TokenTerms


class TenantRow(Row, frozen=True, gc=False, kw_only=True):
    currency: str
    country: str
    time_zone: str
    unknown_stations: str
    created_at: datetime
    name: str = ""
    settings: dict[str, Any] = {}
    deleted: bool = False


class TokenRow(Row, frozen=True, gc=False, kw_only=True):
    """`deleted` removes the token from the read model and every snapshot."""

    ref: str
    type: str
    status: str
    masked: str
    group_ref: str | None = None
    expires: datetime | None = None
    payment: str = "invoice"
    terms: TokenTerms | None = None
    deleted: bool = False


class TariffRow(Row, frozen=True, gc=False, kw_only=True):
    """A version of a tariff: `fingerprint` of its content; the OCPI object itself as `body`."""

    id: str
    version: int
    valid_from: datetime
    fingerprint: str
    currency: str
    body: dict[str, Any]
    deleted: bool = False


class AuthorityRow(Row, frozen=True, gc=False, kw_only=True):
    """Whom a tenant trusts, as actors/ports.AuthorityCard has it: `chain` and the `trusted` [[use, PEM]], `revoked`
    fingerprints. No private key."""

    chain: list[str]
    trusted: list[list[str]]
    revoked: list[str]
    updated_at: datetime
