"""The actor around a station's local list (actors/locallist/decide.py). What a step needs besides the state (cards, texts,
the station's limits) is fetched before it is decided; token texts leave this module only sealed."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from actors.env import ActorEnv
from actors.locallist import facts, messages, state
from actors.locallist.decide import Planned, decide, idle, next_step, typed
from actors.locallist.state import LocalListState
from actors.model.decision import AddressKey, Decision
from actors.model.ids import LOCAL_LIST, digest
from actors.model.intents import CustomerInformation, SendLocalList
from actors.model.rows import VariableRow
from actors.model.token import TokenCard, notes_of, status_at
from actors.station import sealing
from actors.station.letters import IntentDone, OrderEnded, StationBooted
from runtime.actor import Actor, Context

_CONTROLLER = "LocalAuthListCtrlr"


class LocalListActor(Actor[LocalListState]):
    kind = LOCAL_LIST
    state_type = LocalListState
    fact_type = facts.LocalListFact
    durable_type = IntentDone | OrderEnded | StationBooted | messages.SyncDue | messages.PutListFor
    needs_prepare = frozenset({messages.SyncDue, IntentDone})

    def __init__(self, context: Context, env: ActorEnv) -> None:
        super().__init__(context)
        self._env = env
        address = context.address
        self._here: AddressKey = (address.tenant, address.kind, address.id)

    def initial(self) -> LocalListState:
        return LocalListState()

    async def prepare(self, state: LocalListState, message: Any) -> Any:
        if isinstance(message, IntentDone):
            return self._hidden(message)
        if idle(state, self._env.limits):
            return Planned(None, None)
        tenant, _, station = self._here
        refs = (*state.wanted, *state.remove, *(ref for ref in state.held if state.managed))
        tokens = await self._listed(tuple(dict.fromkeys(refs)))
        items, most = _room(await self._env.lookups.variables(tenant, station, _CONTROLLER), self._env.limits.list_items)
        step = next_step(state, tokens, items, most)
        if step is None:
            return Planned(None, None)
        now = self.context.now()
        id = "l" + digest(station, step.intent.version, secrets.token_hex(8))
        order = sealing.order_of(self._env.vault, tenant, id, step.intent, now + self._env.limits.list_within, self._here)
        return Planned(step, order)

    async def _listed(self, refs: Sequence[str]) -> list[messages.Listed]:
        (tenant, _, station), vault, snapshots = self._here, self._env.vault, self._env.snapshots
        cards = {ref: snapshots.token(tenant, ref) for ref in refs}
        groups = [card.group_ref for card in cards.values() if card is not None and card.group_ref is not None]
        rows = await self._env.lookups.sealed_tokens(tenant, [*refs, *groups])
        texts = {row.ref: vault.open(row) for row in rows}
        return [
            messages.Listed(ref, _here(card, station), texts.get(ref), _group(card, texts), notes_of(card, station))
            for ref, card in cards.items()
        ]

    def _hidden(self, done: IntentDone) -> Any:
        """What an operator did by hand, with references in the place of texts."""
        tenant, vault = self._here[0], self._env.vault
        intent = sealing.opened(vault, done)
        if isinstance(intent, SendLocalList):
            tokens = [(vault.token(tenant, entry.id_token, entry.token_type), entry) for entry in intent.entries]
            entries = {token.ref: "" if entry.status is None else typed(entry.token_type, "by hand") for token, entry in tokens}
            masked = {token.ref: token.masked for token, _ in tokens}
            return messages.ManualList(intent.version, intent.update_type, done.result.status, entries, masked, done.at)
        if isinstance(intent, CustomerInformation):
            if intent.clear and intent.id_token is not None and done.result.status == "Accepted":
                token = vault.token(tenant, intent.id_token, intent.token_type)
                return messages.CustomerCleared(token.ref, done.at)
            return msgspec.structs.replace(done, intent=None, sealed=None)
        return msgspec.structs.replace(done, intent=intent, sealed=None)

    def decide(self, state: LocalListState, message: Any, now: datetime) -> Decision:
        return decide(self._here, state, message, now, self._env.limits)

    def apply(self, state_: LocalListState, fact: Any) -> LocalListState:
        return state.apply(state_, fact)


def _here(card: TokenCard | None, station: str) -> TokenCard | None:
    """As it is at this station."""
    if card is None or card.terms is None or card.status != "Accepted":
        return card
    return msgspec.structs.replace(card, status=status_at(card.terms, station))


def _group(card: TokenCard | None, texts: Mapping[str, str]) -> str | None:
    return None if card is None else texts.get(card.group_ref or "")


def _room(known: Sequence[VariableRow], default: int) -> tuple[int, int | None]:
    """(entries in one message, entries in all) that the station says it takes; its own word goes before our default."""
    items, most = default, None
    for row in known:
        name = row.variable.lower()
        actual = next((a.get("value") for a in row.attributes if a.get("type", "Actual") == "Actual"), None)
        if name == "itemspermessage" and actual and actual.strip().isdecimal() and int(actual) > 0:
            items = min(int(actual), 1000)
        if name == "entries" and (row.characteristics or {}).get("maxLimit"):
            most = int((row.characteristics or {})["maxLimit"])
    return items, most
