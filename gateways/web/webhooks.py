"""The payment provider's two webhooks on the HTTP listener: `POST /stripe/webhook` and `/stripe/webhook/connect`.

Only the passage between HTTP and the receiver (gateways/payments/webhooks.py), which gets the very bytes that came: a
signature is over those, and not over what they mean.
"""

from typing import Literal

from quart import Response, request
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException

from gateways.web.env import Webhooks
from gateways.web.services import Services

PREFIX = "/stripe/"
_RULES: tuple[tuple[str, Literal["account", "connect"]], ...] = (
    ("/stripe/webhook", "account"),
    ("/stripe/webhook/connect", "connect"),
)
_SAID = {200: "ok\n", 400: "not one of ours\n", 503: "later, please\n"}


def add_webhooks(app: QuartTrio, webhooks: Webhooks, services: Services) -> None:
    def view(rule: str, endpoint: Literal["account", "connect"]) -> None:
        async def post() -> Response:
            began = services.clock()
            try:
                body = await request.get_data(as_text=False)
                assert isinstance(body, bytes)
                status = await webhooks.take(endpoint, body, request.headers.get("Stripe-Signature"))
            except HTTPException as error:
                status = error.code or 400
            services.metrics.observe("POST", rule, status, services.clock() - began)
            return Response(_SAID.get(status, "no\n"), status, content_type="text/plain; charset=utf-8")

        app.add_url_rule(rule, f"webhook.{endpoint}", post, methods=["POST"])

    for rule, endpoint in _RULES:
        view(rule, endpoint)
