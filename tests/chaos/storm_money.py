"""Random kills while drivers pay: they scan, order, pay, charge and stop, and node, PostgreSQL or both die and come back. What
people do here is what they do when a page does not load: once more. At the end the provider's money is in the books, to the cent.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import trio

from gateways.simulator.memory import StationSettings
from gateways.simulator.stats import Stats
from gateways.simulator.v16.station import Station16
from runtime.store import StoreAway
from tests.chaos.every_capture import OVER
from tests.chaos.process import PASSWORD, TENANT
from tests.chaos.storm import VICTIMS, kill
from tests.chaos.street import POST, NeverSettled, Street, furnish_station, open_street
from tests.chaos.verify_money import Asked, verify_money

CARDS = ("frictionless", "challenge", "frictionless", "declined", "no_proof", "frictionless")
SETTLES = 300.0
"""At most, for everything that is open when the last kill is over: a start that nobody heard of is given up after 90 s."""
IMPATIENT = 20.0
"""Seconds after which a driver who does not charge drives on."""


@dataclass
class MoneyStorm:
    kills: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


class Storm(Street):
    @property
    def died(self) -> bool:
        """Whoever kills the node brings it back, too."""
        return False

    def beside(self, identity: str) -> Station16:
        told = StationSettings(
            url=self.node.ocpp_url, identity=identity, model=POST, password=PASSWORD, message_attempts=10_000, backoff_most=0.3
        )
        return Station16(told, rng=random.Random(identity), stats=Stats())


def run_money_storm(home: Path, kills: int, seed: int, drivers: int = 4, say: bool = True) -> MoneyStorm:
    return trio.run(_run, home, kills, seed, drivers, say)


async def _run(home: Path, kills: int, seed: int, drivers: int, say: bool) -> MoneyStorm:
    result, rng = MoneyStorm(), random.Random(seed)
    async with open_street(home, Storm) as street:
        assert isinstance(street, Storm)
        async with trio.open_nursery() as stations:
            async with trio.open_nursery() as nursery:
                leaving = trio.Event()
                for n in range(drivers):
                    station = street.beside(f"PAY{n:03d}")
                    code = await furnish_station(street, f"PAY{n:03d}")
                    await stations.start(station.run)
                    nursery.start_soon(_drivers, street, station, code, random.Random(f"{seed}/{n}"), leaving)
                for n in range(kills):
                    await trio.sleep(rng.uniform(0.05, 2.5))
                    victim = rng.choice(VICTIMS)
                    result.kills[victim] += 1
                    await trio.to_thread.run_sync(kill, street.node, victim)
                    if say:
                        print(f"kill {n + 1}: {victim}", flush=True)
                with suppress(NeverSettled):
                    await street.until(_somebody_paid(street), SETTLES)
                leaving.set()
                nursery.cancel_scope.deadline = trio.current_time() + SETTLES
            with suppress(NeverSettled):
                await street.until(_quiet(street), SETTLES)
            stations.cancel_scope.cancel()
        await verify_money(street, Asked(), result.problems, result.counts, left_open=True)
        street.node.kill()
        status, said = await trio.to_thread.run_sync(street.node.audit)
        if status:
            result.problems.append(f"csms audit: {said}")
    return result


def _somebody_paid(street: Street) -> Callable[[], Awaitable[bool]]:
    """For a session; the top-up is a payment, too."""

    async def paid() -> bool:
        with suppress(StoreAway):
            rows = (await street.queries.payments(TENANT, 1_000, None)).items
            return sum(row.captured_minor > 0 for row in rows) > 1
        return False

    return paid


def _quiet(street: Street) -> Callable[[], Awaitable[bool]]:
    async def quiet() -> bool:
        with suppress(StoreAway):
            rows = (await street.queries.payments(TENANT, 1_000, None)).items
            return all(row.state in (*OVER[1:], "quoted", "checkout_open") for row in rows)
        return False

    return quiet


async def _drivers(street: Storm, station: Station16, code: str, rng: random.Random, leaving: trio.Event) -> None:
    while not leaving.is_set():
        with suppress(NeverSettled, RuntimeError):  # this one drives on; the next one comes
            await _driver(street, station, code, rng)
        await trio.sleep(rng.uniform(0.1, 0.5))


async def _driver(street: Storm, station: Station16, code: str, rng: random.Random) -> None:
    connector = station.connectors[0]
    page, attempt = await street.ordered(code)
    outcome = await street.sandbox.driver.pay(page, rng.choice(CARDS))
    if outcome.url is None:
        return
    mine = outcome.url.partition("?")[0]
    await street.page("GET", outcome.url)

    async def goes_on() -> bool:
        with suppress(StoreAway):
            return (await street.payment(attempt)).state in OVER
        return False

    with trio.move_on_after(IMPATIENT):
        await street.until(goes_on)
        await trio.sleep(rng.uniform(0.3, 1.5))
        await street.page("POST", f"{mine}/stop")
    if connector.transaction is None:
        await street.page("POST", f"{mine}/cancel")
    else:
        await trio.sleep(0.5)
    station.end(connector)
    await station.unplug(connector)
