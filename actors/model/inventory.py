"""Reports in parts (OCPP 2.x two-step messages): a station first answers that it will tell, then tells in parts, and either
may come first. What a complete report does not name, the station no longer has.
"""

from collections.abc import Mapping
from typing import Any

import msgspec


class Inventory(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A report under way. `asked`: what it was to be about, once that is known; `told`: the ids it has named so far."""

    asked: dict[str, Any] | None = None
    told: tuple[int, ...] = ()
    complete: bool = False

    @property
    def closed(self) -> bool:
        return self.complete and self.asked is not None


Inventories = Mapping[int, Inventory]


def announced(known: Inventories, request_id: int, asked: msgspec.Struct) -> Inventory:
    """`asked` as it will be read again from a checkpoint: plain JSON."""
    plain = msgspec.json.decode(msgspec.json.encode(asked))
    return msgspec.structs.replace(known.get(request_id, Inventory()), asked=plain)


def continued(known: Inventories, request_id: int, ids: tuple[int, ...], more: bool) -> Inventory:
    before = known.get(request_id, Inventory())
    told = tuple(dict.fromkeys((*before.told, *ids)))
    return msgspec.structs.replace(before, told=told, complete=before.complete or not more)


def put(known: Inventories, request_id: int, inventory: Inventory, bound: int) -> dict[int, Inventory]:
    """With this one as it is now; a closed one is over. The oldest are given up beyond `bound`."""
    after = {id: one for id, one in known.items() if id != request_id}
    if not inventory.closed:
        after[request_id] = inventory
    while len(after) > bound:
        del after[min(after)]
    return after
