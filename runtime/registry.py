"""Who is active on this node, of which kinds, and who is whose parent.

An entry vanishes with its owner; only a stopped actor keeps its place without a task, so that it stays stopped.
"""

from collections.abc import Callable
from typing import Any

from runtime.actor import Actor, Context
from runtime.address import Address
from runtime.cell import Cell
from runtime.codec import Codec, codec_of

Factory = Callable[[Context], Actor[Any]]
Parent = Callable[[Address], Address | None]


class Kind:
    """An actor kind as registered: how to make one, where it hangs in the tree, and its codec once known."""

    __slots__ = ("_codec", "_codec_for", "factory", "name", "parent")

    def __init__(self, name: str, factory: Factory, parent: Parent | None) -> None:
        self.name = name
        self.factory = factory
        self.parent = parent
        self._codec: Codec | None = None
        self._codec_for: type | None = None

    def codec(self, actor: Actor[Any]) -> Codec:
        cls = type(actor)
        if self._codec is None or self._codec_for is not cls:
            self._codec = codec_of(actor)
            self._codec_for = cls
        return self._codec


class Registry:
    def __init__(self) -> None:
        self.kinds: dict[str, Kind] = {}
        self.cells: dict[Address, Cell] = {}

    def register(self, kind: Kind) -> None:
        if kind.name in self.kinds:
            raise ValueError(f"actor kind {kind.name!r} is registered already")
        if not kind.name or "/" in kind.name:
            raise ValueError(f"an actor kind is a word without slashes, got {kind.name!r}")
        self.kinds[kind.name] = kind

    def kind(self, address: Address) -> Kind:
        kind = self.kinds.get(address[1])
        if kind is None:
            known = ", ".join(sorted(self.kinds))
            raise LookupError(f"{Address(*address)}: no actor kind {address[1]!r} is registered; known: {known}")
        return kind

    def parent(self, address: Address) -> Address | None:
        parent = self.kind(address).parent
        found = parent(address) if parent is not None else None
        return Address(*found) if found is not None else None
