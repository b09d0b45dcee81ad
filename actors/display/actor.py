"""The actor around a station's display messages (actors/display/decide.py)."""

from datetime import datetime
from typing import Any

from actors.display import facts, state
from actors.display.decide import decide
from actors.display.state import DisplayState
from actors.env import ActorEnv
from actors.model.decision import AddressKey, Decision
from actors.model.ids import DISPLAY
from actors.station.letters import IntentDone
from runtime.actor import Actor, Context


class DisplayActor(Actor[DisplayState]):
    kind = DISPLAY
    state_type = DisplayState
    fact_type = facts.DisplayFact
    durable_type = IntentDone

    def __init__(self, context: Context, env: ActorEnv) -> None:
        super().__init__(context)
        self._limits = env.limits
        address = context.address
        self._here: AddressKey = (address.tenant, address.kind, address.id)

    def initial(self) -> DisplayState:
        return DisplayState()

    def decide(self, state: DisplayState, message: Any, now: datetime) -> Decision:
        return decide(self._here, state, message, now, self._limits)

    def apply(self, state_: DisplayState, fact: Any) -> DisplayState:
        return state.apply(state_, fact)
