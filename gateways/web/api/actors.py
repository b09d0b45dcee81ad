"""The supervision tree, one actor, orders to it, and the dead letters: what one needs to debug a node.

A tenant's administrator sees its own tenant's actors, the platform owner all of them and the node's services.
"""

from typing import Any, Literal

import msgspec

from actors.ports import Page
from gateways.web import identity, limits
from gateways.web.call import Call, page_of
from gateways.web.problems import Problem
from gateways.web.table import PAGED, Items, Query, Route, Scope
from gateways.web.views import DeadLetterSummary, DeadLetterView, dead_letter_summary, dead_letter_view
from runtime.address import Address
from runtime.errors import ActorError
from runtime.store import DeadLetter

TAG = "Actors"
OPERATIONS = ("restart", "suspend", "resume", "checkpoint", "drain", "stop")


class Ordered(msgspec.Struct, frozen=True):
    """`done` false: the order stands, but the actor had not carried it out yet."""

    address: str
    operation: str
    done: bool


class Replayed(msgspec.Struct, frozen=True):
    id: str
    state: str
    answer: str


async def actor_tree(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = await call.env.system.inspect.tree_in_slices(call.tenant, call.query["limit"])
    return found


def inspected(inspect: Any, address: Address) -> dict[str, Any] | None:
    """One active actor as people see it, but for its children: the stack's files without this machine's own directories."""
    found: dict[str, Any] | None = inspect.actor(address, children=False)
    return None if found is None else {**found, "stack": [_short_frame(frame) for frame in found.get("stack", ())]}


def _short_frame(frame: str) -> str:
    place, _, function = frame.partition(" ")
    return "/".join(place.replace("\\", "/").split("/")[-3:]) + f" {function}"


async def one_actor(call: Call) -> dict[str, Any]:
    address = Address.parse(call.query["address"])
    found = inspected(call.env.system.inspect, address)
    if found is None:
        raise Problem("not-found", f"{address} is not active on this node")
    below = await call.env.system.inspect.branch(address, tenant=call.tenant, limit=limits.CONSOLE_TREE_ROWS)
    return {**found, "children": [str(line.address) for line in below.lines], "children_hidden": below.hidden}


def _order(operation: str) -> Any:
    async def order(call: Call) -> Ordered:
        return await carry_out(call.env.system.inspect, operation, Address.parse(call.query["address"]))

    order.__name__ = f"{operation}_actor"
    return order


async def carry_out(inspect: Any, operation: str, address: Address) -> Ordered:
    """Raises Problem `not-found` for an actor that is not active here (and cannot be stopped: its kind is unknown)."""
    try:
        active = inspect.actor(address, children=False) is not None
        if not active and operation != "stop":
            raise Problem("not-found", f"{address} is not active on this node")
        done = await getattr(inspect, operation)(address)
    except LookupError as error:
        raise Problem("not-found", str(error)) from None
    return Ordered(str(address), operation, done)


async def list_dead_letters(call: Call) -> Items[DeadLetterSummary]:
    rows, following = await call.env.store.dead_letters(
        call.tenant, call.query["state"], call.query["limit"], call.query["cursor"]
    )
    return page_of(Page(rows, following), [dead_letter_summary(row) for row in rows])


async def _dead_letter(call: Call) -> DeadLetter:
    dead = await call.env.store.dead_letter(call.path["dead_letter"])
    if dead is None or not call.principal.reaches(dead.actor.tenant):
        raise Problem("not-found", f"there is no dead letter {call.path['dead_letter']!r}")
    return dead


async def get_dead_letter(call: Call) -> DeadLetterView:
    return dead_letter_view(await _dead_letter(call))


async def replay_dead_letter(call: Call) -> Replayed:
    """Asks the actor again with the very message; only success settles it."""
    dead = await _dead_letter(call)
    return await replay(call.env.system.inspect, dead)


async def replay(inspect: Any, dead: DeadLetter) -> Replayed:
    try:
        answer = await inspect.replay(dead.id, deadline=limits.ASK_SECONDS)
    except ActorError:
        raise
    except LookupError:
        raise Problem("conflict", f"it is {dead.state} already" if dead.state != "open" else "it is settled already") from None
    except ValueError as error:
        raise Problem("refused", f"this message cannot be read any more: {error}") from None
    return Replayed(dead.id, "replayed", type(answer).__name__)


async def discard_dead_letter(call: Call) -> DeadLetterSummary:
    dead = await _dead_letter(call)
    if not await call.env.store.settle_dead_letter(dead.id, "discarded"):
        raise Problem("conflict", "it is settled already")
    return dead_letter_summary(msgspec.structs.replace(dead, state="discarded"))


_ADDRESS = Query("address", str, "The actor's address: tenant/kind/id", required=True)
_TENANT = Query("tenant", str, "Only this tenant")
_MEANING = {
    "restart": "Restart an actor from its durable state; its connection stays",
    "stop": "Stop an actor until it is restarted",
    "suspend": "Suspend an actor: its mailbox fills, nothing is handled",
    "resume": "Resume a suspended actor",
    "checkpoint": "Write an actor's checkpoint now",
    "drain": "Let an actor finish what is queued, checkpoint and leave; the next message activates it again",
}
ROUTES = (
    Route(
        method="GET", path="/api/v1/actors", handler=actor_tree, tag=TAG, scope=Scope.OWN, summary="The supervision tree",
        description="`hidden` counts the children that `limit` left out.",
        query=(_TENANT, Query("limit", int, "How many actors at most (1 to 1000)", limits.CONSOLE_TREE_ROWS)),
        answer=dict[str, Any],
    ),
    Route(
        method="GET", path="/api/v1/actors/one", handler=one_actor, tag=TAG, scope=Scope.ADDRESS,
        summary="One actor: redacted state, mailbox, checkpoint, stack, last crash",
        description="`children` are the first ones; `children_hidden` says how many more there are (see `branch`).",
        query=(_ADDRESS,), answer=dict[str, Any],
    ),
    *(
        Route(
            method="POST", path=f"/api/v1/actors/{operation}", handler=_order(operation), tag=TAG, scope=Scope.ADDRESS,
            right=identity.WRITE, summary=_MEANING[operation], query=(_ADDRESS,), answer=Ordered,
        )
        for operation in OPERATIONS
    ),
    Route(
        method="GET", path="/api/v1/dead-letters", handler=list_dead_letters, tag=TAG, scope=Scope.OWN,
        summary="Messages that crashed their actor too often",
        query=(*PAGED, _TENANT, Query("state", Literal["open", "replayed", "discarded"], "Only in this state")),
        answer=Items[DeadLetterSummary],
    ),
    Route(
        method="GET", path="/api/v1/dead-letters/{dead_letter}", handler=get_dead_letter, tag=TAG, scope=Scope.OWN,
        summary="One dead letter with its traceback", answer=DeadLetterView,
    ),
    Route(
        method="POST", path="/api/v1/dead-letters/{dead_letter}/replay", handler=replay_dead_letter, tag=TAG, scope=Scope.OWN,
        right=identity.WRITE, summary="Give the message to its actor again", answer=Replayed, problems=("conflict", "refused"),
    ),
    Route(
        method="POST", path="/api/v1/dead-letters/{dead_letter}/discard", handler=discard_dead_letter, tag=TAG,
        scope=Scope.OWN, right=identity.WRITE, summary="Settle it without replay", answer=DeadLetterSummary,
        problems=("conflict",),
    ),
)  # fmt: skip
