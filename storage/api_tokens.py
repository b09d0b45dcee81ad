"""Bearer tokens of the admin API, by hash: the secret itself is in no table."""

from collections.abc import Sequence
from datetime import datetime

from actors.ports import ApiToken
from storage.database import Database
from storage.decoding import to_row


class PostgresApiTokens:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def find(self, hash: bytes) -> ApiToken | None:
        record = await self._db.fetchrow("SELECT * FROM api_token WHERE hash = $1", hash)
        return None if record is None else to_row(ApiToken, record)

    async def get(self, id: str) -> ApiToken | None:
        record = await self._db.fetchrow("SELECT * FROM api_token WHERE id = $1", id)
        return None if record is None else to_row(ApiToken, record)

    async def create(self, token: ApiToken) -> None:
        await self._db.fetch(
            """INSERT INTO api_token (id, tenant, name, role, hash, created_at, expires, revoked_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING""",
            token.id,
            token.tenant,
            token.name,
            token.role,
            token.hash,
            token.created_at,
            token.expires,
            token.revoked_at,
        )

    async def revoke(self, id: str, at: datetime) -> bool:
        sql = "UPDATE api_token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING id"
        return bool(await self._db.fetch(sql, id, at))

    async def list(self, tenant: str | None) -> Sequence[ApiToken]:
        sql = "SELECT * FROM api_token WHERE tenant IS NOT DISTINCT FROM $1 ORDER BY created_at, id"
        return [to_row(ApiToken, record) for record in await self._db.fetch(sql, tenant)]
