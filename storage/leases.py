"""What a node that died had in its hands: leased rows of the outbox and of the webhooks' inbox.

A lease ends by itself, after as long as the slowest handler may take. The one node of a database need not wait for its
predecessor: whatever it finds leased at its start is nobody's, and a driver stands at a station meanwhile.
"""

from datetime import timedelta
from typing import Final

from storage.database import Database

_OUTBOX: Final = """UPDATE outbox SET due = now()
WHERE klass = 'redeliver' AND attempt > 0 AND due > now() AND due <= now() + $1::interval"""
_INBOX: Final = """UPDATE stripe_inbox SET due = now()
WHERE state = 'waiting' AND attempt > 0 AND due > now() AND due <= now() + $1::interval"""


async def end_leases(db: Database, outbox: float, inbox: float) -> None:
    """Before anything is taken. `outbox`, `inbox`: seconds of a lease. What waits out a short pause after a failure comes a
    little early by this: that cannot be told from a lease, and does no harm. Raises StoreAway."""
    await db.execute(_OUTBOX, timedelta(seconds=outbox))
    await db.execute(_INBOX, timedelta(seconds=inbox))
