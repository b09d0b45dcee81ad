"""A tariff as OCPI 2.2.1 speaks it, whatever it was written in (down-conversion of PROTOCOLS 6.5).

`before_taxes` becomes `excl_vat`, `after_taxes` `incl_vat`; prices that include taxes are divided by 1 + VAT and
rounded to four decimals, which is why rating always works on the original and never on this.
"""

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from actors.model.limits import CDR_DECIMALS
from actors.model.tariff import Component, Tariff

_QUANTUM = Decimal(1).scaleb(-CDR_DECIMALS)
_HUNDRED = Decimal(100)
_NEWER = ("tax_included", "preauthorize_amount")


def as_221(tariff: Tariff, country: str, party: str, at: datetime) -> dict[str, Any]:
    """The OCPI 2.2.1 object. `country`, `party` and `at` fill what the stored object left out."""
    body = {key: value for key, value in tariff.body.items() if key not in _NEWER and value is not None}
    body.setdefault("country_code", country)
    body.setdefault("party_id", party)
    body.setdefault("id", tariff.id or "default")
    body.setdefault("last_updated", at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"))
    for field, limit in (("min_price", tariff.min_price), ("max_price", tariff.max_price)):
        if limit is not None:
            body[field] = {"excl_vat": _json(limit.excl)}
            if limit.incl is not None:
                body[field]["incl_vat"] = _json(limit.incl)
    if tariff.version == "2.3.0":
        for element, written in zip(tariff.elements, tariff.body["elements"], strict=True):
            components = [_component(tariff, component) for component in element.components]
            body_element = {**written, "price_components": components}
            body.setdefault("_elements", []).append(body_element)
        body["elements"] = body.pop("_elements")
    return body


def _component(tariff: Tariff, component: Component) -> dict[str, Any]:
    price, vat = component.price, component.vat
    if tariff.tax_included == "YES" and vat:
        price = (price * _HUNDRED / (_HUNDRED + vat)).quantize(_QUANTUM, ROUND_HALF_UP)
    found: dict[str, Any] = {"type": component.type, "price": _json(price), "step_size": component.step_size}
    if vat is not None and tariff.tax_included != "N/A":
        found["vat"] = _json(vat)
    return found


def _json(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
