"""Induced errors, lost answers, idempotency, and parameters that Stripe would not take."""

import time
from functools import partial
from typing import Any

import pytest
import stripe
import trio

from gateways.payments.sandbox import Config, open_sandbox
from tests.gateways.payments.sandbox.kit import MERCHANT, ON, client, held, order, sandboxed
from tests.kits.patience import http_client, until

CAPTURE = "POST /v1/payment_intents/*/capture"


async def test_a_lost_answer_is_the_same_answer_under_the_same_key_and_the_work_is_done_once() -> None:
    async with sandboxed() as (sandbox, api):
        for what in ("drop_after", "hang_after"):
            intent = await held(sandbox, api)
            await sandbox.driver.control("faults", calls=[{"call": CAPTURE, "what": what}])
            keyed = {**ON, "idempotency_key": f"cap:{what}"}
            capture = partial(api.v1.payment_intents.capture_async, intent.id, {"amount_to_capture": 700}, keyed)  # type: ignore[arg-type]
            seen = sandbox.api.counted
            if what == "drop_after":
                with pytest.raises(stripe.APIConnectionError):
                    await capture()
            else:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(capture)
                    await until(lambda seen=seen: sandbox.api.counted > seen)
                    nursery.cancel_scope.cancel()
            again = await api.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 700}, keyed)  # type: ignore[arg-type]
            assert (again.status, again.amount_received) == ("succeeded", 700)
            assert again.last_response is not None
            headers = {name.lower(): value for name, value in (again.last_response.headers or {}).items()}
            assert headers["idempotent-replayed"] == "true"
        money = await sandbox.driver.look("money")
        assert money["accounts"][MERCHANT]["by_type"]["eur"]["charge"] == 1400
        assert money["consistent"]


async def test_a_500_after_the_work_is_what_the_key_answers_for_ever_unless_told_otherwise() -> None:
    async with sandboxed() as (sandbox, api):
        for sticky in (True, False):
            intent = await held(sandbox, api)
            await sandbox.driver.control("faults", calls=[{"call": CAPTURE, "what": "error_after", "sticky": sticky}])
            keyed: Any = {**ON, "idempotency_key": f"cap:{sticky}"}
            with pytest.raises(stripe.APIError):
                await api.v1.payment_intents.capture_async(intent.id, {}, keyed)
            if sticky:
                with pytest.raises(stripe.APIError):
                    await api.v1.payment_intents.capture_async(intent.id, {}, keyed)
            else:
                assert (await api.v1.payment_intents.capture_async(intent.id, {}, keyed)).status == "succeeded"
            assert (await api.v1.payment_intents.retrieve_async(intent.id, {}, ON)).status == "succeeded"


@pytest.mark.parametrize(
    ("what", "error"),
    [("error_before", stripe.APIError), ("rate_limit", stripe.RateLimitError), ("drop_before", stripe.APIConnectionError)],
)
async def test_a_call_that_fails_before_the_work_did_nothing_and_its_key_is_free(what: str, error: type[Exception]) -> None:
    async with sandboxed() as (sandbox, api):
        intent = await held(sandbox, api)
        await sandbox.driver.control("faults", calls=[{"call": CAPTURE, "what": what}])
        keyed: Any = {**ON, "idempotency_key": "cap:1"}
        with pytest.raises(error):
            await api.v1.payment_intents.capture_async(intent.id, {}, keyed)
        assert (await api.v1.payment_intents.retrieve_async(intent.id, {}, ON)).status == "requires_capture"
        assert (await api.v1.payment_intents.capture_async(intent.id, {}, keyed)).status == "succeeded"


async def test_the_packages_own_retries_get_through_passing_trouble() -> None:
    async with sandboxed() as (sandbox, _):
        api = client(sandbox, retries=2)
        await sandbox.driver.control("faults", calls=[{"call": "POST /v1/customers", "what": "drop_after"}])
        made = await api.v1.customers.create_async({"email": "once@example.org"})
        found = await api.v1.customers.list_async({"email": "once@example.org"})
        assert [one.id for one in found.data] == [made.id]


async def test_a_key_with_another_body_is_refused_and_a_day_later_it_is_new() -> None:
    async with sandboxed() as (sandbox, api):
        keyed: Any = {"idempotency_key": "cus:1"}
        first = await api.v1.customers.create_async({"name": "A"}, keyed)
        assert (await api.v1.customers.create_async({"name": "A"}, keyed)).id == first.id
        with pytest.raises(stripe.IdempotencyError):
            await api.v1.customers.create_async({"name": "B"}, keyed)
        elsewhere = await api.v1.customers.create_async({"name": "B"}, {**keyed, **ON})
        assert elsewhere.id != first.id, "keys belong to an account"
        await sandbox.driver.control("clock", advance=86400 + 1)
        assert (await api.v1.customers.create_async({"name": "B"}, keyed)).id != first.id


async def test_a_decline_is_remembered_under_its_key_and_a_wrong_parameter_is_not() -> None:
    async with sandboxed() as (_sandbox, api):
        keyed: Any = {"idempotency_key": "pi:1"}
        wish: Any = {"amount": 1000, "currency": "eur", "payment_method": "pm_card_declined", "confirm": True}
        codes = []
        for _ in range(2):
            with pytest.raises(stripe.CardError) as caught:
                await api.v1.payment_intents.create_async(wish, keyed)
            codes.append(caught.value.error.payment_intent.id)  # type: ignore[union-attr]
        assert codes[0] == codes[1]
        with pytest.raises(stripe.InvalidRequestError):
            await api.v1.customers.create_async({"nonsense": "x"}, {"idempotency_key": "cus:2"})  # type: ignore[typeddict-unknown-key]
        assert (await api.v1.customers.create_async({}, {"idempotency_key": "cus:2"})).id


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"payment_method_types": ["card"]}, "parameter_unknown", "payment_method_types"),
        ({"mode": "subscription"}, "sandbox_unplayed", "mode"),
        ({"success_url": "ftp://x"}, "url_invalid", "success_url"),
        ({"success_url": None}, "parameter_missing", "success_url"),
        ({"customer_email": "nobody"}, "email_invalid", "customer_email"),
        ({"customer": "cus_1"}, None, "customer_email"),
        ({"expires_at": "soon"}, "parameter_invalid_integer", "expires_at"),
        ({"expires_at": int(time.time()) + 60}, None, "expires_at"),
        ({"expires_at": int(time.time()) + 2 * 86400}, None, "expires_at"),
        ({"submit_type": "swindle"}, None, "submit_type"),
        ({"wallet_options": {"link": {"display": "sometimes"}}}, None, "wallet_options[link][display]"),
        ({"metadata": {"k" * 41: "v"}}, None, "metadata[" + "k" * 41 + "]"),
        ({"payment_method_options": {"card": {"moto": True}}}, "parameter_unknown", None),
        ({"line_items": []}, "parameter_missing", "line_items"),
    ],
)
async def test_a_checkout_that_stripe_would_refuse_is_refused(
    change: dict[str, Any], code: str | None, param: str | None
) -> None:
    async with sandboxed() as (_, api):
        params = {name: value for name, value in order(**change).items() if value is not None}
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await api.v1.checkout.sessions.create_async(params, ON)  # type: ignore[arg-type]
        assert code is None or caught.value.code == code
        assert param is None or caught.value.param == param


async def test_amounts_fees_and_currencies_are_judged_as_stripe_does() -> None:
    async with sandboxed() as (_, api):

        async def refused(amount: int, currency: str, fee: int | None = None, options: Any = ON) -> str | None:
            params = order(amount, fee)
            params["line_items"][0]["price_data"]["currency"] = currency
            try:
                await api.v1.checkout.sessions.create_async(params, options)  # type: ignore[arg-type]
            except stripe.InvalidRequestError as error:
                return error.code or error.param
            return None

        assert await refused(49, "eur") == "amount_too_small"
        assert await refused(50, "eur") is None
        assert await refused(50, "jpy") is None
        assert await refused(10_050, "isk") == "invalid_amount"
        assert await refused(10_100, "isk") is None
        assert await refused(1_001, "kwd") == "invalid_amount"
        assert await refused(1_010, "kwd") is None
        assert await refused(1_000, "xxx") == "line_items[0][price_data][currency]"
        assert await refused(1_000, "eur", 1_001) == "payment_intent_data[application_fee_amount]"
        assert await refused(1_000, "eur", 10, {}) == "payment_intent_data[application_fee_amount]"


async def test_a_wrong_key_version_or_path_is_said_so() -> None:
    async with open_sandbox(Config()) as sandbox:
        with pytest.raises(stripe.AuthenticationError):
            await client(sandbox, key="sk_test_other").v1.balance.retrieve_async()
        with pytest.raises(stripe.InvalidRequestError, match="API version"):
            await client(sandbox).v1.balance.retrieve_async({}, {"stripe_version": "2020-08-27"})
        with pytest.raises(stripe.InvalidRequestError, match="does not play"):
            await client(sandbox).v1.customers.create_async({"invoice_prefix": "ABC"})
        with pytest.raises(stripe.InvalidRequestError, match="not played by the sandbox"):
            await client(sandbox).v1.coupons.list_async()


async def test_down_means_nobody_answers_but_the_control_api() -> None:
    async with sandboxed() as (sandbox, api):
        await sandbox.driver.control("faults", down=True)
        with pytest.raises(stripe.APIConnectionError):
            await api.v1.balance.retrieve_async()
        await sandbox.driver.control("faults", down=False)
        assert (await api.v1.balance.retrieve_async()).object == "balance"


async def test_the_journal_has_every_call_with_its_parameters() -> None:
    async with sandboxed() as (sandbox, api):
        await held(sandbox, api)
        calls = (await sandbox.driver.look("calls?path=/v1/checkout"))["calls"]
        assert [call["method"] for call in calls] == ["POST", "GET"]
        assert calls[0]["account"] == MERCHANT
        assert calls[0]["params"]["payment_method_options[card][request_three_d_secure]"] == "any"
        assert "moto" not in str(calls)


async def test_a_delay_is_a_delay_and_weather_is_made_of_chances() -> None:
    async with sandboxed() as (sandbox, api):
        await sandbox.driver.control("faults", calls=[{"call": "GET /v1/balance", "what": "delay", "seconds": 0.3}])
        began = trio.current_time()
        await api.v1.balance.retrieve_async()
        assert trio.current_time() - began >= 0.3
        await sandbox.driver.control("faults", calls=[{"call": "* /v1/*", "what": "error_before", "times": None, "chance": 0.5}])
        failed = 0
        for _ in range(40):
            try:
                await api.v1.balance.retrieve_async()
            except stripe.APIError:
                failed += 1
        assert 5 < failed < 35


async def test_requests_have_bounds() -> None:
    async with sandboxed() as (sandbox, _), http_client() as http:
        key = {
            "Authorization": f"Bearer {sandbox.world.config.secret_key}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        answer = await http.post(f"{sandbox.url}/v1/customers", headers=key, content=b"name=" + b"x" * (7 << 20))
        assert answer.status_code == 413
        answer = await http.post(f"{sandbox.url}/v1/customers", headers=key, content="a" + "[b]" * 20 + "=1")
        assert answer.status_code == 400
        answer = await http.post(f"{sandbox.url}/v1/customers", headers=key, content=b"name=\xff\xfe")
        assert answer.status_code == 400


async def test_while_a_call_is_slow_its_key_is_in_use_and_afterwards_it_answers_the_same() -> None:
    async with sandboxed() as (sandbox, api), trio.open_nursery() as nursery:
        await sandbox.driver.control("faults", calls=[{"call": "POST /v1/customers", "what": "delay", "seconds": 60}])
        keyed: Any = {"idempotency_key": "cus:1"}
        seen = sandbox.api.counted
        nursery.start_soon(api.v1.customers.create_async, {}, keyed)
        await until(lambda: sandbox.api.counted > seen)
        with pytest.raises(stripe.APIError) as caught:
            await api.v1.customers.create_async({}, keyed)
        assert caught.value.http_status == 409
        await sandbox.driver.control("clock", advance=61)
        again = await api.v1.customers.create_async({}, keyed)
        assert [one.id for one in (await api.v1.customers.list_async()).data] == [again.id], "what the slow call made"
        nursery.cancel_scope.cancel()


async def test_what_a_person_does_in_the_dashboard_happens_past_our_keys_and_our_journal() -> None:
    async with sandboxed() as (sandbox, api):
        intent = await held(sandbox, api)
        await api.v1.payment_intents.capture_async(intent.id, {}, ON)
        calls = sandbox.api.counted
        await sandbox.driver.control(
            "dashboard", account=MERCHANT, path="/v1/refunds", params={"payment_intent": intent.id, "amount": 300}
        )
        assert sandbox.api.counted == calls
        refunds = await api.v1.refunds.list_async({"payment_intent": intent.id}, ON)
        assert [(one.amount, (one.metadata or {}).to_dict()) for one in refunds.data] == [(300, {})]  # type: ignore[union-attr]
