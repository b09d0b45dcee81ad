"""What a connection's link needs of an OCPP-J version: the `Dialect` that reads and writes it. One an open connection.

The link frames, paces and asks; a dialect turns a CALL into a message of the domain, the domain's reply into a payload, an
intent into a CALL, and a station's answer into a result. It knows of one connection's station what its boot told (which
quirks apply), and nothing that must last. The versions there are: dialects.py.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

import msgspec

from actors.model.intents import AnyIntent, CommandFailure, CommandResult, Unsupported
from actors.ports import Vault
from actors.station import messages as s
from gateways.ocpp import rpc
from gateways.ocpp.quirks import Registry, Rules
from gateways.ocpp.quirks.registry import Made
from gateways.ocpp.quirks.tags import Tags


class BadPayload(Exception):
    """A payload that cannot be understood. `code` is the version's error code; `detail` names the field."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Asker(msgspec.Struct):
    """Who speaks: what reading a message needs besides the message."""

    tenant: str
    vault: Vault
    now: Callable[[], datetime]
    tags: Tags
    """How it garbles tags (quirk 26)."""
    noted: tuple[str, ...] = ()
    """Marks of the message that is being read which it does not carry itself."""

    def tag(self, text: str, type: str | None = None) -> tuple[str, tuple[str, ...]]:
        """(the tag as the card has it, what was done to it). The marks are noted."""
        tag, flags = self.tags.read(text, type)
        if flags:
            self.noted += flags
        return tag, flags


class Several(msgspec.Struct, frozen=True, gc=False):
    """One CALL that concerns more than one actor: each of `before` is asked first, in order, and its no is the answer; the
    answer to `last` goes out. Asked again as a whole, nothing happens twice: each is idempotent."""

    before: tuple[Any, ...]
    last: Any


class Dialect(Protocol):
    protocol: str
    """The subprotocol."""
    codes: rpc.Codes
    rules: Rules
    """What is known of stations of its kind."""
    mended: tuple[str, ...]
    """How the last message that was read had to be mended."""
    noted: tuple[str, ...]
    """By which marks (quirks/) what was last read, rendered or answered is counted for the station."""

    def learn(self, made: Made, serials: tuple[str | None, ...]) -> None:
        """(vendor, model, firmware) and serial numbers of its last boot, for a connection on which none may come (quirk 5)."""
        ...

    def read(self, call: rpc.Call) -> Any:
        """The canonical message of a CALL, or Several. Raises BadPayload."""
        ...

    def write(self, reply: Any) -> Any:
        """An actor's answer as what encodes to the payload of a CALLRESULT. Raises TypeError for what is no answer."""
        ...

    def refusal(self, reply: Any) -> tuple[str, str] | None:
        """(error code, description) when an actor's answer is a no; None for any other answer."""
        ...

    def render(self, intent: AnyIntent) -> s.WireCall | Unsupported:
        """An intent as a CALL. Never raises."""
        ...

    def answer(self, action: str, request: bytes, payload: bytes) -> CommandResult | CommandFailure:
        """What the station answered to `request`, our payload. Never raises."""
        ...

    def unreadable(self, message: Any, dead_letter: str) -> s.Unreadable | None:
        """What is told about a transaction message that became a dead letter; None for any other message."""
        ...


DialectFactory = Callable[[str, Vault, Callable[[], datetime], bool, Registry], Dialect]
"""(tenant, vault, now, strict, quirks). Strict: the schemas to the letter, for conformance."""
