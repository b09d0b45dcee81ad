"""A wallet's actor: the shell around `decide`. It lives under its tenant."""

from datetime import datetime
from typing import Any

import msgspec

from actors.env import ActorEnv
from actors.merchant.messages import Seller
from actors.model.decision import AddressKey, Decision
from actors.model.ids import WALLET
from actors.payment.messages import SessionBegan, SessionEnded
from actors.wallet import facts, messages, state
from actors.wallet.decide import decide
from actors.wallet.papers import documented
from actors.wallet.state import WalletState
from runtime.actor import Actor, Context


class WalletActor(Actor[WalletState]):
    kind = WALLET
    state_type = WalletState
    fact_type = facts.WalletFact
    durable_type = (
        SessionBegan | SessionEnded | messages.WalletCharged | messages.ToppedUp | messages.TopUpFailed
        | messages.TopUpReturned | messages.HoldOver
    )  # fmt: skip

    def __init__(self, context: Context, env: ActorEnv) -> None:
        super().__init__(context)
        self._env = env
        address = context.address
        self._here: AddressKey = (address.tenant, address.kind, address.id)

    def initial(self) -> WalletState:
        return WalletState()

    def decide(self, state: WalletState, message: Any, now: datetime) -> Decision:
        card = self._env.snapshots.tenant(self._here[0])
        decision = decide(self._here, state, message, now, self._env.limits, card.currency if card is not None else "")
        return documented(state, decision, now, self._seller)

    def _seller(self, merchant: str) -> Seller | None:
        card = self._env.snapshots.merchant(self._here[0], merchant)
        return None if card is None else card.seller

    def apply(self, state_: WalletState, fact: Any) -> WalletState:
        return state.apply(state_, fact)

    def redact(self, state: WalletState) -> Any:
        shown: dict[str, Any] = msgspec.to_builtins(state)
        for name in ("customer", "payment_method"):
            if shown.get(name):
                shown[name] = "set"
        shown["sales"] = f"{len(state.sales)} sessions"
        return shown
