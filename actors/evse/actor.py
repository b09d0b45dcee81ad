"""The EVSE's actor: the shell around `decide`."""

from datetime import datetime
from typing import Any

from actors.env import ActorEnv
from actors.evse import facts, messages, state
from actors.evse.decide import decide
from actors.evse.rows import Here
from actors.evse.state import EvseState
from actors.model.decision import Decision
from actors.model.ids import EVSE
from actors.payment.messages import ClaimEvse, ReleaseEvse
from runtime.actor import Actor, Context


class EvseActor(Actor[EvseState]):
    kind = EVSE
    state_type = EvseState
    fact_type = facts.EvseFact
    durable_type = (
        messages.Provision | messages.SessionOpened | messages.SessionClosed | messages.SessionAuthorised
        | messages.EvseReserved | messages.EvseUnreserved | messages.ClaimOver | ClaimEvse | ReleaseEvse
    )  # fmt: skip

    def __init__(self, context: Context, env: ActorEnv) -> None:
        super().__init__(context)
        self._limits = env.limits
        self._here = Here.at(context.address)

    def initial(self) -> EvseState:
        return EvseState()

    def decide(self, state: EvseState, message: Any, now: datetime) -> Decision:
        return decide(self._here, state, message, now, self._limits)

    def apply(self, state_: EvseState, fact: Any) -> EvseState:
        return state.apply(state_, fact)
