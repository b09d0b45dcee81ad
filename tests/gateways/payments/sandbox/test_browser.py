"""The hosted pages in a real browser with JavaScript switched off: pay, fail, go back, onboard, connect."""

from contextlib import suppress
from functools import partial
from typing import Any

import h11
import pytest
import trio

from tests.gateways.payments.sandbox.kit import ON, order, sandboxed
from tests.kits.browser import in_browser, needs_chromium

pytestmark = [pytest.mark.browser, needs_chromium]


async def shop(stream: trio.SocketStream) -> None:
    """The merchant's pages: whatever is asked, it says its own path. A browser that has seen enough just hangs up."""
    async with stream:
        with suppress(trio.BrokenResourceError):
            await _told(stream)


async def _told(stream: trio.SocketStream) -> None:
    wire = h11.Connection(h11.SERVER)
    while (event := wire.next_event()) is h11.NEED_DATA:
        wire.receive_data(await stream.receive_some(65536))
    if isinstance(event, h11.Request):
        body = b"<title>Shop</title><h1>" + event.target + b"</h1>"
        head = h11.Response(status_code=200, headers=[("Content-Type", "text/html"), ("Connection", "close")])
        await stream.send_all((wire.send(head) or b"") + (wire.send(h11.Data(data=body)) or b""))


async def test_a_person_pays_fails_and_goes_back_without_a_script() -> None:
    async with trio.open_nursery() as nursery, sandboxed() as (_sandbox, api):
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(partial(trio.serve_listeners, shop, listeners))
        home = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        urls = []
        for _ in range(2):
            params = order(success_url=f"{home}/done?s={{CHECKOUT_SESSION_ID}}", cancel_url=f"{home}/back")
            del params["customer_email"]
            session = await api.v1.checkout.sessions.create_async(params, ON)  # type: ignore[arg-type]
            urls.append(str(session.url))

        def act(page: Any) -> None:
            def told(text: str) -> None:
                page.get_by_role("alert").get_by_text(text).wait_for()

            def pay(card: str, email: str = "driver@example.org") -> None:
                page.get_by_label("E-mail").fill(email)
                page.get_by_label("Card number").fill(card)
                page.locator("#pay").click()

            page.goto(urls[0])
            page.get_by_role("heading", name="Reserve 50.00 EUR", exact=True).wait_for()
            pay("4000 0000 0000 3220", email="")
            told("Invalid email")  # the page asks for an address where none was given
            pay("4000 0000 0000 3220")
            page.get_by_role("button", name="Fail authentication").click()
            told("unable to authenticate")
            pay("4000000000009995")
            told("Your card has insufficient funds.")
            pay("4000 0000 0000 3220")
            page.get_by_role("button", name="Complete authentication").click()
            page.get_by_role("heading", name="/done?s=cs_test_").wait_for()
            page.goto(urls[0])
            page.get_by_role("heading", name="Paid", exact=True).wait_for()
            page.goto(urls[1])
            page.get_by_role("link", name="Back to the merchant").click()
            page.get_by_role("heading", name="/back", exact=True).wait_for()
            page.goto(urls[1])
            page.get_by_label("E-mail").fill("driver@example.org")
            page.get_by_role("button", name="Apple Pay").click()
            page.get_by_role("heading", name="/done?s=cs_test_").wait_for()

        await trio.to_thread.run_sync(partial(in_browser, act, java_script_enabled=False))
        paid = await api.v1.payment_intents.list_async({}, ON)
        assert [one.status for one in paid.data] == ["requires_capture", "requires_capture"]
        nursery.cancel_scope.cancel()


async def test_a_merchant_connects_and_onboards_in_a_browser() -> None:
    async with trio.open_nursery() as nursery, sandboxed() as (_sandbox, api):
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(partial(trio.serve_listeners, shop, listeners))
        home = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        made = await api.v1.accounts.create_async({"country": "DE"})
        link = await api.v1.account_links.create_async(
            {"account": made.id, "type": "account_onboarding", "return_url": f"{home}/back", "refresh_url": f"{home}/again"}
        )
        ask = api.oauth.authorize_url({"state": "s1", "redirect_uri": f"{home}/oauth"})

        def act(page: Any) -> None:
            page.goto(link.url)
            page.get_by_role("button", name="Submit everything").click()
            page.get_by_role("heading", name="/back", exact=True).wait_for()
            page.goto(ask)
            page.get_by_role("button", name="Connect").click()
            page.get_by_role("heading", name="/oauth?code=ac_").wait_for()

        await trio.to_thread.run_sync(partial(in_browser, act, java_script_enabled=False))
        assert (await api.v1.accounts.retrieve_async(made.id)).charges_enabled
        nursery.cancel_scope.cancel()
