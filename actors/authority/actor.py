"""The keeper of a tenant's certificate authority: the shell around `decide`. It publishes what it committed as a card, which
listeners read."""

from datetime import datetime
from typing import Any

import msgspec

from actors.authority import decide as d
from actors.authority import facts, messages, state
from actors.authority.state import AuthorityState
from actors.env import ActorEnv
from actors.model.decision import Decision
from actors.model.ids import AUTHORITY
from actors.model.rows import AuthorityRow
from actors.ports import AuthorityCard
from runtime.actor import Actor, Context


class AuthorityActor(Actor[AuthorityState]):
    kind = AUTHORITY
    state_type = AuthorityState
    fact_type = facts.AuthorityFact
    durable_type = messages.Revoke
    needs_prepare = frozenset({messages.Ensure})

    def __init__(self, context: Context, env: ActorEnv) -> None:
        super().__init__(context)
        self._env = env
        self._tenant = context.address.tenant

    def initial(self) -> AuthorityState:
        return AuthorityState()

    def prepared(self, state: AuthorityState, message: Any) -> Any:
        known = state.material is not None or self._env.pki is None or self._env.snapshots.tenant(self._tenant) is None
        return messages.Made(None) if known else None

    async def prepare(self, state: AuthorityState, message: Any) -> Any:
        """Keys are made off the loop; one actor for each tenant makes them, so there is one CA."""
        card, pki = self._env.snapshots.tenant(self._tenant), self._env.pki
        assert card is not None, "prepared() looked"
        assert pki is not None, "prepared() looked"
        name = str(card.settings.get("cpo_name") or self._tenant)
        return messages.Made(await pki.make_authority(self._tenant, name, self.context.now()))

    def decide(self, state: AuthorityState, message: Any, now: datetime) -> Decision:
        tenant = self._tenant
        match message:
            case messages.Made():
                return d.decide_made(tenant, state, message, now)
            case messages.Trust():
                return d.decide_trust(tenant, state, message, now, self._env.limits)
            case messages.Distrust():
                return d.decide_distrust(tenant, state, message, now)
            case messages.Revoke():
                return d.decide_revoke(tenant, state, message, now)
        raise TypeError(f"a certificate authority does not know {type(message).__name__}")

    def apply(self, state_: AuthorityState, fact: Any) -> AuthorityState:
        return state.apply(state_, fact)

    def released(self, state: AuthorityState, decision: Decision) -> None:
        for row in decision.rows:
            if isinstance(row, AuthorityRow):
                trusted = tuple((use, pem) for use, pem in row.trusted)
                self._env.snapshots.put_authority(
                    AuthorityCard(row.tenant, tuple(row.chain), trusted, frozenset(row.revoked))
                )  # fmt: skip

    def redact(self, state: AuthorityState) -> Any:
        shown: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(state, material=None))
        shown["chain"] = list(state.material.chain) if state.material is not None else []
        return shown
