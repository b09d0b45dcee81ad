"""QR sheets for a station's EVSEs: what is printed and stuck beside the plug. The address in them is ours and lasts as long as
the code of the EVSE: neither a payment provider's page nor anything that changes is ever printed."""

from typing import Annotated, Any
from urllib.parse import quote

import msgspec

from actors.model.rows import EvseRow
from gateways.web.api.stations import known
from gateways.web.call import Call
from gateways.web.limits import QR_SHEETS
from gateways.web.pay.language import PayWords
from gateways.web.pay.sheets import Sheet, pdf_of, svg_of
from gateways.web.problems import Problem, wrong_parameter
from gateways.web.table import Query, Route, Scope

TAG = "Stations"
Language = Annotated[str, msgspec.Meta(pattern="^(de|en)$")]


async def _sheets(call: Call) -> list[Sheet]:
    base = call.env.settings.public_url
    if base is None:
        raise Problem("refused", "printed codes need an address that lasts: set CSMS_HTTP__PUBLIC_URL")
    station, _, evses = await known(call)
    wanted: int | None = call.query["evse"]
    found = [row for row in evses if row.code and (wanted is None or row.evse == wanted)]
    if not found:
        raise wrong_parameter("evse", f"station {station.station!r} has no EVSE {wanted}")
    t = PayWords(call.query["lang"])
    return [_sheet(call.own, base, row, t) for row in found[:QR_SHEETS]]


def _sheet(tenant: str, base: str, row: EvseRow, t: PayWords) -> Sheet:
    return Sheet(
        url=f"{base}/pay/{quote(tenant, safe='')}/{row.code}",
        title=t("Scan, see the price, pay, charge"),
        place=t("Station {station}, EVSE {evse}", station=row.station, evse=row.evse),
        code=row.code,
    )


async def get_qr_svg(call: Call) -> bytes:
    return svg_of(await _sheets(call))


async def get_qr_pdf(call: Call) -> bytes:
    return pdf_of(await _sheets(call))


_S = "/api/v1/tenants/{tenant}/stations/{station}"
_QUERY = (
    Query("evse", int, "Only of this EVSE; otherwise a sheet for each"),
    Query("lang", Language, "Language of the line above the code: en or de", "en"),
)
_SHARED: dict[str, Any] = {"tag": TAG, "scope": Scope.TENANT, "query": _QUERY, "answer": bytes, "problems": ("refused",)}
ROUTES = (
    Route(
        method="GET", path=_S + "/qr.svg", handler=get_qr_svg, summary="QR codes to print, as SVG",
        description="One picture with a sheet for each EVSE. The code leads to its pay page, below `http.public_url`.",
        answer_media="image/svg+xml", **_SHARED,
    ),
    Route(
        method="GET", path=_S + "/qr.pdf", handler=get_qr_pdf, summary="QR codes to print, as PDF",
        description="A page of A6 for each EVSE.", answer_media="application/pdf", **_SHARED,
    ),
)  # fmt: skip
