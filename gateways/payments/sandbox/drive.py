"""A person at the hosted pages, without a browser: follows forms and redirects as one would, by HTTP alone."""

import re
import ssl
from html import unescape
from urllib.parse import urljoin

import httpx
import msgspec

from gateways.payments.sandbox.cards import BY_NAME
from gateways.payments.sandbox.errors import Obj

TIMEOUT = 120.0
"""Seconds; a person at a slow machine is patient."""


_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody: the sandbox is plain HTTP, and reading the machine's certificates for each visit takes longer than the visit."""


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=TIMEOUT, trust_env=False, verify=_NO_TLS)


class Outcome(msgspec.Struct, frozen=True):
    """`url`: where the browser ends, e.g. the success page (which is not fetched). `error`: what the page says instead."""

    url: str | None = None
    error: str | None = None

    @property
    def paid(self) -> bool:
        return self.url is not None


class Driver:
    """`url`: of the sandbox."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def pay(
        self, checkout_url: str, card: str = "frictionless", *, challenge: bool = True, email: str = "driver@example.org"
    ) -> Outcome:
        """Pay a Checkout page. `card`: a name or number of `cards.py`; `challenge`: whether the authentication is completed."""
        known = BY_NAME.get(card)
        if known is not None and known.wallet is not None:
            form = {"wallet": known.name, "email": email}
        else:
            number = known.number if known is not None else card
            form = {"card": number, "expiry": "12/34", "cvc": "123", "email": email}
        async with _client() as client:
            answer = await client.get(checkout_url)
            if answer.status_code != 200:
                return Outcome(error=_said(answer))
            answer = await client.post(checkout_url, data=form)
            while answer.status_code == 303:
                to = urljoin(checkout_url, answer.headers["Location"])
                if "/c/challenge/" not in to:
                    return Outcome(url=to)
                await client.get(to)
                answer = await client.post(to, data={"answer": "complete" if challenge else "fail"})
            return Outcome(error=_said(answer))

    async def onboard(self, link_url: str, *, complete: bool = True) -> Outcome:
        """Fill in an account link's page; the outcome is the return_url, or the refresh_url of a link that is too old."""
        return await self._post(link_url, {"answer": "complete" if complete else "later"})

    async def connect(self, authorize_url: str, *, account: str = "", country: str = "DE", agree: bool = True) -> Outcome:
        """Agree on the OAuth page; the outcome is the redirect_uri with `code` and `state`."""
        return await self._post(authorize_url, {"answer": "connect" if agree else "deny", "account": account, "country": country})

    async def control(self, name: str, **given: object) -> Obj:
        """POST to the control API: `control("clock", advance=3600)`."""
        return await self._json("POST", name, given)

    async def look(self, name: str) -> Obj:
        """GET of the control API: `look("money")`, `look("calls?path=/v1/refunds")`."""
        return await self._json("GET", name, None)

    async def _json(self, method: str, name: str, given: object) -> Obj:
        async with _client() as client:
            answer = await client.request(method, f"{self.url}/_control/{name}", json=given)
            if answer.status_code != 200:
                raise RuntimeError(f"{name}: {answer.text}")
            return msgspec.json.decode(answer.content, type=Obj)

    async def _post(self, url: str, form: dict[str, str]) -> Outcome:
        async with _client() as client:
            await client.get(url)
            answer = await client.post(url, data=form)
            return Outcome(url=answer.headers["Location"]) if answer.status_code == 303 else Outcome(error=_said(answer))


def _said(answer: httpx.Response) -> str:
    """What the page tells: its alert, or else its first paragraph that is not the banner."""
    alert = re.search(r'role="alert">(.*?)</p>', answer.text, re.DOTALL) or re.search(
        r"</h1><p>(.*?)</p>", answer.text, re.DOTALL
    )
    return unescape(alert[1]) if alert else f"HTTP {answer.status_code}"
