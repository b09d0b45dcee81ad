"""Test cards: what each number leads to. Numbers that Stripe publishes mean here what they mean there; the rest are ours, in the
ranges of test cards with a right check digit, so that every row of MONEY 1.3 has a card.

A card's `result` is what its issuer says where 3-D Secure runs: always if `required`, otherwise only if the payment asks
(`request_three_d_secure` any or challenge). Without it `three_d_secure` is null on the charge.
"""

import msgspec


class Decline(msgspec.Struct, frozen=True):
    code: str
    decline_code: str | None
    message: str


DECLINED = Decline("card_declined", "generic_decline", "Your card was declined.")
NO_FUNDS = Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.")


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """`country`: ISO 3166 alpha-2 of the issuer. `challenge`: the person is asked, `flow` else frictionless. `off_session`: what
    a later charge without the person leads to: ok, ask (authentication_required) or decline. `dispute`: reason of one
    that comes with the capture. `refund`: succeeds, pending (settles when the clock moves on) or fails (afterwards)."""

    name: str
    number: str
    brand: str = "visa"
    country: str = "DE"
    funding: str = "credit"
    required: bool = False
    challenge: bool = False
    result: str | None = None
    reason: str | None = None
    eci: str | None = None
    exemption: str | None = None
    decline: Decline | None = None
    off_session: str = "ok"
    dispute: str | None = None
    refund: str = "succeeds"
    instant: bool = False
    wallet: str | None = None
    device_token: bool = False

    @property
    def last4(self) -> str:
        return self.number[-4:]


def _proof(name: str, number: str, result: str | None, **more: object) -> Card:
    return msgspec.convert({"name": name, "number": number, "result": result, **more}, Card)


CARDS: tuple[Card, ...] = (
    _proof("frictionless", "4000000000003055", "authenticated", eci="05"),
    _proof("challenge", "4000000000003220", "authenticated", eci="05", required=True, challenge=True),
    _proof("always_ask", "4000002760003184", "authenticated", eci="05", required=True, challenge=True, off_session="ask"),
    _proof("ask_once", "4000002500003155", "authenticated", eci="05", required=True, challenge=True, country="FR"),
    _proof("attempt_acknowledged", "4000002760003010", "attempt_acknowledged", eci="06"),
    _proof("exempted", "4000002760003028", "exempted", exemption="low_risk"),
    _proof("data_share_only", "4000002760003036", "data_share_only"),
    _proof("not_supported", "4000002760003044", "not_supported", reason="card_not_enrolled"),
    _proof("processing_error", "4000002760003051", "processing_error", reason="protocol_error"),
    _proof("failed", "4000002760003069", "failed", reason="rejected"),
    _proof("no_proof", "4000002760003077", None),
    _proof("us", "4242424242424242", None, country="US"),
    _proof("us_not_supported", "378282246310005", "not_supported", country="US", brand="amex", reason="card_not_enrolled"),
    _proof("us_authenticated", "4000008400003120", "authenticated", country="US", eci="05"),
    _proof("gb", "4000008260000000", "authenticated", country="GB", eci="05"),
    _proof("gb_no_proof", "4000008260003012", None, country="GB"),
    _proof("mastercard", "5555555555554444", "authenticated", country="DE", brand="mastercard", eci="02"),
    Card(name="declined", number="4000000000000002", result="authenticated", eci="05", decline=DECLINED),
    Card(name="insufficient_funds", number="4000000000009995", result="authenticated", eci="05", decline=NO_FUNDS),
    Card(
        name="expired_card", number="4000000000000069",
        decline=Decline("expired_card", None, "Your card has expired."),
    ),
    Card(
        name="incorrect_cvc", number="4000000000000127",
        decline=Decline("incorrect_cvc", None, "Your card's security code is incorrect."),
    ),
    Card(
        name="declined_processing", number="4000000000000119",
        decline=Decline("processing_error", None, "An error occurred while processing your card. Try again in a little bit."),
    ),
    Card(
        name="challenge_declined", number="4000008400001629", required=True, challenge=True, result="authenticated", eci="05",
        decline=DECLINED,
    ),
    Card(name="declined_later", number="4000000000000341", result="authenticated", eci="05", off_session="decline"),
    Card(name="disputed", number="4000000000000259", result="authenticated", eci="05", dispute="fraudulent"),
    Card(name="not_received", number="4000000000002685", result="authenticated", eci="05", dispute="product_not_received"),
    Card(name="refund_pending", number="4000000000007726", result="authenticated", eci="05", refund="pending"),
    Card(name="refund_fails", number="4000000000005126", result="authenticated", eci="05", refund="fails"),
    Card(name="available_now", number="4000000000000077", result="authenticated", eci="05", instant=True),
    Card(name="apple_pay", number="4000002760003085", wallet="apple_pay", device_token=True),
    Card(name="google_pay", number="4000002760003093", wallet="google_pay", device_token=True),
    Card(name="google_pay_pan", number="4000002760003101", wallet="google_pay"),
)  # fmt: skip

BY_NAME = {card.name: card for card in CARDS}
BY_NUMBER = {card.number: card for card in CARDS}
BY_METHOD = {f"pm_card_{card.name}": card for card in CARDS}
"""Payment methods ready made, as Stripe has `pm_card_visa`."""


def luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    return sum(digits[::2]) % 10 == -sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2]) % 10
