"""The driver's way in a real browser under hard conditions: on a slow mobile network, and with a screen reader, whose view of a
page is the browser's accessibility tree."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.gateways.web.pay.street import Browser, drive, high_street
from tests.kits.browser import needs_chromium

pytestmark = [pytest.mark.postgres, pytest.mark.browser, pytest.mark.slow, needs_chromium]
FRICTIONLESS = "4000000000003055"
SLOW_3G = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
"""400 ms each way there and back, 400 kbit/s."""
SCAN_TO_CHARGING = 60.0
"""Seconds, the bank's question apart (MONEY 7, item 17)."""
NAMED = frozenset(("button", "link", "checkbox", "textbox", "heading", "region", "status", "table", "list"))
MUST_BE_NAMED = frozenset(("button", "link", "checkbox", "textbox", "heading"))
BUTTON = {"en-GB": "Order with obligation to pay", "de-DE": "Zahlungspflichtig bestellen"}
IN_ORDER = {
    "en-GB": ("per kWh", "per minute", "are held on your card", "within 14 days"),
    "de-DE": ("je kWh", "je Minute", "werden auf Ihrer Karte vorgemerkt", "binnen 14 Tagen"),
}


async def test_on_slow_3g_it_takes_less_than_a_minute_from_scan_to_charging(fresh_dsn: str, tmp_path: Path) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:
        took: list[float] = []

        def act(browser: Browser) -> None:
            wire = browser.page.context.new_cdp_session(browser.page)
            wire.send("Network.enable")
            wire.send("Network.emulateNetworkConditions", SLOW_3G)
            begun = time.monotonic()
            browser.page.goto(street.url)
            browser.page.get_by_role("button", name=BUTTON["en-GB"]).wait_for()
            took.append(time.monotonic() - begun)
            browser.order(street.url)
            browser.pay(FRICTIONLESS)
            browser.see("Charging")
            took.append(time.monotonic() - begun)

        assert await drive(act) == []
        assert took[0] >= SLOW_3G["latency"] / 1000, "the network really is slow"
        assert took[1] < SCAN_TO_CHARGING, took


def heard(page: Any) -> list[tuple[str, str]]:
    """(role, name) of all that a screen reader reads, in its order."""
    wire = page.context.new_cdp_session(page)
    nodes = {node["nodeId"]: node for node in wire.send("Accessibility.getFullAXTree")["nodes"]}
    found: list[tuple[str, str]] = []

    def read(node: dict[str, Any]) -> None:
        if not node.get("ignored"):
            found.append((node["role"]["value"], str(node.get("name", {}).get("value", "")).replace("\u00a0", " ").strip()))
        for child in node.get("childIds", ()):
            if child in nodes:
                read(nodes[child])

    read(next(node for node in nodes.values() if "parentId" not in node))
    return found


def readable(said: list[tuple[str, str]]) -> None:
    """What every page owes somebody who cannot see it."""
    roles = [role for role, _ in said]
    assert said[0][0] == "RootWebArea"
    assert said[0][1], "a page has a title"
    assert roles.count("main") == 1
    assert [pair for pair in said if pair[0] in MUST_BE_NAMED and not pair[1]] == []
    assert "image" not in roles or all(name for role, name in said if role == "image")


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
async def test_a_screen_reader_hears_the_whole_offer_before_the_button(fresh_dsn: str, tmp_path: Path, locale: str) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:
        titles: list[str] = []

        def act(browser: Browser) -> None:
            page = browser.page
            page.goto(street.url)
            page.get_by_role("button", name=BUTTON[locale]).wait_for()
            said = heard(page)
            readable(said)
            spoken = [name for _, name in said]
            button = said.index(("button", BUTTON[locale]))
            places = [next(n for n, name in enumerate(spoken) if part in name) for part in IN_ORDER[locale]]
            assert places == sorted(places)
            assert places[-1] < button, "everything is said before the order"
            assert said.index(("checkbox", next(name for role, name in said if role == "checkbox"))) < button
            assert page.evaluate("document.documentElement.lang") == locale[:2]
            titles.append(page.title())
            browser.order(street.url, BUTTON[locale])
            browser.pay(FRICTIONLESS)
            page.get_by_role("button", name="Stop charging" if locale == "en-GB" else "Laden beenden").wait_for()
            page.wait_for_load_state()
            charging = heard(page)
            readable(charging)
            assert "status" in [role for role, _ in charging], "an interrupted connection is announced"
            titles.append(page.title())
            browser.charge_on()
            page.get_by_role("button").first.click()
            page.get_by_role("heading", name="Receipt" if locale == "en-GB" else "Beleg", exact=True).wait_for()
            page.wait_for_load_state()
            readable(heard(page))
            titles.append(page.title())

        assert await drive(act, locale=locale) == []
        assert len(set(titles)) == 3, "what has become of it is the first thing that is read"
