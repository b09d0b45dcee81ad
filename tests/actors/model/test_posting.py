"""The twenty scenarios of MONEY 3.4 with their very numbers, and what must hold for any split of any amount.

12.34 gross at 19 % is 10.37 net and 1.97 VAT; the brand keeps 5 % of the gross, 0.62, which is 0.52 and 0.10 VAT.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.merchant.messages import Seller
from actors.model import posting
from actors.model.ledger import check_balanced, reversal
from actors.model.money import Cost, Money, VatAmount
from actors.model.posting import Promo, WalletSale
from actors.model.rating import KindNet
from actors.model.rows import JournalRow
from actors.model.shares import share
from actors.ports import MerchantCard

AT = datetime(2026, 6, 1, 10, tzinfo=UTC)
OWNER = MerchantCard("acme", "owner", Seller("Owner Ltd", country="DE"), "acct_1", True, "5", "19")
RESOLD = MerchantCard("acme", "owner", Seller("Owner Ltd", country="DE"), "acct_1", True, "5", "19", "brand")
BRAND = MerchantCard("acme", "brand", Seller("Acme", country="DE"), None, True)

Sums = dict[tuple[str, str], int]


def cost_of(excl: int, *vat: tuple[str, int]) -> Cost:
    incl = excl + sum(minor for _, minor in vat)
    return Cost(Money(excl, "EUR"), Money(incl, "EUR"), tuple(VatAmount(Decimal(r), Money(m, "EUR")) for r, m in vat))


COST = cost_of(1037, ("19", 197))
KINDS = (KindNet("energy", Money(1037, "EUR")),)
SESSION: dict[str, Any] = {"tenant": "acme", "session": "s1", "country": "DE", "cost": COST, "kinds": KINDS, "at": AT}
MOVE: dict[str, Any] = {"tenant": "acme", "currency": "EUR", "at": AT}


def booked(*rows: JournalRow | Iterable[JournalRow] | None) -> Sums:
    """Debits less credits by (book, account), zero left out; every journal balances by itself."""
    sums: Sums = {}
    for row in rows:
        for journal in [row] if isinstance(row, JournalRow) else row or ():
            check_balanced(journal.entries)
            for entry in journal.entries:
                key = (journal.book, entry.account)
                sums[key] = sums.get(key, 0) + (entry.amount_minor if entry.side == "debit" else -entry.amount_minor)
    return {key: minor for key, minor in sums.items() if minor}


def of(name: str, accounts: dict[str, int]) -> Sums:
    return {(name, account): minor for account, minor in accounts.items()}


def sale(merchant: MerchantCard | None = OWNER, promo: Promo | None = None) -> WalletSale:
    return WalletSale(
        tenant="acme",
        session="s1",
        wallet="w1",
        token_ref="t_1",
        merchant=merchant,
        country="DE",
        cost=COST,
        kinds=KINDS,
        promo=promo,
    )


def captured(minor: int = 1234, fee: int = 62, merchant: MerchantCard = OWNER, **more: Any) -> tuple[JournalRow, ...]:
    return posting.captured(**(SESSION | more), attempt="a1", merchant=merchant, captured_minor=minor, fee_minor=fee)


# -- the twenty scenarios ------------------------------------------------------------------------------------------


def test_1_a_top_up_is_owed_to_the_driver_and_costs_the_brand_the_providers_fee() -> None:
    came = posting.topped_up(**MOVE, attempt="a1", wallet="w1", amount_minor=5000)
    fee = posting.psp_fee(**MOVE, charge="ch_1", ref="a1", merchant=None, fee_minor=100)
    assert booked(came, fee) == of("brand", {"1110/brand": 4900, "5000": 100, "2100/w1": -5000})


def test_2_3_4_funds_become_available_are_paid_out_and_reach_the_bank() -> None:
    where: dict[str, Any] = MOVE | {"book": "brand", "amount_minor": 4900}
    available = posting.funds_available(**where, account=None, line="txn_1")
    created = posting.payout_created(**where, account=None, payout="po_1")
    paid = posting.payout_paid(**where, payout="po_1")
    assert booked(available) == of("brand", {"1100/brand": 4900, "1110/brand": -4900})
    assert booked(created) == of("brand", {"1020": 4900, "1100/brand": -4900})
    assert booked(paid) == of("brand", {"1010": 4900, "1020": -4900})
    assert (created.ref, paid.ref) == ("po_1", "po_1")
    late = posting.payout_failed(**where, account=None, payout="po_1", was_paid=True)
    assert booked(available, created, paid, late) == of("brand", {"1100/brand": 4900, "1110/brand": -4900})


def test_5_a_wallet_session_that_the_owner_sells() -> None:
    rows = posting.wallet_session(sale(), taken_minor=1234, owed_minor=0, at=AT)
    assert booked(rows) == of("brand", {"2100/w1": 1234, "2200/owner": -1172, "4200": -52, "2300/DE/19": -10}) | of(
        "owner", {"1250": 1172, "5010": 52, "1310/DE/19": 10, "4000/energy": -1037, "2300/DE/19": -197}
    )
    assert len({row.group_id for row in rows}) == 1
    assert rows[0].group_id is not None
    assert {row.ref for row in rows} == {"s1"}
    assert sale().owner_minor() == 1172


def test_6_the_transfer_to_the_owner() -> None:
    rows = posting.transfer_made(**MOVE, transfer="t1", merchant=OWNER, ref="s1", amount_minor=1172)
    assert booked(rows) == of("brand", {"2200/owner": 1172, "1100/brand": -1172}) | of(
        "owner", {"1100/acct_1": 1172, "1250": -1172}
    )


def test_7_a_direct_charge_is_the_owners_sale_less_the_application_fee() -> None:
    fee = posting.psp_fee(**MOVE, charge="ch_1", ref="s1", merchant=OWNER, fee_minor=44)
    assert booked(captured(), fee) == of(
        "owner",
        {"1110/acct_1": 1128, "5000": 44, "5010": 52, "1310/DE/19": 10, "4000/energy": -1037, "2300/DE/19": -197},
    ) | of("brand", {"1110/brand": 62, "4200": -52, "2300/DE/19": -10})


def test_8_a_partial_refund_gives_part_of_the_application_fee_back() -> None:
    rows = posting.refund_direct(
        **SESSION,
        refund="r1",
        merchant=OWNER,
        captured_minor=1234,
        refunded_before_minor=0,
        amount_minor=500,
        fee_minor=62,
        fee_returned_minor=25,
    )
    money, merchant_fee, brand_fee = rows
    assert booked(money) == of("owner", {"4000/energy": 420, "2300/DE/19": 80, "1100/acct_1": -500})
    assert booked(merchant_fee) == of("owner", {"1100/acct_1": 25, "5010": -21, "1310/DE/19": -4})
    assert booked(brand_fee) == of("brand", {"4200": 21, "2300/DE/19": 4, "1100/brand": -25})


def test_9_10_a_refund_of_a_wallet_session_that_was_transferred_and_the_reversal_of_it() -> None:
    refund = posting.refund_wallet(sale(), refund="r1", refunded_before_minor=0, to_wallet_minor=500, at=AT)
    back = posting.transfer_reversed(**MOVE, reversal="r1", merchant=OWNER, ref="s1", amount_minor=475)
    assert booked(refund[0]) == of("brand", {"2200/owner": 475, "4200": 21, "2300/DE/19": 4, "2100/w1": -500})
    assert booked(back[0]) == of("brand", {"1100/brand": 475, "2200/owner": -475})
    assert booked(refund[1], back[1]) == of(
        "owner", {"4000/energy": 420, "2300/DE/19": 80, "1100/acct_1": -475, "5010": -21, "1310/DE/19": -4}
    )
    assert posting.refund_due(sale(), 0, 500) == 475


def test_11_12_13_a_dispute_is_opened_and_won_or_lost() -> None:
    opened = posting.dispute_opened(**MOVE, dispute="d1", ref="s1", merchant=OWNER, amount_minor=1234, fee_minor=2000)
    won = posting.dispute_won(**MOVE, dispute="d1", ref="s1", merchant=OWNER, amount_minor=1234)
    (lost,) = posting.dispute_lost(
        **SESSION, dispute="d1", merchant=OWNER, captured_minor=1234, refunded_before_minor=0, amount_minor=1234
    )
    assert booked(opened) == of("owner", {"1160": 1234, "5050": 2000, "1100/acct_1": -3234})
    assert booked(won) == of("owner", {"1100/acct_1": 1234, "1160": -1234})
    assert booked(lost) == of("owner", {"5060": 1037, "2300/DE/19": 197, "1160": -1234})
    assert {opened.ref, won.ref, lost.ref} == {"s1"}


def test_14_15_a_site_host_gets_thirty_percent_of_the_net() -> None:
    accrued = posting.partner_accrued(**MOVE, session="s1", partner="host", net_minor=1037, percent="30")
    paid = posting.partner_paid(**MOVE, transfer="t2", partner="host", ref="s1", amount_minor=311)
    assert booked(accrued) == of("brand", {"5020/host": 311, "2210/host": -311})
    assert booked(paid) == of("brand", {"2210/host": 311, "1100/brand": -311})


def test_16_roaming_as_operator_is_invoiced_with_vat_at_home_and_without_abroad() -> None:
    where: dict[str, Any] = MOVE | {"book": "owner", "session": "s1", "partner": "emsp", "net_minor": 900}
    cdr = posting.roaming_delivered(**where)
    home = posting.roaming_invoiced(**where, country="DE", vat=(VatAmount(Decimal(19), Money(171, "EUR")),))
    abroad = posting.roaming_invoiced(**where)
    assert booked(cdr) == of("owner", {"1210/emsp": 900, "4100/emsp": -900})
    assert booked(home) == of("owner", {"1200/emsp": 1071, "1210/emsp": -900, "2300/DE/19": -171})
    assert booked(abroad) == of("owner", {"1200/emsp": 900, "1210/emsp": -900})


def test_17_roaming_as_provider_is_a_purchase_and_a_sale() -> None:
    row = posting.roaming_bought(
        **SESSION, partner="cpo", purchase_minor=900, wallet="w1", token_ref="t_1", taken_minor=1234, owed_minor=0
    )
    assert booked(row) == of(
        "brand", {"5030/cpo": 900, "2100/w1": 1234, "2220/cpo": -900, "4110/energy": -1037, "2310/DE/19": -197}
    )


# MONEY books 18 and 19 as an eMSP's sale (4110); at a station of the brand's own the revenue is 4000.
def test_18_a_promo_of_the_brand_lowers_the_tax_base() -> None:
    rows = posting.wallet_session(sale(None, Promo(500, "brand")), taken_minor=734, owed_minor=0, at=AT)
    assert booked(rows) == of("brand", {"2100/w1": 734, "4000/energy": -617, "2300/DE/19": -117})


def test_19_a_promo_of_a_sponsor_leaves_the_price_as_it_is() -> None:
    rows = posting.wallet_session(sale(None, Promo(500, "sponsor", "shop")), taken_minor=734, owed_minor=0, at=AT)
    assert booked(rows) == of("brand", {"2100/w1": 734, "1260/shop": 500, "4000/energy": -1037, "2300/DE/19": -197})


def test_20_closing_a_wallet_pays_out_what_is_left() -> None:
    row = posting.wallet_closed(**MOVE, wallet="w1", key="p1", amount_minor=800)
    assert booked(row) == of("brand", {"2100/w1": 800, "1100/brand": -800})


# -- besides ---------------------------------------------------------------------------------------------------------


def test_the_commission_is_five_percent_of_the_gross_with_vat_in_it() -> None:
    assert posting.commission(1234, "5", "19") == (62, 52, 10)
    assert posting.commission(1234, "0", "19") == (0, 0, 0)
    assert posting.commission(1, "100", "19") == (1, 1, 0)


def test_a_direct_charge_of_the_brand_itself_is_one_journal_without_fee() -> None:
    (row,) = captured(merchant=BRAND, fee=0)
    assert booked(row) == of("brand", {"1110/brand": 1234, "4000/energy": -1037, "2300/DE/19": -197})
    assert row.group_id is None
    with pytest.raises(ValueError, match="application fee"):
        captured(merchant=BRAND, fee=62)


def test_a_capture_of_less_than_the_cost_books_what_came() -> None:
    rows = captured(1000, 50)
    assert booked(rows)[("owner", "4000/energy")] == -840
    assert booked(rows)[("owner", "2300/DE/19")] == -160
    assert captured(0, 0) == ()
    with pytest.raises(ValueError, match="no part of"):
        captured(1235, 62)


def test_what_a_wallet_has_not_is_owed_by_the_customer_and_collected_later() -> None:
    rows = posting.wallet_session(sale(None), taken_minor=1000, owed_minor=234, at=AT)
    later = posting.collected(**MOVE, wallet="w1", token_ref="t_1", session="s1", key="a2", amount_minor=234)
    assert booked(rows)[("brand", "1220/t_1")] == 234
    assert booked(rows, later) == of("brand", {"2100/w1": 1234, "4000/energy": -1037, "2300/DE/19": -197})
    with pytest.raises(ValueError, match="are not 1234"):
        posting.wallet_session(sale(None), taken_minor=1000, owed_minor=0, at=AT)


def test_a_promo_of_the_brand_where_the_owner_sells_is_paid_by_the_brand() -> None:
    rows = posting.wallet_session(sale(OWNER, Promo(500, "brand")), taken_minor=734, owed_minor=0, at=AT)
    assert booked(rows[0]) == of("brand", {"2100/w1": 734, "5040": 500, "2200/owner": -1172, "4200": -52, "2300/DE/19": -10})


def test_a_brand_that_sells_at_an_owners_station_buys_there() -> None:
    rows = posting.wallet_session(sale(RESOLD), taken_minor=1234, owed_minor=0, at=AT)
    assert booked(rows) == of(
        "brand",
        {
            "2100/w1": 1234,
            "5030/owner": 985,
            "1310/DE/19": 187,
            "2200/owner": -1172,
            "4110/energy": -1037,
            "2300/DE/19": -197,
        },
    ) | of("owner", {"1250": 1172, "4000/energy": -985, "2300/DE/19": -187})


def test_the_same_event_books_the_same_ids_and_another_one_others() -> None:
    assert captured() == captured()
    ids = [row.id for row in (*captured(), *captured(session="s2"))]
    assert len(set(ids)) == 2  # an attempt captures once, whatever it says of it
    first, again = (posting.wallet_session(sale(), taken_minor=1234, owed_minor=0, at=AT, n=n) for n in (0, 1))
    assert not {row.id for row in first} & {row.id for row in again}


def test_a_reversal_of_mirrored_journals_is_a_group_of_its_own() -> None:
    rows = captured()
    back = [reversal(row, at=AT) for row in rows]
    assert booked(rows, back) == {}
    assert len({row.group_id for row in back}) == 1
    assert back[0].group_id not in (None, rows[0].group_id)


def test_suspense_returns_to_zero_when_it_is_explained() -> None:
    where: dict[str, Any] = MOVE | {"book": "owner", "item": "txn_9", "amount_minor": -150}
    came = posting.suspense_in(**where, account="acct_1")
    gone = posting.suspense_out(**where, account="5000")
    assert booked(came, gone) == of("owner", {"5000": 150, "1100/acct_1": -150})
    assert came.ref == gone.ref == "txn_9"


def test_a_top_up_that_was_spent_and_is_disputed_is_owed_by_the_customer() -> None:
    row = posting.topup_returned(
        **MOVE, refund="d1", attempt="a1", wallet="w1", taken_minor=3000, owed_minor=2000, token_ref="t_1", disputed=True
    )
    assert booked(row) == of("brand", {"2100/w1": 3000, "1220/t_1": 2000, "1160": -5000})


# -- for any amount and any split ------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=6), st.data())
def test_no_part_shrinks_while_the_amount_grows_and_the_whole_is_exact(weights: list[int], data: st.DataObject) -> None:
    whole = sum(weights)
    assert share(whole, weights) == weights
    total = data.draw(st.integers(0, max(whole - 1, 0)))
    if whole:
        low, high = share(total, weights), share(total + 1, weights)
        assert (sum(low), sum(high)) == (total, total + 1)
        assert all(0 <= a <= b for a, b in zip(low, high, strict=True))
        assert all(abs(part - total * weight / whole) < len(weights) for part, weight in zip(low, weights, strict=True))


def test_one_rate_of_vat_is_rounded_half_up() -> None:
    for total in range(1235):
        assert share(total, [1037, 197])[1] in {round(total * 197 / 1234), int(total * 197 / 1234 + 0.5)}


@st.composite
def prices(draw: st.DrawFn) -> tuple[Cost, tuple[KindNet, ...]]:
    nets = draw(st.lists(st.integers(0, 5000), min_size=1, max_size=3))
    vat = draw(st.lists(st.integers(0, 900), max_size=2))
    cost = cost_of(sum(nets), *zip(("7", "19"), vat, strict=False))
    kinds = zip(("energy", "time", "flat"), nets, strict=False)
    return cost, tuple(KindNet(kind, Money(net, "EUR")) for kind, net in kinds)


@st.composite
def cuts(draw: st.DrawFn, whole: int) -> list[int]:
    """Amounts that sum to the whole."""
    marks = sorted({whole, *draw(st.lists(st.integers(1, whole), max_size=8))})
    return [b - a for a, b in zip([0, *marks], marks, strict=False)]


@given(prices(), st.data())
def test_refunds_of_a_direct_charge_end_at_zero_however_they_are_cut(
    price: tuple[Cost, tuple[KindNet, ...]], data: st.DataObject
) -> None:
    cost, kinds = price
    if not cost.incl.amount_minor:
        return
    taken = data.draw(st.integers(1, cost.incl.amount_minor))
    fee = posting.commission(taken, data.draw(st.sampled_from(["0", "5", "12.5", "100"])), "19").gross
    given_: dict[str, Any] = SESSION | {"cost": cost, "kinds": kinds}
    rows = list(captured(taken, fee, cost=cost, kinds=kinds))
    before = fee_before = 0
    for n, amount in enumerate(data.draw(cuts(taken))):
        fee_back = (before + amount) * fee // taken - fee_before
        what: dict[str, Any] = given_ | {
            "refund": f"r{n}",
            "merchant": OWNER,
            "captured_minor": taken,
            "amount_minor": amount,
            "fee_minor": fee,
            "fee_returned_minor": fee_back,
        }
        refund = posting.refund_direct(**what, refunded_before_minor=before, fee_returned_before_minor=fee_before)
        rows += refund
        failed = posting.refund_failed(**what, refunded_after_minor=before, fee_returned_after_minor=fee_before)
        assert booked(refund, failed) == {}
        before, fee_before = before + amount, fee_before + fee_back
    left = booked(rows)
    assert left.keys() <= {(b, f"{c}/{a}") for b, a in (("owner", "acct_1"), ("brand", "brand")) for c in ("1100", "1110")}
    assert sum(left.values()) == 0


@given(prices(), st.sampled_from([OWNER, RESOLD, BRAND, None]), st.sampled_from(["0", "5", "33.3"]), st.data())
def test_refunds_of_a_wallet_session_end_at_zero_however_they_are_cut(
    price: tuple[Cost, tuple[KindNet, ...]], merchant: MerchantCard | None, percent: str, data: st.DataObject
) -> None:
    cost, kinds = price
    gross = cost.incl.amount_minor
    if not gross:
        return
    if merchant is not None:
        merchant = msgspec.structs.replace(merchant, commission_percent=percent)
    promo = data.draw(st.sampled_from([None, Promo(gross // 3, "brand"), Promo(gross // 3, "sponsor", "shop")]))
    sold = WalletSale(
        tenant="acme", session="s1", wallet="w1", token_ref="t_1", merchant=merchant, country="DE",
        cost=cost, kinds=kinds, promo=promo,
    )  # fmt: skip
    owed = data.draw(st.integers(0, sold.price_minor - sold.others_minor))
    rows = list(posting.wallet_session(sold, taken_minor=sold.price_minor - sold.others_minor - owed, owed_minor=owed, at=AT))
    before = due = 0
    others = sold.others_minor
    for n, amount in enumerate(data.draw(cuts(sold.price_minor))):
        other, off = min(others, amount), min(owed, max(amount - others, 0))
        refund = posting.refund_wallet(
            sold,
            refund=f"r{n}",
            refunded_before_minor=before,
            to_wallet_minor=amount - other - off,
            off_owed_minor=off,
            to_other_minor=other,
            at=AT,
        )
        rows += refund
        step = posting.refund_due(sold, before, amount)
        assert booked(refund).get(("brand", "2200/owner"), 0) == step
        due, before, others, owed = due + step, before + amount, others - other, owed - off
    assert booked(rows) == {}
    assert due == sold.owner_minor()


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.data())
def test_a_partners_share_ends_at_zero_however_the_session_is_refunded(gross: int, net: int, data: st.DataObject) -> None:
    net = min(net, gross)
    rows = [posting.partner_accrued(**MOVE, session="s1", partner="host", net_minor=net, percent="30")]
    before = 0
    for n, amount in enumerate(data.draw(cuts(gross))):
        rows.append(
            posting.partner_returned(
                **MOVE,
                refund=f"r{n}",
                session="s1",
                partner="host",
                share_minor=posting.partner_share(net, "30"),
                gross_minor=gross,
                refunded_before_minor=before,
                amount_minor=amount,
            )
        )
        before += amount
    assert booked(*rows) == {}
