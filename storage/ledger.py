"""The ledger's keeper on a node: begins the right era, seals the hash chain, verifies the books.

Posting is not here: journals are rows of turns and go through `ledger_post` inside the commit (migration 0002),
which judges each and refuses without raising. The chain is sealed from time to time and not per journal, since one
head row per tenant inside every posting transaction would cost three quarters of the throughput (MONEY 3.2).
"""

import msgspec
import trio

from runtime.store import StoreAway
from storage import limits
from storage.database import Database


class Finding(msgspec.Struct, frozen=True):
    """Something that does not add up: `what` is a stable word for programs, `detail` says it plainly."""

    tenant: str
    what: str
    subject: str
    detail: str


async def seal(db: Database) -> int:
    """Add a link to the chain of every tenant with new journals; how many journals were sealed."""
    return int(await db.fetchval("SELECT ledger_seal()"))


async def verify(db: Database, tenant: str | None = None) -> list[Finding]:
    """Balances, contents, chains, floors, totals of one tenant or all; empty when all is well."""
    records = await db.unhurried("SELECT * FROM ledger_verify($1) ORDER BY 1, 2, 3", tenant)
    return [Finding(*record) for record in records]


class LedgerKeeper:
    """`await begin()` before a node serves, then `run()` beside everything else."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.sealed = 0

    async def begin(self) -> int:
        """The era that journals are posted in; a new one after a restored dump. Raises StoreAway."""
        return int(await self._db.fetchval("SELECT ledger_resume()"))

    async def run(self) -> None:
        """Seal until cancelled. Several nodes may: the era's row is locked, whoever comes second finds nothing."""
        while True:
            await trio.sleep(limits.SEAL_EVERY)
            try:
                self.sealed += await seal(self._db)
            except StoreAway:
                continue
