"""The session's actor: the shell around `decide`."""

from datetime import datetime
from typing import Any

import msgspec

from actors.env import ActorEnv
from actors.merchant.messages import Seller
from actors.model.decision import MONEY, Decision
from actors.model.ids import SESSION
from actors.payment.messages import TellCost
from actors.session import facts, messages
from actors.session.apply import apply
from actors.session.decide import decide
from actors.session.invoicing import documented
from actors.session.state import SessionState
from actors.station.letters import OrderEnded
from actors.wallet.messages import HoldTold
from runtime.actor import Actor, Context


class SessionActor(Actor[SessionState]):
    kind = SESSION
    state_type = SessionState
    fact_type = facts.SessionFact
    durable_type = (
        messages.Superseded | messages.ChargingState | messages.Overdue | messages.StopClaimed | messages.Repeated
        | messages.GapOver | messages.CheckCost | TellCost | OrderEnded | HoldTold
    )  # fmt: skip

    def __init__(self, context: Context, env: ActorEnv) -> None:
        super().__init__(context)
        self._limits = env.limits
        self._here = context.address
        self._id = context.address.id
        self._snapshots = env.snapshots

    def initial(self) -> SessionState:
        return SessionState()

    def decide(self, state: SessionState, message: Any, now: datetime) -> Decision:
        decision = decide(self._id, state, message, now, self._limits)
        if decision.lane != MONEY:  # nothing is booked, as in nearly every turn
            return decision
        return documented(self._id, state, decision, now, self._seller)

    def _seller(self, merchant: str) -> Seller | None:
        card = self._snapshots.merchant(self._here.tenant, merchant)
        return None if card is None else card.seller

    def apply(self, state: SessionState, fact: Any) -> SessionState:
        return apply(state, fact)

    def patience(self, state: SessionState) -> float | None:
        return self.idle_seconds if state.open else self._limits.ended_idle

    def redact(self, state: SessionState) -> Any:
        """The token only as people may see it; the frozen tariff by its name."""
        shown: dict[str, Any] = msgspec.to_builtins(state)
        presented = (shown.get("book") or {}).get("tokens", ())
        for told in (shown, shown.get("stop"), *shown.get("contradictions", ()), *presented):
            if isinstance(told, dict) and isinstance(told.get("token"), dict):
                told["token"] = {"masked": told["token"]["masked"], "type": told["token"].get("type", "ISO14443")}
        for told in (shown, shown.get("stop") or {}, *presented):
            verdict = told.get("verdict")
            if isinstance(verdict, dict):
                verdict.pop("group", None)
                verdict.pop("group_ref", None)
        if state.tariff is not None:
            shown["tariff"] = {"id": state.tariff.id, "version": state.tariff.version}
        shown["series"] = f"{len(state.curve)} readings"
        shown["signed"] = f"{len(state.signed)} readings"
        shown.pop("latest", None)
        shown.pop("latest_meters", None)
        shown["meters"] = f"{len(state.meter_keys)} recent keys"
        return shown
