"""The console in a real browser: it signs in, moves by itself, obeys its own policy, and is usable from the keyboard."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import trio

from actors.ports import TraceRow
from tests.gateways.web.rig import OWNER, Rig, serving
from tests.kits.browser import arrived, in_browser, needs_chromium

pytestmark = [pytest.mark.browser, needs_chromium]


def signed_in(url: str, act: Callable[[Any], None]) -> list[str]:
    """Runs `act(page)` on the overview, with every question answered by yes; what the browser complained about."""

    def whole(page: Any) -> None:
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(f"{url}/console")
        page.locator("#token:focus").wait_for()  # by itself, as the page is drawn
        page.keyboard.type(OWNER)
        page.keyboard.press("Enter")
        arrived(page, "/console")
        page.get_by_role("heading", name="Overview").wait_for()
        act(page)

    return in_browser(whole)


async def browse(rig: Rig, url: str, act: Callable[[Any], None]) -> None:
    acme = await rig.tenant()
    for n in (1, 2):
        assert (await acme.put(f"/api/v1/tenants/acme/stations/CS{n}", json={"evses": 2})).status_code == 201
    assert await trio.to_thread.run_sync(signed_in, url, act) == []


async def test_the_overview_and_the_tree_move_by_themselves() -> None:
    async with serving() as (rig, url):

        def act(page: Any) -> None:
            page.locator("[data-live-state]", has_text="live").wait_for()
            page.locator(".spark").first.wait_for()  # a second sample has come
            page.get_by_role("link", name="Supervision tree").click()
            arrived(page, "/console/tree")
            branch = page.locator("details", has=page.get_by_role("link", name="acme/station/CS1", exact=True)).last
            branch.locator("summary").press("Enter")
            page.get_by_role("link", name="acme/evse/CS1#1").wait_for()
            trio.from_thread.run(rig.owner.put, "/api/v1/tenants/acme/stations/CS9")
            page.get_by_role("link", name="acme/station/CS9", exact=True).wait_for()
            assert page.get_by_role("link", name="acme/evse/CS1#1").is_visible(), "an open branch stays open"

        await browse(rig, url, act)


async def test_a_station_actor_is_restarted_from_its_page_and_comes_back() -> None:
    async with serving() as (rig, url):

        def act(page: Any) -> None:
            page.goto(f"{url}/console/actor?address=acme/station/CS1")
            page.get_by_text("1, active since").wait_for()
            page.get_by_role("button", name="Restart").press("Enter")
            page.get_by_text("restart: done").wait_for()
            page.get_by_text("2, active since").wait_for()
            page.get_by_role("button", name="Stop").click()
            page.get_by_text("stop: done").wait_for()
            page.locator(".status.stopped").first.wait_for()

        await browse(rig, url, act)
        assert [row.action for row in rig.rows.audit if row.action.startswith("console.")] == [
            "console.login",
            "console.restart",
            "console.stop",
        ]


async def test_a_stations_trace_grows_while_one_looks() -> None:
    async with serving() as (rig, url):

        def act(page: Any) -> None:
            page.goto(f"{url}/console/trace?address=acme/station/CS1")
            page.get_by_text("Nothing was said yet.").wait_for()
            row = TraceRow(
                tenant="acme", station="CS1", at=datetime.now(UTC), direction="in", protocol="ocpp1.6", message_type="CALL",
                action="Heartbeat", unique_id="m-77", body='[2,"m-77","Heartbeat",{"x":"<img src=x>"}]',
            )  # fmt: skip
            trio.from_thread.run_sync(rig.sink.put, row)
            page.get_by_role("cell", name="m-77", exact=True).wait_for()
            assert page.locator("img").count() == 0

        await browse(rig, url, act)
