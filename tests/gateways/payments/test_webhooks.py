"""Every webhook that must not get in, and the few that must: forged, stale, from the future, in the wrong mode, not UTF-8."""

import json
import logging
import time
from typing import Any

import pytest
import stripe
import trio
import trio.testing

from actors.ports import PspEvent
from gateways.payments.client import StripeKeys
from gateways.payments.events import Target, parse, target_of
from gateways.payments.webhooks import WebhookReceiver
from runtime.store import StoreAway
from storage.memory_inbox import MemoryPspInbox
from tests.gateways.payments.signing import CONNECT_SECRET, SECRET, event, signature, signed

NOW = 1_780_000_000
KEYS = StripeKeys(secret_key="sk_test_1", webhook_secret=SECRET, connect_webhook_secret=CONNECT_SECRET)


class Rig:
    def __init__(self, keys: StripeKeys = KEYS, inbox: Any = None) -> None:
        self.inbox = inbox or MemoryPspInbox()
        self.arrived = 0
        self.receiver = WebhookReceiver(self.inbox, keys, self._count, lambda: float(NOW))

    def _count(self) -> None:
        self.arrived += 1

    async def connect(self, body: bytes, header: str | None) -> int:
        return await self.receiver.take("connect", body, header)

    async def kept(self) -> list[PspEvent]:
        return [line.event for line in await self.inbox.listed("waiting", 100)]


async def test_a_genuine_event_is_kept_once_and_acknowledged_every_time() -> None:
    rig, body = Rig(), event(metadata={"tenant": "acme", "attempt": "p1", "key": "k"})
    for _ in range(3):
        assert await rig.connect(body, signed(body, at=NOW)) == 200
    (kept,) = await rig.kept()
    assert (kept.id, kept.account, kept.type) == ("evt_1", "acct_1", "payment_intent.succeeded")
    assert kept.subject == {"id": "pi_1", "object": "payment_intent", "tenant": "acme", "attempt": "p1"}
    assert rig.arrived == 1
    assert rig.receiver.stats() == {"kept": 1, "repeated": 2}


async def test_each_endpoint_has_a_secret_of_its_own() -> None:
    rig, body = Rig(), event(account=None)
    assert await rig.receiver.take("account", body, signed(body, CONNECT_SECRET, NOW)) == 400
    assert await rig.receiver.take("account", body, signed(body, SECRET, NOW)) == 200
    assert await rig.connect(body, signed(body, SECRET, NOW)) == 400


BODY = event()
GOOD = signature(BODY, CONNECT_SECRET, NOW)
FORGED: dict[str, tuple[bytes, str | None]] = {
    "no signature": (BODY, None),
    "an empty one": (BODY, ""),
    "nonsense": (BODY, "nonsense"),
    "no time": (BODY, GOOD.partition(",")[2]),
    "a time that is none": (BODY, GOOD.replace(f"t={NOW}", "t=soon")),
    "a time of ten thousand digits": (BODY, GOOD.replace(f"t={NOW}", "t=" + "9" * 10_000)),
    "a foreign secret": (BODY, signature(BODY, "whsec_other", NOW)),
    "the scheme v0": (BODY, GOOD.replace("v1=", "v0=")),
    "another time than was signed": (BODY, GOOD.replace(f"t={NOW}", f"t={NOW - 1}")),
    "a changed body": (BODY.replace(b"pi_1", b"pi_2"), GOOD),
    "the same JSON written anew": (json.dumps(json.loads(BODY), indent=1).encode(), GOOD),
    "too old": (BODY, signature(BODY, CONNECT_SECRET, NOW - 301)),
    "from the future": (BODY, signature(BODY, CONNECT_SECRET, NOW + 61)),
    "a signature that is not ASCII": (BODY, f"t={NOW},v1=ä"),
    "not UTF-8": (b'{"id": "evt_\xff"}', signature(b'{"id": "evt_\xff"}', CONNECT_SECRET, NOW)),
    "an empty body": (b"", signature(b"", CONNECT_SECRET, NOW)),
    "no JSON": (b"<event/>", signature(b"<event/>", CONNECT_SECRET, NOW)),
    "JSON, but no event": (b'{"id": "evt_1"}', signature(b'{"id": "evt_1"}', CONNECT_SECRET, NOW)),
    "nested without end": (
        (deep := BODY.replace(b'"pi_1"', b"[" * 50_000 + b"]" * 50_000)),
        signature(deep, CONNECT_SECRET, NOW),
    ),
    "a thin event": (
        (thin := json.dumps({"id": "evt_1", "object": "v2.core.event", "type": "x", "created": "now"}).encode()),
        signature(thin, CONNECT_SECRET, NOW),
    ),
}


@pytest.mark.parametrize("name", list(FORGED))
async def test_what_is_not_genuine_is_refused_and_leaves_nothing(name: str) -> None:
    rig = Rig()
    assert await rig.connect(*FORGED[name]) == 400
    assert await rig.kept() == []
    assert rig.arrived == 0


async def test_the_edges_of_the_tolerance_are_inside() -> None:
    for at in (NOW - 300, NOW, NOW + 60):
        assert await Rig().connect(BODY, signature(BODY, CONNECT_SECRET, at)) == 200


async def test_one_good_signature_of_several_is_enough_and_a_secret_may_be_replaced() -> None:
    both = GOOD.replace("v1=", "v1=" + "0" * 64 + ",v1=")
    assert await Rig().connect(BODY, both) == 200
    keys = StripeKeys(connect_webhook_secret=f"whsec_new, {CONNECT_SECRET}")
    assert await Rig(keys).connect(BODY, GOOD) == 200
    assert await Rig(keys).connect(BODY, signature(BODY, "whsec_new", NOW)) == 200
    assert await Rig(keys).connect(BODY, signature(BODY, "", NOW)) == 400


async def test_an_event_of_the_other_mode_is_acknowledged_counted_and_dropped() -> None:
    rig, body = Rig(), event(live=True)
    assert await rig.connect(body, signed(body, at=NOW)) == 200
    assert await rig.kept() == []
    assert rig.receiver.stats() == {"wrong_mode": 1}


async def test_an_event_on_the_other_endpoint_than_its_account_belongs_to_is_refused() -> None:
    rig = Rig()
    for endpoint, secret, account in (("account", SECRET, "acct_1"), ("connect", CONNECT_SECRET, None)):
        body = event(account=account)
        assert await rig.receiver.take(endpoint, body, signed(body, secret, NOW)) == 400  # type: ignore[arg-type]
    assert await rig.kept() == []


async def test_what_cannot_be_written_is_not_acknowledged(autojump_clock: trio.testing.MockClock) -> None:
    class Away(MemoryPspInbox):
        async def put(self, event: PspEvent) -> bool:
            raise StoreAway("away")

    class Hanging(MemoryPspInbox):
        async def put(self, event: PspEvent) -> bool:
            await trio.sleep_forever()
            raise AssertionError

    assert await Rig(inbox=Away()).connect(BODY, GOOD) == 503
    assert await Rig(inbox=Hanging()).connect(BODY, GOOD) == 503
    assert await Rig(StripeKeys()).connect(BODY, GOOD) == 503


async def test_nothing_that_came_is_logged_and_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    body = event(receipt_email="jane@example.org", metadata={"tenant": "acme"})
    await Rig().connect(body, signed(body, at=NOW))
    await Rig().connect(body, "t=1,v1=canary")
    for text in (SECRET, CONNECT_SECRET, "jane@example.org", "canary"):
        assert text not in caplog.text
    assert SECRET not in f"{KEYS!r}"
    assert CONNECT_SECRET not in f"{KEYS!r}"
    assert "sk_test" not in f"{KEYS}"


async def test_of_an_event_nothing_personal_comes_to_rest() -> None:
    rig = Rig()
    body = event(
        receipt_email="jane@example.org", customer="cus_1", metadata={"tenant": "acme", "name": "Jane"},
        shipping={"name": "Jane", "address": {"city": "Köln"}},
    )  # fmt: skip
    assert await rig.connect(body, signed(body, at=NOW)) == 200
    (kept,) = await rig.kept()
    assert "jane" not in repr(kept).lower()


@pytest.mark.parametrize(
    ("type", "object", "target"),
    [
        ("checkout.session.completed", {"id": "cs_1"}, Target("checkout", "acct_1", "cs_1")),
        ("payment_intent.amount_capturable_updated", {"id": "pi_1"}, Target("intent", "acct_1", "pi_1")),
        ("charge.captured", {"id": "ch_1", "payment_intent": "pi_1"}, Target("intent", "acct_1", "pi_1")),
        ("charge.refunded", {"id": "ch_1", "payment_intent": {"id": "pi_1"}}, Target("intent", "acct_1", "pi_1")),
        ("charge.succeeded", {"id": "ch_1"}, None),
        ("charge.refund.updated", {"id": "re_1"}, Target("refund", "acct_1", "re_1")),
        ("refund.failed", {"id": "re_1"}, Target("refund", "acct_1", "re_1")),
        ("charge.dispute.funds_withdrawn", {"id": "dp_1", "charge": "ch_1"}, Target("dispute", "acct_1", "dp_1")),
        ("payout.paid", {"id": "po_1"}, Target("payout", "acct_1", "po_1")),
        ("payout.reconciliation_completed", {"id": "po_1"}, Target("payout", "acct_1", "po_1", True)),
        ("account.updated", {"id": "acct_1"}, Target("account", "acct_1", "acct_1")),
        ("capability.updated", {"id": "card_payments", "account": "acct_1"}, Target("account", "acct_1", "acct_1")),
        ("account.application.deauthorized", {"id": "ca_1"}, Target("gone", "acct_1", "acct_1")),
        ("customer.created", {"id": "cus_1"}, None),
    ],
)
def test_each_kind_of_event_leads_to_the_object_to_fetch(type: str, object: dict[str, Any], target: Target | None) -> None:
    assert target_of(parse(event(type=type, **object), "connect")) == target


def test_an_application_fee_leads_to_the_charge_on_the_account_that_paid_it() -> None:
    told = parse(event(type="application_fee.refunded", account=None, id="fee_1", charge="ch_1"), "account")
    assert target_of(told) is None
    body = json.loads(event(type="application_fee.refunded", account=None))
    body["data"]["object"] = {"id": "fee_1", "object": "application_fee", "account": "acct_9", "charge": {"id": "ch_1"}}
    assert target_of(parse(json.dumps(body).encode(), "account")) == Target("charge", "acct_9", "ch_1")


def test_texts_that_would_not_fit_or_could_not_be_stored_are_left_out() -> None:
    kept = parse(event(metadata={"tenant": "x" * 501, "attempt": "a\0b", "merchant": 7}), "connect")
    assert kept.subject == {"id": "pi_1", "object": "payment_intent"}
    with pytest.raises(ValueError, match="id"):
        parse(event(event_id="evt\0"), "connect")


def test_the_sdk_agrees_with_our_signatures() -> None:
    at = int(time.time())
    assert stripe.WebhookSignature.generate_signature_header(BODY.decode(), SECRET, at) == signature(BODY, SECRET, at)
