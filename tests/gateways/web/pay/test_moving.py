"""A driver's page in a real browser moves by itself, and goes on after what a network or a restarting node does to it."""

from typing import Any

import pytest
import trio

from tests.gateways.web.pay.kit import furnish, payment
from tests.gateways.web.pay.test_visit import PAID, A, furnished, happened
from tests.gateways.web.rig import serving
from tests.kits.browser import in_browser, needs_chromium

pytestmark = [pytest.mark.browser, needs_chromium]


async def test_a_page_whose_stream_was_refused_says_so_asks_again_and_moves_on() -> None:
    async with serving() as (rig, url):
        lot = await furnish(rig)
        path = furnished(lot, "charging", session="s0")

        def act(page: Any) -> None:
            page.clock.install()
            page.route("**/live*", lambda route: route.fulfill(status=503), times=1)  # a node that has no database yet
            page.goto(f"{url}/pay/acme/{path}")
            lost = page.get_by_text("The connection is interrupted")
            lost.wait_for()
            page.clock.fast_forward(5_000)
            lost.wait_for(state="hidden")
            rows = [payment(A, "captured", code=lot.code, **PAID), happened(A)]
            trio.from_thread.run_sync(rig.rows.write, 2, rows)
            page.get_by_role("heading", name="Receipt", exact=True).wait_for()

        (complaint,) = await trio.to_thread.run_sync(in_browser, act)
        assert "503" in complaint
