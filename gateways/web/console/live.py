"""What moves by itself: each page has a stream that sends its live part again, as HTML, whenever it changed.

The server renders the fragment with the very template of the page; the browser (static/console.js) patches what differs.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import msgspec
import structlog
import trio
from quart import Response, request

from gateways.web import limits
from gateways.web.api.events import sse, stream_response
from gateways.web.census import LABELS, SORTS, WORDS
from gateways.web.console import model, trace, tree
from gateways.web.console.session import Visit
from gateways.web.problems import Problem
from runtime.store import StoreAway

Fragment = Callable[[], Awaitable[str]]
AWAY = "The database is away; this part waits for it."
BROKEN = "This part could not be drawn; the log has the reason."
_log = structlog.get_logger("web.console")


def _stream(visit: Visit, fragment: Fragment, *, pulse: bool = False, seconds: float | None = None) -> Response:
    if visit.services.streams.full(visit.principal.id):
        raise Problem("too-many-requests", "too many live pages are open", retry_after=30)

    async def chunks() -> AsyncGenerator[bytes, None]:
        with visit.services.streams.held(visit.principal.id):
            yield b"retry: 2000\n\n"
            last, quiet = "", 0.0
            until = trio.current_time() + seconds if seconds is not None else float("inf")
            async with aclosing(_ticks(visit, pulse)) as ticks:
                async for _ in ticks:
                    if await _gone(visit):
                        return
                    if trio.current_time() >= until:
                        yield sse(b"{}", event="over")
                        return
                    html = await _rendered(visit, fragment)
                    quiet = quiet + limits.CONSOLE_TICK_SECONDS if html == last else 0.0
                    if html != last:
                        last = html
                        yield sse(msgspec.json.encode({"html": html}), event="fragment")
                    elif quiet >= limits.SSE_KEEPALIVE_SECONDS:
                        quiet = 0.0
                        yield b": alive\n\n"

    return stream_response(chunks())


async def _rendered(visit: Visit, fragment: Fragment) -> str:
    """The part, or what to say instead: a stream must outlive a database that is away, and a bug of ours."""
    try:
        return await fragment()
    except StoreAway:
        return f'<p class="away">{visit.t(AWAY)}</p>'
    except Exception:
        _log.exception("live part failed")
        return f'<p class="away">{visit.t(BROKEN)}</p>'


async def _draw(visit: Visit, template: str, **values: Any) -> str:
    html: str = await visit.services.fragment(template, visit=visit, t=visit.t, **values)
    return html


async def _gone(visit: Visit) -> bool:
    """The token was revoked. While the database is away nobody is turned out: what is shown comes from memory."""
    try:
        return await visit.services.identities.by_id(visit.principal.id) is None
    except StoreAway:
        return False


async def _ticks(visit: Visit, pulse: bool) -> AsyncGenerator[None, None]:
    """Until the node drains: the shared pulse, or a clock of one's own."""
    closing: trio.Event = visit.services.closing
    if pulse:
        async with aclosing(visit.services.pulse.beats()) as beats:
            async for _ in beats:
                if closing.is_set():
                    return
                yield
    while not closing.is_set():
        began = trio.current_time()
        yield
        cost = trio.current_time() - began
        with trio.move_on_after(max(limits.CONSOLE_TICK_SECONDS, limits.CONSOLE_SHARE * cost)):
            await closing.wait()


async def live_overview(visit: Visit) -> Response:
    async def fragment() -> str:
        return await _draw(visit, "console/_overview.html", view=await model.overview(visit))

    return _stream(visit, fragment, pulse=visit.tenant is None)


async def live_tree(visit: Visit) -> Response:
    want = tree.wanted(visit, *tree.asked(request.args))

    async def fragment() -> str:
        return await _draw(visit, "console/_tree.html", tree=await tree.drawn(visit, want))

    return _stream(visit, fragment)


async def live_actors(visit: Visit) -> Response:
    args = request.args.copy()

    async def fragment() -> str:
        found = await model.actor_list(visit, args)
        return await _draw(visit, "console/_actors.html", found=found, sorts=SORTS, words=WORDS, labels=LABELS)

    return _stream(visit, fragment)


async def live_actor(visit: Visit) -> Response:
    """What is in memory each second, what lies in the database every few."""
    address = visit.address(request.args.get("address", ""))
    stored = _Kept(lambda: model.stored(visit, address))
    below = _Kept(lambda: model.below(visit, address))

    async def fragment() -> str:
        values = {"actor": model.actor(visit, address), "below": await below.get(), "stored": await stored.get()}
        return await _draw(visit, "console/_actor.html", address=str(address), **values)

    return _stream(visit, fragment)


async def live_waits(visit: Visit) -> Response:
    async def fragment() -> str:
        return await _draw(visit, "console/_waits.html", waits=model.waits(visit))

    return _stream(visit, fragment)


async def live_timers(visit: Visit) -> Response:
    cursor = request.args.get("cursor")
    kept = _Kept(lambda: model.timers(visit, cursor))

    async def fragment() -> str:
        return await _draw(visit, "console/_timers.html", timers=await kept.get(), cursor=cursor)

    return _stream(visit, fragment)


async def live_trace(visit: Visit) -> Response:
    """For a limited time: a forgotten page must not ask the database for ever."""
    address = visit.address(request.args.get("address", ""))
    wanted = trace.filter_of(request.args)

    async def fragment() -> str:
        return await _draw(visit, "console/_trace.html", frames=await trace.frames(visit, address, wanted))

    return _stream(visit, fragment, seconds=wanted.seconds)


class _Kept:
    """What was read a few seconds ago."""

    def __init__(self, read: Callable[[], Awaitable[Any]]) -> None:
        self._read = read
        self._value: Any = None
        self._until = float("-inf")

    async def get(self) -> Any:
        if trio.current_time() >= self._until:
            self._value = await self._read()
            self._until = trio.current_time() + limits.CONSOLE_STORED_SECONDS
        return self._value
