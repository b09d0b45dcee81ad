"""QR sheets: what is printed leads to our own page of that EVSE, and can be read by any scanner."""

import re

import msgspec
import pytest

from gateways.web.pay.sheets import Sheet, _modules, pdf_of, svg_of
from tests.gateways.web.pay.kit import STATIONS, Lot, parking_lot

URL = "https://laden.example/pay/acme/"


def public(lot: Lot, url: str | None = "https://laden.example") -> None:
    settings = msgspec.structs.replace(lot.rig.env.settings, public_url=url)
    msgspec.structs.force_setattr(lot.rig.env, "settings", settings)


async def test_a_station_has_a_sheet_for_each_evse_as_svg_and_pdf() -> None:
    async with parking_lot() as lot:
        public(lot)
        codes = [evse["code"] for evse in (await lot.admin.get(f"{STATIONS}/CS17")).json()["evses"]]
        svg = await lot.admin.get(f"{STATIONS}/CS17/qr.svg?lang=de")
        assert svg.status_code == 200
        assert svg.headers["Content-Type"] == "image/svg+xml"
        assert re.findall(r"<title>([^<]+)</title>", svg.text) == [URL + code for code in codes]
        assert svg.text.count("Scannen, Preis sehen, bezahlen, laden") == 2
        assert "Ladestation CS17, EVSE 1" in svg.text
        pdf = await lot.admin.get(f"{STATIONS}/CS17/qr.pdf")
        assert pdf.headers["Content-Type"] == "application/pdf"
        assert pdf.content.startswith(b"%PDF-")
        assert pdf.content.count(b"/Type /Page\n") == 2
        one = await lot.admin.get(f"{STATIONS}/CS17/qr.svg?evse=2")
        assert re.findall(r"<title>([^<]+)</title>", one.text) == [URL + codes[1]]


@pytest.mark.parametrize(
    ("path", "status"),
    [("CS17/qr.svg?evse=3", 400), ("CS17/qr.svg?lang=xx", 400), ("CS99/qr.pdf", 404), ("CS17/qr.pdf?size=9", 400)],
)
async def test_what_is_not_there_is_not_printed(path: str, status: int) -> None:
    async with parking_lot() as lot:
        public(lot)
        assert (await lot.admin.get(f"{STATIONS}/{path}")).status_code == status


async def test_without_an_address_that_lasts_nothing_is_printed() -> None:
    async with parking_lot() as lot:
        public(lot, None)
        answer = await lot.admin.get(f"{STATIONS}/CS17/qr.svg")
        assert answer.status_code == 422
        assert "CSMS_HTTP__PUBLIC_URL" in answer.json()["detail"]


def test_what_is_drawn_is_the_code_of_the_address() -> None:
    sheet = Sheet(URL + "abc", "Müllers <Laden>", "CS&1", "abc")
    modules = _modules(sheet.url)
    svg = svg_of([sheet]).decode()
    drawn = {
        (int(x) + n, int(y))
        for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", svg)
        for n in range(int(length))
    }  # fmt: skip
    assert drawn == {(x + 4, y + 4) for y, row in enumerate(modules) for x, dark in enumerate(row) if dark}
    assert "Müllers &lt;Laden&gt;" in svg
    assert pdf_of([sheet]).startswith(b"%PDF-")
