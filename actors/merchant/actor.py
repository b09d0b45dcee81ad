"""A merchant: the shell around its pure functions. It looks up what they need, and publishes what it committed as a card, which
pay pages, payments and sessions read."""

import hmac
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from actors.env import ActorEnv
from actors.merchant import decide as d
from actors.merchant import facts, messages, moving, payouts, reconcile, state
from actors.merchant.matching import candidates
from actors.merchant.messages import BRAND
from actors.merchant.reconcile import Known, line_of, subject_of
from actors.merchant.rows import card_of
from actors.merchant.state import MerchantState
from actors.merchant.turn import Turn
from actors.model import psp
from actors.model.decision import NOTHING, AddressKey, Decision, Letter
from actors.model.ids import MERCHANT, payment_address
from actors.model.platforms import INSTALLATION
from actors.model.rows import BalanceLineRow, MerchantRow
from actors.payment.messages import AccountLost
from runtime.actor import Actor, Context

_MOVES = (psp.MakeTransfer, psp.ReverseTransfer)


class _Known(msgspec.Struct, frozen=True):
    """A message about an account, and what was looked up for it: `owner` of the account that it names, `holds` open on ours."""

    message: Any
    owner: AddressKey | None = None
    holds: int = 0


class _Judging(msgspec.Struct, frozen=True):
    """A message about movements, and what was looked up for it. `rows`: the slice of ExamineDue; `sums` after the last one;
    `ours`: there is an account to compare with."""

    message: Any
    known: Known = Known({}, {}, {})
    rows: tuple[BalanceLineRow, ...] = ()
    sums: dict[str, int] | None = None
    ours: bool = True


class _Lost(msgspec.Struct, frozen=True):
    """TellPayments with the slice of payments."""

    message: messages.TellPayments
    payments: tuple[str, ...]


class MerchantActor(Actor[MerchantState]):
    kind = MERCHANT
    state_type = MerchantState
    fact_type = facts.MerchantFact
    durable_type = (
        messages.OwnerCredited
        | messages.OwnerDebited
        | messages.TransferDue
        | messages.MoveAgain
        | messages.PayoutDue
        | messages.ReconcileDue
        | messages.ExamineDue
        | messages.TellPayments
    )
    needs_prepare = frozenset(
        {
            messages.PutMerchant, messages.Disconnect, psp.PspAnswer, messages.Reconcile, messages.ReconcileDue,
            messages.ExamineDue, messages.ResolveItem, messages.TellPayments,
        }
    )  # fmt: skip

    def __init__(self, context: Context, env: ActorEnv) -> None:
        super().__init__(context)
        self._env = env
        address = context.address
        self._here: AddressKey = (address.tenant, address.kind, address.id)

    def initial(self) -> MerchantState:
        return MerchantState()

    def apply(self, state_: MerchantState, fact: Any) -> MerchantState:
        return state.apply(state_, fact)

    # -- what decide needs besides the state

    def prepared(self, state: MerchantState, message: Any) -> Any:
        """What can be had without a look-up."""
        if isinstance(message, messages.PutMerchant):
            return _Known(message) if message.account is None else None
        if isinstance(message, messages.Disconnect):
            return _Known(message) if state.account is None else None
        if isinstance(message, psp.PspAnswer):
            seen = message.seen
            if isinstance(seen, psp.PayoutSeen | psp.BalanceSeen):
                return None if seen.lines else _Judging(message)
            return None if isinstance(seen, psp.AccountSeen) and seen.connected else _Known(message)
        if isinstance(message, messages.Reconcile | messages.ReconcileDue):
            tenant, _, id = self._here
            platforms = self._env.platforms
            unclear = id == BRAND and platforms.installed and platforms.owner is None and not platforms.all_of(tenant)
            return None if unclear else _Judging(message, ours=self._ours(state, None))
        return None

    def _ours(self, state: MerchantState, sole: str | None) -> bool:
        return reconcile.reconciles(self._here[0], self._here[2], self._env.platforms, sole, state.account)

    async def prepare(self, state: MerchantState, message: Any) -> Any:
        lookups, (tenant, _, _) = self._env.lookups, self._here
        match message:
            case messages.Disconnect():
                assert state.account is not None, "prepared() looked"
                return _Known(message, None, len(await self._open(state.account, state.platform, "")))
            case messages.PutMerchant(account=str(account)) | psp.PspAnswer(seen=psp.AccountSeen(account=account)):
                home = self._env.platforms.of(tenant) or INSTALLATION
                platform = message.call.platform if isinstance(message, psp.PspAnswer) else home
                owner = await lookups.merchant_of_account(account, platform)
                return _Known(message, owner and (owner[0], MERCHANT, owner[1]))
            case psp.PspAnswer(seen=psp.PayoutSeen() | psp.BalanceSeen() as told):
                return _Judging(message, await self._known(state, told.lines))
            case messages.Reconcile() | messages.ReconcileDue():
                return _Judging(message, ours=self._ours(state, await lookups.sole_tenant()))
            case messages.ExamineDue():
                return await self._slice(state, message)
            case messages.ResolveItem():
                rows = await lookups.lines(tenant, state.account or BRAND, [message.item])
                return _Judging(message, rows=tuple(rows))
            case messages.TellPayments():
                return _Lost(message, tuple(await self._open(message.account, message.platform, message.after)))
        return message

    async def _open(self, account: str, platform: str, after: str) -> Sequence[str]:
        most = self._env.limits.merchant_slice
        return await self._env.lookups.open_payments(self._here[0], account, after, most, platform)

    async def _slice(self, state: MerchantState, message: messages.ExamineDue) -> _Judging:
        tenant, _, book = self._here
        account, size, lookups = state.account or BRAND, self._env.limits.merchant_slice, self._env.lookups
        rows = await lookups.unsettled_lines(tenant, account, message.after, self.context.now(), size)
        last = len(rows) < size
        sums = dict(await lookups.account_sums(tenant, book, account)) if last else None
        return _Judging(message, await self._known(state, rows), tuple(rows), sums)

    async def _known(self, state: MerchantState, lines: Iterable[BalanceLineRow | psp.BalanceLine]) -> Known:
        """What our rows say of these movements: of themselves, of what they are about, and of the journals that booked it."""
        tenant, _, book = self._here
        account, lookups = state.account or BRAND, self._env.lookups
        given = [line_of(line) for line in lines]
        rows = {row.id: row for row in await lookups.lines(tenant, account, [line.id for line in given])}
        behind = await lookups.behind([id for line in given for id in (line.source, line.about) if id is not None])
        ids = {
            id
            for line in given
            for group in candidates(tenant, book, line, subject_of(line, behind))
            for id in group
        }  # fmt: skip
        return Known(rows, behind, await lookups.booked(tenant, book, account, sorted(ids)) if ids else {})

    # -- decisions

    def decide(self, state: MerchantState, message: Any, now: datetime) -> Decision:
        here, limits, platforms = self._here, self._env.limits, self._env.platforms
        home = platforms.of(here[0])
        match message:
            case messages.Look():
                return d.look(here, state, now)
            case _Known(messages.PutMerchant() as put, owner):
                return d.put(here, state, put, owner, now, limits, home)
            case _Known(messages.Disconnect() as disconnect, _, holds):
                return d.disconnect(here, state, disconnect, holds, now)
            case _Known(psp.PspAnswer(call=call) as answer, owner) if not isinstance(call, (*_MOVES, *_TOLD)):
                return d.account_answered(here, state, answer, owner, now)
            case messages.StartOnboarding():
                return d.start(here, state, message, now, limits, home)
            case messages.FinishOAuth():
                wanted = state.flow.state_hash if state.flow is not None else ""
                known = hmac.compare_digest(wanted.encode(), message.state_hash.encode())
                return d.finish_oauth(here, state, message, known, now, home)
            case psp.PspObserved(seen=psp.AccountSeen() as seen, platform=platform):
                return d.account_told(here, state, seen, now, platform)
            case messages.PlatformTrouble():
                return d.trouble(here, state, message, now)
            case _Lost(tell, payments):
                return self._tell_payments(tell, payments, now)
        turn = Turn(here, state, now, limits, platforms.compared(here[0]))
        self._take(turn, message)
        return turn.decision()

    def _take(self, turn: Turn, message: Any) -> None:
        match message:
            case messages.OwnerCredited():
                moving.credited(turn, message)
            case messages.OwnerDebited():
                moving.debited(turn, message)
            case messages.TransferDue():
                moving.go_on(turn)
            case messages.MoveAgain():
                moving.again(turn, message)
            case messages.PayoutDue():
                payouts.due(turn, message)
            case psp.PspObserved(seen=psp.PayoutSeen() as seen, platform=platform):
                payouts.told(turn, seen, platform)
            case messages.HandInEvidence():
                _hand_in(turn, message)
            case psp.PspObserved():
                pass  # a transfer that is as we know it
            case _Known(psp.PspAnswer(call=call) as answer) if isinstance(call, _MOVES):
                moving.answered(turn, answer)
            case _Known(psp.PspAnswer() as answer):
                _not_told(turn, answer)
            case _Judging():
                _JUDGING[type(message.message)](turn, message)
            case _:
                raise TypeError(f"a merchant does not know {type(message).__name__}")

    def _tell_payments(self, tell: messages.TellPayments, payments: Sequence[str], now: datetime) -> Decision:
        """Those that hold money on an account that is gone, a slice a turn."""
        if not payments:
            return NOTHING
        turn = Turn(self._here, MerchantState(), now, self._env.limits)
        turn.put(facts.PaymentsTold(tell.account, payments[-1], now))
        lost = AccountLost(tell.account, now, tell.platform)
        turn.letters += [Letter(payment_address(self._here[0], id), lost) for id in payments]
        if len(payments) == self._env.limits.merchant_slice:
            turn.timer("lost", now, messages.TellPayments(tell.account, payments[-1], tell.platform))
        return turn.decision()

    def released(self, state: MerchantState, decision: Decision) -> None:
        for row in decision.rows:
            if isinstance(row, MerchantRow):
                self._env.snapshots.put_merchant(card_of(row))

    def redact(self, state: MerchantState) -> Any:
        shown: dict[str, Any] = msgspec.to_builtins(state)
        if "flow" in shown:
            shown["flow"].pop("state_hash", None)
        return shown


_TOLD = (psp.FetchPayout, psp.FetchBalance, psp.SubmitEvidence)


def _not_told(turn: Turn, answer: psp.PspAnswer) -> None:
    """Evidence that was handed in; or a question about payouts or movements that got no answer: `unsure` is asked again by
    itself, a refusal is told."""
    if isinstance(answer.seen, psp.PspUnsure):
        return
    turn.settled.append((answer.effect, "done"))
    if isinstance(answer.seen, psp.DisputeSeen):
        turn.tell("evidence", dispute=answer.seen.dispute, status=answer.seen.status)
    if isinstance(answer.seen, psp.PspRefused):
        if isinstance(answer.call, psp.FetchBalance):
            reconcile.refused(turn, answer.call)
        turn.tell("not_told", call=type(answer.call).__name__, code=answer.seen.code, detail=answer.seen.detail)


def _hand_in(turn: Turn, message: messages.HandInEvidence) -> None:
    turn.put(facts.EvidenceAsked(message.id, message.payment, message.dispute, message.who, turn.now))
    key = f"evidence:{turn.tenant}:{turn.id}:{message.dispute}:{message.id}"
    call = psp.SubmitEvidence(key=key, made_at=turn.now, account=turn.account, dispute=message.dispute, texts=message.texts)
    turn.ask(call, message.platform)


def _answer(turn: Turn, judging: _Judging) -> None:
    answer: psp.PspAnswer = judging.message
    turn.settled.append((answer.effect, "done"))
    seen = answer.seen
    if isinstance(seen, psp.PayoutSeen):
        payouts.lines_told(turn, seen, answer.call.platform)
        reconcile.take(turn, seen.lines, judging.known, seen.payout)
    elif isinstance(seen, psp.BalanceSeen) and isinstance(answer.call, psp.FetchBalance):
        reconcile.page_told(turn, seen, answer.call, judging.known)


def _begin(turn: Turn, judging: _Judging) -> None:
    reconcile.begin(turn, at_once=judging.ours)


def _examine(turn: Turn, judging: _Judging) -> None:
    reconcile.examine(turn, judging.rows, judging.known, judging.sums)


def _resolve(turn: Turn, judging: _Judging) -> None:
    reconcile.resolve(turn, judging.message, judging.rows[0] if judging.rows else None)


_JUDGING: dict[type, Callable[[Turn, _Judging], None]] = {
    psp.PspAnswer: _answer,
    messages.Reconcile: _begin,
    messages.ReconcileDue: _begin,
    messages.ExamineDue: _examine,
    messages.ResolveItem: _resolve,
}
