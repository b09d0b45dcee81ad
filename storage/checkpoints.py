"""Signed checkpoints of the hash chain, outside the database: one small file a day in the node's data directory.

The chain shows every change to a sealed journal, unless somebody who rules the database writes the whole chain anew. Against
that a checkpoint names each tenant's last link and is signed with Ed25519; the audit holds the files against the chain, and
whoever copies them elsewhere (a mail, an object store with a lock) can show them to an auditor with the public key that each
names. The signing key is derived from the deployment key, which is in no database and no dump.

    {"body": {"at": ..., "links": [{"tenant", "n", "hash"}]}, "key": hex, "signature": hex over CONTEXT + body as sorted JSON}
"""

import os
import re
import tempfile
from datetime import datetime
from pathlib import Path

import msgspec
import nacl.exceptions
import nacl.signing

from storage import limits
from storage.database import Database
from storage.ledger import Finding, seal

CONTEXT = b"csms-ledger-checkpoint-v1\0"
_NAME = re.compile(r"checkpoint-\d{4}-\d\d-\d\d\.json")
_NOBODY = "-"
"""The tenant of what concerns no tenant alone."""

_LAST = "SELECT DISTINCT ON (tenant) tenant, n, hash FROM ledger_link ORDER BY tenant, n DESC"
_KNOWN = """SELECT c.tenant, c.n, l.hash FROM unnest($1::text[], $2::bigint[]) AS c (tenant, n)
LEFT JOIN ledger_link l ON (l.tenant, l.n) = (c.tenant, c.n)"""


class Link(msgspec.Struct, frozen=True):
    tenant: str
    n: int
    hash: str


class Body(msgspec.Struct, frozen=True):
    at: datetime
    links: tuple[Link, ...]


class Signed(msgspec.Struct, frozen=True):
    body: Body
    key: str
    signature: str


class Checkpoints:
    """The files in `directory`, signed with the key of `seed` (32 bytes)."""

    def __init__(self, directory: Path, seed: bytes) -> None:
        self.directory = directory
        self._key = nacl.signing.SigningKey(seed)

    async def export(self, db: Database, now: datetime) -> Path | None:
        """Seal, and write the day's file; None where the day has one, or nothing was ever sealed."""
        path = self.directory / f"checkpoint-{now:%Y-%m-%d}.json"
        if path.exists():
            return None
        await seal(db)
        links = [Link(record["tenant"], record["n"], record["hash"].hex()) for record in await db.fetch(_LAST)]
        if not links:
            return None
        body = Body(now, tuple(links))
        signature = self._key.sign(_signed_bytes(body)).signature
        self._write(path, msgspec.json.encode(Signed(body, bytes(self._key.verify_key).hex(), signature.hex())))
        return path

    async def verify(self, db: Database) -> list[Finding]:
        """What the newest files say otherwise than the chain. A file signed with another key counts as forged."""
        found: list[Finding] = []
        for path in self._files()[-limits.CHECKPOINTS_READ :]:
            try:
                signed = msgspec.json.decode(path.read_bytes(), type=Signed)
                self._key.verify_key.verify(_signed_bytes(signed.body), bytes.fromhex(signed.signature))
            except (OSError, ValueError, nacl.exceptions.CryptoError) as error:
                found.append(Finding(_NOBODY, "checkpoint", path.name, f"it is not as it was signed: {error}"))
                continue
            wanted = {(link.tenant, link.n): link.hash for link in signed.body.links}
            for record in await db.fetch(_KNOWN, [tenant for tenant, _ in wanted], [n for _, n in wanted]):
                has = record["hash"] and record["hash"].hex()
                if has != wanted[record["tenant"], record["n"]]:
                    why = f"{path.name} names another one" if has else f"{path.name} names it, and it is missing"
                    found.append(Finding(record["tenant"], "checkpoint", f"link {record['n']}", why))
        return found

    def _files(self) -> list[Path]:
        if not self.directory.is_dir():
            return []
        return sorted(path for path in self.directory.iterdir() if _NAME.fullmatch(path.name))

    def _write(self, path: Path, content: bytes) -> None:
        """Whole or not at all."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, fresh = tempfile.mkstemp(prefix=f"{path.name}.", dir=self.directory)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)


def _signed_bytes(body: Body) -> bytes:
    return CONTEXT + msgspec.json.encode(body, order="sorted")
