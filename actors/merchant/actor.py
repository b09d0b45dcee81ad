"""A merchant: the shell around its pure functions. It publishes what it committed as a card, which pay pages, payments and
sessions read."""

import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from actors.env import ActorEnv
from actors.merchant import decide as d
from actors.merchant import facts, messages, state
from actors.merchant.rows import card_of
from actors.merchant.state import MerchantState
from actors.model import psp
from actors.model.decision import AddressKey, Decision
from actors.model.ids import MERCHANT
from actors.model.rows import MerchantRow
from actors.station.messages import Done
from runtime.actor import Actor, Context


class _Known(msgspec.Struct, frozen=True):
    """A message, and what was looked up for it: `owner` of the account that it names, `holds` open on ours."""

    message: Any
    owner: AddressKey | None = None
    holds: int = 0


class MerchantActor(Actor[MerchantState]):
    kind = MERCHANT
    state_type = MerchantState
    fact_type = facts.MerchantFact
    durable_type = messages.OwnerCredited | messages.OwnerDebited
    needs_prepare = frozenset({messages.PutMerchant, messages.Disconnect, psp.PspAnswer})

    def __init__(self, context: Context, env: ActorEnv) -> None:
        super().__init__(context)
        self._env = env
        address = context.address
        self._here: AddressKey = (address.tenant, address.kind, address.id)

    def initial(self) -> MerchantState:
        return MerchantState()

    def apply(self, state_: MerchantState, fact: Any) -> MerchantState:
        return state.apply(state_, fact)

    def prepared(self, state: MerchantState, message: Any) -> Any:
        if isinstance(message, messages.Disconnect):
            return _Known(message) if state.account is None else None
        return _Known(message) if _account_in(message) is None else None

    async def prepare(self, state: MerchantState, message: Any) -> Any:
        lookups = self._env.lookups
        if isinstance(message, messages.Disconnect):
            assert state.account is not None, "prepared() looked"
            return _Known(message, None, len(await self._open(state.account)))
        account = _account_in(message)
        assert account is not None, "prepared() looked"
        owner = await lookups.merchant_of_account(account)
        return _Known(message, owner and (owner[0], MERCHANT, owner[1]))

    async def _open(self, account: str) -> Sequence[str]:
        return await self._env.lookups.open_payments(self._here[0], account, "", self._env.limits.merchant_slice)

    def decide(self, state: MerchantState, message: Any, now: datetime) -> Decision:
        here, limits = self._here, self._env.limits
        match message:
            case messages.Look():
                return d.look(here, state, now)
            case _Known(messages.PutMerchant() as put, owner):
                return d.put(here, state, put, owner, now, limits)
            case _Known(messages.Disconnect() as disconnect, _, holds):
                return d.disconnect(here, state, disconnect, holds, now)
            case _Known(psp.PspAnswer() as answer, owner):
                return d.account_answered(here, state, answer, owner, now)
            case messages.StartOnboarding():
                return d.start(here, state, message, now, limits)
            case messages.FinishOAuth():
                wanted = state.flow.state_hash if state.flow is not None else ""
                known = hmac.compare_digest(wanted.encode(), message.state_hash.encode())
                return d.finish_oauth(here, state, message, known, now)
            case psp.PspObserved(psp.AccountSeen() as seen):
                return d.account_told(here, state, seen, now)
            case psp.PspObserved():
                return Decision(reply=Done())
        raise TypeError(f"a merchant does not know {type(message).__name__}")

    def released(self, state: MerchantState, decision: Decision) -> None:
        for row in decision.rows:
            if isinstance(row, MerchantRow):
                self._env.snapshots.put_merchant(card_of(row))

    def redact(self, state: MerchantState) -> Any:
        shown: dict[str, Any] = msgspec.to_builtins(state)
        if "flow" in shown:
            shown["flow"].pop("state_hash", None)
        return shown


def _account_in(message: Any) -> str | None:
    """The account that the message would make this merchant's."""
    if isinstance(message, messages.PutMerchant):
        return message.account
    if isinstance(message, psp.PspAnswer) and isinstance(message.seen, psp.AccountSeen) and message.seen.connected:
        return message.seen.account
    return None
