"""What the QR on an EVSE opens: everything that one must know before paying (MONEY 2.3), and the order itself.

    GET   the page: state, price, hold, seller, and an order button where one can charge now
    POST  the order: the same page again if anything on it has changed, else the payment provider's page

The button's form names the attempt that it would make, so a second click finds the first one's. What the driver agreed to goes
into the attempt as a Quote: the tariff's fingerprint, the hash of the price, the texts' version, the time of the click.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlsplit

import msgspec
from quart import Response, redirect, request

from actors.merchant.messages import BRAND
from actors.model.cdr import evse_id, party_of
from actors.model.ids import payment_address
from actors.model.money import Money, to_minor
from actors.payment.messages import AttemptOpened, OpenAttempt, Quote
from gateways.web import limits
from gateways.web.pay.guest import HEADERS, Guest, may_open, refused, unknown
from gateways.web.pay.language import TERMS
from gateways.web.pay.place import Offer, Place, address_of, find_place, seller_of
from gateways.web.pay.prices import price_list
from gateways.web.pay.token import Form
from runtime.errors import DeadlineExceeded

_code_form = re.compile(rf"[A-Za-z0-9_-]{{1,{limits.PAY_CODE_CHARS}}}").fullmatch
CHANGED = "The price has changed since you opened this page. Please look at it again before you order."
TOO_OLD = "This page was open for a long time. Please look at the price again before you order."
STALE = "This form could not be read. Please look at the price again before you order."
TOO_MANY = (
    "From your connection, or at this charging point, very many payments have been begun. Nothing was charged. Please try "
    "again in {n} minutes, or with another connection (mobile data instead of Wi-Fi)."
)
CONSENT = "Please tick the box about the start before you order."


async def landing(guest: Guest, code: str) -> Response:
    place = await _place(guest, code)
    return await unknown(guest) if place is None else await _shown(guest, place)


async def _place(guest: Guest, code: str) -> Place | None:
    if not _code_form(code):
        return None
    return await find_place(guest.env, guest.tenant, code, guest.now)


async def _shown(guest: Guest, place: Place, status: int = 200, notice: str = "") -> Response:
    offer = place.offer
    form = _form(guest, place, offer) if offer is not None and place.open else None
    response = await guest.page(
        "landing",
        status,
        place=place,
        name=name_of(place),
        where=address_of(place.location),
        offer=offer,
        seller=seller_of(guest.env, place.merchant) if place.merchant is not None else None,
        brand=place.merchant is not None and (place.merchant.id == BRAND or place.merchant.sells == "brand"),
        prices=price_list(offer.shown, guest.t) if offer is not None else [],
        form=guest.pay.tokens.seal(form) if form is not None else "",
        notice=notice,
    )
    if form is not None:
        response.headers["Content-Security-Policy"] = _policy(guest.pay.origins)
    return response


def _policy(origins: Sequence[str]) -> str:
    """Browsers hold a form's redirect against form-action, too: on this one page it may lead to the payment provider."""
    targets = " ".join(("'self'", *origins))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        f"form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
    )


def name_of(place: Place) -> str:
    """The EVSE as the operator names it: its eMI3 id."""
    named = place.location.get("evse_id")
    if isinstance(named, list):
        named = named[place.evse - 1] if 0 < place.evse <= len(named) else None
    settings = {key: place.tenant.settings.get(key, "") for key in ("country_code", "party_id")}
    party = party_of(settings, place.tenant.country, place.tenant.tenant)
    return str(named) if named else evse_id(party, place.station, place.evse)


def _form(guest: Guest, place: Place, offer: Offer) -> Form:
    return Form(
        attempt=guest.pay.tokens.new_attempt(),
        tenant=guest.tenant.tenant,
        code=place.code,
        fingerprint=offer.shown.fingerprint,
        shown=offer.shown.hash,
        hold_minor=offer.hold.hold_minor,
        limit_minor=offer.hold.limit_minor,
        terms=TERMS,
        language=guest.t.code,
        at=int(guest.now.timestamp()),
    )


# -- the order -----------------------------------------------------------------------------------------------------


async def order(guest: Guest, code: str) -> Response:
    place = await _place(guest, code)
    if place is None:
        return await unknown(guest)
    sent = await request.form
    form = guest.pay.tokens.unseal(sent.get("order", ""))
    if form is None or (form.tenant, form.code) != (guest.tenant.tenant, code):
        return await _shown(guest, place, 400, STALE)
    if await guest.env.queries.payment(guest.tenant.tenant, form.attempt) is not None:
        return await _on_its_way(guest, form)
    if not place.open:
        return await _shown(guest, place, 409)
    assert place.offer is not None, "an open place has an offer"
    if guest.now.timestamp() - form.at > limits.PAY_FORM_SECONDS:
        return await _shown(guest, place, 409, TOO_OLD)
    if _agreed(form) != _agreed(_form(guest, place, place.offer)):
        return await _shown(guest, place, 409, CHANGED)
    if not sent.get("consent"):
        return await _shown(guest, place, 422, CONSENT)
    return await _opened(guest, place, place.offer, form)


async def _too_many(guest: Guest, code: str, wait: int) -> Response:
    text = guest.t(TOO_MANY, n=-(-wait // 60))
    return await guest.trouble(guest.t("Please wait a moment before you pay"), text, 429, back=code, retry=wait)


def _agreed(form: Form) -> tuple[object, ...]:
    return form.fingerprint, form.shown, form.hold_minor, form.limit_minor, form.terms


async def _opened(guest: Guest, place: Place, offer: Offer, form: Form) -> Response:
    """Ask for the provider's page. Where it takes long, or does not come, the attempt's own page says so and goes on asking: the
    order is written down and nothing is lost."""
    path = "s/" + guest.pay.tokens.token(guest.tenant.tenant, form.attempt)
    message = OpenAttempt(
        order=quote(place, offer, form, guest.now),
        return_url=guest.absolute(path + "?back=1"),
        cancel_url=guest.absolute(path + "?left=1"),
        title=guest.t("Charging at {name}: hold, not the price", name=name_of(place)),
    )
    reply = None
    async with guest.pay.once(form.attempt) as first:  # a second click waits for the first one's page
        if first:
            wait = may_open(guest, form.code)
            if wait is not None:
                return await _too_many(guest, form.code, wait)
            with suppress(DeadlineExceeded):
                address = payment_address(guest.tenant.tenant, form.attempt)
                reply = await guest.ask(address, message, limits.PAY_OPEN_SECONDS)
    if isinstance(reply, AttemptOpened) and reply.url:
        return await _to_provider(guest, reply.url)
    if refused(reply) == "not_open":
        return await _shown(guest, msgspec.structs.replace(place, offer=None, refusal="not_open"), 409)
    return await _on_its_way(guest, form)


async def _on_its_way(guest: Guest, form: Form) -> Response:
    """The attempt is there already: a second click, or a page that took long."""
    row = await guest.env.queries.payment(guest.tenant.tenant, form.attempt)
    if row is not None and row.state == "checkout_open" and row.checkout_url:
        return await _to_provider(guest, row.checkout_url)
    path = guest.link("s/" + guest.pay.tokens.token(guest.tenant.tenant, form.attempt))
    return _redirect(path)


async def _to_provider(guest: Guest, url: str) -> Response:
    """A page of an origin that our policy does not name would be blocked by the browser after a form: it gets a link."""
    parts = urlsplit(url)
    if f"{parts.scheme}://{parts.netloc}" in guest.pay.origins:
        return _redirect(url)
    response = await guest.page("onward", url=url)
    response.headers["Refresh"] = f"0; url={url}"
    return response


def _redirect(url: str) -> Response:
    response = redirect(url, 303)
    response.headers.update(HEADERS)
    return response  # type: ignore[return-value]


def quote(place: Place, offer: Offer, form: Form, now: datetime) -> Quote:
    """The click. The application fee is that of a full hold; what is taken in the end is reckoned from the final cost."""
    return Quote(
        station=place.station,
        evse=place.evse,
        code=place.code,
        merchant=offer.merchant.id,
        tariff=offer.tariff.id,
        fingerprint=offer.tariff.fingerprint,
        currency=offer.shown.currency,
        hold_minor=offer.hold.hold_minor,
        limit_minor=offer.hold.limit_minor,
        fee_minor=_fee(offer),
        shown=offer.shown.hash,
        terms=form.terms,
        clicked_at=now.astimezone(UTC),
        language=form.language,
        country=place.tenant.country,
    )


def _fee(offer: Offer) -> int:
    if offer.merchant.account is None:
        return 0
    hold = Money(offer.hold.hold_minor, offer.shown.currency)
    return to_minor(hold.major() * Decimal(offer.merchant.commission_percent) / 100, offer.shown.currency)
