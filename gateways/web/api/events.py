"""GET /api/v1/events: everything that happens, as server-sent events, resumable."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from quart import Response

from actors.ports import StoredEvent
from gateways.web.call import Call
from gateways.web.problems import Problem
from gateways.web.table import Query, Route, Scope
from gateways.web.views import utc

TAG = "Events"
LAST_EVENT_ID = "Last-Event-ID"

_encode = msgspec.json.Encoder(decimal_format="number").encode


def sse(data: bytes, *, event: str | None = None, id: str | None = None) -> bytes:
    """One event of the stream; `data` is JSON on one line."""
    head = (f"id: {id}\n" if id is not None else "") + (f"event: {event}\n" if event else "")
    return head.encode() + b"data: " + data + b"\n\n"


def stream_response(chunks: AsyncGenerator[bytes, None]) -> Response:
    response = Response(chunks, 200, {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}, content_type="text/event-stream")
    response.timeout = None
    return response


async def stream_events(call: Call) -> Response:
    kinds = frozenset(kind.strip() for kind in (call.query["kind"] or "").split(",") if kind.strip())
    after = call.headers.get(LAST_EVENT_ID) or call.query["after"]
    if after is not None:
        await call.env.queries.events(call.tenant, sorted(kinds), after, 1)  # a wrong id is a 400, not a broken stream
    else:
        after = await call.env.queries.last_event()  # before the answer: its caller misses nothing of what it then does
    if call.services.streams.full(call.principal.id):
        raise Problem("too-many-requests", "too many event streams are open", retry_after=30)

    async def chunks() -> AsyncGenerator[bytes, None]:
        with call.services.streams.held(call.principal.id):
            yield b"retry: 2000\n\n"
            async with aclosing(call.services.feed.follow(call.tenant, kinds, after)) as batches:
                async for batch in batches:
                    yield b"".join([_event(event) for event in batch]) if batch else b": alive\n\n"

    return stream_response(chunks())


def _event(event: StoredEvent) -> bytes:
    body = {
        "id": event.id,
        "tenant": event.tenant,
        "kind": event.kind,
        "subject": event.subject,
        "at": utc(event.at),
        "body": event.body,
    }
    return sse(_encode(body), event=event.kind, id=event.id)


ROUTES = (
    Route(
        method="GET", path="/api/v1/events", handler=stream_events, tag=TAG, scope=Scope.OWN, stream=True,
        summary="Everything that happens, as server-sent events",
        description="Resumable with `Last-Event-ID`. Every event names its kind (`session.started`, `station.booted` ...) in "
        "`event:`, and its `data:` is `{id, tenant, kind, subject, at, body}`. Kept for 48 h.",
        query=(
            Query("tenant", str, "Only this tenant (the platform owner sees all)"),
            Query("kind", str, "Only these kinds, separated by commas"),
            Query("after", str, "Like Last-Event-ID, for clients that cannot set headers"),
        ),
        answer=str, answer_media="text/event-stream",
    ),
)  # fmt: skip
