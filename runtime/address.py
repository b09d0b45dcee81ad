"""Where an actor lives in name, never in memory.

An address is always valid: sending to it activates the actor from its checkpoint. It survives every
incarnation, and it is what a ref, a letter, a timer and the head row in the database are keyed by.
"""

from typing import NamedTuple


class Address(NamedTuple):
    """A logical actor: `tenant/kind/id`.

    `tenant` comes first in every key of every table. `kind` selects the actor class and never contains a
    slash; `id` is free text and may contain slashes (station identities do).
    """

    tenant: str
    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.tenant}/{self.kind}/{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Address":
        """The inverse of `str(address)`. Raises ValueError that shows the expected form."""
        parts = text.split("/", 2)
        if len(parts) != 3 or not all(parts):
            raise ValueError(f"an actor address reads tenant/kind/id, got {text!r}")
        return cls(*parts)
