"""The small resources: balance, events, files, webhook endpoints."""

import secrets

from gateways.payments.sandbox.calls import Call, page
from gateways.payments.sandbox.errors import Obj, Refusal, invalid
from gateways.payments.sandbox.money import balance
from gateways.payments.sandbox.params import metadata
from gateways.payments.sandbox.world import API_VERSION

FILE_MOST = 5 << 20
_TYPES = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg", "text/csv": "csv", "text/plain": "txt"}

_MAGIC = {b"%PDF": "application/pdf", b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg"}
"""The stripe package names no type for a file, so it shows by how it begins."""


def get_balance(call: Call) -> Obj:
    return balance(call.world, call.account)


def list_events(call: Call) -> Obj:
    """`delivery_success`: false finds what an endpoint has not taken. Other accounts' events: with Stripe-Account."""
    params = call.params
    if call.has("type") and call.has("types"):
        raise invalid("types", "You may only specify one of these parameters: type, types.")
    kinds = params.get("types", [params["type"]] if call.has("type") else None)
    if kinds is not None and len(kinds) > 20:
        raise invalid("types", "At most 20 types.")
    wanted = params.get("delivery_success")
    rows = (
        event
        for event in call.world.newest(call.account, "event")
        if (kinds is None or any(_fits(kind, event["type"]) for kind in kinds))
        and (wanted is None or (event["pending_webhooks"] == 0) == wanted)
    )
    return page(call, rows, call.path)


def _fits(wanted: str, kind: str) -> bool:
    return wanted in ("*", kind) or (wanted.endswith(".*") and kind.startswith(wanted[:-1]))


def create_file(call: Call) -> Obj:
    name, kind, content = call.params["file"]
    if len(content) > FILE_MOST:
        raise Refusal("The file is larger than 5 MB.", code="file_too_large", param="file")
    if kind == "application/octet-stream":
        kind = next((known for magic, known in _MAGIC.items() if content.startswith(magic)), kind)
    if kind not in _TYPES:
        raise Refusal(f"Files of type {kind} are not taken: PDF, PNG or JPEG.", param="file")
    file: Obj = {
        "id": call.world.new_id("file"), "object": "file", "created": call.world.now(), "expires_at": None, "filename": name,
        "links": {"object": "list", "data": [], "has_more": False, "url": "/v1/file_links"},
        "purpose": call.params["purpose"], "size": len(content), "title": None, "type": _TYPES[kind], "url": None,
    }  # fmt: skip
    return call.world.add(call.account, file)


def create_endpoint(call: Call) -> Obj:
    params = call.params
    if params.get("api_version", API_VERSION) != API_VERSION:
        raise invalid("api_version", f"The sandbox speaks {API_VERSION} only.")
    endpoint = new_endpoint_fields(params["url"], f"whsec_{secrets.token_urlsafe(24)}", bool(params.get("connect")))
    endpoint.update(
        id=call.world.new_id("we"), created=call.world.now(), enabled_events=params["enabled_events"],
        metadata=metadata(params.get("metadata")), description=params.get("description") or None,
    )  # fmt: skip
    call.world.add(call.account, endpoint)
    return endpoint | {"secret": endpoint["_secret"]}


def new_endpoint_fields(url: str, secret: str, connect: bool) -> Obj:
    return {
        "object": "webhook_endpoint", "api_version": API_VERSION, "application": None, "description": None,
        "enabled_events": ["*"], "livemode": False, "metadata": {}, "status": "enabled", "url": url, "_secret": secret,
        "_connect": connect,
    }  # fmt: skip


def update_endpoint(call: Call) -> Obj:
    endpoint = call.world.get(call.account, "webhook_endpoint", call.ids["id"])
    for name in ("url", "enabled_events"):
        if call.has(name):
            endpoint[name] = call.params[name]
    if call.has("disabled"):
        endpoint["status"] = "disabled" if call.params["disabled"] else "enabled"
    call.world.save(endpoint)
    return endpoint


def delete_endpoint(call: Call) -> Obj:
    endpoint = call.world.get(call.account, "webhook_endpoint", call.ids["id"])
    endpoint["status"] = "disabled"
    endpoint["object"] = "deleted_webhook_endpoint"
    call.world.save(endpoint)
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}
