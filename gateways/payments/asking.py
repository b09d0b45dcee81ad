"""How a call goes out: whose account, under which key, with how many tries; and lists that are walked to a bound."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import stripe

from actors.model.psp import Call
from gateways.payments.errors import MOVES_MONEY, Away
from gateways.payments.limits import CLOCK_SKEW, PAGE, PAGES

_OF_INTENT = ("latest_charge.balance_transaction", "latest_charge.refunds")
WITH_CHARGE = list(_OF_INTENT)
WITH_INTENT = [f"payment_intent.{name}" for name in _OF_INTENT]
WITH_LINE = ["balance_transaction"]
"""What is expanded in the answers that seen.py reads."""


def reading(account: str | None) -> Any:
    """Options of a question."""
    return {} if account is None else {"stripe_account": account}


def writing(call: Call, suffix: str = "") -> Any:
    """Options of a wish. What moves money is sent once: the outbox knows what became of it, the package's own retries hide
    whether anything ever left."""
    options: dict[str, Any] = {"idempotency_key": call.key + suffix, **reading(call.account)}
    if isinstance(call, MOVES_MONEY):
        options["max_network_retries"] = 0
    return options


def marks(call: Any) -> dict[str, str]:
    """What a made object is found by again. Nothing personal."""
    names = ("tenant", "attempt", "merchant", "key")
    return {name: value for name in names if (value := getattr(call, name, None))}


def made_since(at: datetime) -> Any:
    return {"gte": int((at - CLOCK_SKEW).timestamp())}


async def every(page: Any, most: int = PAGE * PAGES) -> AsyncIterator[dict[str, Any]]:
    """The objects of a list, from its first page on. Raises Away when there are more than `most`: what was not found by then is
    not known to be missing."""
    count = 0
    while True:
        for item in page.data:
            count += 1
            yield plain(item)
        if not page.has_more:
            return
        if count >= most:
            raise Away(f"a list of more than {most} objects")
        page = await page.next_page_async()


def plain(item: stripe.StripeObject) -> dict[str, Any]:
    return item.to_dict()
