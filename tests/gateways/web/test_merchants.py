"""Merchants through the admin API."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from actors.model import psp
from gateways.web.oauth_state import FlowState, hash_of, new_state, read_state
from runtime.store import OutboxItem
from tests.gateways.web.rig import Rig, running

T = "/api/v1/tenants/acme"
BODY: dict[str, Any] = {"seller": {"name": "Owner GmbH", "country": "DE"}, "commission_percent": "5"}


async def test_a_merchant_is_created_changed_read_and_listed() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        created = await acme.put(f"{T}/merchants/m1", json=BODY)
        assert created.status_code == 201, created.text
        view = created.json()
        assert (view["id"], view["open"], view["onboarding"], view["account"]) == ("m1", False, "none", None)
        shared = {**BODY, "partners": [{"partner": "host", "percent": "30"}]}
        wrong = await acme.put(f"{T}/merchants/m1", json=shared)
        assert wrong.json()["errors"][0]["pointer"] == "/partners/0/partner"
        await acme.put(f"{T}/merchants/host", json=BODY)
        changed = await acme.put(f"{T}/merchants/m1", json=shared)
        assert (changed.status_code, changed.json()["partners"]) == (200, shared["partners"])
        assert (await acme.get(f"{T}/merchants/m1")).json() == changed.json()
        assert [item["id"] for item in (await acme.get(f"{T}/merchants")).json()["items"]] == ["host", "m1"]
        assert (await acme.get(f"{T}/merchants/nobody")).status_code == 404
        assert (await acme.put(f"{T}/merchants/No Body", json=BODY)).status_code == 400


async def test_terms_that_cannot_be_kept_name_their_field() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        wrong = await acme.put(f"{T}/merchants/m1", json={**BODY, "commission_percent": "101"})
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/commission_percent")
        for name in ("terms_url", "privacy_url", "public_key_url"):
            link = {**BODY, "seller": {**BODY["seller"], name: "javascript:alert(1)"}}
            assert (await acme.put(f"{T}/merchants/m1", json=link)).status_code == 400, "a driver's browser opens it"
        wrong = await acme.put(f"{T}/merchants/brand", json={**BODY, "account": "acct_1"})
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/account")


async def test_a_station_names_a_merchant_that_there_is() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        wrong = await acme.put(f"{T}/stations/CP-1", json={"merchant": "m1"})
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "/merchant")
        await acme.put(f"{T}/merchants/m1", json=BODY)
        assert (await acme.put(f"{T}/stations/CP-1", json={"merchant": "m1"})).json()["merchant"] == "m1"
        card = rig.cards.station("acme", "CP-1")
        assert card is not None
        assert card.merchant == "m1"


ACCOUNT = psp.AccountSeen("acct_1", country="DE", due=("external_account",))
READY = psp.AccountSeen("acct_1", True, True, True, "active", "DE", "EUR")


def provider(rig: Rig, answer: Callable[[Any], Any]) -> list[Any]:
    """Answers what goes out to the payment provider; the calls so far."""
    calls: list[Any] = []

    async def handle(item: OutboxItem) -> Any:
        call = msgspec.json.decode(item.effect.body, type=psp.AnyCall)
        calls.append(call)
        return psp.PspAnswer(item.effect.id, call, answer(call))

    rig.system.outbox.handle(psp.TOPIC, handle)
    return calls


async def test_an_account_is_made_and_its_holder_s_page_is_the_answer() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await acme.put(f"{T}/merchants/m1", json=BODY)
        calls = provider(
            rig, lambda call: ACCOUNT if isinstance(call, psp.OpenAccount) else psp.LinkSeen("https://connect.test/x")
        )
        answer = await acme.post(f"{T}/merchants/m1/onboarding", json={"return_url": "https://shop.test/back"})
        assert answer.json() == {"method": "account_link", "url": "https://connect.test/x", "account": "acct_1"}, answer.text
        assert (calls[0].country, calls[1].return_url) == ("DE", "https://shop.test/back")
        merchant = (await acme.get(f"{T}/merchants/m1")).json()
        assert (merchant["onboarding"], merchant["due"], merchant["open"]) == ("pending", ["external_account"], False)
        assert (await acme.post(f"{T}/merchants/nobody/onboarding", json={"return_url": "https://x.test"})).status_code == 404
        wrong = await acme.post(f"{T}/merchants/m1/onboarding", json={"return_url": "javascript:alert(1)"})
        assert wrong.status_code == 400


async def test_oauth_ends_where_the_operator_said_and_its_state_is_good_once() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await acme.put(f"{T}/merchants/m1", json=BODY)
        calls = provider(rig, lambda call: READY)
        begun = await acme.post(
            f"{T}/merchants/m1/onboarding", json={"method": "oauth", "return_url": "https://shop.test/back?a=1"}
        )
        url = urlsplit(begun.json()["url"])
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        assert f"{url.scheme}://{url.netloc}{url.path}" == "https://connect.test/oauth/authorize"
        assert (asked["client_id"], asked["scope"], asked["response_type"]) == ("ca_1", "read_write", "code")
        assert asked["redirect_uri"] == "http://test/api/v1/stripe/oauth/callback"
        back = await rig.anyone.get("/api/v1/stripe/oauth/callback", params={"state": asked["state"], "code": "ac_1"})
        assert (back.status_code, back.headers["Location"]) == (
            303, "https://shop.test/back?a=1&merchant=m1&onboarding=connected",
        )  # fmt: skip
        assert isinstance(calls[0], psp.ConnectAccount)
        merchant = (await acme.get(f"{T}/merchants/m1")).json()
        assert (merchant["account"], merchant["open"]) == ("acct_1", True)
        again = await rig.anyone.get("/api/v1/stripe/oauth/callback", params={"state": asked["state"], "code": "ac_2"})
        assert "onboarding=failed" in again.headers["Location"]
        assert [call.code for call in calls if isinstance(call, psp.ConnectAccount)] == ["ac_1"]


async def test_a_state_that_nobody_gave_out_reaches_no_merchant() -> None:
    async with running() as rig:
        await rig.tenant()
        flow = FlowState("acme", "m1", "op", "https://evil.test", b"n" * 16)
        for state in ("", "x", "!!", new_state(bytes(32), flow)):
            answer = await rig.anyone.get("/api/v1/stripe/oauth/callback", params={"state": state, "code": "ac_1"})
            assert (answer.status_code, "Location" in answer.headers) == (400, False)


def test_a_state_says_what_it_was_made_of_and_its_hash_does_not_lead_back() -> None:
    flow = FlowState("acme", "m1", "op", "https://shop.test", b"n" * 16)
    state = new_state(bytes(32), flow)
    assert read_state(bytes(32), state) == flow
    assert read_state(bytes(31) + b"x", state) is None
    assert read_state(bytes(32), state[:-1] + ("A" if state[-1] != "A" else "B")) is None
    assert (len(hash_of(state)), hash_of(state) in state) == (64, False)


async def test_a_holder_who_says_no_is_sent_back() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await acme.put(f"{T}/merchants/m1", json=BODY)
        begun = await acme.post(f"{T}/merchants/m1/onboarding", json={"method": "oauth", "return_url": "https://shop.test"})
        state = parse_qs(urlsplit(begun.json()["url"]).query)["state"][0]
        back = await rig.anyone.get("/api/v1/stripe/oauth/callback", params={"state": state, "error": "access_denied"})
        assert back.headers["Location"] == "https://shop.test?merchant=m1&onboarding=refused"


async def test_an_account_is_let_go() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await acme.put(f"{T}/merchants/m1", json={**BODY, "account": "acct_1"})
        provider(rig, lambda call: READY if isinstance(call, psp.FetchAccount) else psp.AccountSeen("acct_1", connected=False))
        gone = await acme.post(f"{T}/merchants/m1/disconnect", json={"reason": "sold"})
        assert (gone.status_code, gone.json()["onboarding"], gone.json()["account"]) == (200, "disconnected", None), gone.text
        assert (await acme.post(f"{T}/merchants/m1/disconnect", json={"reason": "sold"})).status_code == 409
