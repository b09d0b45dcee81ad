"""The API's own description: the OpenAPI document and a page that people read, without a byte from elsewhere."""

from typing import Any

from markupsafe import Markup, escape
from quart import Response, render_template

from gateways.web.call import Call
from gateways.web.openapi import schema_name
from gateways.web.problems import CATALOGUE, PREFIX
from gateways.web.table import Route, Scope

TAG = "Document"


def inline_code(text: str) -> Markup:
    """What stands between backticks, as code."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(Markup("<code>{}</code>").format(part) if n % 2 else part for n, part in enumerate(parts))


async def openapi_document(call: Call) -> dict[str, Any]:
    document: dict[str, Any] = call.services.document
    return document


async def docs_page(call: Call) -> Response:
    """Drawn once: it says the same until the next release."""
    if call.services.docs is None:
        call.services.docs = await _drawn(call)
    return Response(call.services.docs, content_type="text/html; charset=utf-8")


async def _drawn(call: Call) -> str:
    return await render_template(
        "docs.html",
        document=call.services.document,
        routes=call.services.routes,
        problems=CATALOGUE,
        prefix=PREFIX,
        schema_name=schema_name,
        code=inline_code,
    )


ROUTES = (
    Route(
        method="GET", path="/api/v1/openapi.json", handler=openapi_document, tag=TAG, scope=Scope.PUBLIC,
        summary="This API as an OpenAPI 3.1 document", answer=dict[str, Any],
    ),
    Route(
        method="GET", path="/api/v1/docs", handler=docs_page, tag=TAG, scope=Scope.PUBLIC, summary="This API to read", answer=str,
        answer_media="text/html",
    ),
)  # fmt: skip
