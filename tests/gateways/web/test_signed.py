"""Signed meter values of a charge as the operator and the eMSP get them: byte for byte, and judged."""

import json
from datetime import timedelta
from typing import Any

import pytest

from actors.model.meter import Reading, Sample
from actors.model.rows import VariableRow
from actors.station import messages as m
from tests.actors.model.test_ocmf import KEYS, payload, record, spki
from tests.gateways.web.rig import Rig, running
from tests.gateways.web.test_money_routes import START, T, charge, say

KEY = spki(KEYS["secp256r1"]).hex()


def around(text: str, key: str = "") -> str:
    return json.dumps({"signedMeterData": text, "signingMethod": "", "encodingMethod": "OCMF", "publicKey": key})


def readings(begin: str, end: str) -> tuple[Reading, ...]:
    return tuple(
        Reading(START + timedelta(hours=n), (Sample(None, raw, context=f"Transaction.{name}", signed=True),))
        for n, (name, raw) in enumerate((("Begin", begin), ("End", end)))
    )


async def charged(rig: Rig, acme: Any, begin: str, end: str) -> Any:
    number = await charge(rig, acme, stop=None)
    token = rig.vault.token("acme", "GOODTAG1")
    stop = m.TransactionStop(number, 11_000, START + timedelta(hours=1), "Local", token, readings(begin, end))
    await say(rig, stop)
    items = (await acme.get(f"{T}/sessions")).json()["items"]
    return (await acme.get(f"{T}/sessions/{items[0]['id']}")).json()


BEGIN, END = record(payload("B", "1.0", "T7")), record(payload("E", "11.0", "T8"))


@pytest.mark.parametrize("form", ["raw", "around"])
async def test_a_charge_with_good_records_is_billable_by_them_and_the_cdr_has_their_bytes(form: str) -> None:
    async with running() as rig:
        acme = await rig.tenant()
        begin, end = (BEGIN, END) if form == "raw" else (around(BEGIN, KEY), around(END))
        if form == "raw":
            key = VariableRow(
                tenant="acme", station="CS1", component="FiscalMetering", variable="PublicKey", evse=1,
                attributes=[{"type": "Actual", "value": KEY}], key_1_6="MeterPublicKey1",
            )  # fmt: skip
            rig.rows.write(1, (key,))
        session = await charged(rig, acme, begin, end)
        signed = session["signed"]
        assert signed["billable"], signed
        assert [(r["verified"], r["meter"], r["page"], r["value"], r["unit"]) for r in signed["records"]] == [
            ("valid", "M-17", "T7", 1, "kWh"), ("valid", "M-17", "T8", 11, "kWh"),
        ]  # fmt: skip
        cdr = (await acme.get(f"{T}/cdrs/{session['cdr']}")).json()
        values = cdr["signed_data"]["signed_values"]
        assert [value["signed_data"] for value in values] == [BEGIN, END]
        assert values[0]["plain_data"] == payload("B", "1.0", "T7")
        assert [value["nature"] for value in values] == ["Start", "End"]
        told = [sample["raw"] for reading in session["meter_values"] for sample in reading["samples"]]
        assert [begin, end] == [raw for raw in told if raw.lstrip().startswith(("OCMF", "{"))]


async def test_a_forged_record_an_unknown_key_and_another_format_are_said_so() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        forged = END.replace("11.0", "12.0")
        session = await charged(rig, acme, around(BEGIN, KEY), around(forged))
        assert [r["verified"] for r in session["signed"]["records"]] == ["valid", "invalid"]
        assert not session["signed"]["billable"]
    for end, verified in ((END, "no_key"), ("EDL40-hex", "unsupported"), ("OCMF|{}", "unreadable")):
        async with running() as rig:
            acme = await rig.tenant()
            session = await charged(rig, acme, BEGIN, end)
            assert session["signed"]["records"][-1]["verified"] == verified
            assert not session["signed"]["billable"]


async def test_a_session_without_signed_values_has_none() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await charge(rig, acme)
        item = (await acme.get(f"{T}/sessions")).json()["items"][0]
        assert (await acme.get(f"{T}/sessions/{item['id']}")).json()["signed"] is None
