"""The platform owner's bearer token: set by configuration, or made once and written where only the owner reads it."""

from datetime import UTC, datetime

from actors.ports import ApiToken
from config.data import DataDirectory
from config.domain import derived_key
from config.settings import Settings
from gateways.web import identity
from storage.api_tokens import PostgresApiTokens

TOKEN_KEY = b"csms/api-token"
COOKIE_KEY = b"csms/cookie"
PAY_KEY = b"csms/pay-token"


def token_key(data: DataDirectory) -> bytes:
    """The key of all API token hashes of this deployment."""
    return derived_key(data, TOKEN_KEY)


async def ensure_owner(settings: Settings, data: DataDirectory, tokens: PostgresApiTokens) -> None:
    """Make the owner's token on a database that has none, unless it is configured. Repeatable.

    The file comes first: after a crash in between, the next start makes another one, and no token exists that
    nobody knows.
    """
    if settings.owner_token is not None or await tokens.list(None):
        return
    token = identity.new_token(owner=True)
    data.write_secret(data.owner_file, token + "\n")
    row = ApiToken(
        id=identity.new_token_id(),
        tenant=None,
        name="platform owner",
        role=identity.ADMIN,
        hash=identity.token_hash(token_key(data), token),
        created_at=datetime.now(UTC),
    )
    await tokens.create(row)


def owner_hash(settings: Settings, data: DataDirectory) -> bytes | None:
    """Of a configured token."""
    if settings.owner_token is None:
        return None
    return identity.token_hash(token_key(data), settings.owner_token.get_secret_value())


def known_owner_token(settings: Settings, data: DataDirectory) -> str | None:
    """The owner's token, where this process may know it."""
    if settings.owner_token is not None:
        return settings.owner_token.get_secret_value()
    try:
        return data.owner_file.read_text().strip() or None
    except OSError:
        return None
