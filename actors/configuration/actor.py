"""The keeper of what a station's configuration should be: the shell around its pure functions. What a round needs besides the
state (how many variables the station takes in a message, which template matches) is fetched before it is decided."""

from datetime import datetime
from typing import Any

import msgspec

from actors.configuration import facts, messages, state
from actors.configuration.decide import Turn, decide
from actors.configuration.rows import summary
from actors.configuration.state import ConfigurationState
from actors.env import ActorEnv
from actors.model.decision import AddressKey, Decision
from actors.model.ids import CONFIGURATION
from actors.model.matching import KnownStation, Match
from actors.station.letters import IntentDone, OrderEnded, StationBooted
from runtime.actor import Actor, Context


class ConfigurationActor(Actor[ConfigurationState]):
    kind = CONFIGURATION
    state_type = ConfigurationState
    fact_type = facts.ConfigurationFact
    durable_type = (
        IntentDone
        | OrderEnded
        | StationBooted
        | messages.AssignFor
        | messages.Offered
        | messages.TemplateSays
        | messages.TemplateGone
        | messages.RoundDue
    )
    needs_prepare = frozenset({StationBooted, messages.RoundDue})

    def __init__(self, context: Context, env: ActorEnv) -> None:
        super().__init__(context)
        self._env = env
        address = context.address
        self._here: AddressKey = (address.tenant, address.kind, address.id)

    def initial(self) -> ConfigurationState:
        return ConfigurationState()

    def apply(self, state_: ConfigurationState, fact: Any) -> ConfigurationState:
        return state.apply(state_, fact)

    def patience(self, state: ConfigurationState) -> float:
        return self._env.limits.configuration_idle

    def redact(self, state: ConfigurationState) -> Any:
        shown = summary(state) if state.template else {"template": None}
        return {**shown, "round": state.round, "todo": len(state.todo), "order": state.order, "watchers": len(state.watchers)}

    async def prepare(self, state: ConfigurationState, message: Any) -> Any:
        if isinstance(message, StationBooted):
            matched = await self._matching(message) if state.source in ("", "match") else None
            return messages.Booted(message, matched)
        return messages.Begin(message, await self._items())

    async def _matching(self, booted: StationBooted) -> str | None:
        """The first template, by id, that this station fits."""
        known = KnownStation(self._here[2], booted.vendor, booted.model, booted.firmware or "", booted.protocol)
        for row in await self._env.lookups.book(self._here[0], "", "template", self._env.limits.templates):
            given = row.body.get("match")
            if given is not None and msgspec.convert(given, Match).fits(known):
                return row.key
        return None

    async def _items(self) -> int:
        """Of one GetVariables, as the station says (2.x ItemsPerMessage, 1.6 GetConfigurationMaxKeys)."""
        limits = self._env.limits
        for row in await self._env.lookups.variables(self._here[0], self._here[2], "DeviceDataCtrlr"):
            if row.variable.lower() == "itemspermessage" and (row.variable_instance or "").lower() == "getvariables":
                actual = next((a.get("value") for a in row.attributes if a.get("type", "Actual") == "Actual"), None)
                if actual and actual.strip().isdecimal() and int(actual) > 0:
                    return min(int(actual), limits.setting_items_most)
        return limits.setting_items

    def decide(self, state: ConfigurationState, message: Any, now: datetime) -> Decision:
        return decide(Turn(self._here, state, now, self._env.limits), message)
