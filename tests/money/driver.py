"""A driver who pays by card at the code, by the pages' HTTP alone; and the payment as an operator sees it."""

import re
from typing import Any

from tests.gateways.web.pay.street import Street

T = "/tenants/acme"
ENOUGH_WH = 3_000
"""More than the least amount that a card can be charged."""
_ORDER = re.compile(r'name="order" value="([^"]+)"').search


async def begins_to_charge(street: Street, card: str = "challenge") -> str:
    """Scan, order, pay; once energy flows, the path of the driver's own page."""
    form = _ORDER((await street.admin.get(street.url)).text)
    assert form is not None, "nothing is sold there"
    ordered = await street.admin.post(street.url, data={"order": form[1], "consent": "yes"})
    assert ordered.status_code == 303, ordered.text
    outcome = await street.sandbox.driver.pay(ordered.headers["Location"], card)
    assert outcome.paid, outcome.error
    mine = (outcome.url or "").partition("?")[0]
    await street.admin.get(outcome.url or "")

    async def has_cost() -> bool:
        session = (await street.payments())[0].session
        if session is None:
            return False
        told = (await street.admin.get(f"{T}/sessions/{session}")).json()
        return bool(told["energy_wh"] and told["energy_wh"] > ENOUGH_WH)

    await street.until(has_cost)
    return "/pay/" + mine.partition("/pay/")[2]


async def charges_and_pays(street: Street, card: str = "challenge") -> tuple[dict[str, Any], str]:
    """The payment once it is captured and the provider's own fee is known, and the path of the driver's own page."""
    path = await begins_to_charge(street, card)
    await street.admin.post(f"{street.node.urls.http}{path}/stop")
    return await payment(street, "settled"), path


async def payment(street: Street, *states: str) -> dict[str, Any]:
    """The only payment there is, once it is in one of these states."""
    found: dict[str, Any] = {}

    async def there() -> bool:
        (item,) = (await street.admin.get(f"{T}/payments")).json()["items"]
        found.update(item)
        return item["state"] in states

    await street.until(there)
    return found
