"""One admitted request, as a handler sees it: who asks, for which tenant, with what, and the ways to answer it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from werkzeug.datastructures import Headers

from actors.model.decision import AddressKey, Refused
from actors.model.rows import AuditRow
from actors.ports import Page, TenantCard
from gateways.web import limits
from gateways.web.env import WebEnv
from gateways.web.identity import Principal
from gateways.web.problems import FieldError, Problem, wrong_parameter
from gateways.web.table import Items
from runtime import errors
from runtime.store import StoreAway

PLATFORM_LOG = "-"
"""The tenant of audit rows that concern no tenant."""

_REFUSALS = {
    "unknown": "not-found",
    "exists": "conflict",
    "active": "conflict",
    "state": "conflict",
    "conflict": "conflict",
    "open_holds": "conflict",
    "not_captured": "conflict",
    "in_use": "conflict",
    "not_open": "conflict",
    "offline": "station-offline",
    "away": "station-offline",
    "unsupported": "not-carried",
}


class Call(msgspec.Struct, frozen=True):
    """`tenant` has passed the choke point; None only where the route is not about one tenant (the owner's view of
    everything). `query` holds every declared parameter, `body` the validated body or raw bytes."""

    env: WebEnv
    principal: Principal
    tenant: str | None
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Any
    headers: Headers
    correlation: str
    services: Any
    """What the app keeps in memory (see app.Services)."""

    @property
    def own(self) -> str:
        """The tenant, where the route has one."""
        if self.tenant is None:
            raise wrong_parameter("tenant", "say which tenant")
        return self.tenant

    @property
    def card(self) -> TenantCard:
        card = self.env.snapshots.tenant(self.own)
        if card is None:
            raise Problem("not-found", f"there is no tenant {self.own!r}")
        return card

    async def ask(self, to: AddressKey, message: Any, deadline: float = limits.ASK_SECONDS) -> Any:
        """The actor's answer; a refusal and every fault of the runtime become their problem."""
        reply = await ask(self.env, to, message, deadline, self.correlation)
        if isinstance(reply, Refused):
            raise refusal(reply)
        return reply

    def audit(self, action: str, subject: str, **detail: Any) -> None:
        audit(self.env, self.principal, self.tenant, action, subject, {**detail, "correlation": self.correlation})


async def ask(env: WebEnv, to: AddressKey, message: Any, deadline: float, correlation: str) -> Any:
    try:
        return await env.system.ask(to, message, deadline=deadline, correlation=correlation)
    except (errors.ActorError, StoreAway) as error:
        raise fault(error) from error


def fault(error: Exception) -> Problem:
    """What the runtime raised, as the problem the caller sees."""
    if isinstance(error, errors.Unavailable | StoreAway):
        return Problem("database-away", "nothing is lost; try again", retry_after=2)
    if isinstance(error, errors.DeadlineExceeded):
        return Problem("timeout", str(error))
    if isinstance(error, errors.MailboxFull):
        return Problem("overloaded", str(error), retry_after=1)
    if isinstance(error, errors.ActorStopped):
        return Problem("actor-stopped", str(error))
    if isinstance(error, errors.Poisoned):
        return Problem("actor-crashed", "it is kept as a dead letter", dead_letter=error.dead_letter)
    return Problem("actor-crashed", str(error))


def refusal(refused: Refused, pointer: str | None = None) -> Problem:
    """`pointer`: where the caller's body has the field that is named, if it calls it otherwise."""
    slug = _REFUSALS.get(refused.code, "refused")
    named = pointer or ("/" + refused.field.replace(".", "/") if refused.field else None)
    fields = [FieldError(refused.detail, pointer=named)] if named else []
    return Problem(slug, refused.detail, errors=fields)


def audit(env: WebEnv, principal: Principal, tenant: str | None, action: str, subject: str, detail: Mapping[str, Any]) -> None:
    env.sink.put(
        AuditRow(
            tenant=tenant or principal.tenant or PLATFORM_LOG,
            at=env.now(),
            who=principal.who,
            action=action,
            subject=subject,
            detail=dict(detail),
        )
    )


def page_of(page: Page, items: Sequence[Any]) -> Items[Any]:
    return Items(list(items), page.next)
