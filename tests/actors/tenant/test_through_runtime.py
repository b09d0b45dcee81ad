"""A tenant's administration: each change is a fact, a row and, after the commit, a card in the snapshots."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import trio

from actors.model.ids import tenant_address
from actors.model.rows import TariffRow, TokenRow, VaultRow
from actors.station.messages import Done
from actors.tenant.messages import Create, DeleteTariff, DeleteToken, PutTariff, TariffStored, TokenStored
from tests.actors.kit import T0, TARIFF, TENANT, House

ADDRESS = tenant_address(TENANT)


@pytest.fixture
async def house(nursery: trio.Nursery) -> House:
    house = House()
    await nursery.start(house.system.run)
    await house.furnish()
    return house


async def test_a_tenant_is_created_once(autojump_clock: Any, house: House) -> None:
    again = await house.ask(ADDRESS, Create("Other", "USD", "US", "UTC", "accept", "owner"))
    assert again.code == "exists"
    card = house.env.snapshots.tenant(TENANT)
    assert (card.currency, card.time_zone, card.unknown_stations) == ("EUR", "Europe/Berlin", "refuse")


async def test_a_token_is_stored_under_its_reference_and_its_uid_only_in_the_vault(autojump_clock: Any, house: House) -> None:
    assert await house.put_token("04A2B3C4D5E6F7") == TokenStored(created=True)
    facts = len(house.store.commits)
    assert await house.put_token("04A2B3C4D5E6F7") == TokenStored(created=False)
    assert len(house.store.commits) == facts, "the same card again writes nothing"
    assert await house.put_token("04A2B3C4D5E6F7", "Blocked") == TokenStored(created=False)
    ref = house.token("04A2B3C4D5E6F7").ref
    assert house.env.snapshots.token(TENANT, ref).status == "Blocked"
    sealed = house.rows.get(VaultRow, TENANT, ref, "token")
    assert house.env.vault.open(sealed) == "04A2B3C4D5E6F7"
    stored = b"".join(fact.body for batch in house.store.commits for turn in batch for fact in turn.facts)
    assert b"04A2B3C4D5E6F7" not in stored


async def test_a_deleted_token_is_unknown_at_once(autojump_clock: Any, house: House) -> None:
    ref = house.token("GOOD").ref
    assert await house.ask(ADDRESS, DeleteToken(ref, "owner")) == Done()
    assert house.env.snapshots.token(TENANT, ref) is None
    assert house.rows.get(TokenRow, TENANT, ref) is None
    assert (await house.ask(ADDRESS, DeleteToken(ref, "owner"))).code == "unknown"


def dearer(price: float) -> dict[str, Any]:
    return {**TARIFF, "elements": [{"price_components": [{"type": "ENERGY", "price": price, "step_size": 1}]}]}


async def test_a_tariff_has_a_version_per_content(autojump_clock: Any, house: House) -> None:
    first = await house.ask(ADDRESS, PutTariff("standard", {**TARIFF, "last_updated": "2026-02-02T00:00:00Z"}, None, "o"))
    assert (first.created, first.version) == (False, 1)
    second = await house.ask(ADDRESS, PutTariff("standard", dearer(0.6), None, "o"))
    assert (second.created, second.version) == (False, 2)
    assert second.fingerprint != first.fingerprint
    before = house.env.snapshots.tariff(TENANT, "standard", T0 - timedelta(seconds=1))
    assert before.version == 1, "a session that began before the change keeps its price"
    assert house.env.snapshots.tariff(TENANT, "standard", T0 + timedelta(hours=1)).version == 2


async def test_a_new_tariff_prices_sessions_of_stations_whose_clock_is_behind(autojump_clock: Any, house: House) -> None:
    assert house.env.snapshots.tariff(TENANT, "standard", datetime(2020, 1, 1, tzinfo=UTC)) is not None


async def test_a_tariff_of_another_currency_is_refused(autojump_clock: Any, house: House) -> None:
    reply = await house.ask(ADDRESS, PutTariff("dollars", {**TARIFF, "currency": "USD"}, None, "o"))
    assert (reply.code, reply.field) == ("currency", "currency")


async def test_versions_count_on_after_a_deletion(autojump_clock: Any, house: House) -> None:
    assert await house.ask(ADDRESS, DeleteTariff("standard", "o")) == Done()
    assert house.env.snapshots.tariff(TENANT, "standard", T0) is None
    assert house.rows.get(TariffRow, TENANT, "standard", 1) is None
    again = await house.ask(ADDRESS, PutTariff("standard", TARIFF, None, "o"))
    assert again == TariffStored(True, 2, again.fingerprint)
    assert (await house.ask(ADDRESS, DeleteTariff("other", "o"))).code == "unknown"


async def test_settings_survive_a_crash_of_the_node(autojump_clock: Any, house: House, nursery: trio.Nursery) -> None:
    survivor = house.after_crash()
    await nursery.start(survivor.system.run)
    assert (await survivor.ask(ADDRESS, Create("Other", "USD", "US", "UTC", "accept", "owner"))).code == "exists"
    shown = msgspec.json.encode(survivor.system.inspect.actor(ADDRESS))
    assert b"GOOD" not in shown
