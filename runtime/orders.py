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
    checkpoint, finish (an operator's), drain, passivate and reload (the node's). `until`: how long `finish` has patience."""

    __slots__ = ("done", "error", "op", "until")

    def __init__(self, op: str) -> None:
        self.op = op
        self.done = trio.Event()
        self.error: str | None = None
        self.until = 0.0


async def obey(cell: "Cell", order: Order) -> bool | None:
    """Carry it out. None: go on serving; True: start a new incarnation; False: the cell ends."""
    try:
        match order.op:
            case "restart":
                _call_off(cell, "restarted by an operator")
                cell.end_incarnation(ActorCrashed(cell.address, "restarted by an operator"))
                cell.purge(ActorCrashed(cell.address, "restarted by an operator"))
                return True
            case "stop":
                stop(cell, order)
                return False
            case "suspend":
                _call_off(cell, "suspended by an operator")
                cell.status = Status.SUSPENDED
                cell.fail_asks(ActorStopped(cell.address, "suspended"))
            case "resume":
                _call_off(cell, "resumed by an operator")
                cell.status = Status.ACTIVE
            case "checkpoint":
                await _checkpoint(cell, 1)
            case "finish":
                _begin_to_finish(cell, order)
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
        if cell.finishing is not order:
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
    _call_off(cell, "stopped by an operator")
    cell.status = Status.STOPPED
    cell.end_incarnation(ActorStopped(cell.address, "stopped"))
    cell.purge(ActorStopped(cell.address, "stopped"))
    order.done.set()


def _begin_to_finish(cell: "Cell", order: Order) -> None:
    """From now on nothing new is taken. A second order while one is under way follows the first."""
    if cell.finishing is not None:
        order.error = "it is being drained already"
        return
    order.until = cell.system.clock.monotonic() + cell.system.limits.drain_actor
    cell.finishing = order
    cell.status = Status.DRAINING


def _call_off(cell: "Cell", why: str) -> None:
    order, cell.finishing = cell.finishing, None
    if order is not None:
        order.error = why
        order.done.set()


async def finish(cell: "Cell", order: Order) -> bool:
    """The mailbox of a draining actor is empty. True: it is checkpointed and ends; False: look again. Asks that it answers later
    are waited for, though not for ever; they hear of the end then."""
    incarnation, limits = cell.incarnation, cell.system.limits
    if incarnation is not None and incarnation.open_later() and cell.system.clock.monotonic() < order.until:
        with trio.move_on_after(limits.drain_step):
            await cell.mailbox.wait()
        return False
    await _checkpoint(cell, 1)
    if cell.mailbox.user or cell.mailbox.system or cell.finishing is not order:
        return False
    cell.system.stats.passivations += 1
    cell.end_incarnation(ActorStopped(cell.address, "drained"))
    return True


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
