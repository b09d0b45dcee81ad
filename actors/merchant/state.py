"""A merchant's state: its terms, and its account with the payment service provider."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.merchant import facts as f
from actors.merchant.money_state import APPLY, MoneyState
from actors.model.platforms import INSTALLATION
from actors.model.psp import AccountSeen

NONE, STARTED, PENDING, DONE, DISCONNECTED = "none", "started", "pending", "done", "disconnected"


class Flow(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A way to an account that is under way. `state_hash` empty: it was used, or the flow has none."""

    number: int
    method: str
    return_url: str
    refresh_url: str
    country: str = ""
    state_hash: str = ""
    until: datetime | None = None


class MerchantState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`account` None: the brand's own, or none yet; `platform`: the platform account that it is connected to. `number` of the
    newest flow or disconnection. `troubles`: of the brand's platform accounts."""

    terms: f.Put | None = None
    account: str | None = None
    platform: str = INSTALLATION
    seen: AccountSeen | None = None
    onboarding: str = NONE
    flow: Flow | None = None
    number: int = 0
    draining: bool = False
    troubles: dict[str, str] = {}
    money: MoneyState = MoneyState()
    changed_at: datetime | None = None

    @property
    def takes_cards(self) -> bool:
        """What the provider says of a connected account."""
        seen = self.seen
        return seen is not None and seen.connected and seen.charges_enabled and seen.card_payments == "active"


def _put(state: MerchantState, fact: f.Put) -> MerchantState:
    return replace(state, terms=fact)


def _begun(state: MerchantState, fact: f.OnboardingBegun) -> MerchantState:
    flow = Flow(fact.number, fact.method, fact.return_url, fact.refresh_url, fact.country, fact.state_hash, fact.until)
    onboarding = state.onboarding if state.account is not None else STARTED
    return replace(state, flow=flow, number=fact.number, onboarding=onboarding, draining=False)


def _code_taken(state: MerchantState, fact: f.CodeTaken) -> MerchantState:
    flow = state.flow
    if flow is None or flow.number != fact.number:
        return state
    return replace(state, flow=replace(flow, state_hash=""))


def _failed(state: MerchantState, fact: f.OnboardingFailed) -> MerchantState:
    onboarding = NONE if state.onboarding == STARTED else state.onboarding
    ours = state.flow is not None and state.flow.number == fact.number
    return replace(state, flow=None if ours else state.flow, onboarding=onboarding)


def _account_told(state: MerchantState, fact: f.AccountTold) -> MerchantState:
    """One that is not ours any more changes nothing; a flow's own account replaces what was there."""
    seen = fact.seen
    if not fact.number and seen.account != state.account:
        return state
    if not seen.connected:
        return replace(state, account=None, seen=seen, onboarding=DISCONNECTED, flow=None, draining=False)
    after = replace(state, account=seen.account, seen=seen, platform=fact.platform if fact.number else state.platform)
    return replace(after, onboarding=DONE if after.takes_cards else PENDING)


def _troubled(state: MerchantState, fact: f.PlatformTroubled) -> MerchantState:
    others = {platform: trouble for platform, trouble in state.troubles.items() if platform != fact.platform}
    return replace(state, troubles=others if fact.trouble is None else {**others, fact.platform: fact.trouble})


def _draining(state: MerchantState, fact: f.Draining) -> MerchantState:
    return replace(state, draining=True)


def _disconnect_begun(state: MerchantState, fact: f.DisconnectBegun) -> MerchantState:
    return replace(state, number=fact.number)


_APPLY: dict[type, Callable[[MerchantState, Any], MerchantState]] = {
    f.Put: _put,
    f.OnboardingBegun: _begun,
    f.CodeTaken: _code_taken,
    f.OnboardingFailed: _failed,
    f.AccountTold: _account_told,
    f.PlatformTroubled: _troubled,
    f.Draining: _draining,
    f.DisconnectBegun: _disconnect_begun,
}


def apply(state: MerchantState, fact: Any) -> MerchantState:
    """`changed_at` is when the merchant was last changed; money that moves is no change of it."""
    money = APPLY.get(type(fact))
    if money is not None:
        return replace(state, money=money(state.money, fact))
    return replace(_APPLY[type(fact)](state, fact), changed_at=fact.at)
