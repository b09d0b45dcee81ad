"""SIGKILL at the k-th scheduling step of everything that moves money, for every k, and around every COMMIT; then the same while
Stripe answers 500, or not at all, after it has done the work.

Each round is a driver with a card (authorise, capture, a refund in part, a refund of the rest) and one with a wallet (transfer to
the owner, reversal of a part). A trap is set right before each of these; the node comes back, and whoever had no answer
asks again, with the key that it had. A phase is over when it has outlived its trap.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trio

from tests.chaos.every_await import DELAYS_MS, SURVIVALS
from tests.chaos.process import TENANT, TOKEN
from tests.chaos.street import WALLET, NeverSettled, Street, open_street
from tests.chaos.verify_money import Asked, verify_money

PHASES = ("authorise", "capture", "refund", "rest", "transfer", "reversal")
CALLS = {
    "authorise": "GET /v1/*",
    "capture": "POST /v1/payment_intents/*/capture",
    "refund": "POST /v1/refunds",
    "rest": "POST /v1/refunds",
    "transfer": "POST /v1/transfers",
    "reversal": "POST /v1/transfers/*/reversals",
}
"""What Stripe does in a phase, for its faults."""
LOST = ("error_after", "drop_after")
LOST_STRIDE, LOST_ROUNDS = 9, 8
"""Between the steps at which the node dies while an answer is lost, and how many of them."""
OVER = ("charging", "settled", "released", "expired", "lost")
WH_SHORT, WH_SESSION = 1_000, 4_000
"""Energy of a session on a card; of one that is worth a transfer at once."""
GIVES_UP = 45.0
"""Seconds, with a node that is there, after which a driver who paid and cannot charge cancels. Where the order to start died with
the node nobody gives it again; everybody else must charge, however busy the machine is."""
SEED = 20264


@dataclass
class MoneyResult:
    kills: Counter[str] = field(default_factory=Counter)
    """By phase and kind of trap."""
    ends: Counter[str] = field(default_factory=Counter)
    """Payments by what became of them."""
    asked: Asked = field(default_factory=Asked)
    problems: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return sum(self.kills.values())


def run_every_capture(home: Path, *, stride: int = 1, say: bool = True) -> MoneyResult:
    """All of it. `stride`: only each so many-th k."""

    async def all_of_it(rounds: Rounds) -> None:
        for kind in ("before", "after"):
            await rounds.sweep(kind, 1)
        for delay in DELAYS_MS:
            await rounds.play(dict.fromkeys(PHASES, f"during 1 {delay}"), "during commit")
        for lost in LOST:
            for n in range(LOST_ROUNDS):
                await rounds.play(dict.fromkeys(PHASES, f"step {1 + n * LOST_STRIDE}"), lost, lost)
        await rounds.sweep("step", stride)

    return trio.run(_run, home, all_of_it, say)


def run_some(home: Path, some: Iterable[tuple[str, str]]) -> MoneyResult:
    """Rounds with one trap each, and how Stripe's answers get lost in it (or not)."""

    async def those(rounds: Rounds) -> None:
        for trap, lost in some:
            await rounds.play(dict.fromkeys(PHASES, trap), lost or trap.split()[0], lost)

    return trio.run(_run, home, those, False)


async def _run(home: Path, script: Callable[["Rounds"], Awaitable[None]], say: bool) -> MoneyResult:
    result = MoneyResult()
    async with open_street(home) as street:
        try:
            await script(Rounds(street, result, say))
        except NeverSettled as stuck:
            result.problems.append(f"never settled: {stuck}; the node's log ends:\n{street.node.tail()}")
        await verify_money(street, result.asked, result.problems, result.counts)
        street.node.kill()
        code, said = await trio.to_thread.run_sync(street.node.audit)
        if code:
            result.problems.append(f"csms audit: {said}")
    return result


class Rounds:
    """Each round plays all phases once; `traps` says what lies in wait in which."""

    def __init__(self, street: Street, result: MoneyResult, say: bool) -> None:
        self.street, self.result, self.say = street, result, say
        self.rng = random.Random(SEED)
        self.n = 0
        self.kind = ""
        self.traps: Mapping[str, str] = {}
        self.killed: dict[str, bool] = {}
        self.lost = ""
        """How Stripe's answer gets lost in this round."""

    async def sweep(self, kind: str, stride: int) -> None:
        """k upwards, in every phase until it outlived some in a row."""
        survived = dict.fromkeys(PHASES, 0)
        k = 1
        while going := [phase for phase in PHASES if survived[phase] < SURVIVALS]:
            await self.play(dict.fromkeys(going, f"{kind} {k}"), kind)
            for phase in going:
                survived[phase] = 0 if self.killed.get(phase, True) else survived[phase] + 1
            k += stride

    async def play(self, traps: Mapping[str, str], kind: str, lost: str = "") -> None:
        """`kind`: the name under which its kills are counted; `lost`: one of LOST."""
        self.n += 1
        self.traps, self.kind, self.killed, self.lost = traps, kind, {}, lost
        if any(phase in traps for phase in PHASES[:4]):
            await self._card()
        if any(phase in traps for phase in PHASES[4:]):
            await self._wallet()
        if self.say:
            died = ", ".join(phase for phase in PHASES if self.killed.get(phase))
            lived = ", ".join(phase for phase in PHASES if phase in traps and not self.killed.get(phase))
            print(
                f"round {self.n}: {kind}, {next(iter(traps.values()))}: killed in {died or 'none'}; outlived: {lived or 'none'}",
                flush=True,
            )

    # -- the phases

    async def _phase(self, name: str, act: Callable[[], Awaitable[Any]], over: Callable[[], Awaitable[bool]]) -> None:
        """Do it under fire until it is over; then everybody says again what they said before."""
        street, trap = self.street, self.traps.get(name)
        starts = street.node.starts
        if trap is not None:
            if self.lost:
                rule = {"call": CALLS[name], "what": self.lost, "sticky": bool(self.n % 2)}
                await street.sandbox.driver.control("faults", calls=[rule])
            await street.order(f"arm {trap}", "armed")
        try:
            await act()
            await street.until(over)
            if trap is not None and street.node.starts == starts:
                await street.disarmed()
            if street.node.starts > starts:
                self.result.kills[f"{name}, {self.kind}"] += 1
                await street.webhooks_again(self.rng)
                await act()
                await street.until(over)
        except NeverSettled as stuck:
            raise NeverSettled(f"{name} with {trap} in round {self.n} {self.lost}: {stuck}") from None
        finally:
            if self.lost:
                await street.sandbox.driver.control("faults", clear=True)
        self.killed[name] = street.node.starts > starts

    async def _card(self) -> None:
        street, connector = self.street, self.street.connector
        page, attempt = await street.ordered()
        came_back: list[str] = []

        async def pay() -> None:
            if not came_back:
                outcome = await street.sandbox.driver.pay(page, "frictionless")
                assert outcome.url is not None, outcome.error
                came_back.append(outcome.url)
            await street.page("GET", came_back[0])

        async def charges() -> bool:
            return (await street.payment(attempt)).state in OVER

        async def charges_or_leaves() -> bool:
            nonlocal waits_since
            waits_since = max(waits_since, street.back_at)
            if trio.current_time() > waits_since + GIVES_UP:
                await street.page("POST", came_back[0].partition("?")[0] + "/cancel")
                waits_since = trio.current_time()
            return await charges()

        waits_since = trio.current_time()
        await self._phase("authorise", pay, charges_or_leaves)
        row = await street.payment(attempt)
        if row.state != "charging":
            self.result.ends[f"{row.state}: {row.reason}"] += 1
            await self._leave()
            return
        await self._charged(WH_SHORT)
        ended: list[Any] = []

        async def stop() -> None:
            if not ended:
                ended.append(street.post.end(connector))
            if ended[0] is not None:
                await street.until(_done(ended[0]))

        async def settled() -> bool:
            return (await street.payment(attempt)).state in OVER[1:] or await self._refunded(attempt) > 0

        await self._phase("capture", stop, settled)
        await self._leave()
        row = await street.payment(attempt)
        self.result.ends[row.state if row.captured_minor else f"{row.state}: {row.reason}"] += 1
        if row.captured_minor:
            await self._refund("refund", attempt, row.captured_minor // 3)
            await self._refund("rest", attempt, None)

    async def _refunded(self, attempt: str) -> int:
        return (await self.street.payment(attempt)).refunded_minor

    async def _refund(self, name: str, attempt: str, amount: int | None) -> None:
        street = self.street
        before = await self._refunded(attempt)
        row = await street.payment(attempt)
        wanted = row.captured_minor - before if amount is None else amount
        body = {"reason": "as agreed", **({} if amount is None else {"amount_minor": amount})}
        key = f"{attempt}-{name}"

        async def ask() -> None:
            await street.api("POST", f"/tenants/{TENANT}/payments/{attempt}/refund", body, key)

        async def done() -> bool:
            return await self._refunded(attempt) >= before + wanted

        self.result.asked.refunds.setdefault(attempt, []).append(wanted)
        await self._phase(name, ask, done)

    async def _wallet(self) -> None:
        street, station, connector = self.street, self.street.post, self.street.connector
        moved = await self._moved("transfer")
        await station.plug(connector)
        await street.until(_done(station.begin(connector, TOKEN)))
        await self._charged(WH_SESSION)
        ended: list[Any] = []

        async def stop() -> None:
            if not ended:
                ended.append(station.end(connector))
            await street.until(_done(ended[0]))

        async def sent() -> bool:
            return bool(await self._moved("transfer") - moved)

        await self._phase("transfer", stop, sent)
        await self._leave()
        (mine,) = [row for row in await self._transfers("transfer") if row.id not in moved]
        ((session, _),) = mine.refs
        self.result.asked.sessions.append(session)
        back = await self._moved("reversal")
        body = {"id": f"back-{self.n}", "session": session, "amount_minor": 211 + self.n, "reason": "as agreed"}
        self.result.asked.credits[session] = body["amount_minor"]

        async def ask() -> None:
            await street.api("POST", f"/tenants/{TENANT}/wallets/{WALLET}/credit", body)

        async def taken_back() -> bool:
            return bool(await self._moved("reversal") - back)

        await self._phase("reversal", ask, taken_back)

    async def _transfers(self, kind: str) -> list[Any]:
        return [row for row in await self.street.transfers() if row.kind == kind and row.state == "done"]

    async def _moved(self, kind: str) -> set[str]:
        return {row.id for row in await self._transfers(kind)}

    async def _charged(self, wh: int) -> None:
        """Until so much has flowed."""
        street, connector = self.street, self.street.connector
        assert connector.transaction is not None
        first = connector.transaction.meter_start

        async def enough() -> bool:
            return connector.transaction is None or connector.meter.read(street.post.clock.real()) >= first + wh

        await street.until(enough)
        reading = street.post.meter(connector)
        if reading is not None:
            await street.until(_done(reading))

    async def _leave(self) -> None:
        """The driver unplugs; whatever ran there ends."""
        street, connector = self.street, self.street.connector
        ended = street.post.end(connector)
        if ended is not None:
            await street.until(_done(ended))
        await street.post.online()
        await street.post.unplug(connector)


def _done(pending: Any) -> Callable[[], Awaitable[bool]]:
    async def done() -> bool:
        return bool(pending.done.is_set())

    return done


def summary(kills: Mapping[str, int]) -> Iterable[str]:
    """Kills by phase, over all kinds of trap."""
    for phase in PHASES:
        of = {name.partition(", ")[2]: count for name, count in kills.items() if name.startswith(f"{phase},")}
        yield f"{phase}: {sum(of.values())} kills {dict(sorted(of.items()))}"
