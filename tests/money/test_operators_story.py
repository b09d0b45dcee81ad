"""An operator's day: a driver has paid by card at the code, part of it goes back, then the rest, and every step is in the
books of both legal entities. `csms audit` has nothing to say of it, until somebody changes one cent past the ledger."""

import json
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.config.test_cli import csms, run_sql
from tests.gateways.web.pay.street import Street, high_street
from tests.money.driver import T, charges_and_pays, payment

pytestmark = pytest.mark.postgres

REVENUE, VAT, COMMISSION_PAID, COMMISSION_EARNED, INPUT_VAT = "4000", "2300", "5010", "4200", "1310"
FEES = "5000"


async def _refund(street: Street, id: str, state: str, **body: Any) -> dict[str, Any]:
    """Asked for twice under one key, as somebody does who got no answer: it is one refund."""
    asked, key = {"reason": "the plug was broken", **body}, {"Idempotency-Key": f"refund for {state}"}
    answers = [await street.admin.post(f"{T}/payments/{id}/refund", json=asked, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202], answers[1].text
    assert answers[0].json() == answers[1].json()
    return await payment(street, state)


async def _balances(street: Street) -> dict[str, dict[str, int]]:
    """Book -> class of account -> closing balance, debit minus credit, of today's trial balance."""
    trial = (await street.admin.get(f"{T}/ledger/trial-balance")).json()
    assert {(total["book"], total["off_by_minor"]) for total in trial["totals"]} == {("brand", 0), ("swm", 0)}
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for item in trial["items"]:
        found[item["book"]][item["account"]] = item["closing_minor"]
    return found


async def _documents(street: Street) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await street.admin.get(f"{T}/documents")).json()["items"]
    return items


async def _audit(dsn: str, folder: Path) -> Any:
    env = {"CSMS_DATABASE__DSN": dsn, "CSMS_DATA_DIR": str(folder)}
    return await trio.to_thread.run_sync(partial(csms, "audit", "--json", env=env))


async def test_a_paid_session_is_refunded_in_two_parts_and_the_books_follow(fresh_dsn: str, tmp_path: Path) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:
        paid, _ = await charges_and_pays(street)
        captured, fee = paid["captured"]["amount_minor"], paid["fee"]["amount_minor"]
        vat = paid["cost"]["vat"][0]["amount"]["amount_minor"]
        assert captured == paid["cost"]["incl"]["amount_minor"] > 100

        before = await _balances(street)
        assert before["swm"][REVENUE] == -(captured - vat)
        assert before["swm"][VAT] == -vat
        assert before["swm"][COMMISSION_PAID] + before["swm"][INPUT_VAT] == fee, "what the owner pays the brand"
        assert before["brand"][COMMISSION_EARNED] + before["brand"][VAT] == -fee, "is what the brand earns"
        assert [document["kind"] for document in await _documents(street)] == ["receipt"]

        part = captured // 3
        some = await _refund(street, paid["id"], "refunded_partial", amount_minor=part)
        assert some["refunded"]["amount_minor"] == part
        between = await _balances(street)
        given_back = between["swm"][REVENUE] + between["swm"][VAT] - before["swm"][REVENUE] - before["swm"][VAT]
        assert given_back == part
        assert between["brand"][COMMISSION_EARNED] > before["brand"][COMMISSION_EARNED], "the commission shrinks in proportion"
        too_much = await street.admin.post(f"{T}/payments/{paid['id']}/refund", json={"reason": "x", "amount_minor": captured})
        assert too_much.status_code == 422
        assert too_much.json()["detail"] == f"{captured - part} of {captured} can be refunded"

        whole = await _refund(street, paid["id"], "refunded")
        assert whole["refunded"]["amount_minor"] == captured
        after = await _balances(street)
        for book, accounts in (("swm", (REVENUE, VAT, COMMISSION_PAID, INPUT_VAT)), ("brand", (COMMISSION_EARNED, VAT))):
            assert {account: after[book][account] for account in accounts} == dict.fromkeys(accounts, 0), book
        left = {account: minor for account, minor in after["swm"].items() if minor and not account.startswith("11")}
        assert set(left) <= {FEES}, "the provider keeps its own fee, and nothing else is left"

        documents = await _documents(street)
        assert sorted(document["kind"] for document in documents) == ["credit_note", "credit_note", "receipt"]
        assert [document["gross_minor"] for document in documents if document["kind"] == "receipt"] == [captured]
        assert sum(document["gross_minor"] for document in documents) == 0, "credit notes are negative"
        journals = (await street.admin.get(f"{T}/ledger/journals", params={"ref": paid["session"]})).json()["items"]
        assert {journal["book"] for journal in journals} == {"brand", "swm"}
        assert len({journal["id"] for journal in journals}) == len(whole["journals"])

        silent = await _audit(fresh_dsn, tmp_path)
        assert (silent.returncode, json.loads(silent.stdout)["findings"]) == (0, [])
        cent = f"UPDATE ledger_entry SET amount_minor = amount_minor + 1 WHERE journal = '{journals[0]['id']}' AND n = 1"
        await trio.to_thread.run_sync(partial(run_sql, fresh_dsn, f"SET session_replication_role = replica; {cent}"))
        told = await _audit(fresh_dsn, tmp_path)
        assert told.returncode == 1
        findings = json.loads(told.stdout)["findings"]
        assert "unbalanced" in {finding["what"] for finding in findings}
        assert any(journals[0]["id"] in f"{finding['subject']}{finding['detail']}" for finding in findings)
