"""The map of the vocabulary: what each version of OCPP carries of every command and message, printed from the tables in use."""

from quart import Response, render_template

from gateways.ocpp.mapping.chart import Chart, chart
from gateways.web.call import Call
from gateways.web.table import Route, Scope

TAG = "Document"


async def vocabulary_map(call: Call) -> Chart:
    return chart()


async def vocabulary_page(call: Call) -> Response:
    text = await render_template("vocabulary.html", chart=chart())
    return Response(text, content_type="text/html; charset=utf-8")


ROUTES = (
    Route(
        method="GET", path="/api/v1/vocabulary", handler=vocabulary_map, tag=TAG, scope=Scope.PUBLIC,
        summary="What each version of OCPP carries of every command and message", answer=Chart,
    ),
    Route(
        method="GET", path="/api/v1/docs/vocabulary", handler=vocabulary_page, tag=TAG, scope=Scope.PUBLIC,
        summary="The same to read", answer=str, answer_media="text/html",
    ),
)  # fmt: skip
