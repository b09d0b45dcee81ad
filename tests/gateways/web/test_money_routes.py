"""Tokens, tariffs with preview, sessions, CDRs and the ledger: a whole charge as the operator reads it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from actors.station import messages as m
from tests.gateways.web.rig import Rig, running
from tests.kits.patience import PATIENCE

T = "/api/v1/tenants/acme"
TARIFF = {
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.5, "vat": 19, "step_size": 1}]}],
}
START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)


async def charge(rig: Rig, acme: httpx.AsyncClient, *, tariff: str | None = "std", stop: int | None = 11_000) -> int:
    """Register, boot, start and (perhaps) stop: 10 kWh in an hour, told to the actors as the gateway does."""
    if tariff:
        assert (await acme.put(f"{T}/tariffs/{tariff}", json=TARIFF)).status_code == 201
    assert (await acme.put(f"{T}/tokens/ISO14443/GOODTAG1")).status_code == 201
    assert (await acme.put(f"{T}/stations/CS1", json={"tariff": tariff})).status_code == 201
    await say(rig, m.Boot("V", "M"))
    token = rig.vault.token("acme", "GOODTAG1")
    started = await say(rig, m.TransactionStart(1, 1, token, 1000, START))
    if stop is not None:
        await say(rig, m.TransactionStop(started.number, stop, START + timedelta(hours=1), "Local", token))
    return int(started.number)


def local(at: str) -> datetime:
    """A time of the API by the tenant's clock, which its days, months and years go by."""
    return datetime.fromisoformat(at).astimezone(ZoneInfo("Europe/Berlin"))


async def say(rig: Rig, message: Any) -> Any:
    return await rig.system.ask(("acme", "station", "CS1"), message, deadline=PATIENCE)


async def test_a_finished_session_shows_its_price_its_cdr_and_balanced_journals() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        number = await charge(rig, acme)
        items = (await acme.get(f"{T}/sessions", params={"station": "CS1"})).json()["items"]
        assert len(items) == 1
        session = (await acme.get(f"{T}/sessions/{items[0]['id']}")).json()
        assert (session["number"], session["state"], session["energy_wh"]) == (number, "ended", 10_000)
        assert session["transaction_id"] == str(number)
        assert session["started_at"] == START.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert session["cost"] == {
            "excl": {"amount_minor": 500, "currency": "EUR"},
            "incl": {"amount_minor": 595, "currency": "EUR"},
            "vat": [{"rate": 19, "amount": {"amount_minor": 95, "currency": "EUR"}}],
        }
        assert session["unpriced"] is False
        assert session["stop_reason"] == "Local"
        assert "GOODTAG1" not in repr(session)
        cdr = (await acme.get(f"{T}/cdrs/{session['cdr']}")).json()
        assert (cdr["session"], cdr["currency"], cdr["total_energy"]) == (session["id"], "EUR", 10)
        assert [item["id"] for item in (await acme.get(f"{T}/cdrs")).json()["items"]] == [session["cdr"]]
        journal = (await acme.get(f"{T}/ledger/journals/{cdr['journal']}")).json()
        sums = {"debit": 0, "credit": 0}
        for entry in journal["entries"]:
            sums[entry["side"]] += entry["amount_minor"]
        assert sums == {"debit": 595, "credit": 595}
        accounts = (await acme.get(f"{T}/ledger/accounts")).json()["items"]
        assert sum(account["balance_minor"] for account in accounts) == 0
        by_ref = (await acme.get(f"{T}/ledger/journals", params={"ref": journal["ref"]})).json()["items"]
        assert [item["id"] for item in by_ref] == [journal["id"]]
        trial = (await acme.get(f"{T}/ledger/trial-balance", params={"day": local(journal["at"]).date().isoformat()})).json()
        assert [(line["account"], line["name"], line["closing_minor"]) for line in trial["items"]] == [
            ("1220", "Customer receivable", 595), ("2300", "VAT output", -95), ("4000", "Charging revenue", -500),
        ]  # fmt: skip
        assert [(total["debit_minor"], total["off_by_minor"]) for total in trial["totals"]] == [(595, 0)]
        assert (await acme.get(f"{T}/ledger/trial-balance", params={"day": "2020-01-01"})).json()["items"] == []
        assert (await acme.get(f"{T}/ledger/holds", params={"outcome": "open"})).json()["items"] == []
        for wrong in ("trial-balance?day=yesterday", "journals?since=2026-01-01T00:00:00"):
            assert (await acme.get(f"{T}/ledger/{wrong}")).status_code == 400


async def test_an_active_session_is_read_from_its_actor() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await charge(rig, acme, stop=None)
        item = (await acme.get(f"{T}/sessions", params={"state": "active"})).json()["items"][0]
        session = (await acme.get(f"{T}/sessions/{item['id']}")).json()
        assert (session["state"], session["ended_at"], session["cost"]) == ("active", None, None)
        assert (await acme.get(f"{T}/sessions", params={"state": "ended"})).json()["items"] == []


async def test_a_session_without_a_tariff_is_unpriced_until_somebody_bills_it_with_one() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await charge(rig, acme, tariff=None)
        session = (await acme.get(f"{T}/sessions")).json()["items"][0]
        assert (session["unpriced"], session["cost"]) == (True, None)
        await acme.put(f"{T}/tariffs/std", json=TARIFF)
        url = f"{T}/sessions/{session['id']}/resolve"
        wrong = await acme.post(url, json={"action": "bill", "reason": "", "energy_wh": -1, "foo": 1})
        assert sorted(error["pointer"] for error in wrong.json()["errors"]) == ["/energy_wh", "/foo", "/reason"]
        wrong = await acme.post(url, json={"action": "correct", "reason": "x", "tariff": "none"})
        assert sorted(error["pointer"] for error in wrong.json()["errors"]) == ["/action", "/tariff"]
        billed = await acme.post(url, json={"action": "bill", "reason": "agreed by phone", "tariff": "std"})
        assert billed.status_code == 200, billed.text
        assert billed.json()["cost"]["incl"] == {"amount_minor": 595, "currency": "EUR"}
        again = await acme.post(url, json={"action": "waive", "reason": "twice"})
        assert 400 < again.status_code < 500
        assert rig.audited("resolve_session")[0].detail["status"] == 400


async def test_a_quarantined_session_is_corrected_by_an_operator_and_then_billed() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await charge(rig, acme, stop=900)
        session = (await acme.get(f"{T}/sessions", params={"state": "quarantined"})).json()["items"][0]
        assert session["anomalies"]
        assert (await acme.get(f"{T}/cdrs")).json()["items"] == []
        body = {"action": "correct", "reason": "read at the meter", "energy_wh": 4000}
        fixed = await acme.post(f"{T}/sessions/{session['id']}/resolve", json=body)
        assert fixed.status_code == 200, fixed.text
        assert (fixed.json()["state"], fixed.json()["energy_wh"]) == ("ended", 4000)
        assert fixed.json()["cost"]["excl"]["amount_minor"] == 200


async def test_a_station_with_an_open_session_is_not_unregistered() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await charge(rig, acme, stop=None)
        answer = await acme.delete(f"{T}/stations/CS1")
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:voltroupe:problem:conflict")


async def test_a_token_is_known_by_its_uid_in_any_case_and_shown_masked() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        made = await acme.put(f"{T}/tokens/ISO14443/04a2b3c4d5e681", json={"group": "FLEET-7", "payment": "free"})
        assert (made.status_code, made.json()["uid"]) == (201, "04A2…81")
        changed = await acme.put(f"{T}/tokens/ISO14443/04A2B3C4D5E681", json={"status": "Blocked", "group": "FLEET-7"})
        assert changed.status_code == 200
        read = (await acme.get(f"{T}/tokens/ISO14443/04A2b3c4d5e681")).json()
        assert (read["status"], read["group"], read["payment"]) == ("Blocked", "FLEET-7", "invoice")
        listed = (await acme.get(f"{T}/tokens")).json()["items"]
        assert [item["uid"] for item in listed] == ["04A2…81"]
        assert (await acme.get(f"{T}/tokens/Central/04A2B3C4D5E681")).status_code == 404
        assert (await acme.get(f"{T}/tokens/Paper/04A2B3C4D5E681")).status_code == 400
        assert (await acme.delete(f"{T}/tokens/ISO14443/04A2B3C4D5E681")).status_code == 204
        assert (await acme.get(f"{T}/tokens/ISO14443/04A2B3C4D5E681")).status_code == 404
        assert (await acme.delete(f"{T}/tokens/ISO14443/04A2B3C4D5E681")).status_code == 404


async def test_a_token_names_a_wallet_that_there_is_and_wrong_token_fields_are_pointed_at() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        answer = await acme.put(f"{T}/tokens/ISO14443/A1B2C3D4", json={"payment": "wallet:7"})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/payment")
        assert "open it first" in answer.json()["errors"][0]["detail"]
        await acme.put(f"{T}/wallets/7")
        answer = await acme.put(f"{T}/tokens/ISO14443/A1B2C3D4", json={"payment": "wallet:7"})
        assert (answer.status_code, answer.json()["payment"]) == (201, "wallet:7")
        body = {"status": "Fine", "expires": "2026-01-01T00:00:00", "payment": "cash", "group": ""}
        answer = await acme.put(f"{T}/tokens/ISO14443/A1B2C3D4", json=body)
        assert sorted(error["pointer"] for error in answer.json()["errors"]) == ["/expires", "/group", "/payment", "/status"]


async def test_a_tokens_places_languages_and_priority_are_kept_and_wrong_ones_pointed_at() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        path = f"{T}/tokens/ISO14443/A1B2C3D4"
        terms = {
            "sites": [{"station": "CS1", "evses": [1, 2]}, {"station": "CS2", "evses": []}],
            "languages": ["de"],
            "priority": -9,
        }
        made = (await acme.put(path, json=terms)).json()
        read = (await acme.get(path)).json()
        listed = (await acme.get(f"{T}/tokens")).json()["items"][0]
        assert [{name: shown[name] for name in terms} for shown in (made, read, listed)] == [terms] * 3
        assert (await acme.put(path, json={})).json()["sites"] == [], "what is left out goes"
        twice = await acme.put(path, json={"sites": [{"station": "CS1"}, {"station": "CS1", "evses": [1]}]})
        assert (twice.status_code, twice.json()["errors"][0]["pointer"]) == (400, "/sites/1/station")
        wrong = {"sites": [{"station": "", "evses": [0]}], "languages": ["german"], "priority": 10}
        pointers = sorted(error["pointer"] for error in (await acme.put(path, json=wrong)).json()["errors"])
        assert pointers == ["/languages/0", "/priority", "/sites/0/evses/0", "/sites/0/station"]


async def test_a_tariff_gets_a_version_per_content_and_is_deleted() -> None:
    """What is read is the OCPI object, ours beside it, and can be put again as it is."""
    async with running() as rig:
        acme = await rig.tenant()
        first = await acme.put(f"{T}/tariffs/std", json=TARIFF)
        assert (first.status_code, first.json()["version"]) == (201, 1)
        same = await acme.put(f"{T}/tariffs/std", json=TARIFF)
        assert (same.status_code, same.json()["version"]) == (200, 1)
        dearer = {**TARIFF, "elements": [{"price_components": [{"type": "ENERGY", "price": 0.6, "step_size": 1}]}]}
        assert (await acme.put(f"{T}/tariffs/std", json=dearer)).json()["version"] == 2
        read = (await acme.get(f"{T}/tariffs/std")).json()
        assert read["elements"] == dearer["elements"]
        again = await acme.put(f"{T}/tariffs/std", json=read)
        assert (again.status_code, again.json()) == (200, read)
        assert (await acme.delete(f"{T}/tariffs/std")).status_code == 204
        assert (await acme.get(f"{T}/tariffs/std")).status_code == 404


async def test_a_tariff_that_stations_charge_by_is_not_deleted() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await acme.put(f"{T}/tariffs/std", json=TARIFF)
        for n in range(1, 8):
            assert (await acme.put(f"{T}/stations/CS{n}", json={"tariff": "std"})).status_code == 201
        refused = await acme.delete(f"{T}/tariffs/std")
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:voltroupe:problem:conflict")
        assert refused.json()["detail"].endswith("CS1, CS2, CS3, CS4, CS5 and more")
        for n in range(1, 8):
            assert (await acme.put(f"{T}/stations/CS{n}", json={})).json()["tariff"] is None
        assert (await acme.delete(f"{T}/tariffs/std")).status_code == 204


async def test_every_wrong_field_of_a_tariff_is_pointed_at() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        body = {"id": "other", "currency": "USD", "elements": [{"price_components": [{"type": "ENERY", "price": "x"}]}]}
        answer = await acme.put(f"{T}/tariffs/std", json=body)
        assert {error["pointer"] for error in answer.json()["errors"]} >= {
            "/currency",
            "/elements/0/price_components/0/type",
            "/elements/0/price_components/0/price",
        }
        answer = await acme.put(f"{T}/tariffs/std", json={**TARIFF, "id": "other"})
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/id"]


async def test_the_preview_prices_a_described_session_line_by_line_as_the_bill_would() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await acme.put(f"{T}/tariffs/std", json=TARIFF)
        priced = (await acme.post(f"{T}/tariffs/std/preview", json={"energy_wh": 10_000, "charging_s": 3600})).json()
        assert priced["cost"]["incl"] == {"amount_minor": 595, "currency": "EUR"}
        assert [(line["kind"], line["volume"], line["unit"]) for line in priced["lines"]] == [("energy", 10, "kWh")]
        wrong = await acme.post(f"{T}/tariffs/std/preview", json={"energy_wh": "much", "charging_s": -1})
        assert wrong.status_code == 400
        assert len(wrong.json()["errors"]) >= 2
        assert (await acme.post(f"{T}/tariffs/none/preview", json={"energy_wh": 1})).status_code == 404


async def test_a_tariff_is_judged_for_paying_ad_hoc_with_what_a_driver_would_see() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        parts = [
            {"type": "TIME", "price": 2.5, "step_size": 1, "vat": 0},
            {"type": "ENERGY", "price": 0.5, "step_size": 1, "vat": 19},
        ]
        put = await acme.put(f"{T}/tariffs/std", json={**TARIFF, "elements": [{"price_components": parts}]})
        assert put.status_code == 201
        assert [(f["rule"], f["severity"]) for f in put.json()["lint"]] == [
            ("per_minute_inexact", "error"),
            ("time_price", "warning"),
        ]
        fast = (await acme.post(f"{T}/tariffs/std/lint", json={"power_w": 150_000})).json()
        assert fast["ad_hoc"] is False
        assert [(f["rule"], f["pointer"]) for f in fast["findings"]] == [
            ("per_minute_inexact", "/elements/0/price_components/0/price"),
            ("time_price", "/elements/0/price_components/0/type"),
        ]
        assert [(line["kind"], line["gross"]) for line in fast["shown"]["lines"]] == [("energy", "0.595"), ("time", "2.5")]
        parts[0]["price"] = 3
        assert (await acme.put(f"{T}/tariffs/std", json={**TARIFF, "elements": [{"price_components": parts}]})).status_code == 200
        slow = (await acme.post(f"{T}/tariffs/std/lint", json={"power_w": 22_000, "deployed": "2025-01-01"})).json()
        assert (slow["ad_hoc"], slow["findings"]) == (True, [])
        wrong = await acme.post(f"{T}/tariffs/std/lint", json={"power_w": -1, "deployed": "soon"})
        assert wrong.status_code == 400
        assert (await acme.post(f"{T}/tariffs/none/lint", json={})).status_code == 404
