"""One turn of a payment attempt: what it decides, step by step. Pure.

A turn begins with what came (an answer of the provider, a letter, a timer, a wish) and puts facts one after the other, each
applied at once, so that the next step sees what the last one did. Everything that is asked of the provider goes through
`ask`: the call is a fact and an outbox row, and what becomes of it is asked again under the same key until it is known.
"""

from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from actors.limits import DomainLimits
from actors.model import psp
from actors.model.decision import AddressKey, Decision, Effect, Letter, Timer, lane_of
from actors.model.ids import evse_address, payment_address, session_address, station_address, wallet_address
from actors.model.intents import RequestStop
from actors.model.platforms import INSTALLATION
from actors.model.rows import DocumentRow, JournalRow, VaultRow
from actors.model.token import IdToken
from actors.payment import facts as f
from actors.payment import messages as m
from actors.payment.rows import event_row, payment_row, token_row
from actors.payment.sca import Policy
from actors.payment.state import PaymentState, apply
from actors.station.letters import Order

LOOK = "look"
START = "start"
GUARD = "guard"
RETRY = "retry"
EXCESS = "excess"
WATCH = "watch"
_AGAIN = "~"
_encode = msgspec.json.Encoder().encode


def pause(first: timedelta, most: timedelta, tries: int) -> timedelta:
    """Doubled with each try."""
    return min(first * float(2 ** min(tries, 20)), most)


class Minter(Protocol):
    """One-time tokens: what needs randomness and the vault."""

    def mint(self) -> tuple[IdToken, VaultRow]:
        """A new one: its reference for facts, its text sealed."""
        ...

    def start(self, order: str, sealed: VaultRow, evse: int, not_after: datetime) -> Order:
        """The order to start with it."""
        ...


class Turn:
    """`deal`: the merchant's terms as of now, None: there is no merchant that takes cards."""

    def __init__(
        self,
        here: AddressKey,
        state: PaymentState,
        now: datetime,
        limits: DomainLimits,
        *,
        minter: Minter,
        policy: Policy,
        deal: f.Deal | None = None,
        platform: str | None = INSTALLATION,
    ) -> None:
        """`platform`: by which the tenant is paid now; None: it takes no cards."""
        self.here, self.before, self.state = here, state, state
        self.now, self.limits = now, limits
        self.minter, self.policy, self.deal, self.platform = minter, policy, deal, platform
        self.facts: list[Any] = []
        self.letters: list[Letter] = []
        self.effects: list[Effect] = []
        self.settled: list[tuple[str, str]] = []
        self.timers: dict[str, Timer] = {}
        self.rows: list[Any] = []
        self.answers: list[tuple[str, Any]] = []

    @property
    def tenant(self) -> str:
        return self.here[0]

    @property
    def attempt(self) -> str:
        return self.here[2]

    @property
    def opened(self) -> f.Opened:
        opened = self.state.opened
        assert opened is not None, "only an attempt that was opened has turns"
        return opened

    @property
    def currency(self) -> str:
        return self.opened.order.currency

    @property
    def account(self) -> str | None:
        return self.opened.deal.account

    @property
    def ref(self) -> str:
        """What its journals are about: the session, else the attempt."""
        return self.state.session or self.attempt

    def put(self, fact: Any) -> None:
        before = self.state
        self.state = apply(before, fact)
        self.facts.append(fact)
        if self.state.phase != before.phase:
            self.tell(self.state.phase)

    def tell(self, kind: str, **body: Any) -> None:
        self.rows.append(event_row(self.here, self.state, kind, self.now, body))

    def timer(self, name: str, at: datetime | None, message: Any = None) -> None:
        self.timers[name] = Timer(name, at, message)

    def journals(self, rows: Any) -> tuple[str, ...]:
        """Book them with this turn; returns their ids."""
        booked = tuple(row for row in rows if isinstance(row, JournalRow))
        self.rows.extend(booked)
        return tuple(row.id for row in booked)

    def document(self, row: DocumentRow | None) -> None:
        """Issue it with this turn."""
        if row is not None:
            self.rows.append(row)

    def decision(self, reply: Any = None, *, later: str | None = None) -> Decision:
        rows = self.rows
        if self.facts:
            rows = [*rows, payment_row(self.here, self.state, self.now)]
        return Decision(
            facts=self.facts,
            letters=self.letters,
            effects=self.effects,
            settled=self.settled,
            timers=tuple(self.timers.values()),
            rows=rows,
            reply=reply,
            later=later,
            answers=self.answers,
            lane=lane_of(rows),
        )

    # -- the provider

    def name(self, what: str) -> str:
        """Of the next call; deterministic, since it counts what was committed."""
        return f"{what}:{self.state.asked + 1}"

    def key(self, name: str) -> str:
        return f"{self.attempt}:{name}"

    def ask(self, name: str, call: psp.AnyCall) -> None:
        """On the platform account with which the attempt began."""
        call = replace(call, platform=self.opened.deal.platform)
        self.put(f.Asked(name, call, self.now))
        self._out(name, call)

    def _out(self, effect: str, call: psp.AnyCall) -> None:
        self.effects.append(Effect(effect, "redeliver", psp.TOPIC, _encode(call)))

    def is_asked(self, what: str) -> bool:
        """Is there a call of this kind without an answer?"""
        return any(name.partition(":")[0] == what for name in self.state.calls)

    def answered(self, effect: str, seen: psp.Seen) -> str | None:
        """The outbox row is completed. Returns the call's name, None for one that was answered before. An unsure one is kept,
        and goes out again after a pause, under the same key."""
        name = effect.partition(_AGAIN)[0]
        wish = self.state.calls.get(name)
        unsure = isinstance(seen, psp.PspUnsure)
        self.settled.append((effect, "unknown" if unsure else "done"))
        if wish is None:
            return None
        if isinstance(seen, psp.PspUnsure):
            self.put(f.Unsure(name, wish.tries + 1, seen.detail, self.now))
            at = self.now + pause(self.limits.payment_again, self.limits.payment_again_most, wish.tries)
            self.timer(f"again:{name}", at, m.AgainDue(name))
        else:
            refused = seen.code if isinstance(seen, psp.PspRefused) else ""
            self.put(f.Answered(name, self.now, refused))
            self.timer(f"again:{name}", None)
        return name

    def again(self, name: str) -> None:
        """Send an unsure call once more: another outbox row, the same key."""
        wish = self.state.calls[name]
        self._out(f"{name}{_AGAIN}{wish.tries}", wish.call)

    def retry_later(self) -> None:
        """After a refusal: soon, and once a day when it was refused again and again."""
        limits, refusals = self.limits, self.state.refusals
        after = pause(limits.payment_again, limits.payment_again_most, refusals)
        if refusals > limits.payment_refusals:
            after = limits.payment_daily
        self.timer(RETRY, self.now + after, m.RetryDue(refusals))

    def look(self) -> bool:
        """Ask the provider what it has, unless that is under way. False: there is nothing to look at yet."""
        if self.is_asked("look"):
            return True
        name = self.name("look")
        key = self.key(name)
        if self.state.intent is not None:
            call: psp.AnyCall = psp.FetchIntent(key=key, made_at=self.now, account=self.account, intent=self.state.intent)
        elif self.state.checkout is not None:
            call = psp.FetchCheckout(key=key, made_at=self.now, account=self.account, checkout=self.state.checkout)
        else:
            return False
        self.ask(name, call)
        return True

    def look_later(self, tries: int) -> None:
        at = self.now + pause(self.limits.payment_look, self.limits.payment_look_most, tries)
        self.timer(LOOK, at, m.LookDue(tries + 1))

    # -- the others

    def letter(self, to: AddressKey, message: Any) -> None:
        self.letters.append(Letter(to, message))

    def to_evse(self, message: Any) -> None:
        quote = self.state.quote
        if quote is not None:
            self.letter(evse_address(self.tenant, quote.station, quote.evse), message)

    def to_station(self, order: Order) -> None:
        quote = self.state.quote
        assert quote is not None, "a top-up has no station"
        self.letter(station_address(self.tenant, quote.station), order)

    def to_session(self, message: Any) -> None:
        assert self.state.session is not None
        self.letter(session_address(self.tenant, self.state.session), message)

    def to_wallet(self, message: Any) -> None:
        top_up = self.state.top_up
        if top_up is not None:
            self.letter(wallet_address(self.tenant, top_up.wallet), message)

    def stop_session(self, transaction_id: str, who: str) -> bool:
        """Order the station to end it. False: it was ordered too often already, or the station's id of it is not known."""
        if self.state.stops >= self.limits.payment_stops or not transaction_id:
            return False
        order = f"{self.attempt}:stop:{self.state.stops + 1}"
        until = self.now + self.limits.payment_stop_within
        self.put(f.StopOrdered(order, who, self.now))
        self.to_station(Order(order, until, payment_address(self.tenant, self.attempt), RequestStop(transaction_id)))
        return True

    def token(self, status: str) -> None:
        """The one-time token's card: good, or not any more."""
        row = token_row(self.here, self.state, status, self.guard_at)
        if row is not None:
            self.rows.append(row)

    @property
    def hold_ends(self) -> datetime:
        state = self.state
        assert state.authorised_at is not None, "there is no hold"
        return state.capture_before or state.authorised_at + self.limits.payment_hold

    @property
    def guard_at(self) -> datetime:
        return self.hold_ends - self.limits.payment_guard
