"""In bad weather, with the same key until an answer comes, everything is done once: the sandbox keeps what it promises others."""

import random
from typing import Any

import stripe

from gateways.payments.sandbox import Config
from tests.gateways.payments.sandbox.kit import MERCHANT, ON, client, held, sandboxed

SEED = 20261126
WEATHER = [
    {"call": "POST /v1/*", "what": "error_after", "sticky": False, "times": None, "chance": 0.1},
    {"call": "POST /v1/*", "what": "error_before", "times": None, "chance": 0.1},
    {"call": "* /v1/*", "what": "drop_after", "times": None, "chance": 0.1},
    {"call": "* /v1/*", "what": "rate_limit", "times": None, "chance": 0.1},
]
PASSING = (stripe.APIError, stripe.APIConnectionError, stripe.RateLimitError)


async def until_answered(call: Any, *params: Any, key: str) -> Any:
    for _ in range(100):
        try:
            return await call(*params, {**ON, "idempotency_key": key})
        except PASSING:
            continue
    raise AssertionError("no answer in a hundred tries")


async def test_captures_and_refunds_in_bad_weather_are_one_effect_each() -> None:
    dice = random.Random(SEED)
    async with sandboxed(Config(merchants=(MERCHANT,), seed=SEED)) as (sandbox, _):
        api = client(sandbox)
        intents = [await held(sandbox, api) for _ in range(12)]
        await sandbox.driver.control("faults", calls=WEATHER)
        taken = given = 0
        for n, intent in enumerate(intents):
            amount = dice.randrange(50, 5000)
            done = await until_answered(
                api.v1.payment_intents.capture_async,
                intent.id,
                {"amount_to_capture": amount, "application_fee_amount": amount // 20 or 1},
                key=f"cap:{n}",
            )
            assert done.amount_received == amount
            taken += amount
            back = dice.randrange(1, amount)
            wish = {"payment_intent": intent.id, "amount": back, "refund_application_fee": True}
            refund = await until_answered(api.v1.refunds.create_async, wish, key=f"ref:{n}")
            assert refund.amount == back
            given += back
        await sandbox.driver.control("faults", clear=True)
        money = await sandbox.driver.look("money")
        sums = money["accounts"][MERCHANT]["by_type"]["eur"]
        assert (sums["charge"], sums["refund"]) == (taken, -given), f"seed {SEED}"
        assert money["consistent"]
        calls = (await sandbox.driver.look("calls"))["calls"]
        assert sum(call["fault"] is not None for call in calls) > 10, "there was weather"
