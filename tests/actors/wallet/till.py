"""A payment that only tops a wallet up: it books the money and tells the wallet, in one turn, as actors/payment does."""

from datetime import datetime
from typing import Any

import msgspec

from actors.model.decision import MONEY, Decision, Letter
from actors.model.ids import wallet_address
from actors.model.posting import topped_up
from actors.station.messages import Done
from actors.wallet.messages import ToppedUp
from runtime.actor import Actor, Context
from runtime.system import System


class Pay(msgspec.Struct, frozen=True):
    amount_minor: int
    wallet: str = "w1"
    payment_method: str | None = None


class Paid(msgspec.Struct, frozen=True, tag="paid"):
    amount_minor: int


class Nothing(msgspec.Struct, frozen=True):
    pass


class Till(Actor[Nothing]):
    kind = "till"
    state_type = Nothing
    fact_type = Paid
    durable_type = ToppedUp

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._address = context.address

    def initial(self) -> Nothing:
        return Nothing()

    def apply(self, state: Nothing, fact: Any) -> Nothing:
        return state

    def decide(self, state: Nothing, message: Pay, now: datetime) -> Decision:
        tenant, attempt = self._address.tenant, self._address.id
        told = ToppedUp(attempt, message.amount_minor, "EUR", now, "cus_1", message.payment_method)
        journal = topped_up(
            tenant=tenant, attempt=attempt, wallet=message.wallet, amount_minor=message.amount_minor, currency="EUR", at=now
        )
        return Decision(
            facts=(Paid(message.amount_minor),),
            rows=(journal,),
            letters=(Letter(wallet_address(tenant, message.wallet), told),),
            reply=Done(),
            lane=MONEY,
        )


def till(system: System) -> None:
    system.register("till", Till)
