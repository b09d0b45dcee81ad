"""One turn of a merchant, put together step by step. Pure."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.limits import DomainLimits
from actors.merchant.messages import BRAND
from actors.merchant.rows import card_of, merchant_row
from actors.merchant.state import MerchantState, apply
from actors.model import psp
from actors.model.decision import AddressKey, Decision, Effect, Letter, Timer, lane_of
from actors.model.feed import event
from actors.model.platforms import INSTALLATION
from actors.model.rows import JournalRow
from actors.ports import MerchantCard
from actors.station.messages import Done


def effect_of(call: psp.AnyCall) -> Effect:
    return Effect(call.key, "redeliver", psp.TOPIC, msgspec.json.encode(call))


class Turn:
    def __init__(
        self, here: AddressKey, state: MerchantState, now: datetime, limits: DomainLimits,
        homes: tuple[str, ...] = (INSTALLATION,),
    ) -> None:  # fmt: skip
        """`homes`: the brand's platform accounts, the present one first."""
        self.here, self.state, self.now, self.limits, self.homes = here, state, now, limits, homes
        self.facts: list[Any] = []
        self.rows: list[Any] = []
        self.effects: list[Effect] = []
        self.letters: list[Letter] = []
        self.settled: list[tuple[str, str]] = []
        self.timers: dict[str, Timer] = {}
        self.reply: Any = Done()

    @property
    def tenant(self) -> str:
        return self.here[0]

    @property
    def id(self) -> str:
        return self.here[2]

    @property
    def book(self) -> str:
        """The merchant's book in the ledger: its id, `brand` for the tenant itself."""
        return self.here[2]

    @property
    def account(self) -> str | None:
        """With the provider; None: the brand's own, or none."""
        return self.state.account

    @property
    def platform(self) -> str:
        """The platform account on which it is asked: the brand's own, or the one that the account is connected to."""
        return self.homes[0] if self.id == BRAND else self.state.platform

    @property
    def holder(self) -> str:
        """Qualifier of 1100 and 1110 in the books. What a brand has on several platform accounts stands together."""
        return self.state.account or BRAND

    @property
    def card(self) -> MerchantCard:
        return card_of(merchant_row(self.here, self.state, self.now))

    def put(self, fact: Any) -> None:
        self.state = apply(self.state, fact)
        self.facts.append(fact)

    def ask(self, call: psp.AnyCall, platform: str | None = None) -> None:
        """`platform`: another one than where the account is now."""
        self.effects.append(effect_of(replace(call, platform=self.platform if platform is None else platform)))

    def book_all(self, *journals: JournalRow | None) -> tuple[str, ...]:
        made = [journal for journal in journals if journal is not None]
        self.rows += made
        return tuple(journal.id for journal in made)

    def timer(self, name: str, at: datetime | None, message: Any = None) -> None:
        self.timers[name] = Timer(name, at, message)

    def tell(self, what: str, /, **body: Any) -> None:
        self.rows.append(event(self.here, f"merchant.{what}", self.now, **body))

    def decision(self) -> Decision:
        return Decision(
            facts=self.facts, letters=self.letters, effects=self.effects, settled=self.settled,
            timers=tuple(self.timers.values()), rows=self.rows, reply=self.reply, lane=lane_of(self.rows),
        )  # fmt: skip
