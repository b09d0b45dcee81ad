"""Campaigns: the same work at many stations, in waves, with progress."""

import secrets
from datetime import datetime
from typing import Any, Literal, get_args

import msgspec

from actors.campaign import messages as m
from actors.model.campaign import ConfigurationWork
from actors.model.ids import campaign_address, digest, template_address
from actors.template.messages import Look as LookTemplate
from gateways.web import identity
from gateways.web.api.campaign_body import CampaignBody, definition_of
from gateways.web.call import Call, page_of
from gateways.web.idempotency import HEADER
from gateways.web.problems import Problem, wrong_field, wrong_parameter
from gateways.web.table import PAGED, Answer, Items, Query, Route, Scope

TAG = "Campaigns"
TargetState = Literal["waiting", "ordered", "withdrawing", "running", "retrying", "done", "failed", "cancelled"]


class CampaignSummary(msgspec.Struct, frozen=True, kw_only=True):
    """`state`: draft, scheduled, gathering (its stations are looked up), running, paused (with the `reason`, where it did so
    itself), cancelling, cancelled, ended. `wave` of `waves` from 1, 0 before the first; `counts`: stations by their state."""

    id: str
    name: str
    kind: str
    state: str
    reason: str
    created_at: datetime | None
    created_by: str
    start_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    wave: int
    waves: int
    next_wave_at: datetime | None
    total: int
    counts: dict[str, int]


class CampaignView(CampaignSummary, frozen=True, kw_only=True):
    """`definition`: as it was understood. The stations have a page of their own."""

    definition: dict[str, Any]


class CampaignStation(msgspec.Struct, frozen=True):
    """`detail`: the last that was heard. `began`: its last attempt; `since`: its state."""

    station: str
    state: TargetState
    attempt: int
    detail: str
    since: datetime | None
    began: datetime | None


async def create_campaign(call: Call) -> Answer:
    definition = definition_of(call, call.body)
    if isinstance(definition.work, ConfigurationWork):
        await _there(call, definition.work.template)
    key = call.headers.get(HEADER)  # with it, any node knows the campaign again
    id = "k" + digest(call.principal.id, call.own, key) if key else f"{call.env.now():%Y%m%d%H%M%S}-{secrets.token_hex(4)}"
    try:
        await call.ask(campaign_address(call.own, id), m.Create(definition, call.principal.who))
    except Problem as problem:
        if key is None or problem.slug != "conflict":
            raise
    view = await _look(call, id)
    return Answer(view, headers={"Location": f"/api/v1/tenants/{call.own}/campaigns/{id}"})


async def _there(call: Call, template: str) -> None:
    try:
        await call.ask(template_address(call.own, template), LookTemplate())
    except Problem as problem:
        if problem.slug != "not-found":
            raise
        raise wrong_field("/work/template", f"there is no template {template!r}") from None


async def _look(call: Call, id: str) -> CampaignView:
    return msgspec.convert(await call.ask(campaign_address(call.own, id), m.Look()), CampaignView)


async def get_campaign(call: Call) -> CampaignView:
    return await _look(call, call.path["campaign"])


async def list_campaigns(call: Call) -> Items[CampaignSummary]:
    page = await call.env.queries.book(call.own, "", "campaign", call.query["limit"], call.query["cursor"])
    return page_of(page, [msgspec.convert(row.body, CampaignSummary, strict=False) for row in page.items])


async def delete_campaign(call: Call) -> Answer:
    await call.ask(campaign_address(call.own, call.path["campaign"]), m.Delete(call.principal.who))
    return Answer()


async def list_campaign_stations(call: Call) -> Items[CampaignStation]:
    query = call.query
    asked = m.LookStations(query["limit"], query["state"], query["cursor"])
    reply = await call.ask(campaign_address(call.own, call.path["campaign"]), asked)
    if not isinstance(reply, m.StationsPage):
        raise wrong_parameter("cursor", "not one of this list")
    return Items([msgspec.convert(item, CampaignStation) for item in reply.items], reply.next)


async def control_campaign(call: Call) -> CampaignSummary:
    try:
        action: m.Action = msgspec.convert(call.path["action"], m.Action)
    except msgspec.ValidationError:
        raise wrong_parameter("action", f"one of {', '.join(get_args(m.Action))}") from None
    reply = await call.ask(campaign_address(call.own, call.path["campaign"]), m.Control(action, call.principal.who))
    return msgspec.convert(reply, CampaignSummary)


_C = "/api/v1/tenants/{tenant}/campaigns"
ROUTES = (
    Route(
        method="POST", path=_C, handler=create_campaign, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Make a campaign", description="It starts at `start_at`, or when it is told to.",
        body=CampaignBody, answer=CampaignView, status=201, problems=("conflict",),
    ),
    Route(
        method="GET", path=_C, handler=list_campaigns, tag=TAG, scope=Scope.TENANT, query=PAGED,
        summary="Campaigns and their progress", answer=Items[CampaignSummary],
    ),
    Route(
        method="GET", path=_C + "/{campaign}", handler=get_campaign, tag=TAG, scope=Scope.TENANT,
        summary="One campaign and its progress", answer=CampaignView,
    ),
    Route(
        method="DELETE", path=_C + "/{campaign}", handler=delete_campaign, tag=TAG, scope=Scope.TENANT, right=identity.WRITE,
        summary="Forget a campaign", description="Refused with 409 while it is under way: cancel it first.",
        status=204, problems=("conflict",),
    ),
    Route(
        method="GET", path=_C + "/{campaign}/stations", handler=list_campaign_stations, tag=TAG, scope=Scope.TENANT,
        summary="What became of each station, in the order of the waves",
        query=(*PAGED, Query("state", TargetState, "Only stations in this state")), answer=Items[CampaignStation],
    ),
    Route(
        method="POST", path=_C + "/{campaign}/{action}", handler=control_campaign, tag=TAG, scope=Scope.TENANT,
        right=identity.WRITE, summary="Start, pause, resume or cancel a campaign, or retry what failed",
        description="`pause`: nothing new is ordered, orders that were not sent are withdrawn, and what is under way ends. "
        "`retry`: every station that failed gets all its attempts again.",
        answer=CampaignSummary, problems=("conflict",),
    ),
)  # fmt: skip
