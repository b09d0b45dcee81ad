"""The port by which asks and tells reach an actor that lives on another node.

The runtime asks the transport where an address lives; None means here. What crosses is a Request with everything an
ask carries: deadline, correlation, call chain. A network may lose, double and delay; a request therefore has an id, and
the receiving node answers a duplicate from memory instead of deciding twice. That memory dies with its process: a transport must
deliver to the process life it sent to (a connection; a NATS subject with the boot id), never a late copy to its successor.
"""

from typing import Any, Protocol

import msgspec

from runtime.address import Address


class Request(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    to: Address
    message: Any
    timeout: float | None
    """Seconds that the asker still waits; None: a tell."""
    correlation: str = ""
    chain: tuple[Address, ...] = ()


class Transport(Protocol):
    def route(self, address: Address) -> str | None:
        """The node where the actor lives, None when that is this one. Synchronous, from a cache."""
        ...

    async def ask(self, node: str, request: Request) -> Any:
        """The reply, or raises what the actor's node raised (runtime.errors). May never return: the asker's deadline does."""
        ...

    def tell(self, node: str, request: Request) -> bool:
        """Volatile, never blocks."""
        ...


class Alone:
    """The transport of a single node: every actor lives here."""

    __slots__ = ()

    def route(self, address: Address) -> str | None:
        return None

    async def ask(self, node: str, request: Request) -> Any:
        raise LookupError(f"a single node has no way to {node}")

    def tell(self, node: str, request: Request) -> bool:
        return False
