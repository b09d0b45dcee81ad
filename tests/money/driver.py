"""A driver who pays by card at the code, by the pages' HTTP alone; and the payment as an operator sees it."""

import re
from typing import Any

from tests.gateways.web.pay.street import Street

T = "/tenants/acme"
_ORDER = re.compile(r'name="order" value="([^"]+)"').search


async def charges_and_pays(street: Street, card: str = "challenge") -> tuple[dict[str, Any], str]:
    """The payment once it is captured, and the path of the driver's own page."""
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
        return bool(told["energy_wh"] and told["energy_wh"] > 3_000)

    await street.until(has_cost, 30)
    await street.admin.post(f"{mine}/stop")
    return await payment(street, "captured", "settled"), "/pay/" + mine.partition("/pay/")[2]


async def payment(street: Street, *states: str) -> dict[str, Any]:
    """The only payment there is, once it is in one of these states."""
    found: dict[str, Any] = {}

    async def there() -> bool:
        (item,) = (await street.admin.get(f"{T}/payments")).json()["items"]
        found.update(item)
        return item["state"] in states

    await street.until(there, 30)
    return found
