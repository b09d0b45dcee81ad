"""Who may speak to the admin API: its bearer tokens, without their secrets."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec


class ApiToken(msgspec.Struct, frozen=True, kw_only=True):
    """A bearer token of the admin API, without its secret: `hash` is keyed BLAKE2b of the generated token
    (gateways/web/identity.py), unique over the installation. `tenant` None: the platform owner's. `role`: "admin"
    may change things, "viewer" may read."""

    id: str
    tenant: str | None
    name: str
    role: str
    hash: bytes
    created_at: datetime
    expires: datetime | None = None
    revoked_at: datetime | None = None


class ApiTokens(Protocol):
    """Who may speak to the admin API. Storage keeps them in a table of their own (`api_token`, and an in-memory
    twin); every method raises runtime StoreAway when the database is away."""

    async def find(self, hash: bytes) -> ApiToken | None:
        """By hash, revoked and expired ones included (the caller judges)."""
        ...

    async def get(self, id: str) -> ApiToken | None: ...
    async def create(self, token: ApiToken) -> None:
        """Idempotent by id."""
        ...

    async def revoke(self, id: str, at: datetime) -> bool:
        """False when there is none, or it is revoked already. The row stays, for the audit log."""
        ...

    async def list(self, tenant: str | None) -> Sequence[ApiToken]:
        """Those of one tenant, or (None) those of the platform owner, oldest first; revoked ones included."""
        ...
