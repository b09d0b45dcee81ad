"""The payment provider's webhooks between their acknowledgement and their effect, for the platform's operator.

They come to the installation, not to a tenant: whose they are is found out by what they are about.
"""

from datetime import datetime
from typing import Literal

import msgspec

from actors.ports import PspInbox, WaitingPspEvent
from gateways.web import identity
from gateways.web.call import Call
from gateways.web.problems import Problem
from gateways.web.table import LIMIT, Query, Route, Scope

TAG = "Payments"


class WebhookView(msgspec.Struct, frozen=True):
    """`subject`: ids of what changed, and nothing else of the event is kept. `error`: why the last attempt failed."""

    id: str
    type: str
    state: str
    endpoint: str
    account: str | None
    platform: str
    attempt: int
    received_at: datetime
    created: datetime
    subject: dict[str, str]
    error: str | None


class Webhooks(msgspec.Struct, frozen=True):
    """`items`: the oldest first, `limit` of them; `waiting` and `parked`: how many there are in all."""

    items: list[WebhookView]
    waiting: int
    parked: int


class Unparked(msgspec.Struct, frozen=True):
    id: str
    state: str = "waiting"


def _view(line: WaitingPspEvent) -> WebhookView:
    event = line.event
    return WebhookView(
        event.id, event.type, line.state, event.endpoint, event.account, event.platform, line.attempt, line.received_at,
        event.created, event.subject, line.error,
    )  # fmt: skip


def _inbox(call: Call) -> PspInbox:
    if call.env.psp_inbox is None:
        raise Problem("not-found", "this node takes no webhooks of a payment provider")
    return call.env.psp_inbox


async def list_webhooks(call: Call) -> Webhooks:
    inbox = _inbox(call)
    lines = await inbox.listed(call.query["state"], call.query["limit"])
    return Webhooks([_view(line) for line in lines], **await inbox.counts())


async def retry_webhook(call: Call) -> Unparked:
    if not await _inbox(call).unpark(call.path["webhook"]):
        raise Problem("not-found", f"there is no parked webhook {call.path['webhook']!r}")
    return Unparked(call.path["webhook"])


ROUTES = (
    Route(
        method="GET", path="/api/v1/webhooks", handler=list_webhooks, tag=TAG, scope=Scope.PLATFORM,
        summary="Webhooks of the payment provider, by what became of them",
        description="One that failed for too long is parked: it waits for an operator, and `csms audit` names it.",
        query=(
            Query("state", Literal["waiting", "parked", "done"], "Only in this state", "parked"),
            LIMIT,
        ),
        answer=Webhooks,
    ),
    Route(
        method="POST", path="/api/v1/webhooks/{webhook}/retry", handler=retry_webhook, tag=TAG, scope=Scope.PLATFORM,
        right=identity.WRITE, summary="Try a parked webhook again", answer=Unparked,
    ),
)  # fmt: skip
