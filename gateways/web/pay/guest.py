"""Who comes to the pay pages: anybody, without a name. `Guests.guard` is their choke point: the tenant, the language, how often
one address and one code may ask, and what an error looks like. No path of these pages is ever logged: it may hold a token.
"""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

import msgspec
import structlog
import trio
from quart import Response, render_template, request
from werkzeug.exceptions import HTTPException

from actors.model.decision import AddressKey, Refused
from actors.ports import TenantCard
from gateways.web import limits
from gateways.web.call import fault
from gateways.web.console.language import LANGUAGES, language_of
from gateways.web.env import WebEnv
from gateways.web.identity import Throttle
from gateways.web.pay.bell import Bell
from gateways.web.pay.language import PayWords
from gateways.web.pay.token import Tokens
from gateways.web.problems import Problem, of_http
from gateways.web.proxies import read_address
from runtime.errors import ActorError
from runtime.store import StoreAway

HEADERS = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow", "Vary": "Accept-Language"}
"""A token must not travel to the next site in a Referer, nor be found by a search engine."""
_log = structlog.get_logger("web.pay")

Page = Callable[..., Awaitable[Response]]


class Pay(msgspec.Struct, frozen=True):
    """What the surface keeps, one each per app. `opening`: attempts whose page is being asked for."""

    env: WebEnv
    services: Any
    tokens: Tokens
    bell: Bell
    views: Throttle
    views_of_code: Throttle
    orders: Throttle
    orders_of_code: Throttle
    opens: Throttle
    opens_of_code: Throttle
    streams: Any
    """Open live pages (services.Streams)."""
    origins: tuple[str, ...]
    """Of the payment provider's pages."""
    opening: dict[str, trio.Event] = {}

    @asynccontextmanager
    async def once(self, attempt: str) -> AsyncIterator[bool]:
        """True for the first who asks for the page of an attempt; who comes meanwhile waits until that is over."""
        under_way = self.opening.get(attempt)
        if under_way is not None:
            await under_way.wait()
            yield False
            return
        over = self.opening[attempt] = trio.Event()
        try:
            yield True
        finally:
            del self.opening[attempt]
            over.set()


class Guest(msgspec.Struct, frozen=True):
    """`language`: the one that was chosen by `?lang=`, which links carry on; `stopping`: the page of a stop that was asked for.
    A stream outlives its request, so nothing here looks at it again."""

    pay: Pay
    tenant: TenantCard
    t: PayWords
    language: str | None = None
    stopping: bool = False
    base: str = ""

    @property
    def env(self) -> WebEnv:
        return self.pay.env

    @property
    def now(self) -> datetime:
        return self.pay.env.now()

    def link(self, path: str) -> str:
        """A path of ours under this tenant, in the language that was chosen."""
        query = ("&" if "?" in path else "?") + f"lang={self.language}" if self.language else ""
        return f"/pay/{self.tenant.tenant}/{path}{query}"

    def absolute(self, path: str) -> str:
        return (self.env.settings.public_url or self.base) + self.link(path)

    async def ask(self, to: AddressKey, message: Any, deadline: float) -> Any:
        """The reply, Refused included. Raises the runtime's errors."""
        return await self.env.system.ask(to, message, deadline=deadline)

    async def page(self, template: str, status: int = 200, **values: Any) -> Response:
        html = await render_template(f"pay/{template}.html", guest=self, t=self.t, languages=LANGUAGES, **values)
        return Response(html, status, HEADERS, content_type="text/html; charset=utf-8")

    async def trouble(self, title: str, text: str, status: int, *, back: str = "", retry: int | None = None) -> Response:
        response = await self.page("trouble", status, title=title, text=text, back=back)
        if retry is not None:
            response.headers["Retry-After"] = str(retry)
        return response


class Guests:
    def __init__(self, pay: Pay) -> None:
        self._pay = pay

    def guard(self, page: Page) -> Page:
        """`page(guest, ...)` for a tenant that exists."""

        @functools.wraps(page)
        async def guarded(tenant: str, **path: str) -> Response:
            started = self._pay.services.clock()
            response = await self._answer(page, tenant, path)
            taken = self._pay.services.clock() - started
            self._pay.services.metrics.observe(request.method, f"pay {page.__name__}", response.status_code, taken)
            return response

        return guarded

    async def _answer(self, page: Page, tenant: str, path: dict[str, str]) -> Response:
        chosen = request.args.get("lang")
        t = PayWords(language_of(chosen, request.headers.get("Accept-Language", "")))
        card = self._pay.env.snapshots.tenant(tenant)
        guest = Guest(
            self._pay, card or _nobody(tenant), t, chosen if chosen in LANGUAGES else None, "stopping" in request.args,
            request.host_url.rstrip("/"),
        )  # fmt: skip
        try:
            wait = self._wait(tenant, path)
            if wait is not None:
                return await guest.trouble("Too many requests", "Please wait a moment and try again.", 429, retry=wait)
            if request.method == "POST" and not _same_site(self._pay.env.settings.public_url):
                return await guest.trouble("This form came from elsewhere", "Please begin at the code on the station.", 403)
            if card is None:
                return await unknown(guest)
            return await page(guest, **path)
        except (ActorError, StoreAway) as error:
            problem = fault(error)
            if problem.status >= 500 and problem.slug == "internal-error":
                _log.error("pay page failed", page=page.__name__, error=str(error))
            return await away(guest)
        except HTTPException as error:
            problem = of_http(error)
            return await guest.trouble("This did not work", "Please go back and try again.", problem.status)
        except Problem as problem:
            return await guest.trouble("This did not work", problem.detail, problem.status)
        except Exception:
            _log.exception("pay page failed", page=page.__name__)
            return await guest.trouble("Something broke here", "Nothing was charged by this. Please try again.", 500)

    def _wait(self, tenant: str, path: dict[str, str]) -> int | None:
        """Seconds until this address, or anybody for this code, may ask again."""
        pay, now = self._pay, self._pay.services.clock()
        by_address, by_code = (pay.orders, pay.orders_of_code) if request.method == "POST" else (pay.views, pay.views_of_code)
        code = f"{tenant}/{path.get('code') or path.get('token', '')[:25]}"[: limits.PAY_KEY_CHARS]
        return _counted(((by_address, network_of(request.remote_addr)), (by_code, code)), now)


def _counted(keys: Sequence[tuple[Throttle, str]], now: float) -> int | None:
    """Seconds to wait where any of them is used up; else it is counted with all."""
    for throttle, key in keys:
        wait = throttle.retry_after(key, now)
        if wait is not None:
            return wait
    for throttle, key in keys:
        throttle.failed(key, now)
    return None


def may_open(guest: Guest, code: str) -> int | None:
    """A payment is about to begin: None, or the seconds until this network, or anybody at this EVSE, may begin another one."""
    pay = guest.pay
    keys = ((pay.opens, network_of(request.remote_addr)), (pay.opens_of_code, f"{guest.tenant.tenant}/{code}"))
    return _counted(keys, pay.services.clock())


def network_of(address: str | None) -> str:
    """Whom an address belongs to, as far as it shows: whoever has IPv6 has 2**64 addresses, all in one /64."""
    known = read_address(address or "")
    if known is None:
        return address or ""
    return str(known) if known.version == 4 else str(ip_network((known, 64), strict=False))


def _nobody(tenant: str) -> TenantCard:
    return TenantCard(tenant, "EUR", "", "UTC", "refuse")


def _same_site(public_url: str | None) -> bool:
    """Browsers say where a form came from. What says nothing carries no cookie of ours either: there is none to misuse."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    ours = {request.host, urlsplit(public_url or "").netloc} - {""}  # `Origin: null` has no host either
    return origin is None or urlsplit(origin).netloc in ours


async def unknown(guest: Guest) -> Response:
    text = "Please compare the address with the code that is printed on the charging station."
    return await guest.trouble("We do not know this code", text, 404)


async def away(guest: Guest) -> Response:
    text = "Our database does not answer at the moment. Nothing is lost: please load this page again in a few seconds."
    return await guest.trouble("Please try again in a moment", text, 503, retry=5)


def refused(reply: Any) -> str | None:
    """The code of a refusal."""
    return reply.code if isinstance(reply, Refused) else None
