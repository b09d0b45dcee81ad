"""The table of routes: what a path means, who may use it, what goes in and out.

One `Route` is everything the gateway knows about a path. The dispatcher reads it to authenticate, scope, validate and
encode; the OpenAPI document and the docs page are printed from it; the tests walk it. There is no other way to
publish a path of the admin API.
"""

import enum
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from gateways.web import identity, limits

T = TypeVar("T")


class Scope(enum.Enum):
    """Where a route's tenant comes from: the choke point for it is dispatch.authorise."""

    PUBLIC = "public"
    """No token: health, metrics, the document itself."""
    PLATFORM = "platform"
    """The platform owner's alone."""
    TENANT = "tenant"
    """`{tenant}` in the path; another tenant's answers 404."""
    OWN = "own"
    """The caller's own tenant; the platform owner sees all, or names one by `?tenant=`."""
    ADDRESS = "address"
    """The tenant of the actor in `?address=`."""


class Query(msgspec.Struct, frozen=True):
    """A query parameter; `type` is a msgspec type that text converts to."""

    name: str
    type: Any
    description: str
    default: Any = None
    required: bool = False


class Answer(msgspec.Struct, frozen=True):
    """What a handler returns when status or headers differ from the route's."""

    body: Any = None
    status: int | None = None
    headers: Mapping[str, str] = {}


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """`path` in OpenAPI form. `body` and `answer` are msgspec types (None: no body). `media` other than JSON means that
    the handler gets or gives raw bytes. `stream`: the handler returns a response that stays open."""

    method: str
    path: str
    handler: Callable[[Any], Awaitable[Any]]
    summary: str
    description: str = ""
    tag: str
    scope: Scope
    right: str = identity.READ
    query: tuple[Query, ...] = ()
    body: Any = None
    body_optional: bool = False
    body_media: str = "application/json"
    body_limit: int = limits.BODY_BYTES
    answer: Any = None
    answer_media: str = "application/json"
    status: int = 200
    other_statuses: Mapping[int, str] = {}
    problems: tuple[str, ...] = ()
    stream: bool = False

    @property
    def name(self) -> str:
        """The operation's stable name: `put_station`."""
        return getattr(self.handler, "__name__", "operation")

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def rule(self) -> str:
        """The path as Quart's router writes it."""
        return re.sub(r"{(\w+)}", r"<string:\1>", self.path)

    @property
    def writes(self) -> bool:
        return self.method != "GET"


LIMIT = Query("limit", int, f"How many items at most (1 to {limits.PAGE_MAX})", limits.PAGE_DEFAULT)
CURSOR = Query("cursor", str, "Where to go on: `next` of the previous page")
PAGED = (LIMIT, CURSOR)


class Items(msgspec.Struct, Generic[T], frozen=True):
    """A page of a list: `next` is the cursor of the following page, null at the end."""

    items: list[T]
    next: str | None = None
