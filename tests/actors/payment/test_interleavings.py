"""Random interleavings: webhooks that come late, twice, stale or never; drivers on the return page; polls; answers that get
lost after the provider has done the work; letters that overtake each other; crashes. Whatever the order, an attempt ends in
the state that its story asks for, the provider has taken exactly that much, and each fact is in the books once.

`PAYMENT_INTERLEAVINGS=10000` sets how many stories are told (600 without it), `PAYMENT_SEED` from which seed on. A failure
names the seed.
"""

import os
import random
from collections import Counter
from typing import Any

import pytest

from actors.model import psp
from actors.model.intents import CommandFailure, CommandResult, RequestStart
from actors.payment import messages as m
from actors.payment.phases import FINAL
from actors.station.letters import Order, OrderEnded
from actors.wallet.messages import ToppedUp, TopUpFailed
from tests.actors.payment.bench import EVSE, OPEN, SESSION, STATION, WALLET, Bench, began, cost, ended, kinds
from tests.actors.payment.provider import GOOD, WEAK
from tests.actors.payment.test_topups import AUTO, TOP_UP, opening

COUNT = int(os.environ.get("PAYMENT_INTERLEAVINGS", "600"))
FIRST = int(os.environ.get("PAYMENT_SEED", "1"))
SLICES = 6

STORIES: dict[str, tuple[str, int, int, int]] = {
    # name: phase at the end, captured, refunded, journals
    "paid": ("settled", 1234, 0, 3),
    "over the limit": ("settled", 3700, 0, 3),
    "corrected": ("settled", 1234, 234, 6),
    "refunded": ("settled", 1234, 1234, 9),
    "refunded elsewhere": ("settled", 1234, 500, 4),
    "disputed": ("settled", 1234, 0, 5),
    "no proof": ("released", 0, 0, 0),
    "place taken": ("released", 0, 0, 0),
    "start rejected": ("released", 0, 0, 0),
    "nothing delivered": ("released", 0, 0, 0),
    "waived": ("released", 0, 0, 0),
    "cancelled": ("released", 0, 0, 0),
    "guarded": ("settled", 900, 0, 3),
    "top-up": ("settled", 5000, 0, 2),
    "auto top-up": ("settled", 5000, 0, 2),
    "card wants its holder": ("released", 0, 0, 0),
}


class World:
    """One story with its dice. `wires`: what is on its way to the attempt, delivered in any order."""

    def __init__(self, seed: int, story: str) -> None:
        self.dice, self.story = random.Random(seed), story
        self.bench = Bench()
        self.provider = self.bench.provider
        self.provider.late_lines = story != "disputed" and self.dice.random() < 0.3
        if story == "card wants its holder":
            self.provider.off_session = self.dice.choice(["requires_action", "refused"])
        self.order = opening(TOP_UP) if story == "top-up" else opening(AUTO) if "card" in story or "auto" in story else OPEN
        self.letters: list[Any] = []
        """Durable: each is delivered once."""
        self.sights: list[psp.Seen] = []
        """What webhooks fetched and have not delivered: stale by now, or told twice."""
        self.done: set[str] = set()
        self.faults = 0
        self.posted = 0

    # -- one step

    def step(self) -> bool:
        """Something that can happen, by chance; False: only time can help."""
        acts = self._acts()
        if not acts:
            return False
        self.dice.choice(acts)()
        self._deliver_post()
        return True

    def _acts(self) -> list[Any]:
        acts: list[Any] = [self._letter] * 2 if self.letters else []
        acts += [self._answer] * 2 if self.bench.outbox else []
        acts += [self._webhook] if self.provider.changed else []
        happening = self._happening()
        acts += [happening] if happening is not None else []
        if acts and self.faults < 25:
            acts += [self._mischief]
        return acts

    def _mischief(self) -> None:
        self.faults += 1
        wicked = [
            self.bench.crash,
            self._open_again,
            self._return_page,
            self._stale,
            self._lost_answer,
            self._unsure,
            self._early,
        ]
        self.dice.choice(wicked)()

    def _letter(self) -> None:
        self.bench.tell(self.letters.pop(self.dice.randrange(len(self.letters))))

    def _answer(self) -> None:
        self.bench.answer(self.dice.choice(list(self.bench.outbox)))

    def _webhook(self) -> None:
        kind, id = self.provider.changed.pop(self.dice.randrange(len(self.provider.changed)))
        seen = self.provider.seen(kind, id)
        fate = self.dice.random()
        if fate < 0.25:
            return  # never comes
        if fate < 0.5:
            self.sights.append(seen)  # comes late
        if fate >= 0.4:
            self.bench.tell(psp.PspObserved(seen))

    def _stale(self) -> None:
        if self.sights:
            self.bench.tell(psp.PspObserved(self.dice.choice(self.sights)))

    def _open_again(self) -> None:
        self.bench.tell(self.order)

    def _return_page(self) -> None:
        self.bench.tell(m.LookAgain())

    def _lost_answer(self) -> None:
        """The provider did it, and the node died: the outbox sends it again."""
        if self.bench.outbox:
            self.provider.execute(self.bench.outbox[self.dice.choice(list(self.bench.outbox))])
            self.bench.crash()

    def _unsure(self) -> None:
        if self.bench.outbox:
            self.bench.unsure(self.dice.choice(list(self.bench.outbox)), done=self.dice.random() < 0.5)

    def _early(self) -> None:
        """A timer fires a second time, or somewhat early: a poll of its own accord."""
        if "look" in self.bench.timers and self.bench.state.phase in ("checkout_open", "captured"):
            self.bench.fire("look")

    # -- what others do

    def _deliver_post(self) -> None:
        """The others read their letters at once; what they answer is on its way."""
        mail, self.posted = self.bench.mail[self.posted :], len(self.bench.mail)
        for to, letter in mail:
            if to == EVSE and isinstance(letter, m.ClaimEvse):
                taken = self.story == "place taken"
                self.letters.append(m.EvseRefused("claimed", self.bench.now) if taken else m.EvseClaimed(self.bench.now))
            elif to == STATION and isinstance(letter, Order) and isinstance(letter.intent, RequestStart):
                self._started(letter)
            elif to == SESSION and isinstance(letter, m.TellCost):
                self.letters.append(m.CostTold("s1", 9000, self.bench.now, cost(900), kinds(900)))

    def _started(self, order: Order) -> None:
        if self.story == "start rejected":
            outcome = self.dice.choice([CommandResult("Rejected"), CommandFailure("error")])
            self.letters.append(OrderEnded(order.id, "CP-1", outcome))
            return
        outcome = self.dice.choice([CommandResult("Accepted"), CommandFailure("unknown")])
        self.letters += [OrderEnded(order.id, "CP-1", outcome), began()]
        match self.story:
            case "guarded":
                pass
            case "nothing delivered":
                self.letters.append(ended(0))
            case "waived":
                self.letters += [ended(outcome="quarantined"), ended(outcome="waived", n=2)]
            case "over the limit":
                self.letters.append(ended(9999))
            case _:
                self.letters.append(ended(1234))

    def _happening(self) -> Any | None:
        """The next thing that somebody does in the story, when its time has come."""
        phase = self.bench.state.phase
        once = [
            (phase == "new", "open", self._open_again),
            (phase == "checkout_open" and self.story != "cancelled", "pay", self._pay),
            (phase == "checkout_open" and self.story == "cancelled", "cancel", self._cancel),
            (self._captured() and self.story == "corrected", "correct", lambda: self.letters.append(ended(1000, n=2))),
            (phase == "settled" and self.story == "refunded", "refund 1", lambda: self._refund("r1", 500)),
            (phase == "settled" and self.story == "refunded", "refund 2", lambda: self._refund("r2", None)),
            (self._captured() and self.story == "refunded elsewhere", "elsewhere", lambda: self.provider.refund("pi_1", 500)),
            (self._captured() and self.story == "disputed", "dispute", lambda: self.provider.dispute("pi_1", 1234)),
            ("dispute" in self.done, "won", lambda: self.provider.end_dispute("won")),
        ]
        for due, name, act in once:
            if due and name not in self.done:
                return lambda name=name, act=act: self._once(name, act)
        return None

    def _once(self, name: str, act: Any) -> None:
        self.done.add(name)
        act()

    def _captured(self) -> bool:
        intent = self.provider.intents.get("pi_1")
        return intent is not None and intent.status == "succeeded"

    def _pay(self) -> None:
        self.provider.pay("cs_1", WEAK if self.story == "no proof" else GOOD)

    def _cancel(self) -> None:
        if self.dice.random() < 0.5:
            self.provider.pay("cs_1")
        self.bench.tell(m.CancelAttempt())

    def _refund(self, id: str, amount: int | None) -> None:
        self.bench.tell(m.RefundPayment(id, "op", "asked", amount))

    # -- the whole

    def run(self) -> None:
        """Until nothing is on its way and nothing is waited for. Time passes only when nothing else can happen."""
        for _ in range(2000):
            if self.step():
                continue
            if self.provider.late_lines and self._captured():
                self.provider.late_lines = False
                self.provider.tell_line("pi_1")
            elif self.bench.timers:
                self._wait()
            else:
                break
        else:
            raise AssertionError("it never comes to rest")
        self._end()

    def _wait(self) -> None:
        """Webhooks that were dropped are made up for by looking; one refund or dispute may need the sweep's webhook again."""
        name = min(self.bench.timers, key=lambda name: self.bench.timers[name][0])
        self.bench.now = max(self.bench.now, self.bench.timers[name][0])
        self.bench.fire(name)
        self._deliver_post()

    def _end(self) -> None:
        """The sweep lists events of the last days again, so a webhook that was dropped comes in the end."""
        for kind, known in (("refund", self.provider.refunds), ("dispute", self.provider.disputes)):
            for id in known:
                self.bench.tell(psp.PspObserved(self.provider.seen(kind, id)))
        for seen in self.sights:
            self.bench.tell(psp.PspObserved(seen))

    def judge(self) -> None:
        bench, state = self.bench, self.bench.state
        phase, captured, refunded, journals = STORIES[self.story]
        assert state.phase == phase, (state.phase, state.reason)
        assert phase in FINAL
        assert (state.captured_minor, state.refunded_minor) == (captured, refunded)
        intents = list(self.provider.intents.values())
        assert sum(intent.received_minor for intent in intents) == captured
        assert sum(one.amount_minor for one in self.provider.refunds.values()) == refunded
        assert not any(intent.capturable_minor for intent in intents), "something is still held"
        assert len(bench.journals) == journals, sorted(bench.journals)
        assert list(state.journals) == list(bench.journals)
        captures = [key for key in self.provider.executed if ":capture:" in key]
        assert len(captures) == (1 if captured else 0)
        assert not bench.outbox
        assert not bench.timers
        assert not state.calls
        if state.top_up is not None:
            told = Counter(type(letter) for to, letter in bench.mail if to == WALLET)
            assert told == {ToppedUp if captured else TopUpFailed: 1}
        bench.crash()


@pytest.mark.parametrize("part", range(SLICES))
def test_every_interleaving_ends_the_same_with_one_journal_per_fact(part: int) -> None:
    stories = list(STORIES)
    seeds = range(FIRST + part, FIRST + COUNT, SLICES)
    for seed in seeds:
        world = World(seed, stories[seed % len(stories)])
        try:
            world.run()
            world.judge()
        except Exception as error:
            raise AssertionError(f"seed {seed}, story {world.story!r}: {error}") from error
    print(f"seeds {seeds.start} to {FIRST + COUNT - 1} in steps of {SLICES}: {len(seeds)} interleavings")
