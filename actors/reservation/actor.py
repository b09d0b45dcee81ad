"""The actor around a station's reservations (actors/reservation/decide.py). Token texts are turned into references here."""

from datetime import datetime
from typing import Any

import msgspec

from actors.env import ActorEnv
from actors.model.decision import AddressKey, Decision
from actors.model.ids import RESERVATION
from actors.model.intents import ReserveNow
from actors.reservation import facts, messages, state
from actors.reservation.decide import decide
from actors.reservation.state import ReservationState
from actors.station import sealing
from actors.station.letters import IntentDone
from runtime.actor import Actor, Context


class ReservationActor(Actor[ReservationState]):
    kind = RESERVATION
    state_type = ReservationState
    fact_type = facts.ReservationFact
    durable_type = IntentDone | messages.ReservationUsed | messages.ReservationDue
    needs_prepare = frozenset({IntentDone})

    def __init__(self, context: Context, env: ActorEnv) -> None:
        super().__init__(context)
        self._env = env
        address = context.address
        self._here: AddressKey = (address.tenant, address.kind, address.id)

    def initial(self) -> ReservationState:
        return ReservationState()

    async def prepare(self, state: ReservationState, message: IntentDone) -> Any:
        tenant, vault = self._here[0], self._env.vault
        intent = sealing.opened(vault, message)
        if not isinstance(intent, ReserveNow):
            return msgspec.structs.replace(message, intent=intent, sealed=None)
        token = vault.token(tenant, intent.id_token, intent.token_type)
        group = vault.token(tenant, intent.group, intent.group_type).ref if intent.group else None
        return messages.ReservationDone(
            intent.id, token, intent.expires, message.result.status, message.at, intent.evse or None,
            intent.connector_type, group,
        )  # fmt: skip

    def decide(self, state: ReservationState, message: Any, now: datetime) -> Decision:
        return decide(self._here, state, message, now, self._env.limits)

    def apply(self, state_: ReservationState, fact: Any) -> ReservationState:
        return state.apply(state_, fact)
