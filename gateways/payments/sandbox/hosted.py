"""The hosted pages' requests: Checkout with its 3-D Secure challenge, onboarding, OAuth. What a browser does, not our API."""

import re

from gateways.payments.sandbox import accounts, checkout, forms, intents, limits, oauth, pages
from gateways.payments.sandbox.app import Asked, Told
from gateways.payments.sandbox.cards import BY_NAME, BY_NUMBER, Card, luhn
from gateways.payments.sandbox.errors import OAuthRefusal, Obj, Refusal
from gateways.payments.sandbox.world import World

_HTML = (("Content-Type", "text/html; charset=utf-8"), ("X-Frame-Options", "DENY"))
_PATH = re.compile(r"/(c/pay|c/challenge|setup|3ds)/([A-Za-z0-9_]+)(?:/([A-Za-z0-9_]+))?")


def page(world: World, asked: Asked) -> Told | None:
    """The answer if it is a hosted page's request."""
    match = _PATH.fullmatch(asked.path)
    if asked.method not in ("GET", "POST") or (match is None and asked.path != "/oauth/authorize"):
        return None
    try:
        given = forms.form(asked.body.decode("utf-8", "replace")) if asked.method == "POST" else {}
        if match is None:
            return _authorize(world, forms.form(asked.query), given, asked.method)
        where, identity, token = match.groups()
        if where == "setup":
            return _setup(world, identity, given, asked.method)
        if where == "3ds":
            return _intent(world, identity, given, asked.method)
        session = world.objects.get(identity)
        if session is None or session["object"] != "checkout.session":
            return _shown(pages.over("Not found", "There is no such page."), 404)
        if session["status"] != "open":
            return _closed(session)
        if where == "c/challenge":
            return _challenge(world, session, token or "", given, asked.method)
        return _checkout(world, session, given, asked.method)
    except Refusal as refusal:
        return _shown(pages.over("That cannot be done", str(refusal)), 400)


def _shown(body: bytes, status: int = 200) -> Told:
    return Told(status, body, _HTML)


def _to(url: str) -> Told:
    return Told(303, b"", (("Location", url), ("Content-Type", "text/plain")))


def _closed(session: Obj) -> Told:
    if session["status"] == "complete":
        return _shown(pages.over("Paid", "You have paid already.", _success(session)), 410)
    return _shown(pages.over("Expired", "This page has expired: nothing was charged.", session["cancel_url"]), 410)


def _success(session: Obj) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _merchant(session: Obj) -> str:
    return f"Merchant {session['_account']}"


def _checkout(world: World, session: Obj, given: Obj, method: str) -> Told:
    if method == "GET":
        return _shown(pages.checkout(session, _merchant(session)))
    try:
        token = checkout.submit(world, session, _card(given), _email(world, session, given))
    except Refusal as refusal:
        return _shown(pages.checkout(session, _merchant(session), str(refusal)), 402)
    return _to(f"{world.url}/c/challenge/{session['id']}/{token}" if token else _success(session))


def _card(given: Obj) -> Card:
    wallet = given.get("wallet")
    if wallet and wallet in BY_NAME and BY_NAME[wallet].wallet:
        return BY_NAME[wallet]
    number = re.sub(r"[ -]", "", str(given.get("card", "")))
    if not number.isdigit() or not luhn(number):
        raise Refusal("Your card number is invalid.", code="invalid_number")
    card = BY_NUMBER.get(number)
    if card is None:
        raise Refusal(
            "Your card was declined. A real card cannot be used here: take one of the test cards.", code="card_declined"
        )
    if not re.fullmatch(r"\s*(0[1-9]|1[0-2])\s*/\s*\d\d\s*", str(given.get("expiry", "12/34"))):
        raise Refusal("Your card's expiration date is invalid.", code="invalid_expiry_month")
    if not re.fullmatch(r"\d{3,4}", str(given.get("cvc", "123"))):
        raise Refusal("Your card's security code is invalid.", code="invalid_cvc")
    return card


def _email(world: World, session: Obj, given: Obj) -> str:
    """Hosted Checkout wants one where neither the customer nor `customer_email` brings it."""
    if session["customer_email"]:
        return str(session["customer_email"])
    if session["customer"]:
        return str(world.objects[session["customer"]]["email"] or "")
    return checkout.email_of(str(given.get("email", "")), "email")


def _challenge(world: World, session: Obj, token: str, given: Obj, method: str) -> Told:
    waiting = session["_challenge"]
    if waiting is None or waiting["token"] != token:
        return _shown(pages.checkout(session, _merchant(session), "This authentication is over. Please pay again."), 410)
    if method == "GET":
        return _shown(pages.challenge(session["amount_total"], session["currency"], _merchant(session)))
    try:
        checkout.answer(world, session, token, passed=given.get("answer") == "complete")
    except Refusal as refusal:
        body = pages.checkout(session, _merchant(session), str(refusal))
        body = body.replace(b'<form method="post">', f'<form method="post" action="/c/pay/{session["id"]}">'.encode())
        return _shown(body, 402)
    return _to(_success(session))


def _intent(world: World, identity: str, given: Obj, method: str) -> Told:
    """The challenge of an intent that was confirmed by the API while its holder is there."""
    intent = world.objects.get(identity)
    if intent is None or intent["object"] != "payment_intent":
        return _shown(pages.over("Not found", "There is no such page."), 404)
    if method == "GET":
        return _shown(pages.challenge(intent["amount"], intent["currency"], f"Merchant {intent['_account']}"))
    back = intents.answer(world, intent, passed=given.get("answer") == "complete")
    return _to(back) if back else _shown(pages.over("Authenticated", "You can close this page."))


def _setup(world: World, identity: str, given: Obj, method: str) -> Told:
    link = accounts.open_link(world, identity)
    if link is None:
        spent = world.objects.get(identity)
        if spent is not None and spent["object"] == "account_link":
            return _to(spent["_refresh"])
        return _shown(pages.over("Not found", "There is no such page."), 404)
    if method == "GET":
        return _shown(pages.onboarding(link["_for"], link["_refresh"]))
    link["_used"] = True
    world.save(link)
    if given.get("answer") == "complete":
        accounts.complete(world, world.objects[link["_for"]], emit=True)
    return _to(link["_return"])


def _authorize(world: World, query: Obj, given: Obj, method: str) -> Told:
    try:
        oauth.asked(world, query)
        if method == "GET":
            loose = [
                obj["id"]
                for obj in world.objects.values()
                if obj["object"] == "account" and obj["_made_by"] == "oauth" and not obj["_connected"]
            ]
            return _shown(pages.authorize("The brand", loose[: limits.PAGE_MOST]))
        if given.get("answer") == "connect":
            country = str(given.get("country", "DE")).upper()
            return _to(oauth.grant(world, query, country if len(country) == 2 else "DE", given.get("account") or None))
        return _to(oauth.deny(world, query))
    except OAuthRefusal as refusal:
        return _shown(pages.over("Not connected", str(refusal)), 400)
