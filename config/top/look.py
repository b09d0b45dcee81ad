"""One look at a node through its admin API, and the rates between two looks.

The node tells raw counters; what happened a second is worked out here, from two answers and the node's own clock.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx
import msgspec

from config.errors import EnvironmentFault, UserError

LIST_ROWS = 500
ASK_SECONDS = 15.0


class Unreachable(Exception):
    """The node did not answer, or not with what was asked for. The text says what."""


class Look(msgspec.Struct, frozen=True):
    """`counters` as /api/v1/actors/counters says; `actors` the lines of the list, of `total` that match."""

    counters: dict[str, Any]
    actors: list[dict[str, Any]]
    total: int

    @property
    def at(self) -> datetime:
        return msgspec.convert(self.counters["at"], datetime)


class Rates(msgspec.Struct, frozen=True):
    """Per second between two looks; `handled` by the actor's address. None: there was no look before."""

    turns: float | None = None
    commits: float | None = None
    asks: float | None = None
    crashes: float | None = None
    commit_p99_ms: float | None = None
    turn_p99_ms: float | None = None
    lag_p99_ms: float | None = None
    handled: Mapping[str, float] = {}


def rates(before: Look | None, now: Look) -> Rates:
    if before is None:
        return Rates()
    elapsed = (now.at - before.at).total_seconds()
    if elapsed <= 0:
        return Rates()
    old, new = before.counters.get("counters", {}), now.counters.get("counters", {})
    handled = {line["address"]: line["handled"] for line in before.actors}
    moved = {
        line["address"]: (line["handled"] - handled[line["address"]]) / elapsed
        for line in now.actors
        if line["address"] in handled and line["handled"] >= handled[line["address"]]
    }

    def each(name: str) -> float | None:
        return (new[name] - old[name]) / elapsed if name in new and name in old else None

    return Rates(
        each("turns"), each("commits"), each("asks"), each("crashes"),
        _p99(old.get("commit_us"), new.get("commit_us")), _p99({"": old.get("turn_us")}, {"": new.get("turn_us")}),
        _p99({"": old.get("lag_us")}, {"": new.get("lag_us")}), moved,
    )  # fmt: skip


def _p99(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> float | None:
    """Milliseconds: the upper bound of the power-of-two bucket in which the 99th of 100 new values lies."""
    if not before or not now:
        return None
    new = [0] * 32
    for lane, histogram in now.items():
        old = (before.get(lane) or {}).get("log2", [0] * 32)
        for bits, count in enumerate((histogram or {}).get("log2", ())):
            new[bits] += count - old[bits]
    wanted, seen = 0.99 * sum(new), 0
    for bits, count in enumerate(new):
        seen += count
        if count and seen >= wanted:
            return ((1 << bits) - 1) / 1000
    return None


class Node:
    """The admin API of one node. Raises Unreachable, and UserError for a token that is not taken."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        headers = {"Authorization": f"Bearer {token}"}
        self._api = httpx.AsyncClient(base_url=url, headers=headers, timeout=ASK_SECONDS, trust_env=False)

    async def close(self) -> None:
        await self._api.aclose()

    async def look(self, query: Mapping[str, str]) -> Look:
        counters = await self._ask("GET", "/api/v1/actors/counters", {})
        found = await self._ask("GET", "/api/v1/actors/list", {**query, "limit": str(LIST_ROWS)})
        return Look(counters, found["items"], found["total"])

    async def actor(self, address: str) -> dict[str, Any]:
        """One actor with what waits for it in the database; `gone` when it is not active any more."""
        try:
            shown = await self._ask("GET", "/api/v1/actors/one", {"address": address})
        except LookupError as error:
            shown = {"address": address, "gone": str(error)}
        try:
            waiting = await self._ask("GET", "/api/v1/actors/waiting", {"address": address})
        except Unreachable as error:
            waiting = {"away": str(error)}
        return {**shown, "waiting": waiting}

    async def order(self, operation: str, address: str) -> str:
        """What came of it, in a few words."""
        try:
            answer = await self._ask("POST", f"/api/v1/actors/{operation}", {"address": address})
        except LookupError as error:
            return f"{operation} {address}: {error}"
        return f"{operation} {address}: {'done' if answer['done'] else 'ordered, not carried out yet'}"

    async def _ask(self, method: str, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        try:
            answer = await self._api.request(method, path, params=dict(query))
            body: dict[str, Any] = answer.json()
        except httpx.InvalidURL as error:
            raise UserError(f"--url {self.url!r}: {error}") from None
        except (httpx.HTTPError, ValueError) as error:
            raise Unreachable(f"{self.url} does not answer: {str(error) or type(error).__name__}") from None
        if answer.is_success:
            return body
        detail = body.get("detail") or body.get("title") or f"answered {answer.status_code}"
        if answer.status_code == 401:
            raise UserError(f"{self.url} does not take this token (--token, CSMS_TOKEN): {detail}")
        if answer.status_code == 403:
            raise LookupError(detail)
        if answer.status_code == 404:
            raise LookupError(detail)
        raise Unreachable(f"{self.url}: {detail}")


async def first_look(node: Node, query: Mapping[str, str]) -> Look:
    """The first one says at once when there is nobody."""
    try:
        return await node.look(query)
    except (Unreachable, LookupError) as error:
        raise EnvironmentFault(str(error)) from None
