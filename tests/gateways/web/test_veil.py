"""A dead letter is shown to people: what it holds of secrets and tokens is not."""

from datetime import UTC, datetime

import msgspec

from actors.payment.messages import OpenAttempt, Quote
from gateways.web.veil import veiled_body


def test_secrets_are_hidden_and_tokens_masked_at_any_depth() -> None:
    message = {
        "type": "register", "evses": 2, "password": "hunter2hunter2", "token_ref": "tr1",
        "nested": [{"id_token": {"uid": "04A2B3C4D5E6", "type": "ISO14443"}}, {"idTag": "04A2B3C4D5E6"}],
        "settings": [{"key": "AuthorizationKey", "value": "s3cr3t"}, {"key": "HeartbeatInterval", "value": "300"}],
    }  # fmt: skip
    shown = veiled_body(msgspec.json.encode(message))
    text = str(shown)
    for secret in ("hunter2", "04A2B3C4D5E6", "s3cr3t"):
        assert secret not in text
    assert shown["token_ref"] == "tr1"
    assert shown["nested"][1]["idTag"] == "04…E6"
    assert shown["settings"][1] == {"key": "HeartbeatInterval", "value": "300"}
    assert shown["evses"] == 2


def test_a_message_that_is_only_text_hides_what_python_shows_of_its_secrets() -> None:
    shown = veiled_body(msgspec.json.encode("Register(secret=b'abc', password='hunter2', evses=2, token_ref='r')"))
    assert shown == "Register(secret=***, password=***, evses=2, token_ref='r')"
    assert veiled_body(b"") is None
    assert veiled_body(b"not json") == "not json"


def test_pages_of_a_payment_that_only_its_driver_knows_are_hidden() -> None:
    """A dead letter of an attempt that was opened, as JSON and as what Python shows of it."""
    quote = Quote("CP-1", 1, "q", "m1", "t", "f", "EUR", 4000, 3700, 0, "h", "1", datetime(2026, 1, 1, tzinfo=UTC))
    opening = OpenAttempt(quote, "https://pay.test/s/secret1", "https://pay.test/s/secret2", "Charging")
    for body in (msgspec.json.encode(opening), msgspec.json.encode(repr(opening))):
        shown = str(veiled_body(body))
        assert "secret" not in shown
        assert "CP-1" in shown
