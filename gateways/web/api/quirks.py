"""The registry of quirks as this node uses it: ours, with the operator's own entries laid over them."""

from typing import Any

import msgspec
from quart import Response, render_template

from gateways.ocpp.quirks import Quirk
from gateways.web.call import Call
from gateways.web.table import Route, Scope

TAG = "Document"
_SAID = frozenset({"id", "number", "tier", "says", "vendor", "model", "firmware", "protocol", "off", "flags"})


class QuirkView(msgspec.Struct, frozen=True):
    """`number`: of the list of what stations really do; None for an operator's own. `vendor`, `model`, `firmware`, `protocol`:
    shell patterns of whom it is about. `flags`: the marks by which it is counted for a station. `does`: what else the entry
    says is to be done, in the keys of its file."""

    id: str
    number: int | None
    tier: str
    says: str
    vendor: str
    model: str
    firmware: str
    protocol: list[str]
    flags: list[str]
    off: bool
    does: dict[str, Any]


class QuirksView(msgspec.Struct, frozen=True):
    items: list[QuirkView]


def quirk_view(quirk: Quirk) -> QuirkView:
    does = {name: value for name, value in msgspec.to_builtins(quirk).items() if name not in _SAID}
    return QuirkView(
        quirk.id, quirk.number, quirk.tier, quirk.says, quirk.vendor, quirk.model, quirk.firmware, list(quirk.protocol),
        list(quirk.flags), quirk.off, does,
    )  # fmt: skip


def _all(call: Call) -> QuirksView:
    """In order of their number; those of an operator last."""
    views = [quirk_view(quirk) for quirk in call.env.quirks.quirks]
    return QuirksView(sorted(views, key=lambda view: (view.number is None, view.number or 0)))


async def list_quirks(call: Call) -> QuirksView:
    return _all(call)


async def quirks_page(call: Call) -> Response:
    text = await render_template("quirks.html", quirks=_all(call).items)
    return Response(text, content_type="text/html; charset=utf-8")


ROUTES = (
    Route(
        method="GET", path="/api/v1/quirks", handler=list_quirks, tag=TAG, scope=Scope.PUBLIC,
        summary="What stations are known to do that no specification says, and what is done about it", answer=QuirksView,
    ),
    Route(
        method="GET", path="/api/v1/docs/quirks", handler=quirks_page, tag=TAG, scope=Scope.PUBLIC,
        summary="The same to read", answer=str, answer_media="text/html",
    ),
)  # fmt: skip
