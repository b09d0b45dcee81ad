"""Whose address counts behind a reverse proxy, and behind one that nobody named."""

from typing import Any

import pytest

from gateways.web import limits
from gateways.web.proxies import TrustedProxies
from tests.gateways.web.rig import running

PROXY = "10.0.0.7"


def through(*headers: tuple[str, str], peer: str = PROXY, trusted: tuple[str, ...] = ("10.0.0.0/24",)) -> tuple[str, str]:
    scope: dict[str, Any] = {
        "client": (peer, 4711), "scheme": "http",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }  # fmt: skip
    seen = TrustedProxies(trusted).seen_through(scope)
    return seen["client"][0], seen["scheme"]


def test_a_trusted_proxy_is_believed_whom_it_names_and_how_they_came() -> None:
    said = (("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "https"))
    assert through(*said) == ("203.0.113.9", "https")


def test_anybody_else_is_not() -> None:
    said = (("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "https"))
    assert through(*said, peer="198.51.100.1") == ("198.51.100.1", "http")
    assert through(*said, trusted=()) == (PROXY, "http")


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (["1.1.1.1, 203.0.113.9"], "203.0.113.9"),  # what a client made up stands further left
        (["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9, 10.0.0.8"], "203.0.113.9"),  # through two proxies of ours
        (["10.0.0.9, 10.0.0.8"], "10.0.0.9"),
        (["203.0.113.9:5000"], "203.0.113.9"),
        (["[2001:db8::1]:5000"], "2001:db8::1"),
        (["2001:db8::1"], "2001:db8::1"),
        (["unknown"], PROXY),
        (["203.0.113.9, nonsense, 10.0.0.8"], "10.0.0.8"),
        ([""], PROXY),
        ([", ".join(["10.0.0.8"] * 5_000)], "10.0.0.8"),
    ],
)
def test_the_nearest_address_that_is_no_proxy_of_ours_is_the_client(lines: list[str], address: str) -> None:
    assert through(*(("x-forwarded-for", line) for line in lines))[0] == address


def test_a_proxy_seen_through_ipv6_is_the_same_proxy() -> None:
    assert through(("x-forwarded-for", "203.0.113.9"), peer="::ffff:10.0.0.7")[0] == "203.0.113.9"


def test_a_network_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="10.0.0/x"):
        TrustedProxies(["10.0.0/x"])


async def test_who_guesses_tokens_behind_a_proxy_shuts_nobody_else_out() -> None:
    async with running() as rig:
        rig.app.proxies = TrustedProxies(["127.0.0.0/8"])
        guesser = rig.client("guess")

        async def knock(address: str) -> int:
            return (await guesser.get("/api/v1/tenants", headers={"X-Forwarded-For": address})).status_code

        statuses = [await knock("203.0.113.9") for _ in range(limits.AUTH_FAILURES + 1)]
        assert statuses == [401] * limits.AUTH_FAILURES + [429]
        assert await knock("203.0.113.10") == 401
