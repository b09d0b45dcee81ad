"""A merchant beside a payment provider that answers from a script."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec
import trio

from actors.limits import DomainLimits
from actors.merchant import messages as m
from actors.model import psp
from actors.model.ids import merchant_address
from actors.model.platforms import Platforms
from actors.model.rows import BalanceLineRow, BookRow, JournalRow, PayoutRow, Row, TransferRow
from runtime.address import Address
from runtime.store import OutboxItem
from tests.actors.kit import T0, TENANT, House

SELLER = m.Seller("Owner GmbH", ("Weg 1", "50667 Köln"), "DE", "DE123")
PUT = m.PutMerchant("op", SELLER, commission_percent="5")
READY = psp.AccountSeen("acct_1", True, True, True, "active", "DE", "EUR")


class Provider:
    """Answers the calls of the outbox: by class of call a value, or a function of the call. It keeps the calls."""

    def __init__(self, house: House) -> None:
        self.calls: list[Any] = []
        self.answers: dict[type, Any] = {
            psp.FetchAccount: READY,
            psp.MakeTransfer: self._transferred,
            psp.ReverseTransfer: self._reversed,
            psp.FetchBalance: lambda call: self.balances.get(call.account or "brand", psp.BalanceSeen(())),
        }
        self.balances: dict[str, psp.BalanceSeen] = {}
        house.system.outbox.handle(psp.TOPIC, self.handle)

    async def handle(self, item: OutboxItem) -> Any:
        call = msgspec.json.decode(item.effect.body, type=psp.AnyCall)
        self.calls.append(call)
        answer = self.answers[type(call)]
        return psp.PspAnswer(item.effect.id, call, answer(call) if isinstance(answer, Callable) else answer)  # type: ignore[arg-type]

    def of(self, kind: type) -> list[Any]:
        return [call for call in self.calls if isinstance(call, kind)]

    def _transferred(self, call: psp.MakeTransfer) -> psp.TransferSeen:
        n = len(self.of(psp.MakeTransfer))
        return psp.TransferSeen(f"tr_{n}", call.amount_minor, call.currency, call.destination, key=call.key)

    def _reversed(self, call: psp.ReverseTransfer) -> psp.TransferSeen:
        n = len(self.of(psp.ReverseTransfer))
        return psp.TransferSeen(call.transfer, call.amount_minor, call.currency, reversal=f"trr_{n}", key=call.key)


class Bank:
    """The house, the provider, and short ways to ask."""

    def __init__(self, house: House, provider: Provider) -> None:
        self.house, self.provider = house, provider

    async def ask(self, message: Any, merchant: str = "m1") -> Any:
        return await self.house.ask(merchant_address(TENANT, merchant), message)

    async def letter(self, message: Any, merchant: str = "m1") -> None:
        """As the runtime brings it."""
        self.house.system.tell(Address(*merchant_address(TENANT, merchant)), message)
        await self.settle()

    async def settle(self) -> None:
        await trio.sleep(1)

    async def later(self, time: timedelta) -> None:
        """So much time passes; timers fire."""
        await trio.sleep(time.total_seconds())
        await self.settle()

    def table(self, kind: type) -> list[Any]:
        return list(self.house.rows.table(kind))

    def transfers(self) -> list[TransferRow]:
        return sorted(self.table(TransferRow), key=lambda row: int(row.id.rpartition(":")[2]))

    def payouts(self) -> list[PayoutRow]:
        return self.table(PayoutRow)

    def lines(self) -> dict[str, BalanceLineRow]:
        return {row.id: row for row in self.table(BalanceLineRow)}

    def balance(self, account: str = "brand", currency: str = "EUR") -> dict[str, Any]:
        row: BookRow | None = self.house.rows.get(BookRow, TENANT, "", "psp_balance", f"{account}/{currency}")
        return row.body if row is not None else {}

    def books(self, book: str) -> dict[str, int]:
        """Account -> debits less credits."""
        sums: dict[str, int] = {}
        for journal in self.table(JournalRow):
            if journal.book == book:
                for entry in journal.entries:
                    minor = entry.amount_minor if entry.side == "debit" else -entry.amount_minor
                    sums[entry.account] = sums.get(entry.account, 0) + minor
        return {account: minor for account, minor in sorted(sums.items()) if minor}

    def write(self, *rows: Row) -> None:
        """As other actors do."""
        self.house.rows.write(1, list(rows))

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [event.body for event in self.house.rows.events if event.kind == f"merchant.{kind}"]


def quick(**more: Any) -> DomainLimits:
    """A day is 24 minutes long: a clock that jumps has to stop at every poll on its way."""
    times = {
        "transfer_within": timedelta(minutes=24), "transfer_again": timedelta(minutes=1), "payout_again": timedelta(minutes=1),
        "reconcile_every": timedelta(minutes=24), "unmatched_after": timedelta(minutes=24),
    }  # fmt: skip
    return DomainLimits(**{**times, **more})


@asynccontextmanager
async def bank(
    limits: DomainLimits | None = None, *, account: str | None = "acct_1", platforms: Platforms | None = None
) -> AsyncIterator[Bank]:
    """With merchant m1 on its account, and the brand. To be used under trio's autojump clock."""
    house = House(limits=limits or quick(), platforms=platforms or Platforms(installed=True))
    provider = Provider(house)
    async with trio.open_nursery() as nursery:
        await nursery.start(house.system.run)
        await house.furnish()
        found = Bank(house, provider)
        await found.ask(PUT, "brand")
        await found.ask(msgspec.structs.replace(PUT, account=account))
        await found.settle()
        provider.calls.clear()
        yield found
        nursery.cancel_scope.cancel()


def line(id: str, kind: str, net: int, source: str | None, **fields: Any) -> psp.BalanceLine:
    """A movement, made at T0 and available at once unless it is said otherwise."""
    told = {"created": T0, "available_on": T0, "currency": "EUR", "status": "available", **fields}
    fee = told.pop("fee", 0)
    return psp.BalanceLine(id=id, kind=kind, amount_minor=net + fee, fee_minor=fee, net_minor=net, source=source, **told)
