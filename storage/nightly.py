"""The nightly look at the books: a service of every node that runs the audit once a day for the whole installation.

Whichever node asks first in the night does it (a row of `books_audit` says that one did), and a day that was missed is made up
for. It seals the chain, exports the day's signed checkpoint, walks everything that `csms audit` walks, and leaves what it found
in its row, in the log and, as `audit.finding`, in the event feed.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import structlog
import trio

from actors.model.rows import EventRow
from actors.ports import Sink
from runtime.store import StoreAway
from storage import limits
from storage.audit import audit
from storage.checkpoints import Checkpoints
from storage.database import Database
from storage.ledger import Finding

_log = structlog.get_logger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class NightlyAudit:
    """`run()` beside everything else; `once()` now."""

    def __init__(self, db: Database, sink: Sink, checkpoints: Checkpoints, now: Callable[[], datetime] = _utc_now) -> None:
        self._db = db
        self._sink = sink
        self._checkpoints = checkpoints
        self._now = now
        self.last: list[Finding] | None = None
        """What this node's last audit found."""

    async def run(self) -> None:
        while True:
            await trio.sleep(limits.NIGHTLY_LOOK)
            try:
                await self.once()
            except StoreAway:
                continue

    async def once(self) -> bool:
        """Whether it was due, and this node did it. Raises StoreAway; then it is due again two hours later."""
        night = self._now().hour == limits.NIGHTLY_HOUR
        due = timedelta(seconds=limits.NIGHTLY_LEAST if night else limits.NIGHTLY_MOST)
        begun = await self._db.fetchval("SELECT claim_books_audit($1)", due)
        if begun is None:
            return False
        await self._checkpoints.export(self._db, self._now())
        found = await audit(self._db, self._checkpoints)
        kept = msgspec.json.encode(found[: limits.FINDINGS_KEPT]).decode()
        await self._db.execute(
            "UPDATE books_audit SET done_at = now(), found = $2, findings = $3 WHERE at = $1", begun, len(found), kept
        )
        self.last = found
        self._tell(found)
        return True

    def _tell(self, found: list[Finding]) -> None:
        (_log.error if found else _log.info)("books.audited", found=len(found))
        for finding in found[: limits.FINDINGS_TOLD]:
            _log.error("audit.finding", tenant=finding.tenant, what=finding.what, subject=finding.subject, detail=finding.detail)
            body = {"what": finding.what, "detail": finding.detail}
            self._sink.put(
                EventRow(tenant=finding.tenant, kind="audit.finding", subject=finding.subject, at=self._now(), body=body)
            )
