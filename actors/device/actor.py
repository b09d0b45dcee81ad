"""The keeper of one station's device model: the shell around its pure functions.

It is awake while a report comes in or something changes, and is put away soon after: a model is large. What it has to
do later is in timers, and what it wants of its station in orders.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zlib import crc32

import msgspec

from actors.device import decide, facts, messages, state
from actors.device.state import DeviceState
from actors.env import ActorEnv
from actors.model.decision import AddressKey, Decision
from actors.model.ids import DEVICE
from actors.station import sealing
from actors.station.letters import IntentDone, OrderEnded, StationBooted
from runtime.actor import Actor, Context


class DeviceActor(Actor[DeviceState]):
    kind = DEVICE
    state_type = DeviceState
    fact_type = facts.DeviceFact
    durable_type = IntentDone | OrderEnded | StationBooted | messages.Inherited | messages.ReportSilent | messages.InventoryDue
    checkpoint_every = 128
    """A checkpoint holds the whole model."""

    def __init__(self, context: Context, env: ActorEnv) -> None:
        super().__init__(context)
        self._env = env
        # A fleet that told its models at once must not put them away at once.
        limits, luck = env.limits, crc32(context.address.id.encode()) / 2**32
        self._patience = limits.device_idle + limits.device_idle_spread * luck
        self._here: AddressKey = (context.address.tenant, context.address.kind, context.address.id)

    def initial(self) -> DeviceState:
        return DeviceState()

    def apply(self, state_: DeviceState, fact: Any) -> DeviceState:
        return state.apply(state_, fact)

    def patience(self, state: DeviceState) -> float:
        return self._patience

    def activated(self, state: DeviceState, effects: Sequence[Any]) -> Sequence[Any]:
        return (messages.Prune(),) if state.pruning is not None else ()

    def redact(self, state: DeviceState) -> Any:
        """The model itself is read through the API, in pages."""
        shown: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(state, components={}, recent_events=()))
        shown["components"] = sorted(state.components)[:50]
        return shown

    def decide(self, state: DeviceState, message: Any, now: datetime) -> Decision:
        kind, limits = type(message), self._env.limits
        if kind is IntentDone:
            intent = sealing.opened(self._env.vault, message)
            return decide.decide_intent_done(self._here, state, message, intent, now, limits)
        if kind is StationBooted:
            return decide.decide_booted(self._here, state, message, self._inventories, now, limits)
        return decide.PLAIN[kind](self._here, state, message, now, limits)

    @property
    def _inventories(self) -> bool:
        """The brand's setting `inventory`: false leaves it to people to ask for reports."""
        card = self._env.snapshots.tenant(self._here[0])
        return card is None or card.settings.get("inventory", True) is not False
