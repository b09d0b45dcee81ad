"""Merchants of a brand that has a platform account of its own, and of one that gets another."""

from typing import Any

from msgspec.structs import replace

from actors.merchant import messages as m
from actors.merchant.decide import TROUBLES_BOOK
from actors.model import psp
from actors.model.decision import Refused
from actors.model.platforms import INSTALLATION, Platforms
from actors.model.rows import BookRow
from tests.actors.kit import T0, TENANT
from tests.actors.merchant.kit import PUT, READY, bank

OLD, NEW = "acct_old", "acct_new"


class Brand:
    """What the settings say, which a start of the node reads anew: the old account, and after `moves` the new one as well."""

    def __init__(self) -> None:
        self.own, self.former = {TENANT: OLD}, {TENANT: tuple[str, ...]()}
        self.platforms = Platforms(own=self.own, former=self.former, shared=False, keyed=frozenset((OLD, NEW)))

    def moves(self) -> None:
        self.own[TENANT], self.former[TENANT] = NEW, (OLD,)


async def test_a_merchant_is_connected_to_its_brands_account_and_anew_when_that_changes(autojump_clock: Any) -> None:
    brand = Brand()
    async with bank(platforms=brand.platforms) as bank_:
        row = await bank_.ask(m.Look())
        assert {call.platform for call in bank_.provider.calls} <= {OLD}
        card = bank_.house.env.snapshots.merchant(TENANT, "m1")
        assert card is not None
        assert (row.platform, card.open_on(OLD), card.open_on(NEW)) == (OLD, True, False)
        brand.moves()
        # What the old account says of it is still heard, and what the new one says is of nobody.
        await bank_.ask(psp.PspObserved(READY, "evt_1", NEW))
        assert (await bank_.ask(m.Look())).platform == OLD
        refused = await bank_.ask(m.StartOnboarding("op", "account_link", "https://c/r", "https://c/f", "DE"))
        assert isinstance(refused, Refused)
        assert "disconnect" in refused.detail
        assert (await bank_.ask(with_account())).platform == NEW
        await bank_.settle()
        assert bank_.provider.calls[-1].platform == NEW
        card = bank_.house.env.snapshots.merchant(TENANT, "m1")
        assert card is not None
        assert (card.open_on(OLD), card.open_on(NEW)) == (False, True)


async def test_a_transfer_is_taken_back_where_it_was_sent_from(autojump_clock: Any) -> None:
    brand = Brand()
    async with bank(platforms=brand.platforms) as bank_:
        await bank_.letter(m.OwnerCredited("s1", 9000, "EUR", T0))
        brand.moves()
        await bank_.ask(with_account())
        await bank_.letter(m.OwnerCredited("s2", 8000, "EUR", T0))
        await bank_.letter(m.OwnerDebited("r1", "s1", 9000, "EUR", T0))
        assert [call.platform for call in bank_.provider.of(psp.MakeTransfer)] == [OLD, NEW]
        assert [(call.platform, call.transfer) for call in bank_.provider.of(psp.ReverseTransfer)] == [(OLD, "tr_1")]


async def test_a_transfer_from_the_installations_account_is_taken_back_there_after_the_brand_got_its_own(
    autojump_clock: Any,
) -> None:
    own: dict[str, str] = {}
    async with bank(platforms=Platforms(own=own, shared=True, installed=True, keyed=frozenset((NEW,)))) as bank_:
        await bank_.letter(m.OwnerCredited("s1", 9000, "EUR", T0))
        own[TENANT] = NEW
        await bank_.ask(with_account())
        await bank_.letter(m.OwnerDebited("r1", "s1", 9000, "EUR", T0))
        assert [call.platform for call in bank_.provider.of(psp.MakeTransfer)] == [INSTALLATION]
        assert [(call.platform, call.transfer) for call in bank_.provider.of(psp.ReverseTransfer)] == [(INSTALLATION, "tr_1")]


async def test_a_brand_is_compared_on_all_its_accounts_together(autojump_clock: Any) -> None:
    brand = Brand()
    brand.moves()
    async with bank(platforms=brand.platforms) as bank_:
        sums = {NEW: (("EUR", 700, 0), ("SEK", 5, 0)), OLD: (("EUR", 200, 100),)}
        bank_.provider.answers[psp.FetchBalance] = lambda call: psp.BalanceSeen(sums[call.platform])
        await bank_.ask(m.Reconcile("op"), "brand")
        await bank_.settle()
        await bank_.settle()
        assert [call.platform for call in bank_.provider.of(psp.FetchBalance)] == [NEW, OLD]
        assert (bank_.balance()["available_minor"], bank_.balance()["pending_minor"]) == (900, 100)
        assert bank_.balance(currency="SEK")["available_minor"] == 5


async def test_a_payout_is_asked_for_where_it_was_made(autojump_clock: Any) -> None:
    brand = Brand()
    brand.moves()
    async with bank(platforms=brand.platforms) as bank_:
        bank_.provider.answers[psp.FetchPayout] = lambda call: psp.PayoutSeen(call.payout, "paid", 100, "EUR")
        await bank_.ask(psp.PspObserved(psp.PayoutSeen("po_1", "paid", 100, "EUR"), "evt_1", OLD), "brand")
        await bank_.settle()
        assert [call.platform for call in bank_.provider.of(psp.FetchPayout)] == [OLD]


async def test_trouble_with_a_key_is_told_once_when_it_begins_and_when_it_ends(autojump_clock: Any) -> None:
    async with bank() as bank_:
        for trouble in ("key_refused", "key_refused", None, None):
            await bank_.ask(m.PlatformTrouble(NEW, trouble, "CSMS_X (x)", 3), "brand")
            row = bank_.house.rows.get(BookRow, TENANT, "", TROUBLES_BOOK, NEW)
            assert (row is not None and not row.deleted) == (trouble is not None)
        assert [(body["trouble"], body["payments"]) for body in bank_.events("platform")] == [("key_refused", 3), (None, 3)]


def with_account() -> m.PutMerchant:
    return replace(PUT, account="acct_1")
