"""A receipt is there for as long as the law keeps it, for whoever has its address, with the meter's own records as they were
signed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.node import open_node
from gateways.web.pay.token import Tokens
from storage.upkeep import keep_partitions
from tests.gateways.web.pay.kit import payment
from tests.gateways.web.pay.street import high_street, settings_of
from tests.gateways.web.rig import KEY, running
from tests.gateways.web.test_signed import BEGIN, END, around, charged
from tests.gateways.web.test_signed import KEY as METER_KEY
from tests.kits.patience import http_client
from tests.money.driver import charges_and_pays

RETENTION = timedelta(days=11 * 366)
"""Ten years from the end of the year is the longest that MONEY's countries ask for."""
ATTEMPT = "a" + "0" * 23 + "7"


@pytest.mark.postgres
async def test_a_receipt_opens_by_its_token_eleven_years_later_on_another_node(fresh_dsn: str, tmp_path: Path) -> None:
    async with high_street(fresh_dsn, tmp_path) as street:
        _, path = await charges_and_pays(street)
        then = (await street.admin.get(street.node.urls.http + path)).text
        later = datetime.now(UTC) + RETENTION

        async def age(connection: Any) -> int:
            return await keep_partitions(connection, later)

        assert await street.node.domain.database.run(age) > 0, "old events and traces are thrown away"
        settings = settings_of(tmp_path, fresh_dsn, street.sandbox)
    async with open_node(settings, ("pay",)) as node, http_client(base_url=node.urls.http) as phone:
        now = await phone.get(path)
        pdf = await phone.get(path + "/receipt.pdf")
        wrong = await phone.get(path[:-1] + ("0" if path[-1] != "0" else "1"))
    assert now.status_code == 200
    assert now.text == then, "to the last letter: meter readings, lines, VAT, number, seller"
    assert "R-" in now.text
    assert pdf.content.startswith(b"%PDF-")
    assert wrong.status_code == 404


@pytest.mark.parametrize("form", ["raw", "around"])
async def test_the_driver_gets_the_meters_records_byte_for_byte_and_the_key(form: str) -> None:
    async with running() as rig:
        acme = await rig.tenant()
        begin, end = (BEGIN, END) if form == "raw" else (around(BEGIN, METER_KEY), around(END))
        session = await charged(rig, acme, begin, end)
        rig.rows.write(1, [payment(ATTEMPT, "captured", station="CS1", session=session["id"], captured_minor=500)])
        path = f"/pay/acme/s/{Tokens(KEY).token('acme', ATTEMPT)}"
        page = (await rig.anyone.get(path)).text
        assert f'href="{path}/signed.txt"' in page
        assert (METER_KEY in page) is (form == "around"), "the key that the records brought along"
        told = await rig.anyone.get(f"{path}/signed.txt")
        assert told.headers["Content-Type"].startswith("text/plain")
        assert told.content == f"{BEGIN}\n\n{END}\n".encode()


async def test_a_charge_without_signed_values_offers_no_file() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        session = await charged(rig, acme, "EDL40-hex", "EDL40-hex")
        rig.rows.write(1, [payment(ATTEMPT, "captured", station="CS1", session=session["id"], captured_minor=500)])
        path = f"/pay/acme/s/{Tokens(KEY).token('acme', ATTEMPT)}"
        assert "EDL40-hex" in (await rig.anyone.get(f"{path}/signed.txt")).text, "another format is handed on as it is"
        rig.rows.write(2, [payment(ATTEMPT, "captured", station="CS1", session="none", captured_minor=500)])
        assert "sent no signed meter values" in (await rig.anyone.get(path)).text
        assert (await rig.anyone.get(f"{path}/signed.txt")).status_code == 404
