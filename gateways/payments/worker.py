"""Works off the inbox of webhooks: fetches what the provider has now, and tells the actor concerned.

The order in which events come means nothing, and neither does how often: actors go only forward on what is true now. Events
about the same object are one question. What fails is tried again with growing pauses; what fails for too long is parked, where
`csms audit`, the metrics and the log show it.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import structlog
import trio

from actors.merchant.messages import BRAND
from actors.model.ids import merchant_address, payment_address
from actors.model.platforms import INSTALLATION
from actors.model.psp import (
    AccountSeen,
    CheckoutSeen,
    DisputeSeen,
    IntentSeen,
    PspObserved,
    RefundSeen,
    Seen,
)
from actors.model.rows import PaymentRow
from actors.payment.phases import OVER, PAGE_OPEN
from actors.ports import EventName, Lookups, PspInbox, Queries, WaitingPspEvent
from gateways.payments.client import ClientSource, PaymentsOff
from gateways.payments.doors import Doors, share
from gateways.payments.errors import Away
from gateways.payments.events import Target, target_of
from gateways.payments.fetching import Gone, fetch
from gateways.payments.limits import (
    ERROR_KEPT,
    INBOX_KEPT,
    PRUNE_BATCH,
    PRUNE_EVERY,
    WORKER_ASK,
    WORKER_AT_ONCE,
    WORKER_ATTEMPTS,
    WORKER_AWAY,
    WORKER_BACKOFF,
    WORKER_BACKOFF_CAP,
    WORKER_BATCH,
    WORKER_LEASE,
    WORKER_OF_ACCOUNT,
    WORKER_POLL,
    WORKER_ROUND,
)
from runtime.address import Address
from runtime.store import StoreAway
from runtime.system import System

_log = structlog.get_logger("payments")
PaymentSeen = IntentSeen | CheckoutSeen
_Told = tuple[Address, Seen]
_Key = Target | tuple[str, str | None, str, str]
_Lines = dict[Target, list[WaitingPspEvent]]


class _Round:
    """Events that are done with are written in one statement a round, and those of stragglers when they come."""

    def __init__(self, groups: int, done: list[EventName]) -> None:
        self.done = done
        self.late = False
        self.over = trio.Event()
        self._open = groups
        if not groups:
            self.over.set()

    def ended(self) -> None:
        self._open -= 1
        if not self._open:
            self.over.set()

    def take(self) -> list[EventName]:
        done, self.done = self.done, []
        return done


def _key_of(target: Target, line: WaitingPspEvent) -> _Key:
    """What is one question: an attempt, as far as the marks say which, else the object."""
    subject = line.event.subject
    if target.kind in ("checkout", "intent") and "tenant" in subject and "attempt" in subject:
        return target.platform, target.account, subject["tenant"], subject["attempt"]
    return target


def _marks(lines: Sequence[WaitingPspEvent]) -> Mapping[str, str] | None:
    """Of the first event that shows which attempt it is about."""
    subjects = (line.event.subject for line in lines)
    return next((subject for subject in subjects if "tenant" in subject and "attempt" in subject), None)


class InboxWorker:
    """Of the installation's platform account the owner is the tenant that the settings name, else the only one there is."""

    def __init__(
        self,
        inbox: PspInbox,
        clients: ClientSource,
        system: System,
        lookups: Lookups,
        queries: Queries,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._inbox = inbox
        self._clients = clients
        self._system = system
        self._lookups = lookups
        self._queries = queries
        self._now = now
        self._nudge = trio.Event()
        self._room = trio.CapacityLimiter(WORKER_AT_ONCE)
        self._rooms: dict[tuple[str, str | None], trio.CapacityLimiter] = {}
        self._doors = Doors(WORKER_OF_ACCOUNT)
        self._rooms_of: dict[str, trio.CapacityLimiter] = {}
        self._counts: Counter[str] = Counter()
        self._depth: dict[str, int] = {}

    def nudge(self) -> None:
        """Something arrived: do not wait for the next poll."""
        self._nudge.set()

    def stats(self) -> Mapping[str, int]:
        """Events by what became of them, and how many wait or are parked."""
        return {**self._counts, **self._depth}

    async def run(self) -> None:
        """Until cancelled. A database that is away is waited for."""
        pruned = self._now()
        async with trio.open_nursery() as nursery:
            while True:
                self._nudge = trio.Event()
                try:
                    busy = await self._round(nursery)
                    if self._now() - pruned > PRUNE_EVERY:
                        gone = await self._inbox.prune(self._now() - INBOX_KEPT, PRUNE_BATCH)
                        pruned = self._now() if gone < PRUNE_BATCH else pruned
                except StoreAway:
                    await trio.sleep(WORKER_AWAY)
                    continue
                if not busy:
                    self._depth = await self._counted()
                    with trio.move_on_after(WORKER_POLL):
                        await self._nudge.wait()

    async def _counted(self) -> dict[str, int]:
        try:
            return await self._inbox.counts()
        except StoreAway:
            return self._depth

    async def round(self) -> bool:
        """One batch, to its end; whether it was a full one. Raises StoreAway."""
        async with trio.open_nursery() as nursery:
            return await self._round(nursery)

    async def _round(self, nursery: trio.Nursery) -> bool:
        """One batch. Objects that take long are left behind in `nursery`, so that one does not hold up all others."""
        taken = await self._inbox.take(WORKER_BATCH, WORKER_LEASE)
        groups: dict[_Key, _Lines] = {}
        done: list[EventName] = []
        for line in taken:
            target = target_of(line.event)
            if target is None:
                done.append(line.event.name)
            else:
                groups.setdefault(_key_of(target, line), {}).setdefault(target, []).append(line)
        self._counts["ignored"] += len(done)
        round_ = _Round(len(groups), done)
        for lines in groups.values():
            nursery.start_soon(self._settle_all, lines, round_)
        with trio.move_on_after(WORKER_ROUND):
            await round_.over.wait()
        round_.late = True
        if round_.done:
            await self._inbox.done(round_.take())
        return len(taken) == WORKER_BATCH

    async def _settle_all(self, lines: _Lines, round_: _Round) -> None:
        """Page and intent of one attempt are one question, where our row says what they are."""
        try:
            one = None
            with suppress(StoreAway):  # then each is asked for, and waits for the database there
                one = await self._one_for(lines)
            if one is not None:
                lines = {one: [line for some in lines.values() for line in some]}
            for target, some in lines.items():
                await self._settle(target, some, round_)
        finally:
            round_.ended()

    async def _one_for(self, lines: _Lines) -> Target | None:
        """The page, which shows its intent, as long as it is open, then the intent. None: each for itself, since nothing of it
        is what our row has."""
        if len(lines) == 1:
            return None
        marks = _marks([line for some in lines.values() for line in some])
        row = None if marks is None else await self._queries.payment(marks["tenant"], marks["attempt"])
        if row is None or {(row.platform, row.account)} != {(target.platform, target.account) for target in lines}:
            return None
        known = {row.checkout, row.intent} - {None}
        if not known.intersection(target.id for target in lines):
            return None
        if row.checkout is not None and (row.state in PAGE_OPEN or row.intent is None):
            return Target("checkout", row.account, row.checkout, platform=row.platform)
        return None if row.intent is None else Target("intent", row.account, row.intent, platform=row.platform)

    async def _settle(self, target: Target, lines: Sequence[WaitingPspEvent], round_: _Round) -> None:
        try:
            async with self._turn(target):
                try:
                    outcome = await self._tell(target, lines)
                except StoreAway:
                    return  # the lease brings them again
                except Exception as error:
                    await self._again(target, lines, error)
                    return
            self._counts[outcome] += len(lines)
            round_.done += [line.event.name for line in lines]
            if round_.late:
                await self._inbox.done(round_.take())
        except StoreAway:
            return

    @asynccontextmanager
    async def _turn(self, target: Target) -> AsyncIterator[None]:
        """Who waits for the turn of his account, or of its platform account, takes no place from others."""
        key = (target.platform, target.account)
        room = self._rooms.setdefault(key, trio.CapacityLimiter(WORKER_OF_ACCOUNT))
        most = share(WORKER_AT_ONCE, len(self._clients.accounts()))
        wing = self._rooms_of.setdefault(target.platform, trio.CapacityLimiter(most))
        try:
            async with room, wing, self._room:
                yield
        finally:
            if not room.borrowed_tokens and self._rooms.get(key) is room:
                del self._rooms[key]

    async def _again(self, target: Target, lines: Sequence[WaitingPspEvent], error: Exception) -> None:
        expected = isinstance(error, Away | PaymentsOff)
        reason = f"{type(error).__name__}: {error}"[:ERROR_KEPT]
        attempt = max(line.attempt for line in lines)
        names = [line.event.name for line in lines]
        if attempt >= WORKER_ATTEMPTS:
            await self._inbox.park(names, reason)
            self._counts["parked_events"] += len(names)
            _log.error("webhook.parked", kind=target.kind, events=[id for _, id in names], reason=reason)
            return
        await self._inbox.retry(names, min(WORKER_BACKOFF_CAP, WORKER_BACKOFF * 2.0 ** (attempt - 1)), reason)
        self._counts["retried"] += len(names)
        (_log.info if expected else _log.warning)("webhook.retried", kind=target.kind, attempt=attempt, reason=reason)

    async def _tell(self, target: Target, lines: Sequence[WaitingPspEvent]) -> str:
        """done: an actor knows it. foreign: it is nothing of ours. misrouted: it is another brand's. released: no money moved."""
        if await self._is_misrouted(target, lines):
            return "misrouted"
        if not await self._may_be_ours(target, lines):
            return "foreign"
        try:
            with self._doors.through(target.account, target.platform):
                seen = await fetch(self._clients.platform(target.platform), target, self._now())
        except Gone:
            return "foreign"
        if isinstance(seen, RefundSeen) and seen.key is None and seen.line is None and seen.status == "succeeded":
            return "released"  # what a capture or a release leaves of a hold: it looks like a refund, and no money moved
        event = lines[-1].event
        told = await self._concerned(target, seen, lines)
        if told is None:
            return "foreign"
        to, seen = told
        observed = PspObserved(seen, event.id, target.platform)
        await self._system.ask(to, observed, deadline=WORKER_ASK, correlation=event.id)
        return "done"

    async def _is_misrouted(self, target: Target, lines: Sequence[WaitingPspEvent]) -> bool:
        """It came to one brand's endpoint and is about another's: nothing is asked, and nobody is told but the operator."""
        if not await self._is_anothers(target, lines):
            return False
        _log.warning(
            "webhook.misrouted", platform=target.platform or "the installation's", kind=target.kind, account=target.account,
            events=[line.event.id for line in lines],
        )  # fmt: skip
        return True

    async def _is_anothers(self, target: Target, lines: Sequence[WaitingPspEvent]) -> bool:
        """An attempt of a tenant that has nothing to do with this platform account, or a connected account that is known on
        another one only, and on which nothing of ours was begun here."""
        platforms = self._clients.platforms
        if not platforms.own:
            return False
        tenants = {line.event.subject["tenant"] for line in lines if "tenant" in line.event.subject}
        if tenants or target.account is None:
            return not all(platforms.has(tenant, target.platform) for tenant in tenants)
        if await self._lookups.merchant_of_account(target.account, target.platform) is not None:
            return False
        if await self._lookups.merchant_of_account(target.account, None) is None:
            return False
        is_payment = target.kind in ("checkout", "intent", "refund", "dispute")
        return not (is_payment and await self._may_be_ours(target, lines))

    async def _may_be_ours(self, target: Target, lines: Sequence[WaitingPspEvent]) -> bool:
        """A merchant may sell much else on its account: what bears no mark of ours and is in no row of ours is not asked for."""
        subjects = [line.event.subject for line in lines]
        if any("attempt" in subject for subject in subjects):
            return True
        match target.kind:
            case "checkout":
                return await self._lookups.attempt_of_checkout(target.account, target.id, target.platform) is not None
            case "intent":
                return await self._lookups.attempt_of_intent(target.account, target.id, target.platform) is not None
            case "refund" | "dispute":
                intent = next((subject["payment_intent"] for subject in subjects if "payment_intent" in subject), None)
                if intent is None:
                    return True
                return await self._lookups.attempt_of_intent(target.account, intent, target.platform) is not None
            case _:
                return True

    async def _concerned(self, target: Target, seen: Seen, lines: Sequence[WaitingPspEvent]) -> _Told | None:
        """Who is to be told, and of what."""
        # Not every event about an object shows its metadata.
        marks = next((line.event.subject for line in lines if "tenant" in line.event.subject), lines[-1].event.subject)
        if isinstance(seen, IntentSeen | CheckoutSeen):
            return await self._attempt_of(target, seen, marks)
        to = await self._owner_of(target, seen, marks)
        return None if to is None else (to, seen)

    async def _owner_of(self, target: Target, seen: Seen, marks: Mapping[str, str]) -> Address | None:
        account = target.account
        match seen:
            case RefundSeen() | DisputeSeen():
                if seen.intent is None:
                    return None
                found = await self._lookups.attempt_of_intent(account, seen.intent, target.platform)
                return None if found is None else Address(*payment_address(*found))
            case AccountSeen():
                return await self._merchant_of(seen.account, target.platform)
            case _:
                if target.kind == "transfer":
                    tenant, merchant = marks.get("tenant"), marks.get("merchant")
                    return None if account or tenant is None or merchant is None else Address(*merchant_address(tenant, merchant))
                return await self._merchant_of(account, target.platform)

    async def _attempt_of(self, target: Target, seen: PaymentSeen, marks: Mapping[str, str]) -> _Told | None:
        """By the ids that our rows have; else by our marks, as far as the row agrees."""
        account, platform = target.account, target.platform
        if isinstance(seen, CheckoutSeen):
            found = await self._lookups.attempt_of_checkout(account, seen.checkout, platform)
        else:
            found = await self._lookups.attempt_of_intent(account, seen.intent, platform)
        if found is not None:
            return Address(*payment_address(*found)), seen
        if "tenant" not in marks or "attempt" not in marks:
            return None
        row = await self._queries.payment(marks["tenant"], marks["attempt"])
        if row is None or (row.platform, row.account) != (platform, account):
            return None
        if row.state in OVER and row.checkout is None:
            return None
        told = await self._confirmed(row, seen)
        return None if told is None else (Address(*payment_address(row.tenant, row.id)), told)

    async def _confirmed(self, row: PaymentRow, seen: PaymentSeen) -> PaymentSeen | None:
        """What may be told to the attempt that the marks name. On the platform's own account nobody else writes marks. Whoever
        has a connected account can write any into objects of their own: there an attempt's page is the one that we asked for,
        and its intent the one of that page."""
        own = row.account is None
        if isinstance(seen, CheckoutSeen):
            if row.checkout is None and not own:
                raise Away(f"attempt {row.id} has no page yet")
            return seen if row.checkout in (None, seen.checkout) else None
        if own or row.intent is not None:
            return seen if row.intent in (None, seen.intent) else None
        if row.checkout is None:
            raise Away(f"attempt {row.id} has no page yet")
        target = Target("checkout", row.account, row.checkout, platform=row.platform)
        page = await fetch(self._clients.platform(row.platform), target, self._now())
        assert isinstance(page, CheckoutSeen), "a page was asked for"
        return page if page.intent is not None and page.intent.intent == seen.intent else None

    async def _merchant_of(self, account: str | None, platform: str) -> Address | None:
        if account is None:
            tenant = self._clients.platforms.tenant_of(platform)
            if tenant is None and platform == INSTALLATION:
                tenant = await self._only_tenant()
            return None if tenant is None else Address(*merchant_address(tenant, BRAND))
        found = await self._lookups.merchant_of_account(account, platform)
        return None if found is None else Address(*merchant_address(*found))

    async def _only_tenant(self) -> str | None:
        page = await self._queries.tenants(2, None)
        return page.items[0].tenant if len(page.items) == 1 else None
