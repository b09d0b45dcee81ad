"""Every page and order of the console in a real browser: by mouse and by keyboard, in both languages, without a script."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
import trio

from actors.model.ids import station_address
from actors.model.rows import QuirkRow
from actors.ports import TraceRow
from actors.station.messages import Look
from gateways.web import limits
from gateways.web.api.actors import inspected
from tests.gateways.web.rig import OWNER, serving
from tests.gateways.web.test_browser import browse
from tests.gateways.web.test_console import bury
from tests.kits.browser import arrived, in_browser, needs_chromium

pytestmark = [pytest.mark.browser, needs_chromium]


async def test_branches_load_when_they_are_opened_and_a_reload_keeps_them_open() -> None:
    async with serving() as (rig, url):

        def act(page: Any) -> None:
            page.goto(f"{url}/console/tree")
            page.get_by_role("link", name="acme/station/CS1", exact=True).wait_for()
            assert page.get_by_role("link", name="acme/evse/CS1#1").count() == 0, "nothing is sent that nobody opened"
            page.locator("details[data-at='acme/station/CS1'] > summary").press("Enter")
            page.get_by_role("link", name="acme/evse/CS1#2").wait_for()
            page.reload()
            page.get_by_role("link", name="acme/evse/CS1#2").wait_for()
            page.locator("details[data-at='acme/tenant/acme'] > summary").press("Enter")
            page.wait_for_url("**open=acme%2Fstation%2FCS1")

        await browse(rig, url, act)


async def test_the_list_is_sorted_and_searched_and_shows_rates_that_move() -> None:
    async with serving() as (rig, url):

        def act(page: Any) -> None:
            page.get_by_role("link", name="Actors", exact=True).click()
            arrived(page, "/console/actors")
            page.keyboard.press("/")  # leads into the search field
            page.locator("[name=q]:focus").wait_for()
            page.keyboard.type("cs1")
            page.keyboard.press("Enter")
            arrived(page, "/console/actors", "q=cs1")
            page.get_by_text("3 active", exact=True).wait_for()
            page.get_by_role("link", name="messages/s").click()
            page.locator("th[aria-sort=descending]", has_text="messages/s").wait_for()
            row = page.locator("tr", has=page.get_by_role("link", name="acme/station/CS1", exact=True))
            row.locator("td").nth(4).get_by_text("0.0", exact=True).wait_for()  # a second look makes a rate
            before = trio.from_thread.run(_handled, rig)
            for _ in range(7):
                trio.from_thread.run(_look, rig)
            after = trio.from_thread.run(_handled, rig)
            assert after >= before + 7
            row.locator("td").nth(6).get_by_text(str(after), exact=True).wait_for()
            page.get_by_role("link", name="messages/s").click()
            page.locator("th[aria-sort=ascending]", has_text="messages/s").wait_for()

        await browse(rig, url, act)


async def test_a_row_that_moves_in_the_list_keeps_the_focus() -> None:
    async with serving() as (rig, url):

        def act(page: Any) -> None:
            for _ in range(50):
                trio.from_thread.run(_look, rig, "CS1")
            page.goto(f"{url}/console/actors?kind=station&sort=handled")
            first = page.locator("tbody tr").first
            first.get_by_role("link", name="acme/station/CS1", exact=True).wait_for()
            page.get_by_role("link", name="acme/station/CS2", exact=True).focus()
            for _ in range(150):
                trio.from_thread.run(_look, rig, "CS2")
            first.get_by_role("link", name="acme/station/CS2", exact=True).wait_for()
            first.locator("a:focus").wait_for()

        await browse(rig, url, act)


async def test_no_button_that_asks_first_is_there_before_the_question_is() -> None:
    async with serving() as (rig, url):

        def act(page: Any) -> None:
            asked: list[str] = []
            page.on("dialog", lambda dialog: asked.append(dialog.message))
            held: list[Any] = []
            page.route("**/static/console.js", lambda route: held.append(route), times=1)  # a slow line
            here = f"{url}/console/actor?address=acme/station/CS1"
            with page.expect_request("**/static/console.js"), page.expect_request_finished(lambda sent: sent.url == here):
                page.goto(here, wait_until="commit")
            assert page.get_by_role("button", name="Stop").count() == 0
            held[0].continue_()
            page.get_by_role("button", name="Stop").click()
            page.get_by_text("stop: done").wait_for()
            assert len(asked) == 1

        await browse(rig, url, act)


async def test_every_order_asks_first_where_it_hurts_and_says_what_came_of_it() -> None:
    async with serving() as (rig, url):

        def act(page: Any) -> None:
            page.goto(f"{url}/console/actor?address=acme/station/CS1")
            asked: list[str] = []
            page.on("dialog", lambda dialog: asked.append(dialog.message))
            for name, status in (("Suspend", "suspended"), ("Resume", "active"), ("Checkpoint", "active"), ("Stop", "stopped")):
                page.get_by_role("button", name=name, exact=True).click()
                page.get_by_text(f"{name.lower()}: done").wait_for()
                page.locator(f".facts .status.{status}").wait_for()
            page.get_by_role("button", name="Restart").click()
            page.get_by_text("restart: done").wait_for()
            page.get_by_role("button", name="Trace for a minute").click()
            page.get_by_text("Nothing was handled since.").wait_for()
            trio.from_thread.run(_look, rig)
            page.get_by_role("cell", name="answered").first.wait_for()
            page.get_by_role("button", name="Drain").click()
            page.get_by_text("drain: done").wait_for()
            page.get_by_text("It is not active on this node").wait_for()
            assert [text.split()[1] for text in asked] == ["suspend", "stop", "drain"]

        await browse(rig, url, act)


async def _look(rig: Any, station: str = "CS1") -> None:
    await rig.system.ask(station_address("acme", station), Look(), deadline=60)


async def _handled(rig: Any) -> int:
    """Messages that the station CS1 has handled."""
    handled: int = inspected(rig.system.inspect, station_address("acme", "CS1"))["handled"]
    return handled


async def _odd(rig: Any) -> None:
    now = datetime.now(UTC)
    rig.sink.put(QuirkRow(tenant="acme", station="CS1", quirk="types", tier="repair", count=3, first_at=now, last_at=now))


async def test_waits_timers_stations_and_dead_letters_are_walked() -> None:
    async with serving() as (rig, url):

        def act(page: Any) -> None:
            page.get_by_role("link", name="Waits", exact=True).click()
            page.get_by_text("Nobody waits.").wait_for()
            page.get_by_role("link", name="Timers", exact=True).click()
            page.get_by_role("heading", name="Volatile timers").wait_for()
            page.goto(f"{url}/console/actor?address=acme/station/CS1")
            page.get_by_role("link", name="The station").click()
            page.get_by_text("None: it keeps to the standard.").wait_for()
            trio.from_thread.run(_odd, rig)
            page.reload()
            page.get_by_role("row", name="types").get_by_text("read as what it means").wait_for()
            for name in ("Device model", "Charging profiles", "Reservations", "Security events", "Certificates"):
                page.get_by_role("link", name=name, exact=True).click()
                page.locator(f"a[aria-current]:text-is('{name}')").wait_for()
            trio.from_thread.run(bury, rig)
            page.get_by_role("link", name="Dead letters").click()
            page.get_by_role("link", name="ago").click()
            page.get_by_role("button", name="Replay").click()
            page.locator(".flash.bad").wait_for()
            page.get_by_role("button", name="Discard").click()
            page.locator("h1 ~ .status.discarded").wait_for()

        await browse(rig, url, act)


async def test_a_trace_is_narrowed_saved_and_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CONSOLE_TRACE_DEFAULT", 6.0)
    async with serving() as (rig, url):
        for n, direction in enumerate(("in", "out")):
            rig.sink.put(
                TraceRow(
                    tenant="acme", station="CS1", at=datetime.now(UTC), direction=direction, protocol="ocpp2.0.1",
                    message_type="CALL", action="Heartbeat", unique_id=f"m-{n}", body="[]",
                )
            )  # fmt: skip

        def act(page: Any) -> None:
            page.goto(f"{url}/console/trace?address=acme/station/CS1")
            page.get_by_role("cell", name="m-0", exact=True).wait_for()
            page.locator("[data-live-state][data-state=over]").wait_for()
            page.get_by_label("Direction").select_option("out")
            page.get_by_role("button", name="Show").press("Enter")
            arrived(page, "/console/trace", "direction=out")
            page.get_by_role("cell", name="m-1", exact=True).wait_for()
            assert page.get_by_role("cell", name="m-0", exact=True).count() == 0
            with page.expect_download() as saved:
                page.get_by_role("link", name="Save as JSON lines").click()
            assert saved.value.suggested_filename == "trace-CS1.jsonl"

        await browse(rig, url, act)


async def test_the_console_turns_german_and_stays_so_after_signing_out() -> None:
    async with serving() as (rig, url):

        def act(page: Any) -> None:
            page.goto(f"{url}/console/tree")
            page.get_by_role("link", name="Deutsch").click()
            page.get_by_role("heading", name="Aufsichtsbaum").wait_for()
            page.locator("[data-live-state]", has_text="live").wait_for()
            page.get_by_role("button", name="Abmelden").click()
            page.get_by_role("heading", name="Anmelden").wait_for()

        await browse(rig, url, act)


async def test_without_a_script_everything_can_be_read() -> None:
    async with serving() as (rig, url):
        acme = await rig.tenant()
        await acme.put("/api/v1/tenants/acme/stations/CS1", json={"evses": 1})

        def read(page: Any) -> None:
            page.goto(f"{url}/console/login")
            page.locator("#token").fill(OWNER)
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("heading", name="Overview").wait_for()
            page.goto(f"{url}/console/tree")
            page.locator("details[data-at='acme/station/CS1'] > summary").press("Enter")
            page.get_by_role("link", name="Show what is below").click()
            page.get_by_role("link", name="acme/evse/CS1#1").click()
            page.get_by_role("heading", name="Durable timers").wait_for()

        await trio.to_thread.run_sync(partial(in_browser, read, java_script_enabled=False))


CONTRAST = """() => {
  const linear = (v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = (c) => {
    const [r, g, b] = c.match(/[\\d.]+/g).map((v) => linear(v / 255));
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const paper = (e) => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)$|transparent/.test(c)) return c;
    }
    return "rgb(255,255,255)";
  };
  const faint = [];
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.nodeValue.trim()) || !e.getClientRects().length) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(paper(e))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) faint.push(`${e.className}: ${e.textContent.trim().slice(0, 40)} ${ratio.toFixed(2)}`);
  }
  return faint;
}"""
"""Texts whose contrast is below 4.5 : 1 (WCAG 2.2, 1.4.3)."""
NAMELESS = """() => [...document.querySelectorAll("a, button, input:not([type=hidden]), select")].filter((e) =>
  !(e.textContent.trim() || e.getAttribute("aria-label") || (e.labels && e.labels.length))).map((e) => e.outerHTML)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_has_contrast_every_control_a_name_and_focus_is_seen(scheme: str) -> None:
    async with serving() as (rig, url):
        await bury(rig)

        def act(page: Any) -> None:
            page.emulate_media(color_scheme=scheme)
            for path in PAGES:
                page.goto(url + path)
                page.locator("main").wait_for()
                assert page.evaluate(CONTRAST) == [], path
                assert page.evaluate(NAMELESS) == [], path
                assert page.locator("h1").count() == 1, path
                page.keyboard.press("Tab")
                at = "document.activeElement"
                assert page.evaluate(f"() => {at}.className + getComputedStyle({at}).outlineStyle") == "skipsolid", path

        await browse(rig, url, act)


ONE = "?address=acme/station/CS1"
PAGES = (
    "/console", "/console/tree", "/console/actors", f"/console/actor{ONE}", "/console/waits", "/console/timers",
    "/console/dead-letters", "/console/dead-letters/d1", f"/console/trace{ONE}", f"/console/station{ONE}",
    f"/console/station{ONE}&view=variables",
)  # fmt: skip
