"""A configuration template of a tenant: the shell around its pure functions."""

from datetime import datetime
from typing import Any

from actors.env import ActorEnv
from actors.model.decision import AddressKey, Decision
from actors.model.ids import TEMPLATE
from actors.template import facts, messages, state
from actors.template.decide import decide, view
from actors.template.state import TemplateState
from runtime.actor import Actor, Context


class TemplateActor(Actor[TemplateState]):
    kind = TEMPLATE
    state_type = TemplateState
    fact_type = facts.TemplateFact
    durable_type = messages.Joined | messages.Left | messages.Tell | messages.Walk
    checkpoint_every = 256
    """A checkpoint names all its stations."""
    needs_prepare = frozenset({messages.Walk})

    def __init__(self, context: Context, env: ActorEnv) -> None:
        super().__init__(context)
        self._env = env
        address = context.address
        self._here: AddressKey = (address.tenant, address.kind, address.id)

    def initial(self) -> TemplateState:
        return TemplateState()

    def apply(self, state_: TemplateState, fact: Any) -> TemplateState:
        return state.apply(state_, fact)

    def redact(self, state: TemplateState) -> Any:
        return view(self._here[2], state)

    async def prepare(self, state: TemplateState, message: Any) -> Any:
        if state.walking is None or state.match is None:
            return message
        size = self._env.limits.campaign_gather
        known = await self._env.lookups.known_stations(self._here[0], state.walking, size)
        meant = tuple(one.station for one in known if state.match.fits(one))
        return messages.Walked(meant, known[-1].station if known else state.walking, len(known) == size)

    def decide(self, state: TemplateState, message: Any, now: datetime) -> Decision:
        return decide(self._here, state, message, now, self._env.limits)
