"""A campaign: the shell around its pure functions. It lives under its tenant, asks the stations of its tenant by orders,
and hears of them by letters."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from actors.campaign import facts, messages, state
from actors.campaign.decide import decide
from actors.campaign.rows import summary
from actors.campaign.state import CampaignState
from actors.campaign.turn import Turn
from actors.env import ActorEnv
from actors.model.campaign import FirmwareWork
from actors.model.decision import AddressKey, Decision
from actors.model.ids import CAMPAIGN
from actors.model.matching import KnownStation
from actors.station.letters import FirmwareProgress, OrderEnded
from runtime.actor import Actor, Context


class CampaignActor(Actor[CampaignState]):
    kind = CAMPAIGN
    state_type = CampaignState
    fact_type = facts.CampaignFact
    durable_type = (
        OrderEnded
        | messages.KeeperDone
        | FirmwareProgress
        | messages.StartDue
        | messages.Advance
        | messages.AttemptDue
        | messages.RetryDue
    )  # fmt: skip
    checkpoint_every = 1024
    """A checkpoint holds all targets, a fact one of them."""
    needs_prepare = frozenset({messages.Advance})

    def __init__(self, context: Context, env: ActorEnv) -> None:
        super().__init__(context)
        self._env = env
        address = context.address
        self._here: AddressKey = (address.tenant, address.kind, address.id)

    def initial(self) -> CampaignState:
        return CampaignState()

    def apply(self, state_: CampaignState, fact: Any) -> CampaignState:
        return state.apply(state_, fact)

    def redact(self, state: CampaignState) -> Any:
        """The stations are read through the API, in pages."""
        return summary(self._here[2], state) if state.definition is not None else {"state": state.phase}

    def prepared(self, state_: CampaignState, message: Any) -> Any:
        return None if state_.phase == state.GATHERING else message

    async def prepare(self, state_: CampaignState, message: Any) -> Any:
        """The next slice of targets."""
        definition = state_.definition
        if state_.phase != state.GATHERING or definition is None:
            return message
        size, tenant = self._env.limits.campaign_gather, self._here[0]
        if definition.match is None:
            begin = int(state_.after or 0)
            named = definition.stations[begin : begin + size]
            known = await self._env.lookups.known_stations(tenant, "", size, named)
            after, more = str(begin + size), begin + size < len(definition.stations)
            return messages.Taken(named, self._already(definition.work, known), after, more)
        known = await self._env.lookups.known_stations(tenant, state_.after, size)
        meant = [one for one in known if definition.match.fits(one)]
        after, more = known[-1].station if known else state_.after, len(known) == size
        return messages.Taken(tuple(one.station for one in meant), self._already(definition.work, meant), after, more)

    def _already(self, work: Any, known: Sequence[KnownStation]) -> tuple[str, ...]:
        if not isinstance(work, FirmwareWork) or work.version is None:
            return ()
        return tuple(one.station for one in known if one.firmware == work.version)

    def decide(self, state: CampaignState, message: Any, now: datetime) -> Decision:
        card = self._env.snapshots.tenant(self._here[0])
        zone = card.time_zone if card is not None else "UTC"
        return decide(Turn(self._here, state, zone, now, self._env.limits), message)
