"""What the console shows and does: pulled snapshots with raw counters, and orders in the actors' own system lane.

Every actor answers these for free; a stuck user lane or a slow commit does not hide an actor, since reading is done
from outside, synchronously. State is shown only through the actor's own `redact`.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import trio

from runtime.address import Address
from runtime.ask import Slot
from runtime.cell import Cell
from runtime.orders import Order
from runtime.poison import exhume
from runtime.reports import stack_of, summary
from runtime.status import Status
from runtime.store import OpenEffect
from runtime.survey import Branch, Line, branches, slices, survey, volatile_timers
from runtime.trace import Trace

if TYPE_CHECKING:
    from runtime.system import System


class _Tagged(msgspec.Struct, frozen=True):
    type: str


Target = Address | tuple[str, str, str]


class Inspector:
    """`system.inspect`. Orders return True when they were carried out within `timeout` seconds (`Limits.order_timeout` by
    default), False when not (yet)."""

    def __init__(self, system: "System") -> None:
        self._system = system
        self._replaying: dict[str, trio.Lock] = {}

    # -- reading

    def tree(self, tenant: str | None = None, limit: int | None = None) -> dict[str, Any]:
        """The supervision tree: {name, services: [...], actors: [{address, kind, status, ..., children, hidden}], hidden}. A
        tenant's tree holds its actors alone, without the services. At most `limit` actors are drawn, parents before
        children, since a whole big node would stall the loop; `hidden` counts the children that were left out."""
        below: dict[Address | None, list[Cell]] = {}
        self._sort_in(below, self._system.registry.cells.values(), tenant)
        return self._grown(below, tenant, limit)

    async def tree_in_slices(self, tenant: str | None = None, limit: int | None = None) -> dict[str, Any]:
        """The same of a node with many thousands of actors, without a stall."""
        below: dict[Address | None, list[Cell]] = {}
        async for cells in slices(self._system, tenant):
            self._sort_in(below, cells, tenant)
        return self._grown(below, tenant, limit)

    def _sort_in(self, below: dict[Address | None, list[Cell]], cells: Iterable[Cell], tenant: str | None) -> None:
        registry = self._system.registry
        for cell in cells:
            if tenant is None or cell.address.tenant == tenant:
                parent = registry.parent(cell.address)
                below.setdefault(parent if parent in registry.cells else None, []).append(cell)

    def _grown(self, below: dict[Address | None, list[Cell]], tenant: str | None, limit: int | None) -> dict[str, Any]:
        left = len(self._system.registry.cells) if limit is None else limit

        def grow(address: Address | None) -> tuple[list[dict[str, Any]], int]:
            nonlocal left
            cells = below.get(address, [])
            drawn = cells[:left]
            left -= len(drawn)
            nodes = []
            for cell in drawn:
                node = self._line(cell)
                node["children"], node["hidden"] = grow(cell.address)
                nodes.append(node)
            return nodes, len(cells) - len(drawn)

        roots, hidden = grow(None)
        return {
            "name": self._system.node,
            "draining": self._system.draining,
            "services": self._system.root.describe() if tenant is None else [],
            "actors": roots,
            "hidden": hidden,
        }

    def actors(self, tenant: str | None = None, kind: str | None = None) -> list[dict[str, Any]]:
        """The same lines, flat, without children: for a sortable list."""
        found = []
        for cell in self._system.registry.cells.values():
            if (tenant is None or cell.address.tenant == tenant) and (kind is None or cell.address.kind == kind):
                line = self._line(cell)
                del line["children"]
                found.append(line)
        return found

    async def survey(self, tenant: str | None = None, kind: str | None = None) -> list[Line]:
        """All actors, looked at in slices: for a list that is sorted by whoever asks."""
        return await survey(self._system, tenant, kind)

    async def branch(
        self, parent: Target | None = None, *, tenant: str | None = None, limit: int = 100, after: Target | None = None
    ) -> Branch:
        """One level of the tree: the children of `parent` (None: those at the top), a page at a time."""
        at = Address(*parent) if parent is not None else None
        return (await self.branches({at: Address(*after) if after is not None else None}, tenant, limit))[at]

    async def branches(
        self, wanted: Mapping[Address | None, Address | None], tenant: str | None = None, limit: int = 100
    ) -> dict[Address | None, Branch]:
        """Several branches at the price of one: {parent: the address after which its children are wanted, or None}."""
        return await branches(self._system, wanted, tenant=tenant, limit=limit)

    async def timers(
        self, tenant: str | None = None, address: Target | None = None, limit: int = 100, cursor: str | None = None
    ) -> dict[str, Any]:
        """{durable: [{actor, name, at, message}], next, volatile: [{actor, message, left}]}, the next ones first. Volatile ones
        are this node's. Raises StoreAway."""
        wanted = Address(*address) if address is not None else None
        rows, following = await self._system.store.list_timers(tenant, wanted, limit, cursor)
        return {
            "durable": [
                {"actor": str(Address(*row.actor)), "name": row.name, "at": row.at, "message": message_tag(row.body)}
                for row in rows
            ],
            "next": following,
            "volatile": volatile_timers(self._system, wanted, tenant, limit),
        }

    async def obligations(self, address: Target, limit: int = 50) -> dict[str, Any]:
        """What waits for an actor, active or not: {letters: [{from, seq, n, sent_at, message}], effects: [{id, class, topic,
        attempt, due, not_after, error}]}. Types and times, no contents. Raises StoreAway."""
        found = await self._system.store.obligations(Address(*address), limit)
        return {
            "letters": [
                {
                    "from": str(Address(*letter.key.sender)), "seq": letter.key.from_seq, "n": letter.key.n,
                    "sent_at": letter.sent_at, "message": message_tag(letter.body),
                }
                for letter in found.letters
            ],
            "effects": [_effect(row) for row in found.effects],
        }  # fmt: skip

    def actor(self, address: Target, *, children: bool = True) -> dict[str, Any] | None:
        """Everything about one active actor; None when it is not active on this node. Looking for its children means to look at
        every actor of the node; whoever shows many pages a second does without (see `branch`)."""
        system = self._system
        address = Address(*address)
        cell = system.registry.cells.get(address)
        if cell is None:
            return None
        now = system.clock.monotonic()
        incarnation = cell.incarnation
        parent = system.registry.parent(address)
        found = self._line(cell)
        found["children"] = self._children(address) if children else []
        found["parent"] = str(parent) if parent is not None else None
        found["incarnation"] = cell.number
        found["active_since"] = cell.started_at
        found["current_age"] = now - cell.current_since if cell.current is not None else None
        found["correlation"] = cell.correlation
        found["recent"] = cell.recent_types()
        found["handled"] = cell.handled
        found["queued"] = [type(e.message).__name__ for e in list(cell.mailbox.user)[: system.limits.queued_shown]]
        found["dropped"] = cell.mailbox.dropped
        found["stack"] = stack_of(list(cell.task.iter_await_frames())) if cell.task is not None else []
        found["last_crash"] = _crash(cell, whole=True)
        found["waiting_on"] = str(cell.waiting_on) if cell.waiting_on is not None else None
        found["traced"] = cell.trace is not None
        if incarnation is not None:
            at = incarnation.checkpoint_at
            found["state"] = self._redacted(cell)
            found["version"] = incarnation.codec.version
            found["checkpoint"] = {
                "seq": incarnation.checkpoint_seq,
                "behind": incarnation.behind,
                "age": (system.clock.now() - at).total_seconds() if at is not None else None,
            }
            found["later"] = sorted(incarnation.later) if incarnation.later else []
        return found

    def stats(self) -> dict[str, Any]:
        """Raw counters since start; the reader computes rates."""
        system = self._system
        by_kind: dict[str, dict[str, int]] = {}
        queued = 0
        for cell in system.registry.cells.values():
            kind = by_kind.setdefault(cell.address.kind, {})
            kind[cell.status.value] = kind.get(cell.status.value, 0) + 1
            queued += len(cell.mailbox.user)
        found = system.stats.describe()
        found["actors"] = by_kind
        found["queued"] = queued
        found["asks_open"] = sum(1 for entry in system.wheel if isinstance(entry, Slot))
        found["commit_queue"] = {lane.name: len(lane.queue) + lane.flushing for lane in system.committer.lanes.values()}
        found["store_away_now"] = system.committer.away or system.recovery.away
        return found

    def waits(self, tenant: str | None = None) -> list[dict[str, Any]]:
        """Who waits for whom: one edge per open ask. `from` is None for an edge of the node (a gateway). `tenant`: only what its
        actors are asked."""
        now = self._system.clock.monotonic()
        return [
            {
                "from": str(slot.chain[-1]) if slot.chain else None,
                "to": str(slot.to),
                "message": type(slot.origin).__name__,
                "age": now - slot.since,
                "left": slot.expires - now,
            }
            for slot in self._system.wheel
            if isinstance(slot, Slot) and (tenant is None or slot.to.tenant == tenant)
        ]

    # -- orders

    async def restart(self, address: Target, timeout: float | None = None) -> bool:
        """A new incarnation from durable state; a stopped or suspended actor runs again. Queued tells stay."""
        cell = self._system.registry.cells.get(Address(*address))
        if cell is not None and cell.status is Status.STOPPED and cell.task is None:
            cell.status = Status.ACTIVATING
            self._system.start(cell)
            return True
        return await self._order(address, "restart", timeout)

    async def stop(self, address: Target, timeout: float | None = None) -> bool:
        """Stop it, its children before it, and keep it stopped until `restart`: asks meet ActorStopped."""
        address = Address(*address)
        children = [child for child in self._system.registry.cells if self._is_below(child, address)]
        async with trio.open_nursery() as nursery:
            for child in children:
                nursery.start_soon(self.stop, child, timeout)
        return await self._order(address, "stop", timeout)

    async def suspend(self, address: Target, timeout: float | None = None) -> bool:
        """Keep the state, handle nothing: tells queue, asks meet ActorStopped."""
        return await self._order(address, "suspend", timeout)

    async def resume(self, address: Target, timeout: float | None = None) -> bool:
        return await self._order(address, "resume", timeout)

    async def drain(self, address: Target, timeout: float | None = None) -> bool:
        """Take nothing new, finish what is queued, checkpoint, and leave: the next message activates it again. Letters and timers
        wait in the store meanwhile; its children are not concerned. An ask that it wants to answer later is waited for, for
        `Limits.drain_actor` seconds."""
        return await self._order(address, "finish", timeout)

    async def checkpoint(self, address: Target, timeout: float | None = None) -> bool:
        """Write a checkpoint now, if any fact is behind."""
        return await self._order(address, "checkpoint", timeout)

    def trace(self, address: Target, seconds: float | None = None) -> bool:
        """Record what this actor handles, for a while; bounded in time and entries. Types and times only, no contents."""
        limits = self._system.limits
        cell = self._system.registry.cells.get(Address(*address))
        if cell is None:
            return False
        seconds = min(seconds or limits.trace_seconds, limits.trace_seconds)
        cell.trace = Trace(self._system.clock.monotonic() + seconds, limits.trace_entries)
        return True

    def traced(self, address: Target) -> list[dict[str, Any]]:
        cell = self._system.registry.cells.get(Address(*address))
        return list(cell.trace.entries) if cell is not None and cell.trace is not None else []

    async def replay(self, dead_id: str, *, deadline: float = 10.0) -> Any:
        """Ask the actor again with a dead letter's message and settle it as replayed when that succeeds. Raises ValueError
        when it cannot be read, LookupError when there is none open, runtime.errors otherwise. Of two who ask at once (a
        double click) one replays; the other finds it settled, or tries when the first has failed."""
        turn = self._replaying.setdefault(dead_id, trio.Lock())
        try:
            async with turn:
                return await self._replayed(dead_id, deadline)
        finally:
            if not turn.locked():
                self._replaying.pop(dead_id, None)

    async def _replayed(self, dead_id: str, deadline: float) -> Any:
        dead = await self._system.store.dead_letter(dead_id)
        if dead is None or dead.state != "open":
            raise LookupError(f"no open dead letter {dead_id}")
        answer = await self._system.ask(dead.actor, exhume(dead), deadline=deadline, correlation=dead.correlation)
        await self._system.store.settle_dead_letter(dead_id, "replayed")
        return answer

    # -- inside

    async def _order(self, address: Target, op: str, timeout: float | None) -> bool:
        cell = self._system.registry.cells.get(Address(*address))
        if cell is None:
            if op == "stop":
                self._system.keep_stopped(Address(*address))
            return op == "stop"
        if cell.task is None and cell.status is Status.STOPPED:
            return op == "stop"
        order: Order = cell.order(op)
        with trio.move_on_after(self._system.limits.order_timeout if timeout is None else timeout):
            await order.done.wait()
            return order.error is None
        return False

    def _children(self, address: Address) -> list[str]:
        return sorted(str(child) for child in self._system.registry.cells if self._is_below(child, address))

    def _is_below(self, child: Address, address: Address) -> bool:
        return child != address and self._system.registry.parent(child) == address

    def _line(self, cell: Cell) -> dict[str, Any]:
        return {
            "address": str(cell.address),
            "kind": cell.address.kind,
            "status": cell.status.value,
            "seq": cell.seq,
            "mailbox": len(cell.mailbox.user),
            "current": type(cell.current.message).__name__ if cell.current is not None else None,
            "restarts": len(cell.restarts.at) if cell.restarts is not None else 0,
            "crashes": cell.crashes.count if cell.crashes is not None else 0,
            "last_crash": _crash(cell, whole=False),
            "children": [],
        }

    def _redacted(self, cell: Cell) -> Any:
        incarnation = cell.incarnation
        assert incarnation is not None
        try:
            return incarnation.actor.redact(incarnation.state)
        except Exception as error:
            return {"error": f"redact raised {summary(error)}"}


def message_tag(body: bytes) -> str:
    """The type of an encoded letter or timer, without its contents."""
    try:
        return msgspec.json.decode(body, type=_Tagged).type
    except msgspec.MsgspecError:
        return "unreadable"


def _effect(row: OpenEffect) -> dict[str, Any]:
    effect = row.effect
    return {
        "id": effect.id, "class": effect.klass, "topic": effect.topic, "attempt": row.attempt, "due": row.due,
        "not_after": effect.not_after, "error": row.error,
    }  # fmt: skip


def _crash(cell: Cell, *, whole: bool) -> dict[str, Any] | None:
    crashes = cell.crashes
    if crashes is None:
        return None
    found = {"at": crashes.at, "error": crashes.error, "message": crashes.message_type, "count": crashes.count}
    if whole:
        found["traceback"] = crashes.traceback
    return found
