"""Merchants in the read model, in PostgreSQL and in its twin, and as cards in memory."""

from typing import Any

import pytest

from actors.merchant.messages import PartnerShare, Seller
from actors.ports import MerchantCard
from runtime.address import Address
from runtime.store import Verdict
from storage.database import Database
from storage.snapshots import FreshCards
from tests.storage.shown import merchant, payment, station, tenant
from tests.storage.test_queries import Kit, kit, walk  # noqa: F401 (the fixture)
from tests.storage.test_snapshots import Elsewhere, elsewhere  # noqa: F401 (the fixture)

TERMS = {
    "commission_percent": "5", "commission_vat_percent": "19", "sells": "brand", "min_minor": 50,
    "partners": [{"partner": "host", "percent": "30"}],
}  # fmt: skip
OPEN: dict[str, Any] = {
    "account": "acct_1", "onboarding": "done", "charges_enabled": True, "payouts_enabled": True, "card_payments": "active",
}  # fmt: skip


def actor(id: str, tenant: str = "acme") -> Address:
    return Address(tenant, "merchant", id)


async def test_a_merchant_comes_back_as_it_was_written_and_only_forward(kit: Kit) -> None:  # noqa: F811
    first = merchant("m1")
    second = merchant("m1", terms=TERMS, due=["external_account"], draining=True, **OPEN)
    await kit.write(first, actor=actor("m1"))
    assert await kit.queries.merchant("acme", "m1") == first
    await kit.write(second, actor=actor("m1"))
    assert await kit.queries.merchant("acme", "m1") == second
    assert await kit.queries.merchant("other", "m1") is None


async def test_merchants_are_listed_by_their_ids(kit: Kit) -> None:  # noqa: F811
    for id in ("m3", "m1", "m2"):
        await kit.write(merchant(id), actor=actor(id))
    await kit.write(merchant("mx", tenant="other"), actor=actor("mx", "other"))
    pages = await walk(lambda cursor: kit.queries.merchants("acme", 2, cursor))
    assert [[row.id for row in page] for page in pages] == [["m1", "m2"], ["m3"]]


async def test_an_account_leads_to_its_merchant_and_has_only_one(kit: Kit) -> None:  # noqa: F811
    await kit.write(merchant("m1", **OPEN), actor=actor("m1"))
    assert await kit.lookups.merchant_of_account("acct_1") == ("acme", "m1")
    assert await kit.lookups.merchant_of_account("acct_2") is None
    other = merchant("m1", tenant="other", **OPEN)
    assert (await kit.try_write(other, actor=actor("m1", "other"))).verdict is Verdict.REJECTED
    await kit.write(merchant("m1", onboarding="disconnected"), actor=actor("m1"))
    await kit.write(other, actor=actor("m1", "other"))
    assert await kit.lookups.merchant_of_account("acct_1") == ("other", "m1")


async def test_payments_that_hold_or_may_come_to_hold_money_are_open(kit: Kit) -> None:  # noqa: F811
    states = {"a": "checkout_open", "b": "charging", "c": "capture_failed", "d": "settled", "e": "expired", "f": "refunded"}
    for id, state in states.items():
        await kit.write(payment(id, state=state, account="acct_1"), actor=Address("acme", "payment", id))
    await kit.write(payment("z", state="charging"), actor=Address("acme", "payment", "z"))
    assert list(await kit.lookups.open_payments("acme", "acct_1", "", 10)) == ["a", "b", "c"]
    assert list(await kit.lookups.open_payments("acme", "acct_1", "a", 1)) == ["b"]
    assert list(await kit.lookups.open_payments("other", "acct_1", "", 10)) == []


@pytest.mark.postgres
async def test_cards_of_merchants_are_loaded_and_stay_fresh(database: Database, elsewhere: Elsewhere) -> None:  # noqa: F811
    await elsewhere.write(tenant(), station("s/1", merchant="m1"), merchant("m1", terms=TERMS, **OPEN), merchant("brand"))
    cards = FreshCards(database)
    await cards.load()
    card = MerchantCard(
        "acme", "m1", Seller("Owner GmbH", country="DE"), "acct_1", True, "5", "19", "brand", (PartnerShare("host", "30"),), 50
    )  # fmt: skip
    assert cards.merchant("acme", "m1") == card
    found, brand = cards.station("acme", "s/1"), cards.merchant("acme", "brand")
    assert found is not None
    assert found.merchant == "m1"
    assert brand is not None
    assert (brand.account, brand.open) == (None, True)
    await elsewhere.write(merchant("m1", **{**OPEN, "card_payments": "pending"}))
    await elsewhere.write(merchant("brand", deleted=True))
    await cards.refresh()
    fresh = cards.merchant("acme", "m1")
    assert fresh is not None
    assert not fresh.open
    assert cards.merchant("acme", "brand") is None


@pytest.mark.postgres
@pytest.mark.parametrize(
    "closed", [{"card_payments": "inactive"}, {"charges_enabled": False}, {"draining": True}, {"onboarding": "disconnected"}]
)
async def test_a_merchant_that_the_provider_holds_back_is_closed(
    database: Database,
    elsewhere: Elsewhere,  # noqa: F811
    closed: dict[str, Any],
) -> None:
    await elsewhere.write(tenant(), merchant("m1", **{**OPEN, **closed}))
    cards = FreshCards(database)
    await cards.load()
    card = cards.merchant("acme", "m1")
    assert card is not None
    assert not card.open
