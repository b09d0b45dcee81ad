"""The database side of the vault: is this the key the cells were sealed under, and erasing a subject."""

from storage.database import Database
from storage.vault import KeyFileError, Vault, same

_KEY = "vault key"


async def confirm_key(db: Database, vault: Vault) -> None:
    """Raises KeyFileError when the database was filled under another deployment key: every pseudonym would differ, known
    tokens would be strangers and nothing sealed would open. The first node of an installation leaves its fingerprint."""
    await db.fetch("INSERT INTO installation (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING", _KEY, vault.check)
    known = await db.fetchval("SELECT value FROM installation WHERE key = $1", _KEY)
    if not same(known, vault.check):
        raise KeyFileError(
            "this database was filled under another deployment key: put that key file back (from escrow), or connect to "
            "the database that belongs to this one"
        )


async def erase(db: Database, tenant: str, ref: str) -> bool:
    """Make everything sealed for `ref` unreadable for good; False when there was nothing. See storage/vault.py for what
    stays. The cells remain as they are: without their keys they are noise, and audit chains over them still hold."""
    keys = await db.fetch("DELETE FROM vault_key WHERE tenant = $1 AND ref = $2 RETURNING kind", tenant, ref)
    await db.fetch("UPDATE vault SET blind = ''::bytea WHERE tenant = $1 AND ref = $2", tenant, ref)
    return bool(keys)
