"""The keeper of a station's certificates: the shell around `decide` and `rise`.

What takes time (validating a contract, asking a responder or a contract pool) is awaited here, in `prepare`, and not in the
station's actor: its inbox goes on meanwhile.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from actors.certificates import contract, facts, messages, rise, state
from actors.certificates import decide as d
from actors.certificates.rows import Here
from actors.certificates.state import COMBINED, CertificatesState
from actors.env import ActorEnv
from actors.model.decision import NOTHING, Decision
from actors.model.ids import CERTIFICATES
from actors.model.intents import CommandResult
from actors.station.letters import IntentDone, OrderEnded, StationBooted
from runtime.actor import Actor, Context


class Answered(msgspec.Struct, frozen=True, gc=False):
    """Volatile: what `prepare` found out."""

    reply: Any


class CertificatesActor(Actor[CertificatesState]):
    kind = CERTIFICATES
    state_type = CertificatesState
    fact_type = facts.CertificatesFact
    durable_type = messages.RenewalDue | messages.WatchRenewal | OrderEnded | IntentDone | StationBooted
    needs_prepare = frozenset({messages.ContractPresented, messages.OcspAsked, messages.ContractAsked})

    def __init__(self, context: Context, env: ActorEnv) -> None:
        super().__init__(context)
        self._env = env
        self._here = Here(context.address.tenant, context.address.id)

    def initial(self) -> CertificatesState:
        return CertificatesState()

    def apply(self, state_: CertificatesState, fact: Any) -> CertificatesState:
        return state.apply(state_, fact)

    async def prepare(self, state: CertificatesState, message: Any) -> Any:
        pki, tenant, now = self._env.pki, self._here.tenant, self.context.now()
        if isinstance(message, messages.ContractPresented):
            return Answered(await contract.judge(pki, self._env.vault, tenant, message, now))
        if isinstance(message, messages.OcspAsked):
            return Answered(await contract.ocsp(pki, message.request, now))
        return Answered(await contract.contract_certificate(pki, tenant, message))

    def decide(self, state: CertificatesState, message: Any, now: datetime) -> Decision:
        return self._deciders[type(message)](self, state, message, now)

    def _answered(self, state: CertificatesState, answered: Answered, now: datetime) -> Decision:
        return Decision(reply=answered.reply)

    def _csr(self, state: CertificatesState, asked: messages.CsrReceived, now: datetime) -> Decision:
        card, pki = self._env.snapshots.tenant(self._here.tenant), self._env.pki
        organization = card.settings.get("cpo_name") if card is not None else None
        signs = pki is not None and pki.signs(self._here.tenant, asked.type or COMBINED)
        return d.decide_csr(self._here, state, asked, organization, signs, now, self._env.limits)

    def _issued(self, state: CertificatesState, issued: messages.CertificateIssued, now: datetime) -> Decision:
        return d.decide_issued(self._here, state, issued, now, self._env.limits)

    def _refused(self, state: CertificatesState, refused: messages.CertificateRefused, now: datetime) -> Decision:
        return d.decide_refused(self._here, state, refused, now)

    def _ended(self, state: CertificatesState, ended: OrderEnded, now: datetime) -> Decision:
        leaf = next((leaf for leaf in state.leafs if leaf.order == ended.id), None)
        if leaf is not None:
            if leaf.status != "sent":
                return NOTHING
            return d.decide_delivered(self._here, state, leaf, ended, now, self._env.limits)
        order = next((order for order in state.orders if order.id == ended.id), None)
        if order is None:
            return NOTHING
        outcome = ended.outcome
        status = (outcome.status or "Accepted") if isinstance(outcome, CommandResult) else outcome.reason
        told: list[Any] = [facts.OrderSettled(ended.id, status, now)]
        if order.purpose == "profile":
            return rise.decide_stepped(self._here, state, ended, told, now, self._env.limits)
        if isinstance(outcome, CommandResult):
            told += d.ordered_facts(order, outcome, now)
        line = d.order_event(self._here, order, status, now)
        return d.decided(self._here, state, told, now, rows=(line,))

    def _intent_done(self, state: CertificatesState, told: IntentDone, now: datetime) -> Decision:
        return d.decide_intent_done(self._here, state, told, now)

    def _booted(self, state: CertificatesState, told: StationBooted, now: datetime) -> Decision:
        return d.decide_booted(self._here, state, told, now, self._env.limits)

    def _renewal(self, state: CertificatesState, message: messages.RenewalDue, now: datetime) -> Decision:
        return d.decide_renewal(self._here, state, message, now, self._env.limits)

    def _renew(self, state: CertificatesState, message: messages.RenewNow, now: datetime) -> Decision:
        return d.decide_renew(self._here, state, message, now, self._env.limits)

    def _watch(self, state: CertificatesState, message: messages.WatchRenewal, now: datetime) -> Decision:
        return d.decide_watch(self._here, state, message, now)

    def _install(self, state: CertificatesState, message: messages.InstallRoot, now: datetime) -> Decision:
        return d.decide_install(self._here, state, message, now, self._env.limits)

    def _remove(self, state: CertificatesState, message: messages.RemoveInstalled, now: datetime) -> Decision:
        return d.decide_remove(self._here, state, message, now, self._env.limits)

    def _read(self, state: CertificatesState, message: messages.ReadInstalled, now: datetime) -> Decision:
        return d.decide_read(self._here, state, message, now, self._env.limits)

    def _revoke(self, state: CertificatesState, message: messages.RevokeIssued, now: datetime) -> Decision:
        return d.decide_revoke(self._here, state, message, now)

    def _raise(self, state: CertificatesState, message: messages.RaiseProfile, now: datetime) -> Decision:
        return rise.decide_raise(self._here, state, message, now, self._env.limits)

    _deciders: ClassVar[dict[type, Callable[["CertificatesActor", CertificatesState, Any, datetime], Decision]]] = {
        Answered: _answered,
        messages.CsrReceived: _csr,
        messages.CertificateIssued: _issued,
        messages.CertificateRefused: _refused,
        OrderEnded: _ended,
        IntentDone: _intent_done,
        StationBooted: _booted,
        messages.RenewalDue: _renewal,
        messages.RenewNow: _renew,
        messages.WatchRenewal: _watch,
        messages.InstallRoot: _install,
        messages.RemoveInstalled: _remove,
        messages.ReadInstalled: _read,
        messages.RevokeIssued: _revoke,
        messages.RaiseProfile: _raise,
    }
