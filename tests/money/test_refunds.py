"""However a payment is given back, in one piece or in many: revenue, VAT, the brand's commission with its own VAT and a
partner's share all end at exactly zero in the books of both legal entities, and only the provider's own fee remains."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actors.merchant.messages import OwnerCredited, OwnerDebited, PartnerShare
from actors.model.ids import MERCHANT
from actors.payment import messages as m
from tests.actors.payment.bench import DEAL, Bench
from tests.kits.examples import examples

MONEY_AT_THE_PROVIDER = ("1100", "1110")
FEES = "5000"


@settings(max_examples=examples(80))
@given(
    gross=st.integers(50, 3700),
    percent=st.sampled_from(["0", "5", "12.5", "33.3"]),
    share=st.sampled_from([None, "30", "7.5"]),
    parts=st.lists(st.integers(1, 400), max_size=15),
)
def test_vat_fee_and_partner_reversals_end_at_zero(gross: int, percent: str, share: str | None, parts: list[int]) -> None:
    partners = () if share is None else (PartnerShare("host", share),)
    bench = Bench(deal=replace(DEAL, commission_percent=percent, partners=partners))
    bench.capture(gross)
    for n, amount in enumerate(parts):
        bench.tell(m.RefundPayment(f"r{n}", "op", "asked", amount))
        bench.work()
    bench.tell(m.RefundPayment("rest", "op", "all of it"))
    bench.work()
    assert (bench.state.phase, bench.state.refunded_minor) == ("settled", gross)

    left = bench.balance()
    nominal = {key: minor for key, minor in left.items() if key.partition(":")[2].partition("/")[0] not in MONEY_AT_THE_PROVIDER}
    assert set(nominal) <= {f"m1:{FEES}"}, nominal
    assert sum(minor for key, minor in left.items() if key.startswith("m1")) == 0
    assert sum(minor for key, minor in left.items() if key.startswith("brand")) == 0, "what the brand earned went back, all of it"
    told = bench.letters(MERCHANT)
    owed = sum(letter.amount_minor for letter in told if isinstance(letter, OwnerCredited))
    taken = sum(letter.amount_minor for letter in told if isinstance(letter, OwnerDebited))
    assert owed == taken
