"""Documents over the admin API: issued by a real session, read, drawn, told as e-invoice, summed up by month."""

from typing import Any

import httpx
from lxml import etree

from gateways.web.documents.rules import broken
from tests.gateways.web.rig import Rig, running
from tests.gateways.web.test_money_routes import T, charge, local

SELLER = {"name": "Acme Charging GmbH", "address": ["Hauptstr. 1", "10115 Berlin"], "country": "DE", "vat_id": "DE123456789"}


async def invoiced(rig: Rig, **more: Any) -> tuple[httpx.AsyncClient, dict[str, Any]]:
    acme = await rig.tenant()
    assert (await acme.put(f"{T}/merchants/brand", json={"seller": {**SELLER, **more}})).status_code == 201
    await charge(rig, acme)
    (document,) = (await acme.get(f"{T}/documents")).json()["items"]
    return acme, document


async def test_a_session_that_is_paid_later_has_an_invoice_with_a_number() -> None:
    async with running() as rig:
        acme, document = await invoiced(rig)
        year = local(document["at"]).year
        assert (document["kind"], document["number"], document["gross_minor"]) == ("invoice", f"I-{year}-000001", 595)
        assert document["body"]["seller"]["name"] == SELLER["name"]
        assert "GOODTAG1" not in repr(document)
        assert (await acme.get(f"{T}/documents/{document['id']}")).json() == document
        journal = (await acme.get(f"{T}/ledger/journals", params={"ref": document["ref"]})).json()["items"]
        assert len(journal) == 1
        for query, found in (({"kind": "receipt"}, 0), ({"ref": document["ref"]}, 1), ({"customer": document["customer"]}, 1)):
            assert len((await acme.get(f"{T}/documents", params=query)).json()["items"]) == found
        assert (await acme.get(f"{T}/documents", params={"kind": "letter"})).status_code == 400
        assert (await acme.get(f"{T}/documents/none")).status_code == 404


async def test_it_is_read_as_pdf_csv_and_e_invoice() -> None:
    async with running() as rig:
        acme, document = await invoiced(rig)
        url = f"{T}/documents/{document['id']}"
        pdf = await acme.get(url + ".pdf", params={"lang": "de"})
        assert (pdf.status_code, pdf.headers["content-type"], pdf.content[:4]) == (200, "application/pdf", b"%PDF")
        lines = await acme.get(url + ".csv")
        assert (lines.headers["content-type"].partition(";")[0], len(lines.text.splitlines())) == ("text/csv", 2)
        anonymous = await acme.get(url + ".xml")
        assert anonymous.headers["content-type"].startswith("application/xml")
        assert broken(etree.fromstring(anonymous.content)) == []
        buyer = {"name": "Muster KG", "country": "DE", "city": "Hamburg", "vat_id": "DE987654321"}
        made_out = await acme.post(url + ".xml", json=buyer)
        assert made_out.status_code == 200
        assert b"Muster KG" in made_out.content
        assert broken(etree.fromstring(made_out.content)) == []
        assert "Muster KG" not in repr((await acme.get(url)).json())
        assert (await acme.post(url + ".xml", json={"name": ""})).status_code == 400
        assert (await acme.get(f"{T}/documents/none.xml")).status_code == 404


async def test_an_e_invoice_that_breaks_rules_is_refused_with_their_names() -> None:
    async with running() as rig:
        acme, document = await invoiced(rig, vat_id="")
        refused = await acme.get(f"{T}/documents/{document['id']}.xml")
        assert refused.status_code == 422
        assert [error["detail"].partition(":")[0] for error in refused.json()["errors"]] == ["BR-S-02"]


async def test_a_brand_that_has_not_said_who_it_is_issues_nothing() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await charge(rig, acme)
        assert (await acme.get(f"{T}/documents")).json()["items"] == []


async def test_a_month_is_summed_up_and_comes_as_csv_and_pdf() -> None:
    async with running() as rig:
        acme, document = await invoiced(rig)
        month = local(document["at"]).strftime("%Y-%m")
        found = (await acme.get(f"{T}/statements/{month}")).json()
        assert found["totals"] == [{"currency": "EUR", "net_minor": 500, "vat_minor": 95, "gross_minor": 595}]
        assert [(each["kind"], each["vat_percent"], each["documents"]) for each in found["sums"]] == [("invoice", "19", 1)]
        table = (await acme.get(f"{T}/statements/{month}.csv")).text.splitlines()
        assert [row.split(",")[0] for row in table] == ["number", document["number"]]
        assert (await acme.get(f"{T}/statements/{month}.pdf")).content.startswith(b"%PDF")
        assert (await acme.get(f"{T}/statements/{month}", params={"seller": "nobody"})).json()["totals"] == []
        assert (await acme.get(f"{T}/statements/2020-01")).json()["sums"] == []
        assert (await acme.get(f"{T}/statements/soon")).status_code == 400


async def test_an_invoiced_session_is_credited_once_with_journal_cdr_and_credit_note() -> None:
    async with running() as rig:
        acme, document = await invoiced(rig)
        url = f"{T}/sessions/{document['ref']}/credit"
        assert (await acme.post(url, json={})).status_code == 400
        for _ in range(2):
            assert (await acme.post(url, json={"reason": "broken meter"})).status_code == 200
        note, invoice = (await acme.get(f"{T}/documents")).json()["items"]
        assert (note["kind"], note["gross_minor"], note["corrects"]) == ("credit_note", -595, invoice["id"])
        assert (await acme.get(f"{T}/documents/{note['id']}.xml")).status_code == 200
        cdrs = (await acme.get(f"{T}/cdrs")).json()["items"]
        credit = next(cdr for cdr in cdrs if cdr.get("credit"))
        original = next(cdr for cdr in cdrs if not cdr.get("credit"))
        assert (credit["credit_reference_id"], credit["total_cost"]) == (original["id"], {"excl_vat": -5, "incl_vat": -5.95})
        assert credit["total_energy"] == original["total_energy"] == 10
        accounts = (await acme.get(f"{T}/ledger/accounts")).json()["items"]
        assert {account["balance_minor"] for account in accounts} == {0}
        assert sum(item["gross_minor"] for item in (note, invoice)) == 0


async def test_a_session_that_was_not_invoiced_is_not_credited() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await charge(rig, acme, tariff=None)
        (session,) = (await acme.get(f"{T}/sessions")).json()["items"]
        refused = await acme.post(f"{T}/sessions/{session['id']}/credit", json={"reason": "x"})
        assert refused.status_code == 422
