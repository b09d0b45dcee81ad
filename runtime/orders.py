"""System messages: what every actor answers for free, in a mailbox lane of its own, between two turns."""

from typing import TYPE_CHECKING

import trio

from runtime.activation import reload_letters
from runtime.errors import ActorCrashed, ActorStopped
from runtime.status import Status

if TYPE_CHECKING:
    from runtime.cell import Cell


class Order:
    """`done` fires when it was carried out; `error` says why it was not. `op` is one of restart, stop, suspend, resume,
    checkpoint (an operator's), drain, passivate and reload (the node's)."""

    __slots__ = ("done", "error", "op")

    def __init__(self, op: str) -> None:
        self.op = op
        self.done = trio.Event()
        self.error: str | None = None


async def obey(cell: "Cell", order: Order) -> bool | None:
    """Carry it out. None: go on serving; True: start a new incarnation; False: the cell ends."""
    try:
        match order.op:
            case "restart":
                cell.end_incarnation(ActorCrashed(cell.address, "restarted by an operator"))
                cell.purge(ActorCrashed(cell.address, "restarted by an operator"))
                return True
            case "stop":
                stop(cell, order)
                return False
            case "suspend":
                cell.status = Status.SUSPENDED
                cell.fail_asks(ActorStopped(cell.address, "suspended"))
            case "resume":
                cell.status = Status.ACTIVE
            case "checkpoint":
                await _checkpoint(cell, 1)
            case "drain":
                return await _drain(cell)
            case "passivate":
                return await _passivate(cell)
            case "reload":
                await reload_letters(cell)
            case _:
                order.error = f"no such order: {order.op}"
        return None
    finally:
        order.done.set()


def obey_while_down(cell: "Cell", order: Order) -> bool | None:
    """Between two incarnations only an end or an immediate start make sense."""
    if order.op == "stop":
        stop(cell, order)
        return False
    if order.op != "restart":
        order.error = "the actor is restarting"
    order.done.set()
    return True if order.op == "restart" else None


def stop(cell: "Cell", order: Order) -> None:
    cell.status = Status.STOPPED
    cell.end_incarnation(ActorStopped(cell.address, "stopped"))
    cell.purge(ActorStopped(cell.address, "stopped"))
    order.done.set()


async def _checkpoint(cell: "Cell", behind: int) -> None:
    incarnation = cell.incarnation
    if incarnation is not None and incarnation.behind >= behind:
        await cell.commit(incarnation.stage_bare(checkpoint=True), "main")


async def _drain(cell: "Cell") -> bool | None:
    if cell.has_work():
        return None
    await _checkpoint(cell, cell.system.limits.checkpoint_behind_on_drain)
    return None if cell.has_work() else False


async def _passivate(cell: "Cell") -> bool | None:
    """End quietly when nothing needs this incarnation; what arrives during the checkpoint keeps it alive."""
    if not cell.idle() or cell.system.committer.away:
        return None
    await _checkpoint(cell, 1)
    if not cell.idle():
        return None
    cell.system.stats.passivations += 1
    cell.end_incarnation(ActorStopped(cell.address, "passivated"))
    return False
