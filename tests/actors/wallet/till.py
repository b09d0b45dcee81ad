"""A payment that only tops a wallet up: it books the money and tells the wallet, in one turn and once, as actors/payment does."""

from datetime import datetime

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


class Book(msgspec.Struct, frozen=True):
    paid_minor: int = 0


class Till(Actor[Book]):
    kind = "till"
    state_type = Book
    fact_type = Paid
    durable_type = ToppedUp

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._address = context.address

    def initial(self) -> Book:
        return Book()

    def apply(self, state: Book, fact: Paid) -> Book:
        return Book(fact.amount_minor)

    def decide(self, state: Book, message: Pay, now: datetime) -> Decision:
        if state.paid_minor:
            return Decision(reply=Done())
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
