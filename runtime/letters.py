"""Letters that nobody consumed: delivered again after a few seconds.

The usual way of a letter is short: committed with the sender's turn, handed to the receiver in memory, deleted in
the receiver's commit. The sweep is for the rest: a receiver whose mailbox was full, another node that did not hear,
a process that died in between. It does not put the old letter into the mailbox but tells the receiver to read its
waiting letters again, so that they come in their order.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

import trio

from runtime.address import Address
from runtime.store import StoreAway
from runtime.turn import LetterKey

if TYPE_CHECKING:
    from runtime.system import System


async def sweep_letters(system: "System") -> None:
    limits = system.limits
    page = limits.letter_batch
    pause = age = 0.0  # what a process that died left behind is nobody's: the first sweep takes it as it is
    while True:
        await trio.sleep(pause)
        older = system.clock.now() - timedelta(seconds=age)
        pause, age = limits.letter_sweep * (0.75 + 0.5 * system.random.random()), limits.letter_age
        try:
            waiting = await system.store.waiting_letters(older, page)
        except StoreAway:
            continue
        by_receiver: dict[Address, list[LetterKey]] = {}
        for letter in waiting:
            by_receiver.setdefault(Address(*letter.to), []).append(letter.key)
        woken = 0
        for address, keys in by_receiver.items():
            system.stats.letters_swept += len(keys)
            try:
                woken += system.wake_for_letters(address, keys)
            except LookupError as error:
                system.notice("letter_without_actor", str(error), address)
        stuck = not woken and len(waiting) >= page
        page = min(page * 2, limits.sweep_batch_cap) if stuck else limits.letter_batch
