"""The tenant's actor: the shell around `decide`. It publishes what it committed as cards in the snapshots."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from actors.env import ActorEnv
from actors.model.decision import Decision
from actors.model.ids import TENANT
from actors.model.rows import TariffRow, TenantRow, TokenRow, VaultRow
from actors.model.token import TokenCard
from actors.ports import TariffCard, TenantCard
from actors.tenant import decide as d
from actors.tenant import facts, messages, state
from actors.tenant.state import TenantState
from runtime.actor import Actor, Context


class TenantActor(Actor[TenantState]):
    kind = TENANT
    state_type = TenantState
    fact_type = facts.TenantFact
    durable_type = type(None)
    """Neither letters nor timers come here."""

    def __init__(self, context: Context, env: ActorEnv) -> None:
        super().__init__(context)
        self._tenant = context.address.tenant
        self._snapshots = env.snapshots

    def initial(self) -> TenantState:
        return TenantState()

    def decide(self, state: TenantState, message: Any, now: datetime) -> Decision:
        tenant = self._tenant
        match message:
            case messages.Create():
                return d.decide_create(tenant, state, message, now)
            case messages.Change():
                return d.decide_change(tenant, state, message, now)
            case messages.PutToken():
                return d.decide_put_token(tenant, state, message, self._known(message.card.ref), now)
            case messages.DeleteToken():
                return d.decide_delete_token(tenant, state, message, self._known(message.ref), now)
            case messages.PutTariff():
                return d.decide_put_tariff(tenant, state, message, now)
            case messages.DeleteTariff():
                return d.decide_delete_tariff(tenant, state, message, now)
        raise TypeError(f"a tenant does not know {type(message).__name__}")

    def _known(self, ref: str) -> TokenCard | None:
        return self._snapshots.token(self._tenant, ref)

    def apply(self, state_: TenantState, fact: Any) -> TenantState:
        return state.apply(state_, fact)

    def released(self, state: TenantState, decision: Decision) -> None:
        for row in decision.rows:
            publish = _PUBLISH.get(type(row))
            if publish is not None:
                publish(self, row)
        groups = {row.group_ref for row in decision.rows if isinstance(row, TokenRow)}
        for row in decision.rows:
            if isinstance(row, VaultRow) and row.ref in groups:
                self._snapshots.put_group(row)

    def _publish_tenant(self, row: TenantRow) -> None:
        card = TenantCard(row.tenant, row.currency, row.country, row.time_zone, row.unknown_stations, row.settings)
        self._snapshots.put_tenant(card)

    def _publish_token(self, row: TokenRow) -> None:
        if row.deleted:
            self._snapshots.drop_token(row.tenant, row.ref)
            return
        # Rows keep types as text; the card they were made from carried the narrow ones.
        card = TokenCard(row.ref, row.type, row.status, row.masked, row.group_ref, row.expires, row.payment, row.terms)  # type: ignore[arg-type]
        self._snapshots.put_token(row.tenant, card)

    def _publish_tariff(self, row: TariffRow) -> None:
        if row.deleted:
            self._snapshots.drop_tariff(row.tenant, row.id)
            return
        self._snapshots.put_tariff(
            TariffCard(row.tenant, row.id, row.version, row.valid_from, row.fingerprint, row.currency, row.body)
        )


_PUBLISH: dict[type, Callable[[TenantActor, Any], None]] = {
    TenantRow: TenantActor._publish_tenant,
    TokenRow: TenantActor._publish_token,
    TariffRow: TenantActor._publish_tariff,
}
