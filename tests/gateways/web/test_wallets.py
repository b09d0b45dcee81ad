"""Wallets through the admin API."""

from typing import Any

from actors.model.ids import wallet_address
from actors.wallet.messages import AskHold
from tests.actors.wallet.till import Pay, till
from tests.gateways.web.rig import Rig, running
from tests.kits.patience import PATIENCE, until

T = "/api/v1/tenants/acme"
W = f"{T}/wallets/w1"


async def _filled(rig: Rig, amount: int = 5000, **fields: Any) -> Any:
    acme = await rig.tenant()
    assert (await acme.put(W, json={"owner": "d_1"})).status_code == 201
    till(rig.system)
    await rig.system.ask(("acme", "till", "p1"), Pay(amount, **fields), deadline=PATIENCE)
    return acme


async def _until(rig: Rig, acme: Any, **wanted: Any) -> None:
    async def there() -> bool:
        view = (await acme.get(W)).json()
        return all(view[name] == value for name, value in wanted.items())

    await until(there)


async def test_a_wallet_is_opened_changed_read_and_listed() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        assert (await acme.get(W)).status_code == 404
        made = await acme.put(W, json={"owner": "d_1", "session_limit_minor": 4000})
        assert made.status_code == 201, made.text
        view = made.json()
        assert (view["state"], view["currency"], view["balance_minor"], view["owner"]) == ("open", "EUR", 0, "d_1")
        changed = await acme.put(W, json={"blocked": True})
        assert (changed.status_code, changed.json()["state"], changed.json()["session_limit_minor"]) == (200, "blocked", None)
        assert [item["id"] for item in (await acme.get(f"{T}/wallets")).json()["items"]] == ["w1"]
        assert (await acme.get(f"{T}/wallets?state=open")).json()["items"] == []
        assert (await acme.put(f"{T}/wallets/No Body")).status_code == 400
        auto = {"below_minor": 500, "amount_minor": 2000, "mandate": "v1", "agreed_at": "2026-03-01T00:00:00Z"}
        wrong = await acme.put(W, json={"auto": auto})
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/auto")


async def test_a_statement_is_read_as_json_and_as_csv() -> None:
    async with running() as rig:
        acme = await _filled(rig)
        await _until(rig, acme, balance_minor=5000)
        promo = await acme.post(f"{W}/promo", json={"id": "spring", "amount_minor": 300})
        assert promo.json()["promo_minor"] == 300
        assert (await acme.post(f"{W}/promo", json={"id": "spring", "amount_minor": 300})).json()["promo_minor"] == 300
        lines = (await acme.get(f"{W}/lines")).json()["items"]
        assert [(line["kind"], line["amount_minor"], line["balance_minor"]) for line in lines] == [
            ("promo", 300, 5000),
            ("topup", 5000, 5000),
        ]
        table = (await acme.get(f"{W}/lines.csv")).text.splitlines()
        assert table[0].startswith("id,at,kind,amount_minor")
        assert [row.split(",")[2] for row in table[1:]] == ["topup", "promo"]
        assert (await acme.get(f"{T}/wallets/none/lines")).status_code == 404


async def test_a_wallet_is_closed_once_nothing_runs_and_the_rest_paid_out() -> None:
    async with running() as rig:
        acme = await _filled(rig)
        await _until(rig, acme, balance_minor=5000)
        await rig.system.ask(wallet_address("acme", "w1"), AskHold("tok", "CP-1"), deadline=PATIENCE)
        busy = await acme.post(f"{W}/close", json={"reason": "moved"})
        assert (busy.status_code, busy.json()["type"]) == (409, "urn:voltroupe:problem:conflict")


async def test_a_top_up_needs_a_wallet_and_answers_why_not_without_a_payment_provider() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        body = {"amount_minor": 2000, "return_url": "https://app.test/back", "cancel_url": "https://app.test/no", "id": "t1"}
        assert (await acme.post(f"{W}/topup", json=body)).status_code == 404
        await acme.put(W)
        assert (await acme.post(f"{W}/topup", json={**body, "return_url": "javascript:alert(1)"})).status_code == 400


async def test_what_a_session_cost_that_no_wallet_paid_is_not_credited() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await acme.put(W)
        body = {"id": "c1", "session": "s1", "amount_minor": 100, "reason": "kindness"}
        wrong = await acme.post(f"{W}/credit", json=body)
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/session")
