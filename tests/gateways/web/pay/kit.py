"""A node with one station that can be paid at: its actors are real, its line is a stand-in that answers nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx

from actors.merchant.messages import Seller
from actors.model.bill import Bill, BillLine
from actors.model.documents import receipt
from actors.model.ids import station_address
from actors.model.money import Cost, Money, VatAmount
from actors.model.rating import KindNet
from actors.model.rows import CdrRow, DocumentRow, JournalRow, PaymentRow, SessionRow
from actors.ports import MerchantCard
from actors.station import messages as m
from gateways.web.pay.token import Tokens
from tests.actors.kit import FakeLine
from tests.gateways.web.rig import KEY, Rig, running
from tests.kits.patience import PATIENCE, until

STATIONS = "/api/v1/tenants/acme/stations"
SELLER = Seller(
    name="Stadtwerke Müllheim GmbH",
    address=("Bahnhofstraße 7", "79379 Müllheim"),
    country="DE",
    vat_id="DE123456789",
    email="laden@stadtwerke.example",
    phone="+49 7631 555 0",
    complaints="Schlichtungsstelle Energie e. V., Friedrichstraße 133, 10117 Berlin",
    terms_url="https://stadtwerke.example/agb",
    privacy_url="https://stadtwerke.example/datenschutz",
    renewable=True,
    public_key_url="https://keys.example/de",
)
TARIFF = {
    "country_code": "DE",
    "party_id": "ACM",
    "id": "adhoc",
    "currency": "EUR",
    "tax_included": "YES",
    "elements": [
        {"price_components": [{"type": "ENERGY", "price": 0.59, "vat": 19.0, "step_size": 1}]},
        {
            "price_components": [{"type": "PARKING_TIME", "price": 6.00, "vat": 19.0, "step_size": 60}],
            "restrictions": {"min_duration": 14400, "start_time": "08:00", "end_time": "20:00"},
        },
    ],
    "last_updated": "2026-01-01T00:00:00Z",
}
LOCATION = {
    "name": "Parkhaus Süd", "address": "Werderstraße 1", "postal_code": "79379", "city": "Müllheim", "max_power_w": 22_000,
    "evse_id": ["DE*ACM*E17*1", "DE*ACM*E17*2"],
}  # fmt: skip
T0 = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Lot:
    """The station CS17 with two EVSEs, and the ways to change what a driver finds there."""

    def __init__(self, rig: Rig, admin: httpx.AsyncClient) -> None:
        self.rig, self.admin = rig, admin
        self.tokens = Tokens(KEY)
        self.code = ""
        self.client = rig.anyone

    async def tell(self, message: Any) -> Any:
        return await self.rig.system.ask(station_address("acme", "CS17"), message, deadline=PATIENCE)

    async def status(self, status: str, detail: str = "", evse: int = 1) -> None:
        told = await self.tell(m.ConnectorStatus(evse, 1, status, detail or status, at=datetime.now(UTC)))
        assert told == m.Done()

    async def get(self, path: str = "", language: str = "en", **more: Any) -> httpx.Response:
        return await self.client.get(f"/pay/acme/{path or self.code}", headers={"Accept-Language": language}, **more)

    def token(self, attempt: str) -> str:
        return self.tokens.token("acme", attempt)


@asynccontextmanager
async def parking_lot(tariff: dict[str, Any] | None = TARIFF, **station: Any) -> AsyncIterator[Lot]:
    async with running() as rig:
        yield await furnish(rig, tariff, **station)


async def furnish(rig: Rig, tariff: dict[str, Any] | None = TARIFF, *, online: bool = True, **station: Any) -> Lot:
    admin = await rig.tenant()
    rig.cards.put_merchant(MerchantCard("acme", "swm", SELLER, "acct_swm", True, commission_percent="5"))
    body: dict[str, Any] = {"evses": 2, "location": LOCATION, "merchant": "swm", **station}
    if tariff is not None:
        answer = await admin.put(f"/api/v1/tenants/acme/tariffs/{tariff['id']}", json=tariff)
        assert answer.status_code in (200, 201), answer.text
        body["tariff"] = tariff["id"]
    answer = await admin.put(f"{STATIONS}/CS17", json=body)
    assert answer.status_code == 201, answer.text
    lot = Lot(rig, admin)
    lot.code = answer.json()["evses"][0]["code"]
    await until(lambda: rig.queries.evse_by_code("acme", lot.code))  # the code reaches the EVSE by a letter
    if online:
        await lot.tell(m.Connected(FakeLine(), "ocpp1.6", 1, "127.0.0.1"))
        await lot.tell(m.Boot("Acme", "One"))
        await lot.status("Available")
    return lot


def payment(attempt: str, state: str, **fields: Any) -> PaymentRow:
    base: dict[str, Any] = {
        "tenant": "acme", "id": attempt, "purpose": "session", "state": state, "currency": "EUR", "hold_minor": 5000,
        "limit_minor": 4600, "created_at": T0, "updated_at": T0, "station": "CS17", "evse": 1, "code": "abc", "merchant": "swm",
        "account": "acct_swm",
    }  # fmt: skip
    return PaymentRow(**{**base, **fields})


COST = Cost(Money(1240, "EUR"), Money(1475, "EUR"), (VatAmount(Decimal("19"), Money(235, "EUR")),))


def session(**fields: Any) -> SessionRow:
    base: dict[str, Any] = {
        "tenant": "acme", "id": "s1", "number": 7, "station": "CS17", "evse": 1, "connector": 1, "transaction_id": "7",
        "token_ref": "r", "token_masked": None, "state": "active", "phase": "charging", "started_at": T0, "ended_at": None,
        "energy_wh": 12_340, "stop_reason": None, "cost": None, "unpriced": False, "cdr": None, "anomalies": (), "updated_at": T0,
    }  # fmt: skip
    return SessionRow(**{**base, **fields})


ENDED: dict[str, Any] = {
    "state": "ended", "phase": "booked", "ended_at": T0 + timedelta(hours=2, minutes=5), "energy_wh": 25_000, "cost": COST,
    "cdr": "cs1", "stop_reason": "Remote",
}  # fmt: skip


def cdr() -> CdrRow:
    body = {
        "id": "cs1", "tariffs": [TARIFF], "total_energy_cost": {"excl_vat": 12.3950, "incl_vat": 14.75},
        "total_parking_cost": {"excl_vat": 0, "incl_vat": 0},
    }  # fmt: skip
    return CdrRow(tenant="acme", id="cs1", session="s1", journal="j1", at=T0, body=body)


def document(payment: str) -> DocumentRow:
    """The receipt that the capture issued."""
    line = BillLine("energy", "kWh", Decimal(25), Decimal("0.59"), Decimal(19), 1240, 1475)
    bill = Bill("s1", "CS17", 1, 1, T0, ENDED["ended_at"], "Europe/Berlin", 25_000, COST, (line,), "adhoc", "f")
    row = receipt(
        tenant="acme", payment=payment, session="s1", seller_id="swm", seller=SELLER, country="DE", cost=COST,
        kinds=[KindNet("energy", Money(1240, "EUR"))], paid_minor=1475, at=T0 + timedelta(hours=2, minutes=6), bill=bill,
    )  # fmt: skip
    assert row is not None
    return row


def taken() -> JournalRow:
    return JournalRow(tenant="acme", id="j1", book="swm", ref="a1", at=T0 + timedelta(hours=2, minutes=6), entries=())
