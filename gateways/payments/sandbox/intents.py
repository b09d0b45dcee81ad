"""PaymentIntents: created, confirmed without the person, captured, cancelled, found again."""

import re
import secrets
from collections.abc import Callable

from gateways.payments.sandbox import amounts, charging
from gateways.payments.sandbox.calls import Call
from gateways.payments.sandbox.cards import Card
from gateways.payments.sandbox.errors import Obj, Refusal, invalid, missing, unplayed
from gateways.payments.sandbox.methods import attach, card_of, method_named
from gateways.payments.sandbox.params import metadata
from gateways.payments.sandbox.world import World, bare


def application_fee(world: World, account: str, fee: int | None, amount: int, param: str) -> int | None:
    """Only a charge on a connected account has one, and it is not more than the charge."""
    if fee is None:
        return None
    if account == world.platform:
        raise Refusal(
            "Can only apply an application_fee_amount when the PaymentIntent is attempting a direct payment (using an OAuth key"
            " or Stripe-Account header) or destination payment (using `transfer_data[destination]`).",
            param=param,
        )
    if fee < 1 or fee > amount:
        raise Refusal("Application fee must be at least 1 and at most the amount of the charge.", param=param)
    return fee


def may_charge(world: World, account: str) -> None:
    if not world.objects[account]["charges_enabled"]:
        raise Refusal(
            "Your account cannot currently make live charges: its capability card_payments is not active.",
            code="account_invalid",
        )


def new_intent(
    world: World, account: str, *, amount: int, currency: str, capture_method: str, fee: int | None = None,
    customer: str | None = None, meta: dict[str, str] | None = None, future: str | None = None, secure: str = "automatic",
    description: str | None = None, group: str | None = None, suffix: str | None = None, session: str | None = None,
) -> Obj:  # fmt: skip
    identity = world.new_id("pi")
    intent: Obj = {
        "id": identity, "object": "payment_intent", "amount": amount, "amount_capturable": 0,
        "amount_details": {"tip": {}}, "amount_received": 0,
        "application": world.config.client_id if account != world.platform else None, "application_fee_amount": fee,
        "automatic_payment_methods": None, "canceled_at": None, "cancellation_reason": None, "capture_method": capture_method,
        "client_secret": f"{identity}_secret_{secrets.token_hex(12)}", "confirmation_method": "automatic",
        "created": world.now(), "currency": currency, "customer": customer, "description": description,
        "last_payment_error": None, "latest_charge": None, "livemode": False, "metadata": meta or {}, "next_action": None,
        "on_behalf_of": None, "payment_method": None, "payment_record": None, "payment_method_types": ["card"],
        "payment_method_options": {
            "card": {"installments": None, "mandate_options": None, "network": None, "request_three_d_secure": secure}
        },
        "processing": None, "receipt_email": None, "review": None, "setup_future_usage": future, "shipping": None,
        "source": None, "statement_descriptor": None, "statement_descriptor_suffix": suffix,
        "status": "requires_payment_method", "transfer_data": None, "transfer_group": group, "_session": session,
    }  # fmt: skip
    world.add(account, intent)
    world.emit(account, "payment_intent.created", intent)
    return intent


def create(call: Call) -> Obj:
    world, account, params = call.world, call.account, call.params
    may_charge(world, account)
    currency = amounts.currency(params["currency"])
    amount = amounts.charge(params["amount"], currency)
    if params.get("allowed_payment_method_types", ["card"]) != ["card"]:
        raise unplayed("allowed_payment_method_types")
    for flag in ("off_session", "payment_method_data", "error_on_requires_action"):
        if call.has(flag) and not params.get("confirm"):
            raise invalid(flag, f"You can only use `{flag}` together with `confirm`.")
    customer = params.get("customer")
    if customer is not None:
        world.get(account, "customer", customer, "customer")
    card = (params.get("payment_method_options") or {}).get("card") or {}
    method = method_named(world, account, params["payment_method"]) if call.has("payment_method") else None
    if params.get("confirm") and method is None:
        raise missing("payment_method")
    intent = new_intent(
        world, account, amount=amount, currency=currency, capture_method=params.get("capture_method", "automatic_async"),
        fee=application_fee(world, account, params.get("application_fee_amount"), amount, "application_fee_amount"),
        customer=customer, meta=metadata(params.get("metadata")), future=params.get("setup_future_usage"),
        secure=card.get("request_three_d_secure", "automatic"), description=params.get("description") or None,
        group=params.get("transfer_group"), suffix=params.get("statement_descriptor_suffix"),
    )  # fmt: skip
    if method is not None:
        intent.update(payment_method=method["id"], status="requires_confirmation")
    if params.get("confirm"):
        assert method is not None
        confirm_with(world, intent, method, params)
    return intent


def confirm(call: Call) -> Obj:
    intent = _own(call)
    if intent["_session"] is not None:
        raise Refusal("You cannot confirm this PaymentIntent because it is managed by Checkout.")
    if intent["status"] not in ("requires_confirmation", "requires_payment_method"):
        raise unexpected(intent, "confirm", "requires_confirmation or requires_payment_method")
    named = call.params.get("payment_method") or intent["payment_method"]
    if named is None:
        raise missing("payment_method")
    confirm_with(call.world, intent, method_named(call.world, call.account, named), call.params)
    return intent


def confirm_with(world: World, intent: Obj, method: Obj, params: Obj) -> None:
    """Confirmed by a call of the API. With `off_session` the card is charged under what its holder once agreed to; without, the
    person would have to be sent to `next_action`, so only a card that asks nothing gets through here."""
    away = params.get("off_session") in (True, "one_off", "recurring")
    card = card_of(method)
    _usable(intent, method)
    if away and (card.off_session == "ask" or (card.required and not method["_agreed"])):
        refusal = Refusal(
            "Your card was declined. This transaction requires authentication.", code="authentication_required",
            kind="card_error", status=402, decline_code="authentication_required",
        )  # fmt: skip
        charging.fail(world, intent, refusal, method)
        raise refusal
    if not away and asks(intent, card):
        url = f"{world.url}/3ds/{intent['id']}"
        intent["_back"] = params.get("return_url")
        intent.update(
            payment_method=method["id"], status="requires_action",
            next_action={"type": "redirect_to_url", "redirect_to_url": {"return_url": params.get("return_url"), "url": url}},
        )  # fmt: skip
        world.save(intent)
        world.emit(intent["_account"], "payment_intent.requires_action", intent)
        return
    charging.authorise(world, intent, method, away=away, challenged=False)
    keep(world, intent, method)


def answer(world: World, intent: Obj, *, passed: bool) -> str | None:
    """The person comes back from the challenge of `next_action`: where they go on to. Raises what the page then shows."""
    if intent["status"] != "requires_action" or intent["_session"] is not None:
        raise Refusal("This authentication is over.", code="payment_intent_unexpected_state")
    method = world.objects[intent["payment_method"]]
    if not passed:
        refusal = Refusal("The provided PaymentMethod has failed authentication.", code="payment_intent_authentication_failure")
        charging.fail(world, intent, refusal, method)
        raise refusal
    charging.authorise(world, intent, method, away=False, challenged=True)
    keep(world, intent, method)
    back: str | None = intent["_back"]
    return back


def _usable(intent: Obj, method: Obj) -> None:
    if method["customer"] is not None and method["customer"] != intent["customer"]:
        raise invalid("payment_method", "The provided PaymentMethod belongs to another Customer: pass that `customer`, too.")
    if method.get("_spent"):
        raise invalid("payment_method", "The provided PaymentMethod was detached and may not be used again.")


def asks(intent: Obj, card: Card) -> bool:
    """Whether the person is led to a challenge."""
    wanted = intent["payment_method_options"]["card"]["request_three_d_secure"]
    return card.challenge or (wanted == "challenge" and card.result == "authenticated")


def keep(world: World, intent: Obj, method: Obj) -> None:
    """Save the card, where the payment was made for that, too."""
    if intent["setup_future_usage"] and intent["customer"]:
        attach(world, method, intent["customer"], agreed=intent["setup_future_usage"] == "off_session")


def unexpected(intent: Obj, what: str, wanted: str) -> Refusal:
    done = {"cancel": "canceled", "capture": "captured"}.get(what, f"{what}ed")
    message = (
        f"This PaymentIntent could not be {done} because it has a status of {intent['status']}."
        f" Only a PaymentIntent with one of the following statuses may be {done}: {wanted}."
    )
    return Refusal(message, code="payment_intent_unexpected_state", payment_intent=bare(intent))


def _own(call: Call) -> Obj:
    return call.world.get(call.account, "payment_intent", call.ids["id"], "intent")


def capture(call: Call) -> Obj:
    world, intent, params = call.world, _own(call), call.params
    if intent["status"] != "requires_capture":
        raise unexpected(intent, "capture", "requires_capture")
    amount: int = params["amount_to_capture"] if call.has("amount_to_capture") else intent["amount_capturable"]
    if amount > intent["amount_capturable"]:
        raise Refusal(
            f"The amount_to_capture ({amount}) is greater than the capturable amount ({intent['amount_capturable']}).",
            code="amount_too_large",
            param="amount_to_capture",
        )
    amounts.charge(amount, intent["currency"], "amount_to_capture")
    fee: int | None = params.get("application_fee_amount", intent["application_fee_amount"])
    if fee is not None and call.has("application_fee_amount"):
        if not call.connected:
            application_fee(world, call.account, fee, amount, "application_fee_amount")
        if fee < 0:
            raise Refusal("Application fee must not be negative.", param="application_fee_amount")
    if call.has("metadata"):
        intent["metadata"] = metadata(params["metadata"], intent["metadata"])
    intent["application_fee_amount"] = min(fee, amount) or None if fee is not None else None
    charging.take(world, intent, amount, fee)
    return intent


CANCELLABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action", "processing")


def cancel(call: Call) -> Obj:
    intent = _own(call)
    if intent["status"] not in CANCELLABLE:
        raise unexpected(intent, "cancel", ", ".join(CANCELLABLE))
    if intent["_session"] is not None and intent["status"] != "requires_capture":
        raise Refusal(
            f"You cannot cancel this PaymentIntent: it was created by Checkout and has a status of {intent['status']}."
            " Expire the Checkout Session instead.",
            code="payment_intent_unexpected_state",
            payment_intent=bare(intent),
        )
    charging.release(call.world, intent, call.params.get("cancellation_reason"))
    return intent


_CLAUSE = re.compile(
    r"""\s*(?P<not>-)?(?:(?P<field>\w+)|metadata\[(?P<q>["'])(?P<key>.*?)(?P=q)\])\s*(?P<op>:|~|>=|<=|>|<)\s*"""
    r"""(?:(?P<r>["'])(?P<text>.*?)(?P=r)|(?P<number>\d+))\s*(?:(?P<and>AND)\s|$)"""
)


def _wanted(query: str) -> list[Callable[[Obj], bool]]:
    """Stripe's query language as far as it is played: clauses of equality and comparison, joined by AND."""
    tests: list[Callable[[Obj], bool]] = []
    at, more = 0, True
    while more:
        clause = _CLAUSE.match(query, at)
        if clause is None:
            raise Refusal(f"We were unable to parse your search query: {query[:200]}", param="query")
        at, more = clause.end(), clause["and"] is not None
        tests.append(_test(clause))
    if at < len(query):
        raise Refusal(f"We were unable to parse your search query: {query[:200]}", param="query")
    return tests


def _test(clause: re.Match[str]) -> Callable[[Obj], bool]:
    key, name, sign = clause["key"], clause["field"], clause["op"]
    value = clause["text"] if clause["text"] is not None else clause["number"]
    negated = clause["not"] is not None

    def holds(obj: Obj) -> bool:
        have = obj["metadata"].get(key) if key is not None else obj.get(name)
        if sign in (":", "~"):
            found = have is not None and (str(have) == value if sign == ":" else value.lower() in str(have).lower())
            return found != negated
        if not isinstance(have, int):
            return False
        bound = int(value)
        return {">": have > bound, "<": have < bound, ">=": have >= bound, "<=": have <= bound}[sign]

    return holds


def searcher(kind: str) -> Callable[[Call], Obj]:
    """A handler for `/search`: newest first. What is younger than `search_lag` is not found yet, as with Stripe."""

    def search(call: Call) -> Obj:
        tests = _wanted(call.params["query"])
        seen = call.world.clock.exact() - call.world.config.search_lag
        found = [
            obj for obj in call.world.newest(call.account, kind) if obj["created"] <= seen and all(test(obj) for test in tests)
        ]
        most = call.params.get("limit", 10)
        start = int(call.params["page"]) if call.params.get("page", "0").isdigit() and call.has("page") else 0
        rows, more = found[start : start + most], len(found) > start + most
        return {
            "object": "search_result", "url": call.path, "has_more": more, "data": rows,
            "next_page": str(start + most) if more else None,
        }  # fmt: skip

    return search
