"""How an incarnation ends against its will: by a lost race, which costs its state and nothing else, or by a crash."""

from typing import TYPE_CHECKING

import trio

from runtime.codec import NewerVersion
from runtime.errors import ActorCrashed, Unavailable
from runtime.incarnation import Conflict
from runtime.orders import obey_while_down
from runtime.status import Status

if TYPE_CHECKING:
    from runtime.cell import Cell


async def lost_race(cell: "Cell", conflict: Conflict) -> None:
    """Another incarnation moved the head: throw the state away, decide the same message again on the new one.
    When the lost turn may have been committed after all, an ask is not repeated (a letter or timer safely is)."""
    system = cell.system
    system.stats.conflicts += 1
    envelope, cell.current = cell.current, None
    cell.end_incarnation(ActorCrashed(cell.address, "another incarnation took over"))
    if envelope is None:
        return
    envelope.conflicts += 1
    if envelope.durable:
        cell.mailbox.put_front(envelope)
    elif conflict.doubtful:
        if envelope.slot is not None:
            envelope.slot.fail(Unavailable(cell.address, "the outcome is unknown: the database went away around the commit"))
    elif envelope.conflicts <= system.limits.conflict_retries:
        cell.mailbox.put_front(envelope)
    elif envelope.slot is not None:
        envelope.slot.fail(ActorCrashed(cell.address, "other incarnations keep taking its turns"))
    await trio.sleep(system.limits.conflict_pause * envelope.conflicts * system.random.random())


async def crashed(cell: "Cell", error: Exception) -> bool:
    """Report, purge, back off; True: go on with a new incarnation."""
    envelope, cell.current = cell.current, None
    cell.traced(envelope, f"crashed: {type(error).__name__}")
    cell.end_incarnation(ActorCrashed(cell.address, "the actor crashed"))
    cell.purge(ActorCrashed(cell.address, "the actor crashed on another message"))
    delay = await cell.system.morgue.crashed(cell, envelope, error, fatal=isinstance(error, NewerVersion))
    if delay is None:
        cell.status = Status.COOLING
        cell.purge(ActorCrashed(cell.address, "it crashed too often and cools down"))
        cell.restarts = None
        again = await _back_off(cell, cell.system.limits.cool_down)
        return again and bool(cell.mailbox.user)
    cell.status = Status.RESTARTING
    cell.system.stats.restarts += 1
    return await _back_off(cell, delay)


async def _back_off(cell: "Cell", delay: float) -> bool:
    """Wait, but hear the operator: False when the actor is to stop."""
    mailbox = cell.mailbox
    with trio.move_on_after(delay) as waiting:
        while True:
            while mailbox.system:
                again = obey_while_down(cell, mailbox.system.popleft())
                if again is not None:
                    return again
            if delay <= 0 or waiting.cancel_called:
                break
            await mailbox.wait()
    return True
