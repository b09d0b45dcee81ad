"""What an asker can meet. Every one of them says which actor it concerns."""

from runtime.address import Address


class ActorError(Exception):
    """Base of what `ask` raises besides the answer itself."""

    def __init__(self, address: Address, detail: str = "") -> None:
        super().__init__(f"{address}: {detail}" if detail else str(address))
        self.address = address
        self.detail = detail


class DeadlineExceeded(ActorError):
    """No answer in time. What was asked for may still happen."""


class MailboxFull(ActorError):
    """The overflow policy of the message's class refused it."""


class AskCycle(ActorError):
    """The ask would wait for an actor that is (transitively) waiting for this one: refused, not deadlocked."""


class ActorCrashed(ActorError):
    """The incarnation crashed on this message, or on another while this ask was queued. Asking again is safe
    exactly when the message is idempotent. `attempts` counts crashes of this very message (0: it was another's)."""

    def __init__(self, address: Address, detail: str = "", attempts: int = 0) -> None:
        super().__init__(address, detail)
        self.attempts = attempts


class Poisoned(ActorError):
    """The message crashed its actor too often and is now kept durably as dead letter `dead_letter`."""

    def __init__(self, address: Address, detail: str, dead_letter: str) -> None:
        super().__init__(address, detail)
        self.dead_letter = dead_letter


class ActorStopped(ActorError):
    """The actor is stopped or suspended by an operator, or the node drains."""


class Unavailable(ActorError):
    """The database is away and the actor cannot be activated or its turn not committed in time."""
