"""Who looks: a bearer token becomes a signed, HttpOnly, SameSite=Strict cookie, and every form carries a CSRF token.

The cookie holds the token's id, never the token, and the id is looked up on every visit: a revoked token ends its
sessions within seconds. `Visits.guard` is the console's choke point, as dispatch.authorise is the API's.
"""

import functools
import hmac
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog
from quart import Response, redirect, render_template, request, session
from werkzeug.exceptions import HTTPException

from gateways.web import identity
from gateways.web.call import audit, fault
from gateways.web.console.language import LANGUAGES, Words, preferred
from gateways.web.dispatch import Dispatcher
from gateways.web.env import WebEnv
from gateways.web.identity import Principal
from gateways.web.problems import Problem, of_http
from runtime.address import Address
from runtime.errors import ActorError
from runtime.store import StoreAway

LOGIN = "/console/login"
_log = structlog.get_logger("web.console")


class Visit(msgspec.Struct, frozen=True):
    """An admitted visitor. `tenant` None: the platform owner, who sees the node as well."""

    env: WebEnv
    services: Any
    principal: Principal
    csrf: str
    t: Words
    """Says what the page says in the visitor's language."""

    @property
    def tenant(self) -> str | None:
        return self.principal.tenant

    @property
    def may_write(self) -> bool:
        return self.principal.may(identity.WRITE)

    def address(self, text: str) -> Address:
        """An address the visitor may see. Raises Problem `not-found` otherwise, and says so in the audit log."""
        try:
            address = Address.parse(text)
        except ValueError as error:
            raise Problem("not-found", str(error)) from None
        if not self.principal.reaches(address.tenant):
            self.audit("console.refused", str(address), refused="another tenant")
            raise Problem("not-found", f"{address} is not active on this node")
        return address

    def audit(self, action: str, subject: str, **detail: Any) -> None:
        audit(self.env, self.principal, self.principal.tenant, action, subject, detail)


def words() -> Words:
    """Of the request at hand."""
    return preferred(session.get("language"), request.headers.get("Accept-Language", ""))


def _clear_but_language() -> None:
    chosen = session.get("language")
    session.clear()
    if chosen is not None:
        session["language"] = chosen


Page = Callable[..., Awaitable[Any]]


class Visits:
    def __init__(self, env: WebEnv, services: Any, dispatcher: Dispatcher) -> None:
        self._env = env
        self._services = services
        self._dispatcher = dispatcher

    def guard(self, page: Page, right: str = identity.READ) -> Page:
        """`page(visit)` for visitors with the right; everyone else signs in first, or is told why not."""

        @functools.wraps(page)
        async def guarded(**path: str) -> Any:
            try:
                principal = await self._principal()
                if principal is None:
                    return redirect(LOGIN)
                visit = Visit(self._env, self._services, principal, session.get("csrf", ""), words())
                if request.method == "POST":
                    await self._check_csrf()
                if not principal.may(right):
                    visit.audit("console.refused", request.path, refused="missing right")
                    raise Problem("forbidden", f"your role {principal.role!r} may not do this")
                return await page(visit, **path)
            except Problem as problem:
                return await self._error(problem)
            except (ActorError, StoreAway) as error:
                return await self._error(fault(error))
            except HTTPException as error:
                return await self._error(of_http(error))
            except Exception:
                _log.exception("console page failed", path=request.path)
                return await self._error(Problem("internal-error", "the log has it"))

        return guarded

    async def login(self) -> Any:
        """GET shows the form, POST takes the token."""
        if request.method == "GET":
            session["csrf"] = session.get("csrf") or secrets.token_urlsafe(24)
            return await self._login_page()
        try:
            await self._check_csrf()
            form = await request.form
            principal = await self._dispatcher.recognise(form.get("token", "").strip(), request.remote_addr or "")
        except Problem as problem:
            return await self._login_page(problem)
        except StoreAway as error:
            return await self._login_page(fault(error))
        _clear_but_language()
        session.permanent = True
        session["id"] = principal.id
        session["csrf"] = secrets.token_urlsafe(24)
        audit(self._env, principal, principal.tenant, "console.login", principal.id, {})
        return redirect("/console", 303)

    async def logout(self, visit: Visit) -> Any:
        visit.audit("console.logout", visit.principal.id)
        _clear_but_language()
        return redirect(LOGIN, 303)

    async def language(self, code: str) -> Any:
        """Another language for this browser, signed in or not; back to the page one came from."""
        if code in LANGUAGES:
            session["language"] = code
        back = request.args.get("back", "")
        return redirect(back if back.startswith("/console") and "\\" not in back else "/console", 303)

    async def _principal(self) -> Principal | None:
        token_id = session.get("id")
        return await self._services.identities.by_id(token_id) if isinstance(token_id, str) else None

    async def _check_csrf(self) -> None:
        form = await request.form
        sent, wanted = form.get("csrf", ""), session.get("csrf", "")
        if not wanted or not hmac.compare_digest(sent.encode(), wanted.encode()):
            raise Problem("forbidden", "this form is stale: go back, reload the page and try again")

    async def _login_page(self, problem: Problem | None = None) -> Response:
        html = await render_template("console/login.html", problem=problem, csrf=session.get("csrf", ""), t=words())
        return Response(html, problem.status if problem else 200, content_type="text/html; charset=utf-8")

    async def _error(self, problem: Problem) -> Response:
        html = await render_template("console/error.html", problem=problem, visit=None, t=words())
        return Response(html, problem.status, content_type="text/html; charset=utf-8")
