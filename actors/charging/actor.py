"""The actor around a station's charging book (actors/charging/decide.py). Like every sibling of a station it is forgotten
when nobody asks, and comes back from its checkpoint."""

from datetime import datetime
from typing import Any

import msgspec

from actors.charging import facts, messages, state
from actors.charging.decide import Beside, decide
from actors.charging.state import ChargingState
from actors.env import ActorEnv
from actors.model.composite import Running
from actors.model.decision import AddressKey, Decision
from actors.model.ids import CHARGING
from actors.model.intents import GetCompositeSchedule
from actors.station import sealing
from actors.station.letters import IntentDone, OrderEnded
from runtime.actor import Actor, Context


class ChargingActor(Actor[ChargingState]):
    kind = CHARGING
    state_type = ChargingState
    fact_type = facts.ChargingFact
    durable_type = IntentDone | OrderEnded
    needs_prepare = frozenset({messages.ChargingNeeds, messages.EvSchedule, messages.Composite, IntentDone})

    def __init__(self, context: Context, env: ActorEnv) -> None:
        super().__init__(context)
        self._env = env
        address = context.address
        self._here: AddressKey = (address.tenant, address.kind, address.id)

    def initial(self) -> ChargingState:
        return ChargingState()

    def prepared(self, state: ChargingState, message: Any) -> Any | None:
        """Only a comparison of composite schedules asks which transactions are open."""
        if isinstance(message, IntentDone) and message.sealed is None and not isinstance(message.intent, GetCompositeSchedule):
            return message
        return None

    async def prepare(self, state: ChargingState, message: Any) -> Any:
        if isinstance(message, IntentDone) and message.sealed is not None:  # a remote start: it names a token
            return msgspec.structs.replace(message, intent=sealing.opened(self._env.vault, message), sealed=None)
        found = await self._env.lookups.open_sessions(self._here[0], self._here[2])
        running = tuple(
            Running(one.evse, tuple(dict.fromkeys((one.transaction_id or str(one.number), str(one.number)))), one.started_at)
            for one in found
        )
        return Beside(message, running)

    def decide(self, state: ChargingState, message: Any, now: datetime) -> Decision:
        return decide(self._here, state, message, now, self._env.limits)

    def apply(self, state_: ChargingState, fact: Any) -> ChargingState:
        return state.apply(state_, fact)

    def redact(self, state: ChargingState) -> Any:
        """What vehicles told of themselves stays out."""
        shown: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(state, needs={}))
        return shown
