"""Checkout Sessions: made by the API, paid on the hosted page (`hosted.py`), expired by a call or by the clock."""

import re

from gateways.payments.sandbox import amounts, charging, limits
from gateways.payments.sandbox.calls import Call, page, paged
from gateways.payments.sandbox.cards import Card
from gateways.payments.sandbox.errors import Obj, Refusal, invalid, missing, unplayed
from gateways.payments.sandbox.intents import application_fee, asks, keep, may_charge, new_intent
from gateways.payments.sandbox.methods import card_of, new_customer, new_method
from gateways.payments.sandbox.params import metadata
from gateways.payments.sandbox.world import World

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}\.[^@\s.]{2,}")


def email_of(given: str, param: str) -> str:
    if not _EMAIL.fullmatch(given):
        raise Refusal(f"Invalid email address: {given}", code="email_invalid", param=param)
    return given


def _lines(world: World, params: Obj) -> tuple[list[Obj], int, str]:
    """(line items, total, currency)."""
    lines: list[Obj] = []
    currency: str | None = None
    for n, item in enumerate(params.get("line_items") or []):
        at = f"line_items[{n}]"
        if "price_data" not in item:
            raise missing(f"{at}[price_data]")
        price = item["price_data"]
        if "product_data" not in price or "unit_amount" not in price:
            raise missing(f"{at}[price_data][{'product_data' if 'product_data' not in price else 'unit_amount'}]")
        of = amounts.currency(price["currency"], f"{at}[price_data][currency]")
        if currency not in (None, of):
            raise invalid(f"{at}[price_data][currency]", "All line items must have the same currency.")
        currency, quantity = of, item.get("quantity", 1)
        if quantity < 1:
            raise invalid(f"{at}[quantity]", "Quantity must be at least 1.")
        unit = amounts.amount(price["unit_amount"], of, f"{at}[price_data][unit_amount]", least=0)
        total = unit * quantity
        lines.append(
            {
                "id": world.new_id("li"), "object": "item", "amount_discount": 0, "amount_subtotal": total, "amount_tax": 0,
                "amount_total": total, "currency": of, "description": price["product_data"]["name"], "price": None,
                "quantity": quantity,
            }
        )  # fmt: skip
    if currency is None:
        raise missing("line_items")
    return lines, sum(line["amount_total"] for line in lines), currency


def _expiry(world: World, params: Obj) -> int:
    now = world.now()
    at: int = params.get("expires_at", now + limits.SESSION_MOST)
    if at < now + limits.SESSION_LEAST - 5:
        raise Refusal(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.", param="expires_at"
        )
    if at > now + limits.SESSION_MOST + 5:
        raise Refusal("The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.", param="expires_at")
    return at


def _url(params: Obj, name: str) -> str | None:
    url = params.get(name)
    if url is None:
        return None
    if not url.startswith(("http://", "https://")) or len(url) > 5_000 or " " in url:
        raise Refusal("Not a valid URL", code="url_invalid", param=name)
    return str(url)


def create(call: Call) -> Obj:
    world, account, params = call.world, call.account, call.params
    may_charge(world, account)
    if params.get("mode", "payment") != "payment":
        raise unplayed("mode")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise unplayed("ui_mode")
    if params.get("allowed_payment_method_types", ["card"]) != ["card"]:
        raise unplayed("allowed_payment_method_types")
    success = _url(params, "success_url")
    if success is None:
        raise missing("success_url")
    if params.get("customer") and params.get("customer_email"):
        raise Refusal("You may only specify one of these parameters: customer, customer_email.", param="customer_email")
    if params.get("customer") and call.has("customer_creation"):
        raise Refusal("`customer_creation` cannot be used with `customer`.", param="customer_creation")
    email = email_of(params["customer_email"], "customer_email") if params.get("customer_email") else None
    if params.get("customer"):
        world.get(account, "customer", params["customer"], "customer")
    lines, total, currency = _lines(world, params)
    amounts.charge(total, currency, "line_items[0][price_data][unit_amount]")
    data = params.get("payment_intent_data") or {}
    fee = application_fee(
        world, account, data.get("application_fee_amount"), total, "payment_intent_data[application_fee_amount]"
    )
    card = (params.get("payment_method_options") or {}).get("card") or {}
    wanted = {
        "fee": fee, "meta": metadata(data.get("metadata"), None, "payment_intent_data[metadata]"),
        "capture_method": data.get("capture_method", "automatic_async"), "description": data.get("description"),
        "future": data.get("setup_future_usage") or card.get("setup_future_usage"), "group": data.get("transfer_group"),
        "secure": card.get("request_three_d_secure", "automatic"), "suffix": data.get("statement_descriptor_suffix"),
    }  # fmt: skip
    session = _new(call, lines, total, currency, email, wanted)
    session["success_url"], session["cancel_url"] = success, _url(params, "cancel_url")
    world.add(account, session)
    world.later(session["expires_at"], "session", session["id"])
    return session


def _new(call: Call, lines: list[Obj], total: int, currency: str, email: str | None, wanted: Obj) -> Obj:
    world, params = call.world, call.params
    identity = world.new_id("cs_test")
    card = {"request_three_d_secure": wanted["secure"]}
    options = {"card": card | ({"setup_future_usage": wanted["future"]} if wanted["future"] else {})}
    display = ((params.get("wallet_options") or {}).get("link") or {}).get("display", "auto")
    return {
        "id": identity, "object": "checkout.session", "adaptive_pricing": {"enabled": False}, "after_expiration": None,
        "allow_promotion_codes": None, "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "amount_subtotal": total, "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": params.get("billing_address_collection"), "cancel_url": None,
        "client_reference_id": params.get("client_reference_id"), "client_secret": None, "collected_information": None,
        "consent": None, "consent_collection": None, "created": world.now(), "currency": currency, "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {"after_submit": None, "shipping_address": None, "submit": None, "terms_of_service_acceptance": None},
        "customer": params.get("customer") or None,
        "customer_creation": None if params.get("customer") else params.get("customer_creation", "if_required"),
        "customer_details": {"address": None, "email": email, "name": None, "phone": None, "tax_exempt": "none", "tax_ids": None}
        if email else None,
        "customer_email": email, "discounts": [], "expires_at": _expiry(world, params), "invoice": None,
        "invoice_creation": None, "livemode": False, "locale": params.get("locale"),
        "metadata": metadata(params.get("metadata")), "mode": "payment", "origin_context": None, "payment_intent": None,
        "payment_link": None, "payment_method_collection": "if_required", "payment_method_configuration_details": None,
        "payment_method_options": options, "payment_method_types": ["card"], "payment_status": "unpaid", "permissions": None,
        "phone_number_collection": {"enabled": False}, "recovered_from": None, "redirect_on_completion": None,
        "saved_payment_method_options": None, "setup_intent": None, "shipping_address_collection": None, "shipping_cost": None,
        "shipping_options": [], "status": "open", "submit_type": params.get("submit_type"), "subscription": None,
        "success_url": None, "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page", "url": f"{world.url}/c/pay/{identity}",
        "wallet_options": {"link": {"display": display}}, "_lines": lines, "_wanted": wanted, "_challenge": None,
    }  # fmt: skip


def retrieve(call: Call) -> Obj:
    return call.world.get(call.account, "checkout.session", call.ids["id"], "session")


def line_items(call: Call) -> Obj:
    return paged(retrieve(call)["_lines"], call.path)


def listed(call: Call) -> Obj:
    params = call.params
    rows = (
        one
        for one in call.world.newest(call.account, "checkout.session")
        if all(one[name] == params[name] for name in ("payment_intent", "customer", "status") if name in params)
    )
    return page(call, rows, call.path)


def update(call: Call) -> Obj:
    session = retrieve(call)
    session["metadata"] = metadata(call.params.get("metadata"), session["metadata"])
    call.world.save(session)
    return session


def expire(call: Call) -> Obj:
    session = retrieve(call)
    if session["status"] != "open":
        raise Refusal(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of'
            f" {session['status']}.",
            param="session",
        )
    close(call.world, session)
    return session


def close(world: World, session: Obj) -> None:
    """Nobody can pay it any more; an intent that a first attempt left is cancelled with it."""
    if session["status"] != "open":
        return
    session.update(status="expired", url=None, _challenge=None)
    intent = world.objects.get(session["payment_intent"] or "")
    if intent is not None and intent["status"] not in ("canceled", "succeeded"):
        charging.release(world, intent, "abandoned" if intent["latest_charge"] is None else None)
    world.save(session)
    world.emit(session["_account"], "checkout.session.expired", session)


# -- the hosted page's side ------------------------------------------------------------------------------------------


def submit(world: World, session: Obj, card: Card, email: str) -> str | None:
    """A card is given on the page. Answers the token of a challenge if the person must go through one; raises the decline."""
    intent, method = _prepare(world, session, card, email)
    if asks(intent, card):
        token = world.new_id("chl")
        intent.update(
            status="requires_action", payment_method=method["id"],
            next_action={"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}},
        )  # fmt: skip
        session["_challenge"] = {"token": token, "method": method["id"]}
        world.save(intent, session)
        world.emit(intent["_account"], "payment_intent.requires_action", intent)
        return token
    _pay(world, session, intent, method, challenged=False)
    return None


def answer(world: World, session: Obj, token: str, *, passed: bool) -> None:
    """The person came back from the challenge. Raises the refusal that the page then shows."""
    challenge = session["_challenge"]
    if session["status"] != "open" or challenge is None or challenge["token"] != token:
        raise Refusal("This authentication is over.", code="payment_intent_unexpected_state")
    session["_challenge"] = None
    intent, method = world.objects[session["payment_intent"]], world.objects[challenge["method"]]
    world.save(session)
    if not passed:
        refusal = Refusal(
            "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
            code="payment_intent_authentication_failure",
        )
        charging.fail(world, intent, refusal, method)
        raise refusal
    _pay(world, session, intent, method, challenged=True)


def _prepare(world: World, session: Obj, card: Card, email: str) -> tuple[Obj, Obj]:
    """The session's intent, made with the first attempt as Stripe does, and the card as a payment method."""
    account, wanted = session["_account"], session["_wanted"]
    intent = world.objects.get(session["payment_intent"] or "")
    if intent is None:
        customer = session["customer"]
        if customer is None and (wanted["future"] or session["customer_creation"] == "always"):
            customer = new_customer(world, account, {"email": email})["id"]
            session["customer"] = customer
        intent = new_intent(
            world, account, amount=session["amount_total"], currency=session["currency"], customer=customer,
            session=session["id"], **{**wanted, "meta": dict(wanted["meta"])},
        )  # fmt: skip
        session["payment_intent"] = intent["id"]
        world.save(session)
    return intent, new_method(world, account, card, email)


def _pay(world: World, session: Obj, intent: Obj, method: Obj, *, challenged: bool) -> None:
    charging.authorise(world, intent, method, away=False, challenged=challenged)
    keep(world, intent, method)
    card = card_of(method)
    intent["payment_method_options"]["card"]["network"] = None if card.wallet else card.brand
    session.update(
        status="complete", url=None, payment_status="paid" if intent["status"] == "succeeded" else "unpaid", _challenge=None,
        customer_details={
            "address": None, "email": method["billing_details"]["email"], "name": None, "phone": None, "tax_exempt": "none",
            "tax_ids": None,
        },
    )  # fmt: skip
    world.save(session, intent)
    world.emit(session["_account"], "checkout.session.completed", session)
