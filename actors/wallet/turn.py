"""One turn of a wallet: the facts so far with the state that they lead to, and what goes out with them. Every turn that changed
something writes the wallet's row; one that changed its money writes a line of the statement."""

from datetime import datetime
from typing import Any

import msgspec

from actors.limits import DomainLimits
from actors.model.decision import AddressKey, Decision, Letter, Timer, lane_of
from actors.model.ids import digest
from actors.model.ledger import BOOK
from actors.model.posting import wallet_account
from actors.model.rows import EventRow, HoldRow, JournalRow, WalletLineRow, WalletRow
from actors.wallet.state import Hold, WalletState, apply


class Turn:
    def __init__(self, here: AddressKey, state: WalletState, now: datetime, limits: DomainLimits) -> None:
        """`here`: the actor's address."""
        self.tenant, _, self.wallet = here
        self.state = state
        self.now = now
        self.limits = limits
        self._facts: list[Any] = []
        self._rows: list[Any] = []
        self._letters: list[Letter] = []
        self._timers: list[Timer] = []

    def add(self, fact: Any) -> None:
        self.state = apply(self.state, fact)
        self._facts.append(fact)

    def tell(self, to: AddressKey, message: Any) -> None:
        self._letters.append(Letter(to, message))

    def timer(self, name: str, at: datetime | None, message: Any = None) -> None:
        self._timers.append(Timer(name, at, message))

    def post(self, *journals: JournalRow) -> None:
        self._rows += journals

    def hold(self, hold: Hold, outcome: str | None = None) -> None:
        """The hold's row in the ledger; promo credit alone has none."""
        if not hold.amount_minor:
            return
        self._rows.append(
            HoldRow(
                tenant=self.tenant, id=hold.id, book=BOOK, account=wallet_account(self.wallet), currency=self.state.currency,
                amount_minor=hold.amount_minor, ref=self.wallet, at=self.now, expires=hold.expires, outcome=outcome,
            )
        )  # fmt: skip

    def line(self, kind: str, amount_minor: int, ref: str, journal: JournalRow | None = None, **detail: Any) -> None:
        """A line of the statement; after the fact that it tells of, which counted it."""
        self._rows.append(
            WalletLineRow(
                tenant=self.tenant, wallet=self.wallet, id=f"{self.state.lines:08d}", at=self.now, kind=kind,
                amount_minor=amount_minor, balance_minor=self.state.balance_minor, currency=self.state.currency, ref=ref,
                journal=journal.id if journal is not None else None, detail=detail,
            )
        )  # fmt: skip

    def event(self, kind: str, **body: Any) -> None:
        self._rows.append(EventRow(tenant=self.tenant, kind=f"wallet.{kind}", subject=self.wallet, at=self.now, body=body))

    def new_hold_id(self) -> str:
        return "h" + digest("hold", self.tenant, self.wallet, self.state.made)

    def row(self) -> WalletRow | None:
        state = self.state
        if not state.phase or state.created_at is None:
            return None
        return WalletRow(
            tenant=self.tenant,
            id=self.wallet,
            state=state.phase,
            currency=state.currency,
            balance_minor=state.balance_minor,
            held_minor=state.held_minor,
            created_at=state.created_at,
            updated_at=self.now,
            promo_minor=state.promo_minor,
            owed_minor=state.owed_minor,
            owner=state.owner,
            session_limit_minor=state.session_limit_minor,
            auto=_auto(state),
            has_card=state.payment_method is not None,
        )

    def done(self, reply: Any = None) -> Decision:
        row = self.row() if self._facts else None
        return Decision(
            facts=self._facts,
            rows=[*self._rows, *([row] if row is not None else [])],
            letters=self._letters,
            timers=self._timers,
            reply=reply,
            lane=lane_of(self._rows),
        )


def _auto(state: WalletState) -> dict[str, Any] | None:
    if state.auto is None:
        return None
    shown: dict[str, Any] = msgspec.to_builtins(state.auto, builtin_types=(datetime,))
    return {**shown, "paused": state.paused} if state.paused else shown
