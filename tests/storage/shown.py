"""Rows as actors stage them, with everything filled in that a test does not care about."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from actors.model.money import Cost, Money, VatAmount
from actors.model.rows import (
    CdrRow,
    DocumentRow,
    EvseRow,
    MerchantRow,
    PaymentRow,
    SeenRow,
    SessionRow,
    StationRow,
    TariffRow,
    TenantRow,
    TokenRow,
)
from actors.ports import TraceRow

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
COST = Cost(Money(1037, "EUR"), Money(1234, "EUR"), (VatAmount(Decimal("19"), Money(197, "EUR")),))


def tenant(tenant: str = "acme", **fields: Any) -> TenantRow:
    base = {"currency": "EUR", "country": "DE", "time_zone": "Europe/Berlin", "unknown_stations": "inbox"}
    return TenantRow(**{"tenant": tenant, **base, "created_at": AT, "name": "Acme", "settings": {"a": [1, None]}, **fields})


def token(ref: str, **fields: Any) -> TokenRow:
    return TokenRow(**{"tenant": "acme", "ref": ref, "type": "ISO14443", "status": "Accepted", "masked": "04A2…81", **fields})


def tariff(id: str, version: int = 1, **fields: Any) -> TariffRow:
    base = {"valid_from": AT, "fingerprint": f"f{version}", "currency": "EUR", "body": {"id": id, "price": 0.25}}
    return TariffRow(**{"tenant": "acme", "id": id, "version": version, **base, **fields})


def station(station: str, **fields: Any) -> StationRow:
    base: dict[str, Any] = {"registered": True, "evses": 1, "profile": 1, "auth": bytes(range(96)), "versions": ("ocpp1.6",)}
    rest = {"tariff": None, "location": {}, "boot": None, "updated_at": AT}
    return StationRow(**{"tenant": "acme", "station": station, **base, **rest, **fields})


def evse(station: str, evse: int = 1, **fields: Any) -> EvseRow:
    base = {"code": f"{station}-{evse}", "status": "Available", "detail": "Available", "connectors": [{"id": 1}], "claimed": True}
    return EvseRow(**{"tenant": "acme", "station": station, "evse": evse, **base, "session": None, "updated_at": AT, **fields})


def seen(station: str, **fields: Any) -> SeenRow:
    base = {"online": True, "protocol": "ocpp1.6", "since": AT, "generation": 1, "last_seen": AT}
    return SeenRow(**{"tenant": "acme", "station": station, **base, **fields})


def session(id: str, **fields: Any) -> SessionRow:
    base: dict[str, Any] = {"number": 1001, "station": "s/1", "evse": 1, "connector": 1, "transaction_id": "1001"}
    who = {"token_ref": "t_1", "token_masked": "04A2…81", "state": "active", "phase": "charging"}
    when = {"started_at": AT, "ended_at": None, "energy_wh": None, "stop_reason": None, "cost": None}
    rest = {"unpriced": False, "cdr": None, "anomalies": (), "updated_at": AT}
    return SessionRow(**{"tenant": "acme", "id": id, **base, **who, **when, **rest, **fields})


def cdr(id: str, session: str, **fields: Any) -> CdrRow:
    body = {"id": id, "session_id": session, "currency": "EUR", "total_cost": {"excl_vat": 10.37, "incl_vat": 12.34}}
    return CdrRow(**{"tenant": "acme", "id": id, "session": session, "journal": None, "at": AT, "body": body, **fields})


def trace(unique_id: str, **fields: Any) -> TraceRow:
    base = {"direction": "in", "protocol": "ocpp1.6", "message_type": "CALL", "action": "Heartbeat", "body": "[2]"}
    return TraceRow(**{"tenant": "acme", "station": "s/1", "at": AT, "unique_id": unique_id, **base, **fields})


def payment(id: str, **fields: Any) -> PaymentRow:
    base: dict[str, Any] = {"purpose": "session", "state": "quoted", "currency": "EUR", "hold_minor": 5000, "limit_minor": 4500}
    return PaymentRow(**{"tenant": "acme", "id": id, **base, "created_at": AT, "updated_at": AT, **fields})


def document(id: str, **fields: Any) -> DocumentRow:
    body = {"vat": [{"rate": "19", "net_minor": 1037, "vat_minor": 197}], "language": "de"}
    base: dict[str, Any] = {"seller": "brand", "kind": "receipt", "series": "brand/receipt/2026", "at": AT, "ref": "a"}
    return DocumentRow(**{"tenant": "acme", "id": id, **base, "currency": "EUR", "gross_minor": 1234, "body": body, **fields})


def merchant(id: str, **fields: Any) -> MerchantRow:
    terms = {"commission_percent": "5", "commission_vat_percent": "19", "sells": "owner", "partners": [], "min_minor": None}
    base: dict[str, Any] = {"seller": {"name": "Owner GmbH", "country": "DE"}, "terms": terms, "updated_at": AT}
    return MerchantRow(**{"tenant": "acme", "id": id, **base, **fields})
