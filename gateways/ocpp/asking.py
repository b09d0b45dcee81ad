"""Asking a station's actor until there is an answer, or it is certain that there will be none. The same for every transport.

An actor that crashed on a message is asked again; a transaction message that turned out to be poison is told as unreadable,
since its station must be answered (PROTOCOLS 2.5). Whatever else keeps the actor from answering (the database is away, say)
means no answer to the station either: it will send again, and nothing was acknowledged.
"""

from collections.abc import Callable
from typing import Any

import trio

from actors.station import messages as s
from gateways.ocpp.hub import Hub
from runtime.address import Address
from runtime.errors import ActorCrashed, ActorError, Poisoned

TRANSACTION_KINDS: dict[type, str] = {
    s.TransactionStart: "start",
    s.TransactionMeter: "meter",
    s.TransactionStop: "stop",
    s.TransactionEvent: "event",
}
"""Messages that are always answered, even when they crash their actor (PROTOCOLS 2.5)."""


class NoAnswer(Exception):
    """The actor gave none: neither do we."""


async def ask_station(
    hub: Hub,
    address: Address,
    message: Any,
    correlation: str,
    unreadable: Callable[[Any, str], s.Unreadable | None],
    failure: BaseException | None = None,
) -> Any:
    """The actor's answer, at first or after `failure`, which a first ask met already. `unreadable(message, dead letter)` is what
    is told instead of a poisonous message. Raises NoAnswer, or ActorError for what is the protocol's InternalError."""
    limits = hub.limits
    for attempt in range(limits.crash_retries):
        try:
            if failure is not None:
                failed, failure = failure, None
                raise failed
            return await hub.system.ask(address, message, deadline=limits.ask_seconds, correlation=correlation)
        except ActorCrashed as crash:
            if crash.attempts and type(message) not in TRANSACTION_KINDS:
                raise
            hub.counters.crash_retries += 1
            await trio.sleep(limits.crash_pause * (2**attempt - 1))  # the first restart comes at once, so does the question
        except Poisoned as poisoned:
            hub.counters.poisoned += 1
            told = unreadable(message, poisoned.dead_letter)
            if told is None:
                raise
            message = told
        except ActorError as silent:
            raise NoAnswer(f"{type(silent).__name__}: {silent.detail}") from silent
    raise NoAnswer("its actor kept crashing")
