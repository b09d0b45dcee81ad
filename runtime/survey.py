"""All actors of a node at one glance, for lists and trees: looked at in slices, so that a node of many thousands does not
stall its loop for somebody who watches it.

What is told are raw counters and plain values. A survey is not a snapshot of one instant: actors come and go between slices.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from heapq import nsmallest
from typing import TYPE_CHECKING, Any

import msgspec
import trio

from runtime.address import Address
from runtime.cell import Cell
from runtime.incarnation import VolatileTimer

if TYPE_CHECKING:
    from runtime.system import System


class Line(msgspec.Struct, frozen=True, gc=False):
    """One active actor. `handled` counts messages since its activation: two surveys make a rate. `age`: seconds that the
    message `current` has been at hand, None when nothing is."""

    address: Address
    status: str
    seq: int
    mailbox: int
    handled: int
    current: str | None
    age: float | None
    restarts: int
    crashes: int
    crashed_at: datetime | None
    error: str | None


class Branch(msgspec.Struct, frozen=True):
    """Actors under `parent` in order of their addresses; `below` counts the children of each, `next` is the last one shown
    when more follow, and `hidden` how many do."""

    parent: Address | None
    lines: Sequence[Line]
    below: Sequence[int]
    hidden: int
    next: Address | None


async def survey(system: "System", tenant: str | None = None, kind: str | None = None) -> list[Line]:
    now = system.clock.monotonic()
    found: list[Line] = []
    async for cells in slices(system, tenant):
        found += [line(cell, now) for cell in cells if kind is None or cell.address.kind == kind]
    return found


async def branches(
    system: "System", wanted: Mapping[Address | None, Address | None], *, tenant: str | None = None, limit: int = 100
) -> dict[Address | None, Branch]:
    """The children of each wanted parent that come after an address (None: from the first). Those of the parent None are at the
    top: their own parent is not active here, or is another tenant's."""
    registry = system.registry
    children: dict[Address | None, list[Cell]] = {parent: [] for parent in wanted}
    counts: dict[Address, int] = {}
    async for cells in slices(system, tenant):
        for cell in cells:
            above = registry.parent(cell.address)
            if above is not None and (above not in registry.cells or (tenant is not None and above.tenant != tenant)):
                above = None
            if above is not None:
                counts[above] = counts.get(above, 0) + 1
            if above in children:
                after = wanted[above]
                if after is None or cell.address > after:
                    children[above].append(cell)
    now = system.clock.monotonic()
    return {parent: _branch(parent, cells, counts, limit, now) for parent, cells in children.items()}


def _branch(parent: Address | None, cells: list[Cell], counts: Mapping[Address, int], limit: int, now: float) -> Branch:
    shown = nsmallest(limit, cells, key=lambda cell: cell.address)
    hidden = len(cells) - len(shown)
    lines = [line(cell, now) for cell in shown]
    below = [counts.get(cell.address, 0) for cell in shown]
    return Branch(parent, lines, below, hidden, shown[-1].address if hidden and shown else None)


async def slices(system: "System", tenant: str | None) -> AsyncIterator[list[Cell]]:
    """Active cells of a tenant (or all), a few hundred at a time; others run in between."""
    cells = list(system.registry.cells.values())
    step = system.limits.survey_slice
    for begin in range(0, len(cells), step):
        if begin:
            await trio.lowlevel.checkpoint()
        yield [cell for cell in cells[begin : begin + step] if tenant is None or cell.address.tenant == tenant]


def line(cell: Cell, now: float) -> Line:
    crashes, current = cell.crashes, cell.current
    return Line(
        cell.address,
        cell.status.value,
        cell.seq,
        len(cell.mailbox.user),
        cell.handled,
        type(current.message).__name__ if current is not None else None,
        now - cell.current_since if current is not None else None,
        len(cell.restarts.at) if cell.restarts is not None else 0,
        crashes.count if crashes is not None else 0,
        crashes.at if crashes is not None else None,
        crashes.error if crashes is not None else None,
    )


def volatile_timers(system: "System", address: Address | None, tenant: str | None, limit: int) -> list[dict[str, Any]]:
    """[{actor, message, left}], the next first; `left` in seconds. They die with their incarnation."""
    now = system.clock.monotonic()
    found = [
        (system.wheel.due(entry) - now, entry)
        for entry in system.wheel
        if type(entry) is VolatileTimer
        and (address is None or entry.actor == address)
        and (tenant is None or entry.actor.tenant == tenant)
    ]
    nearest = nsmallest(limit, found, key=lambda pair: pair[0])
    return [{"actor": str(timer.actor), "message": timer.message_type, "left": max(0.0, left)} for left, timer in nearest]
