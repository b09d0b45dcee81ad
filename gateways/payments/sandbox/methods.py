"""Customers and their saved cards."""

from gateways.payments.sandbox.calls import Call, page
from gateways.payments.sandbox.cards import BY_METHOD, BY_NAME, Card
from gateways.payments.sandbox.errors import Obj, Refusal, invalid
from gateways.payments.sandbox.params import metadata
from gateways.payments.sandbox.world import World

EXPIRY = (12, 2034)
_BILLING: Obj = {"address": None, "email": None, "name": None, "phone": None, "tax_id": None}


def wallet_of(card: Card) -> Obj | None:
    """`dynamic_last4` is the device's own number; a Google Pay that hands out the card's number has none."""
    if card.wallet is None:
        return None
    return {"type": card.wallet, "dynamic_last4": "4242" if card.device_token else None, card.wallet: {}}


def new_method(world: World, account: str, card: Card, email: str | None = None) -> Obj:
    networks = {"available": [card.brand], "preferred": None}
    checks = {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"}
    method: Obj = {
        "id": world.new_id("pm"), "object": "payment_method", "type": "card", "created": world.now(), "livemode": False,
        "allow_redisplay": "unspecified", "customer": None, "metadata": {}, "billing_details": _BILLING | {"email": email},
        "card": {
            "brand": card.brand, "checks": checks, "country": card.country, "display_brand": card.brand,
            "exp_month": EXPIRY[0], "exp_year": EXPIRY[1], "fingerprint": f"print{card.number}", "funding": card.funding,
            "generated_from": None, "last4": card.last4, "networks": networks, "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": card.result != "not_supported"}, "wallet": wallet_of(card),
        },
        "_card": card.name, "_agreed": False,
    }  # fmt: skip
    return world.add(account, method)


def card_of(method: Obj) -> Card:
    return BY_NAME[method["_card"]]


def method_named(world: World, account: str, identity: str, param: str = "payment_method") -> Obj:
    """A payment method by id, or one ready made by its name (`pm_card_frictionless`)."""
    if identity in BY_METHOD:
        return new_method(world, account, BY_METHOD[identity])
    return world.get(account, "payment_method", identity, param)


def new_customer(world: World, account: str, params: Obj) -> Obj:
    now = world.now()
    customer: Obj = {
        "id": world.new_id("cus"), "object": "customer", "address": None, "balance": 0, "created": now, "currency": None,
        "default_source": None, "delinquent": False, "description": params.get("description") or None, "discount": None,
        "email": params.get("email") or None, "invoice_prefix": world.new_id("x")[2:10].upper(), "livemode": False,
        "invoice_settings": {"custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None},
        "metadata": metadata(params.get("metadata")), "name": params.get("name") or None, "next_invoice_sequence": 1,
        "phone": params.get("phone") or None, "preferred_locales": params.get("preferred_locales", []), "shipping": None,
        "tax_exempt": "none", "test_clock": None,
    }  # fmt: skip
    world.add(account, customer)
    world.emit(account, "customer.created", customer)
    return customer


def attach(world: World, method: Obj, customer: str, *, agreed: bool) -> None:
    """`agreed`: off-session use was agreed to on a page, under authentication."""
    fresh = method["customer"] is None
    method["customer"] = customer
    method["_agreed"] = method["_agreed"] or agreed
    world.save(method)
    if fresh:
        world.emit(method["_account"], "payment_method.attached", method)


def create_customer(call: Call) -> Obj:
    return new_customer(call.world, call.account, call.params)


def delete_customer(call: Call) -> Obj:
    """The customer goes, and no saved card of theirs can be charged any more."""
    customer = call.world.get(call.account, "customer", call.ids["id"])
    for method in call.world.newest(call.account, "payment_method"):
        if method["customer"] == customer["id"]:
            _loosen(call.world, method)
    call.world.emit(call.account, "customer.deleted", customer)
    customer["object"], customer["_gone"] = "deleted_customer", True
    call.world.save(customer)
    return {"id": customer["id"], "object": "customer", "deleted": True}


def _loosen(world: World, method: Obj) -> None:
    method["customer"], method["_agreed"], method["_spent"] = None, False, True
    world.save(method)


def attach_method(call: Call) -> Obj:
    method = method_named(call.world, call.account, call.ids["id"], "payment_method")
    customer = call.world.get(call.account, "customer", call.params["customer"], "customer")
    if method.get("_spent") or (method["customer"] not in (None, customer["id"])):
        raise Refusal(
            "This PaymentMethod was previously used or detached, and may not be used again.",
            code="payment_method_unexpected_state",
        )
    attach(call.world, method, customer["id"], agreed=False)
    return method


def detach_method(call: Call) -> Obj:
    method = call.world.get(call.account, "payment_method", call.ids["id"], "payment_method")
    if method["customer"] is None:
        raise invalid("payment_method", "The payment method you provided is not attached to a customer.")
    was = method["customer"]
    _loosen(call.world, method)
    call.world.emit(call.account, "payment_method.detached", method, {"customer": was})
    return method


def list_methods(call: Call) -> Obj:
    """Of one customer: `/v1/payment_methods?customer=` and `/v1/customers/{id}/payment_methods`."""
    customer = call.ids.get("id", call.params.get("customer"))
    if customer is None:
        return page(call, [], call.path)
    call.world.get(call.account, "customer", customer, "customer")
    rows = (one for one in call.world.newest(call.account, "payment_method") if one["customer"] == customer)
    return page(call, rows, call.path)
