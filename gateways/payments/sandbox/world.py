"""Everything the sandbox remembers: Stripe's objects as JSON, by id and by account, and what happened as events.

Objects are dicts in the shape of Stripe's API; keys that start with an underscore are ours and are never sent (`_account`:
where the object lives). Whoever changes an object says so with `save`: that is what the state file is made of. Nothing here
waits, so every call is one atomic step.
"""

import secrets
import string
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from heapq import heappush

import msgspec

from gateways.payments.sandbox import limits
from gateways.payments.sandbox.clock import Clock
from gateways.payments.sandbox.config import Config
from gateways.payments.sandbox.errors import Obj, Refusal, no_such

API_VERSION = "2026-10-28.endive"
_ALPHABET = string.ascii_letters + string.digits


class Request(msgspec.Struct, frozen=True):
    """The call that is being answered, as events and refunds remember it."""

    id: str | None = None
    key: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """What an idempotency key stands for: the call it was first used for, and its answer."""

    at: int
    call: str
    status: int
    body: bytes


class World:
    """The state of one sandbox. `due` holds (time, n, what, id): what the clock will do (see `dues.py`)."""

    def __init__(self, config: Config, clock: Clock | None = None) -> None:
        self.config = config
        self.secret_key = config.secret_key
        self.clock = clock if clock is not None else Clock()
        self.objects: dict[str, Obj] = {}
        self.index: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.events: deque[str] = deque()
        self.answers: dict[tuple[str, str], Answer] = {}
        self.balances: dict[str, dict[str, list[int]]] = defaultdict(dict)
        self.due: list[tuple[float, int, str, str]] = []
        self.dirty: dict[str, None] = {}
        self.dirty_answers: list[tuple[str, str]] = []
        self.request = Request()
        self.url = ""
        self.happened: Callable[[Obj], None] = lambda event: None
        """Called with each new event: the deliverer of webhooks listens."""
        self._n = 0

    @property
    def platform(self) -> str:
        return self.config.platform

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(24))}"

    # -- objects ---------------------------------------------------------------------------------------------------

    def add(self, account: str, obj: Obj) -> Obj:
        if len(self.objects) >= limits.OBJECTS_MOST:
            raise Refusal("The sandbox is full: start a new one.", status=500, kind="api_error")
        self._n += 1
        obj["_account"], obj["_n"] = account, self._n
        self.objects[obj["id"]] = obj
        self.index[account, obj["object"]].append(obj["id"])
        self.dirty[obj["id"]] = None
        return obj

    def restore(self, obj: Obj) -> None:
        """An object out of the state file: newest version wins."""
        if obj["id"] not in self.objects:
            self.index[obj["_account"], obj["object"]].append(obj["id"])
        self.objects[obj["id"]] = obj
        self._n = max(self._n, obj["_n"])

    def save(self, *objects: Obj) -> None:
        for obj in objects:
            self.dirty[obj["id"]] = None

    def remove(self, obj: Obj) -> None:
        self.objects.pop(obj["id"], None)

    def get(self, account: str, kind: str, identity: object, param: str = "id") -> Obj:
        """The object of this kind on this account, or Stripe's 404."""
        obj = self.objects.get(str(identity))
        if obj is None or obj["_account"] != account or obj["object"] != kind:
            raise no_such(kind, identity, param)
        return obj

    def newest(self, account: str, kind: str) -> Iterator[Obj]:
        for identity in reversed(self.index.get((account, kind), [])):
            obj = self.objects.get(identity)
            if obj is not None and obj["object"] == kind:  # what was deleted is of another kind
                yield obj

    def account(self, identity: str) -> Obj | None:
        obj = self.objects.get(identity)
        return obj if obj is not None and obj["object"] == "account" else None

    # -- time ------------------------------------------------------------------------------------------------------

    def now(self) -> int:
        return self.clock.now()

    def later(self, at: float, what: str, identity: str) -> None:
        self._n += 1
        heappush(self.due, (at, self._n, what, identity))

    # -- events ----------------------------------------------------------------------------------------------------

    def emit(self, account: str, kind: str, obj: Obj, previous: Obj | None = None) -> Obj:
        """An event with the object as it is at this moment."""
        data: Obj = {"object": msgspec.json.decode(msgspec.json.encode(bare(obj)))}
        if previous is not None:
            data["previous_attributes"] = previous
        event: Obj = {
            "id": self.new_id("evt"), "object": "event", "api_version": API_VERSION, "created": self.now(), "data": data,
            "livemode": False, "pending_webhooks": 0, "type": kind,
            "request": {"id": self.request.id, "idempotency_key": self.request.key},
        }  # fmt: skip
        if account != self.platform:
            event["account"] = account
        self.add(account, event)
        self.events.append(event["id"])
        while self.events and (len(self.events) > limits.EVENTS_MOST or self._old(self.events[0])):
            self._forget(self.events.popleft())
        self.happened(event)
        return event

    def _old(self, identity: str) -> bool:
        event = self.objects.get(identity)
        return event is None or event["created"] < self.now() - limits.EVENTS_KEPT

    def _forget(self, identity: str) -> None:
        event = self.objects.pop(identity, None)
        if event is not None:
            ids = self.index[event["_account"], "event"]
            if ids and ids[0] == identity:
                ids.pop(0)


def bare(obj: Obj) -> Obj:
    """Without what is ours."""
    return {key: _bare(value) for key, value in obj.items() if not key.startswith("_")}


def _bare(value: object) -> object:
    if isinstance(value, dict):
        return bare(value)
    if isinstance(value, list):
        return [_bare(one) for one in value]
    return value
