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
from gateways.web.console import model
from gateways.web.console.session import Visit
from gateways.web.problems import Problem
from runtime.store import StoreAway

Fragment = Callable[[], Awaitable[str]]
_AWAY = '<p class="away">The database is away; this part waits for it.</p>'
_BROKEN = '<p class="away">This part could not be drawn; the log has the reason.</p>'
_log = structlog.get_logger("web.console")


def _stream(visit: Visit, fragment: Fragment, *, pulse: bool = False) -> Response:
    if visit.services.streams.full(visit.principal.id):
        raise Problem("too-many-requests", "too many live pages are open", retry_after=30)

    async def chunks() -> AsyncGenerator[bytes, None]:
        with visit.services.streams.held(visit.principal.id):
            yield b"retry: 2000\n\n"
            last, quiet = "", 0.0
            async with aclosing(_ticks(visit, pulse)) as ticks:
                async for _ in ticks:
                    if await _gone(visit):
                        return
                    html = await _rendered(fragment)
                    quiet = quiet + limits.CONSOLE_TICK_SECONDS if html == last else 0.0
                    if html != last:
                        last = html
                        yield sse(msgspec.json.encode({"html": html}), event="fragment")
                    elif quiet >= limits.SSE_KEEPALIVE_SECONDS:
                        quiet = 0.0
                        yield b": alive\n\n"

    return stream_response(chunks())


async def _rendered(fragment: Fragment) -> str:
    """The part, or what to say instead: a stream must outlive a database that is away, and a bug of ours."""
    try:
        return await fragment()
    except StoreAway:
        return _AWAY
    except Exception:
        _log.exception("live part failed")
        return _BROKEN


async def _draw(visit: Visit, template: str, **values: Any) -> str:
    html: str = await visit.services.fragment(template, visit=visit, **values)
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
        return await _draw(visit, "console/_overview.html", view=model.overview(visit))

    return _stream(visit, fragment, pulse=visit.tenant is None)


async def live_tree(visit: Visit) -> Response:
    async def fragment() -> str:
        return await _draw(visit, "console/_tree.html", tree=model.tree(visit))

    return _stream(visit, fragment)


async def live_actors(visit: Visit) -> Response:
    args = request.args
    kind, text, sort = args.get("kind", ""), args.get("q", ""), args.get("sort", "address")

    async def fragment() -> str:
        found = model.actor_list(visit, kind, text, sort)
        return await _draw(visit, "console/_actors.html", found=found, sorts=model.SORTS)

    return _stream(visit, fragment)


async def live_actor(visit: Visit) -> Response:
    address = visit.address(request.args.get("address", ""))

    async def fragment() -> str:
        return await _draw(visit, "console/_actor.html", address=str(address), actor=model.actor(visit, address))

    return _stream(visit, fragment)


async def live_trace(visit: Visit) -> Response:
    address = visit.address(request.args.get("address", ""))
    action = request.args.get("action", "")

    async def fragment() -> str:
        rows: list[Any] = await model.trace(visit, address, action)
        return await _draw(visit, "console/_trace.html", rows=rows)

    return _stream(visit, fragment)
