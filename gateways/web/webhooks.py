"""The payment provider's webhooks on the HTTP listener: `POST /stripe/webhook` and `/stripe/webhook/connect`, and the same two
for each brand with a platform account of its own: `/stripe/{tenant}/webhook` and `/stripe/{tenant}/webhook/connect`.

Only the passage between HTTP and the receiver (gateways/payments/webhooks.py), which gets the very bytes that came: a
signature is over those, and not over what they mean. They come by the hundreds a second and need nothing of what Quart does
for people, so they pass beside it, as plain ASGI.
"""

import re
from typing import Any, Literal

import trio

from gateways.web import limits
from gateways.web.env import Webhooks
from gateways.web.services import Services

_ENDPOINTS: dict[str, Literal["account", "connect"]] = {
    "/stripe/webhook": "account",
    "/stripe/webhook/connect": "connect",
}
_OF_BRAND = re.compile(r"/stripe/([a-z0-9_-]{1,63})(/webhook(?:/connect)?)")
_SAID = {200: b"ok\n", 400: b"not one of ours\n", 404: b"no such endpoint\n", 405: b"POST, please\n"}
_SAID |= {408: b"too slow\n", 413: b"too long\n"}
_HEADERS = (
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)


class _Refused(Exception):
    def __init__(self, status: int) -> None:
        self.status = status


class _Left(Exception):
    """The client is gone; nobody hears an answer."""


class WebhookDoor:
    def __init__(self, webhooks: Webhooks, services: Services) -> None:
        self._webhooks = webhooks
        self._services = services

    def opens(self, scope: Any) -> bool:
        return _endpoint(scope["path"]) is not None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        services, found = self._services, _endpoint(scope["path"])
        assert found is not None, "opens() has seen to that"
        endpoint, tenant, path = found
        began = services.clock()
        try:
            if scope["method"] != "POST":
                raise _Refused(405)
            body = await _body(receive)
            status = await self._webhooks.take(endpoint, body, _signature(scope), tenant)
        except _Refused as refused:
            status = refused.status
        except _Left:
            return
        services.metrics.observe("POST", path, status, services.clock() - began)
        said = _SAID.get(status, b"later, please\n")
        headers = [*_HEADERS, (b"content-length", str(len(said)).encode())]
        if status == 405:
            headers.append((b"allow", b"POST"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": said, "more_body": False})


def _endpoint(path: str) -> tuple[Literal["account", "connect"], str | None, str] | None:
    """Which of the two, of which tenant (None: the installation's), and the path as the metrics name it; None: no webhook."""
    if path in _ENDPOINTS:
        return _ENDPOINTS[path], None, path
    found = _OF_BRAND.fullmatch(path)
    return None if found is None else (_ENDPOINTS["/stripe" + found[2]], found[1], "/stripe/{tenant}" + found[2])


def _signature(scope: Any) -> str | None:
    for name, value in scope["headers"]:
        if name.lower() == b"stripe-signature":
            return str(value.decode("latin-1"))
    return None


async def _body(receive: Any) -> bytes:
    """Raises _Refused: 413 for one that is too long, 408 for one that does not come to its end."""
    with trio.move_on_after(limits.REQUEST_SECONDS):
        parts: list[bytes] = []
        size = 0
        async for part in _parts(receive):
            size += len(part)
            if size > limits.WEBHOOK_BYTES:
                await _rest(receive)
                raise _Refused(413)
            parts.append(part)
        return b"".join(parts)
    raise _Refused(408)


async def _rest(receive: Any) -> None:
    """A client that still talks hears nothing: listen a little longer."""
    with trio.move_on_after(limits.LINGER_SECONDS):
        async for _ in _parts(receive):
            pass


async def _parts(receive: Any) -> Any:
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _Left
        yield message.get("body", b"")
        if not message.get("more_body"):
            return
