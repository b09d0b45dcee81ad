"""A payment attempt without a runtime: decisions are applied, what it asks of others is collected, its timers wait. What is
written goes through the codec, as it would on its way to the database, and a crash begins again from there."""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import reduce
from typing import Any

import msgspec

from actors.limits import DomainLimits
from actors.merchant.messages import PartnerShare
from actors.model import psp
from actors.model.decision import Decision
from actors.model.ids import EVSE, SESSION, STATION, WALLET
from actors.model.intents import CommandResult, RequestStart, RequestStop
from actors.model.money import Cost, Money, VatAmount
from actors.model.rating import KindNet
from actors.model.rows import DocumentRow, EventRow, JournalRow, PaymentRow, TokenRow, VaultRow
from actors.model.token import IdToken
from actors.payment import facts as f
from actors.payment import messages as m
from actors.payment.decide import decide
from actors.payment.phases import FINAL, TAKEN
from actors.payment.sca import Policy
from actors.payment.state import PaymentState, apply
from actors.payment.turn import Turn
from actors.station.letters import Order, OrderEnded
from tests.actors.kit import T0
from tests.actors.payment.provider import GOOD, Provider

HERE = ("acme", "payment", "a1")
DEAL = f.Deal("m1", "acct_1", "DE", "5", "19", "owner")
QUOTE = m.Quote("CP-1", 1, "q7", "m1", "standard", "f" * 32, "EUR", 4000, 3700, 200, "h", "2026-01", T0, "de", "DE")
OPEN = m.OpenAttempt(QUOTE, "https://pay.test/r", "https://pay.test/c", "Charging at CP-1")
_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(f.PaymentFact).decode
_CALL = msgspec.json.Decoder(psp.AnyCall).decode


def cost(gross: int = 1234, currency: str = "EUR") -> Cost:
    net = (gross * 200 + 119) // 238
    vat = (VatAmount(Decimal(19), Money(gross - net, currency)),) if gross else ()
    return Cost(Money(net, currency), Money(gross, currency), vat)


def kinds(gross: int = 1234, currency: str = "EUR") -> tuple[KindNet, ...]:
    return (KindNet("energy", cost(gross, currency).excl),)


def ended(gross: int = 1234, *, outcome: Any = "rated", n: int = 1, session: str = "s1", currency: str = "EUR") -> m.SessionEnded:
    told = m.SessionEnded(session, outcome, n, 15600, T0)
    if outcome != "rated":
        return told
    return msgspec.structs.replace(told, cost=cost(gross, currency), kinds=kinds(gross, currency), cdr="cdr1")


def began(session: str = "s1", *, accepted: bool = True) -> m.SessionBegan:
    return m.SessionBegan(session, "CP-1", 1, "42", accepted, T0)


class Mint:
    def __init__(self) -> None:
        self.minted = 0

    def mint(self) -> tuple[IdToken, VaultRow]:
        self.minted += 1
        sealed = VaultRow(tenant="acme", ref=f"t_{self.minted}", kind="token", blind=b"", cell=b"K" * 20)
        return IdToken(f"t_{self.minted}", "K…", "Central"), sealed

    def start(self, order: str, sealed: VaultRow, evse: int, not_after: datetime) -> Order:
        return Order(order, not_after, HERE, RequestStart(sealed.cell.decode(), evse))


class Bench:
    """`outbox`: effects that no turn has settled; `mail`: what the attempt wrote to others, (kind, message), oldest first."""

    def __init__(
        self,
        *,
        policy: Policy | None = None,
        limits: DomainLimits | None = None,
        deal: f.Deal | None = DEAL,
        platform: str | None = "",
        **provider: Any,
    ) -> None:
        self.now, self.limits, self.policy, self.deal = T0, limits or DomainLimits(), policy or Policy(), deal
        self.platform = platform
        self.provider = Provider(lambda: self.now, **provider)
        self.state = PaymentState()
        self.written: list[bytes] = []
        self.timers: dict[str, tuple[datetime, Any]] = {}
        self.outbox: dict[str, psp.AnyCall] = {}
        self.mail: list[tuple[str, Any]] = []
        self.answers: list[tuple[str, Any]] = []
        self.journals: dict[str, JournalRow] = {}
        self.documents: dict[str, DocumentRow] = {}
        self.events: list[EventRow] = []
        self.row: PaymentRow | None = None
        self.token: TokenRow | None = None
        self.last: Decision | None = None
        self.minter = Mint()

    # -- turns

    def tell(self, message: Any) -> Any:
        turn = Turn(
            HERE,
            self.state,
            self.now,
            self.limits,
            minter=self.minter,
            policy=self.policy,
            deal=self.deal,
            platform=self.platform,
        )
        decision = decide(turn, message)
        self._commit(decision)
        return decision.reply

    def _commit(self, decision: Decision) -> None:
        self.last = decision
        for fact in decision.facts:
            self.written.append(_ENCODE(fact))
            self.state = apply(self.state, fact)
        for timer in decision.timers:
            self.timers.pop(timer.name, None)
            if timer.at is not None:
                self.timers[timer.name] = (timer.at, timer.message)
        for effect in decision.effects:
            assert effect.klass == "redeliver"
            self.outbox[effect.id] = _CALL(effect.body)
        for name, _ in decision.settled:
            self.outbox.pop(name, None)
        self.mail += [(letter.to[1], letter.message) for letter in decision.letters]
        self.answers += decision.answers
        for row in decision.rows:
            self._row(row)
        self.check()

    def _row(self, row: Any) -> None:
        if isinstance(row, JournalRow):
            assert row.id not in self.journals, f"journal {row.id} was written twice"
            self.journals[row.id] = row
            assert self.last is not None
            assert self.last.lane == "money"
        elif isinstance(row, DocumentRow):
            assert row.id not in self.documents, f"document {row.id} was issued twice"
            self.documents[row.id] = row
        elif isinstance(row, EventRow):
            self.events.append(row)
        elif isinstance(row, PaymentRow):
            self.row = row
        elif isinstance(row, TokenRow):
            self.token = row

    def check(self) -> None:
        """What holds after every turn."""
        state = self.state
        if state.phase in ("new", *FINAL):
            return
        assert self.outbox or self.timers or self.mail, f"{state.phase} waits for nothing"
        if state.phase in ("authorised", "proof_ok", "starting", "charging"):
            assert "guard" in self.timers, f"nothing watches over a hold that is {state.phase}"
        quote = state.quote
        if quote is not None and state.phase in TAKEN:
            assert state.captured_minor <= min(state.held_minor, quote.limit_minor, state.sold.incl.amount_minor)
            assert state.excess_left_minor >= 0
            assert state.refunded_minor + state.lost_minor <= state.captured_minor
            documented = sum(row.gross_minor for row in self.documents.values())
            assert documented == state.captured_minor - state.refunded_minor, "documents say what the books say"

    def crash(self) -> None:
        """Another incarnation, from what was written."""
        again = reduce(apply, [_DECODE(body) for body in self.written], PaymentState())
        assert again == self.state
        self.state = again

    # -- the world

    def pass_(self, **time: float) -> None:
        """Time passes, timers fire in their order, and the provider answers what it is asked."""
        until = self.now + timedelta(**time)
        while True:
            self.work()
            due = sorted((at, name) for name, (at, _) in self.timers.items() if at <= until)
            if not due:
                break
            self.now = max(self.now, due[0][0])
            self.fire(due[0][1])
        self.now = until

    def fire(self, name: str) -> None:
        _, message = self.timers.pop(name)
        self.tell(message)

    def work(self) -> None:
        """All outbox rows are delivered and answered."""
        while self.outbox:
            name = next(iter(self.outbox))
            self.answer(name)

    def answer(self, name: str, seen: psp.Seen | None = None) -> None:
        call = self.outbox[name]
        self.tell(psp.PspAnswer(name, call, seen if seen is not None else self.provider.execute(call)))

    def unsure(self, name: str, *, done: bool) -> None:
        """The call goes out, and nobody can tell what became of it."""
        call = self.outbox[name]
        if done:
            self.provider.execute(call)
        self.tell(psp.PspAnswer(name, call, psp.PspUnsure("timed out")))

    def webhook(self) -> None:
        """Everything that changed is told."""
        while self.provider.changed:
            kind, id = self.provider.changed.pop(0)
            self.tell(psp.PspObserved(self.provider.seen(kind, id), f"evt_{kind}_{id}"))

    def post(self, kind: str, type: type) -> Any:
        """The newest letter of a type to an actor of a kind."""
        return next(message for to, message in reversed(self.mail) if to == kind and isinstance(message, type))

    def letters(self, kind: str) -> list[Any]:
        return [message for to, message in self.mail if to == kind]

    def asked(self) -> list[f.Asked]:
        """What was ever asked of the provider."""
        return [fact for body in self.written if isinstance(fact := _DECODE(body), f.Asked)]

    # -- ways to a phase

    def open(self, message: m.OpenAttempt = OPEN) -> None:
        self.tell(message)
        self.work()

    def hold(self, proof: psp.CardProof | None = GOOD) -> None:
        self.open()
        self.provider.pay("cs_1", proof)
        self.webhook()

    def start(self) -> None:
        self.hold()
        self.tell(m.EvseClaimed(self.now))

    def charge(self) -> None:
        self.start()
        self.tell(OrderEnded(self.post(STATION, Order).id, "CP-1", CommandResult("Accepted")))
        self.tell(began())

    def capture(self, gross: int = 1234) -> None:
        self.charge()
        self.tell(ended(gross))
        self.work()

    def kinds_of_events(self) -> list[str]:
        return [event.kind.removeprefix("payment.") for event in self.events]

    def balance(self) -> dict[str, int]:
        """Debit less credit by book and account."""
        sums: dict[str, int] = {}
        for journal in self.journals.values():
            for entry in journal.entries:
                key = f"{journal.book}:{entry.account}"
                sums[key] = sums.get(key, 0) + (entry.amount_minor if entry.side == "debit" else -entry.amount_minor)
        return {key: value for key, value in sums.items() if value}


__all__ = ["DEAL", "EVSE", "OPEN", "QUOTE", "SESSION", "STATION", "WALLET", "Bench", "PartnerShare", "RequestStop"]
