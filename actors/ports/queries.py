"""What the admin API and the pages read: the read models, in pages. Rows are those of actors/model/rows; what a question
sums up or puts together has its own value here. No actor decides by any of it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from actors.model.rows import DocumentRow, MerchantRow, PaymentRow, PayoutRow, QuirkRow, VaultRow, WalletRow


class Page(msgspec.Struct, frozen=True, gc=False):
    items: Sequence[Any]
    next: str | None


class InvalidCursor(ValueError):
    """The cursor is not one of ours, or not one of this list."""


class TrialLine(msgspec.Struct, frozen=True, gc=False):
    """A line of a trial balance, in minor units; `opening_minor` is debits less credits. `account`: code of the chart without
    qualifiers."""

    book: str
    account: str
    currency: str
    opening_minor: int
    debit_minor: int
    credit_minor: int

    @property
    def closing_minor(self) -> int:
        return self.opening_minor + self.debit_minor - self.credit_minor


class DocumentSum(msgspec.Struct, frozen=True, gc=False):
    """Credit notes count negative. `documents`: how many name this rate."""

    kind: str
    currency: str
    rate: str
    net_minor: int
    vat_minor: int
    documents: int


class BooksFinding(msgspec.Struct, frozen=True, gc=False):
    """`what` is a stable word for programs, `detail` says it plainly."""

    tenant: str
    what: str
    subject: str
    detail: str


class BooksAudit(msgspec.Struct, frozen=True):
    """The last audit of the night that ended, and what of it concerns one tenant."""

    at: datetime
    done_at: datetime
    findings: tuple[BooksFinding, ...] = ()


class MissingLine(msgspec.Struct, frozen=True, gc=False):
    """Our books say that `minor` moved on the provider's `account`, and the provider shows no such movement."""

    journal: str
    book: str
    account: str
    ref: str
    at: datetime
    currency: str
    minor: int


class StoredEvent(msgspec.Struct, frozen=True, gc=False):
    """`id` is the SSE id: opaque, ordered."""

    id: str
    tenant: str
    kind: str
    subject: str
    at: datetime
    body: dict[str, Any]


class Queries(Protocol):
    """What the admin API reads: rows of actors/model/rows and what is named here. `cursor` is opaque; every
    method is scoped by its tenant, raises runtime StoreAway when the database is away and InvalidCursor."""

    async def tenants(self, limit: int, cursor: str | None) -> Page: ...
    async def stations(self, tenant: str, status: str | None, q: str | None, limit: int, cursor: str | None) -> Page:
        """StationRow and SeenRow pairs."""
        ...

    async def station(self, tenant: str, station: str) -> Any | None:
        """(StationRow, SeenRow | None, [EvseRow])."""
        ...

    async def evse_by_code(self, tenant: str, code: str) -> Any | None:
        """The EvseRow of the EVSE whose QR carries this code."""
        ...

    async def quirks(self, tenant: str, station: str) -> Sequence[QuirkRow]:
        """What the station was seen to do, some seconds late."""
        ...

    async def inbox(self, tenant: str, limit: int, cursor: str | None) -> Page: ...
    async def variables(
        self,
        tenant: str,
        station: str,
        limit: int,
        cursor: str | None,
        *,
        component: str | None = None,
        variable: str | None = None,
        evse: int | None = None,
    ) -> Page:
        """VariableRow; names without case, `evse` 0: those of the station itself."""
        ...

    async def book(self, tenant: str, station: str, book: str, limit: int, cursor: str | None) -> Page:
        """BookRow in order of its key."""
        ...

    async def messages(
        self,
        tenant: str,
        station: str,
        limit: int,
        cursor: str | None,
        *,
        action: str | None = None,
        unique_id: str | None = None,
    ) -> Page:
        """TraceRow, newest first."""
        ...

    async def token(self, tenant: str, ref: str) -> Any | None: ...
    async def tokens(self, tenant: str, limit: int, cursor: str | None) -> Page: ...
    async def tariff(self, tenant: str, tariff_id: str) -> Any | None: ...
    async def tariffs(self, tenant: str, limit: int, cursor: str | None) -> Page: ...
    async def stations_with_tariff(self, tenant: str, tariff_id: str, limit: int) -> Sequence[str]:
        """Identities of registered stations that charge by it, in order, `limit` of them at most."""
        ...

    async def session(self, tenant: str, session: str) -> Any | None: ...
    async def sessions(self, tenant: str, station: str | None, state: str | None, limit: int, cursor: str | None) -> Page: ...
    async def meter_values(self, tenant: str, session: str) -> Sequence[Any]:
        """Readings of a session in order of time."""
        ...

    async def meter_registers(self, tenant: str, session: str) -> tuple[int, int] | None:
        """Registers at start and stop in Wh, between which the session was billed; None before its stop."""
        ...

    async def cdr(self, tenant: str, cdr: str) -> Any | None: ...
    async def cdrs(self, tenant: str, limit: int, cursor: str | None) -> Page: ...
    async def accounts(
        self, tenant: str, limit: int, cursor: str | None, *, book: str | None = None, account: str | None = None
    ) -> Page:
        """{book, account, currency, debit_minor, credit_minor, balance_minor, held_minor} in order of these names.
        `account`: with its qualifiers, or a code alone: all accounts of the class."""
        ...

    async def journals(
        self,
        tenant: str,
        ref: str | None,
        limit: int,
        cursor: str | None,
        *,
        book: str | None = None,
        account: str | None = None,
        group: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Page:
        """JournalRow, newest first; `account` as in `accounts`, `until` is exclusive."""
        ...

    async def journal(self, tenant: str, journal: str) -> Any | None: ...
    async def trial_balance(self, tenant: str, since: datetime, until: datetime, book: str | None = None) -> Sequence[TrialLine]:
        """What moved from `since` to before `until`, and what was there before, per book, class of accounts and currency."""
        ...

    async def books_audit(self, tenant: str) -> BooksAudit | None:
        """None: there was none yet."""
        ...

    async def holds(
        self,
        tenant: str,
        limit: int,
        cursor: str | None,
        *,
        account: str | None = None,
        ref: str | None = None,
        outcome: str | None = None,
    ) -> Page:
        """HoldRow, last made first. `outcome`: open, posted, void or expired."""
        ...

    async def payment(self, tenant: str, payment: str) -> PaymentRow | None: ...
    async def payments(
        self,
        tenant: str,
        limit: int,
        cursor: str | None,
        *,
        state: str | None = None,
        station: str | None = None,
        session: str | None = None,
        wallet: str | None = None,
        merchant: str | None = None,
    ) -> Page:
        """PaymentRow, newest first."""
        ...

    async def wallet(self, tenant: str, wallet: str) -> WalletRow | None: ...
    async def wallets(self, tenant: str, limit: int, cursor: str | None, *, state: str | None = None) -> Page:
        """WalletRow in order of their ids."""
        ...

    async def wallet_lines(self, tenant: str, wallet: str, limit: int, cursor: str | None) -> Page:
        """WalletLineRow, newest first."""
        ...

    async def document(self, tenant: str, document: str) -> DocumentRow | None: ...
    async def documents(
        self,
        tenant: str,
        limit: int,
        cursor: str | None,
        *,
        kind: str | None = None,
        seller: str | None = None,
        ref: str | None = None,
        customer: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Page:
        """DocumentRow, newest first; `until` is exclusive."""
        ...

    async def document_sums(
        self, tenant: str, since: datetime, until: datetime, seller: str | None, customer: str | None
    ) -> Sequence[DocumentSum]:
        """What the documents of a time come to, per kind, currency and rate of VAT."""
        ...

    async def merchant(self, tenant: str, merchant: str) -> MerchantRow | None: ...
    async def merchants(self, tenant: str, limit: int, cursor: str | None) -> Page:
        """MerchantRow in order of their ids."""
        ...

    async def transfers(self, tenant: str, merchant: str | None, state: str | None, limit: int, cursor: str | None) -> Page:
        """TransferRow, newest first."""
        ...

    async def payouts(self, tenant: str, merchant: str | None, status: str | None, limit: int, cursor: str | None) -> Page:
        """PayoutRow, newest first."""
        ...

    async def payout(self, tenant: str, payout: str) -> PayoutRow | None: ...
    async def balance_lines(
        self,
        tenant: str,
        limit: int,
        cursor: str | None,
        *,
        merchant: str | None = None,
        states: Sequence[str] | None = None,
        payout: str | None = None,
    ) -> Page:
        """BalanceLineRow, newest first."""
        ...

    async def balance_counts(self, tenant: str) -> Sequence[dict[str, Any]]:
        """[{account, merchant, currency, state, lines, net, suspense}]"""
        ...

    async def missing_lines(self, tenant: str, since: datetime, before: datetime) -> Sequence[MissingLine]:
        """Journals of that time on an account with the provider that no movement there is matched with, oldest first, so many."""
        ...

    async def events(self, tenant: str | None, kinds: Sequence[str], after: str | None, limit: int) -> Page:
        """StoredEvent in commit order, below the snapshot horizon; `next` resumes after the last one."""
        ...

    async def last_event(self) -> str:
        """The id to resume `events` after in order to see only what happens from now on."""
        ...

    async def audit(self, tenant: str, limit: int, cursor: str | None) -> Page:
        """AuditRow, newest first."""
        ...

    async def vault_row(self, tenant: str, ref: str) -> VaultRow | None: ...
