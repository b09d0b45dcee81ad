"""The brand sells in its own name at a station of an owner on whose account the card pays: a purchase and a sale, to the cent."""

from typing import Any

import pytest
from msgspec.structs import replace

from actors.merchant.messages import BRAND, Seller
from actors.model import psp
from actors.payment import messages as m
from tests.actors.payment.bench import DEAL, Bench, ended

BRANDS = Seller("Brand AG", country="DE", vat_id="DE987654321")
SOLD = {
    "m1:1110/acct_1": 1172, "m1:4000/energy": -985, "m1:2300/DE/19": -187,
    "brand:1110/brand": 62, "brand:5030/m1": 985, "brand:1310/DE/19": 187, "brand:4110/energy": -1037, "brand:2300/DE/19": -197,
}  # fmt: skip


def resold(**provider: Any) -> Bench:
    bench = Bench(deal=replace(DEAL, sells=BRAND, seller=BRANDS), **provider)
    bench.provider.late_lines = True  # the provider's own fee is the owner's, as ever
    return bench


def settled(bench: Bench) -> dict[str, int]:
    """What was pending and what is available at the provider, together."""
    sums: dict[str, int] = {}
    for key, minor in bench.balance().items():
        name = key.replace(":1110/", ":11xx/").replace(":1100/", ":11xx/")
        sums[name] = sums.get(name, 0) + minor
    return {key: minor for key, minor in sums.items() if minor}


def test_the_brand_owes_the_vat_of_what_the_driver_paid_and_the_owner_that_of_its_supply() -> None:
    bench = resold()
    bench.capture()
    assert bench.balance() == SOLD
    (receipt,) = bench.documents.values()
    assert (receipt.seller, receipt.gross_minor) == (BRAND, 1234)
    groups = {journal.group_id for journal in bench.journals.values()}
    assert len(groups) == 1
    assert None not in groups


def test_a_refund_takes_both_back_and_the_fee_that_comes_back_settles_it() -> None:
    bench = resold()
    bench.capture()
    bench.tell(m.RefundPayment("r1", "op", "broken plug", 500))
    bench.work()
    # Of 11.72 the owner loses 4.75 (MONEY 3.4), has paid 5.00 to the driver, and got 0.25 of the fee back.
    assert settled(bench) == {
        "m1:11xx/acct_1": 697, "m1:4000/energy": -586, "m1:2300/DE/19": -111,
        "brand:11xx/brand": 37, "brand:5030/m1": 586, "brand:1310/DE/19": 111,
        "brand:4110/energy": -617, "brand:2300/DE/19": -117,
    }  # fmt: skip
    bench.tell(m.RefundPayment("r2", "op", "all of it"))
    bench.work()
    assert settled(bench) == {}


def test_a_fee_that_is_not_given_back_is_owed_to_the_owner() -> None:
    """The brand refunded what it had sold; the owner's account has paid for it."""
    bench = resold()
    bench.capture()
    bench.tell(m.RefundPayment("r1", "op", "kindness", None, return_fee=False))
    bench.work()
    assert settled(bench) == {"m1:11xx/acct_1": -62, "m1:1250": 62, "brand:11xx/brand": 62, "brand:2200/m1": -62}


def test_a_refund_that_comes_back_restores_the_books() -> None:
    bench = resold()
    bench.capture()
    bench.tell(m.RefundPayment("r1", "op", "broken plug", 501))
    bench.work()
    bench.provider.move_refund("re_1", "failed")
    bench.webhook()
    assert bench.balance() == SOLD


def test_a_dispute_that_is_lost_is_the_loss_of_who_sold() -> None:
    bench = resold()
    bench.capture()
    bench.provider.dispute("pi_1", 1234)
    bench.provider.end_dispute("lost")
    bench.webhook()
    left = settled(bench)
    assert (left["brand:5060"], left["brand:2200/m1"], left["m1:1250"], left["m1:5050"]) == (1037, -1234, 1234, 2000)
    assert not {"brand:2300/DE/19", "m1:1160"} & set(left)
    assert (left["m1:4000/energy"], left["m1:2300/DE/19"]) == (-985, -187), "the owner has supplied it all the same"


def test_a_dispute_of_what_was_refunded_is_the_brands_loss_without_vat() -> None:
    bench = resold()
    bench.capture()
    bench.tell(m.RefundPayment("r1", "op", "broken plug"))
    bench.work()
    bench.provider.dispute("pi_1", 1234)
    bench.provider.end_dispute("lost")
    bench.webhook()
    assert settled(bench) == {
        "m1:11xx/acct_1": -3234, "m1:5050": 2000, "m1:1250": 1234, "brand:2200/m1": -1234, "brand:5060": 1234,
    }  # fmt: skip


def test_what_was_taken_past_us_goes_back_and_leaves_what_the_terms_say() -> None:
    """The dashboard takes the fee of the whole hold: what is beyond the terms is owed until it came back."""
    bench = resold()
    bench.charge()
    bench.tell(ended())
    theirs = psp.CaptureIntent(key="theirs", made_at=bench.now, intent="pi_1", amount_minor=4000, currency="EUR", fee_minor=200)
    bench.provider.execute(theirs)
    bench.tell(psp.PspObserved(bench.provider.intents["pi_1"]))
    assert (bench.balance()["brand:2200/m1"], bench.balance()["m1:1250"], bench.balance()["m1:2400"]) == (-138, 138, -2766)
    bench.work()
    assert settled(bench) == {key.replace(":1110/", ":11xx/"): minor for key, minor in SOLD.items()}


@pytest.mark.parametrize("parts", [[101] * 12, [1, 2, 3, 500, 700], [617, 616]])
def test_many_refunds_end_at_nothing(parts: list[int]) -> None:
    bench = resold()
    bench.capture()
    for n, part in enumerate(parts):
        bench.tell(m.RefundPayment(f"r{n}", "op", "bit by bit", part))
        bench.work()
    bench.tell(m.RefundPayment("rest", "op", "the rest"))
    bench.work()
    assert settled(bench) == {}


def test_an_owner_without_an_account_is_paid_by_nobody_and_the_brand_just_sells() -> None:
    bench = Bench(deal=replace(DEAL, sells=BRAND, account=None))
    bench.provider.late_lines = True
    bench.capture()
    assert {journal.book for journal in bench.journals.values()} == {BRAND}
    assert bench.balance()["brand:4000/energy"] == -1037
