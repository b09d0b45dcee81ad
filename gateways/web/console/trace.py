"""The OCPP trace of a station while one looks: filtered, for a limited time, and as a file.

Frames lie in the trace as they went over the wire, secrets hidden. Action is a column; direction and text are looked for in the
newest frames only, and the page says how many those were.
"""

from collections.abc import AsyncGenerator, Mapping
from urllib.parse import urlencode

import msgspec
import trio
from quart import Response, request

from actors.ports import TraceRow
from gateways.web import limits
from gateways.web.console.session import Visit
from gateways.web.problems import Problem
from gateways.web.views import message_view
from runtime.address import Address
from runtime.store import StoreAway

DIRECTIONS = ("in", "out")
MINUTES = (1, 5, 15, 30)
_encode = msgspec.json.Encoder().encode


class Filter(msgspec.Struct, frozen=True):
    """`text`: part of the frame, of its message id or of its error, in any case. `seconds`: how long the page stays live."""

    action: str = ""
    direction: str = ""
    text: str = ""
    seconds: float = limits.CONSOLE_TRACE_DEFAULT

    def takes(self, row: TraceRow) -> bool:
        if self.direction and row.direction != self.direction:
            return False
        wanted = self.text.casefold()
        return not wanted or any(wanted in (part or "").casefold() for part in (row.body, row.unique_id, row.error, row.action))

    @property
    def link(self) -> str:
        said = {"action": self.action, "direction": self.direction, "text": self.text, "minutes": f"{self.seconds / 60:.0f}"}
        return urlencode({name: value for name, value in said.items() if value})


class Frames(msgspec.Struct, frozen=True):
    """Newest first; `searched` frames were looked at, and there are `more` that were not."""

    rows: list[TraceRow]
    searched: int
    more: bool


def filter_of(args: Mapping[str, str]) -> Filter:
    direction = args.get("direction", "")
    minutes = args.get("minutes", "")
    seconds = 60.0 * int(minutes) if minutes in map(str, MINUTES) else limits.CONSOLE_TRACE_DEFAULT
    return Filter(
        args.get("action", "").strip(), direction if direction in DIRECTIONS else "", args.get("text", "").strip(),
        min(seconds, limits.CONSOLE_TRACE_SECONDS),
    )  # fmt: skip


async def frames(visit: Visit, address: Address, wanted: Filter) -> Frames:
    narrow = bool(wanted.direction or wanted.text)
    size = limits.CONSOLE_TRACE_PAGE if narrow else limits.CONSOLE_TRACE_ROWS
    found: list[TraceRow] = []
    searched, cursor = 0, None
    while True:
        page = await visit.env.queries.messages(address.tenant, address.id, size, cursor, action=wanted.action or None)
        searched += len(page.items)
        found += [row for row in page.items if wanted.takes(row)]
        cursor = page.next
        if cursor is None or not narrow or len(found) >= limits.CONSOLE_TRACE_ROWS or searched >= limits.CONSOLE_TRACE_SCAN:
            return Frames(found[: limits.CONSOLE_TRACE_ROWS], searched, cursor is not None)


async def export(visit: Visit) -> Response:
    """The frames that the filter takes as JSON lines, newest first, as a file. It ends early when the database goes away: its
    last line says so."""
    address = visit.address(request.args.get("address", ""))
    wanted = filter_of(request.args)
    if visit.services.streams.full(visit.principal.id):
        raise Problem("too-many-requests", "too many live pages are open", retry_after=30)
    visit.audit("console.export", str(address), filter=wanted.link)
    safe = "".join(character if character.isalnum() or character in "-_." else "_" for character in address.id)
    name = safe.encode("ascii", "replace").decode().replace("?", "_")
    headers = {"Content-Disposition": f'attachment; filename="trace-{name}.jsonl"'}

    async def lines() -> AsyncGenerator[bytes, None]:
        with visit.services.streams.held(visit.principal.id):
            async for chunk in _lines(visit, address, wanted):
                yield chunk

    response = Response(lines(), 200, headers, content_type="application/jsonl; charset=utf-8")
    response.timeout = limits.CONSOLE_EXPORT_SECONDS
    return response


async def _lines(visit: Visit, address: Address, wanted: Filter) -> AsyncGenerator[bytes, None]:
    left, cursor = limits.CONSOLE_EXPORT_FRAMES, None
    while left > 0:
        size = min(limits.CONSOLE_TRACE_PAGE, left)
        try:
            page = await visit.env.queries.messages(address.tenant, address.id, size, cursor, action=wanted.action or None)
        except StoreAway:
            yield _encode({"incomplete": "the database went away"}) + b"\n"
            return
        yield b"".join(_encode(message_view(row)) + b"\n" for row in page.items if wanted.takes(row))
        left -= len(page.items)
        cursor = page.next
        if cursor is None:
            return
        await trio.lowlevel.checkpoint()
    yield _encode({"incomplete": f"older than the newest {limits.CONSOLE_EXPORT_FRAMES} frames"}) + b"\n"
