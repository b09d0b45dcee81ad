"""Read models in memory: the row half of the in-memory twin, for tests of actors and gateways without a database.

`reject` answers what PostgreSQL's constraints would answer, `write` what its upserts would do. The same tests run
against both.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from actors.model.rows import (
    AuditRow,
    AuthorityRow,
    BalanceLineRow,
    BookRow,
    CdrRow,
    DocumentRow,
    EventRow,
    EvseRow,
    HoldRow,
    InboxRow,
    JournalRow,
    MerchantRow,
    NumberRow,
    PaymentRow,
    PayoutRow,
    QuirkRow,
    Row,
    SeenRow,
    SessionRow,
    StationRow,
    TariffRow,
    TenantRow,
    TokenRow,
    TransferRow,
    VariableRow,
    VaultRow,
    WalletLineRow,
    WalletRow,
)
from actors.ports import BooksAudit, StoredEvent, TraceRow
from storage.memory_ledger import Books, merged

KEYS: dict[type, tuple[str, ...]] = {
    TenantRow: ("tenant",),
    TokenRow: ("tenant", "ref"),
    TariffRow: ("tenant", "id", "version"),
    StationRow: ("tenant", "station"),
    SeenRow: ("tenant", "station"),
    EvseRow: ("tenant", "station", "evse"),
    VariableRow: (
        "tenant", "station", "component", "component_instance", "variable", "variable_instance", "evse", "connector",
    ),
    BookRow: ("tenant", "station", "book", "key"),
    AuthorityRow: ("tenant",),
    MerchantRow: ("tenant", "id"),
    TransferRow: ("tenant", "id"),
    PayoutRow: ("tenant", "id"),
    BalanceLineRow: ("tenant", "account", "id"),
    SessionRow: ("tenant", "id"),
    NumberRow: ("number",),
    CdrRow: ("tenant", "id"),
    JournalRow: ("tenant", "id"),
    HoldRow: ("tenant", "id"),
    InboxRow: ("tenant", "station"),
    QuirkRow: ("tenant", "station", "quirk"),
    VaultRow: ("tenant", "ref", "kind"),
    PaymentRow: ("tenant", "id"),
    WalletRow: ("tenant", "id"),
    WalletLineRow: ("tenant", "wallet", "id"),
    DocumentRow: ("tenant", "id"),
}  # fmt: skip
"""What identifies a row of each class. Events, audit lines and traces are appended and have no key."""


def key_of(row: Row) -> tuple[Any, ...]:
    return tuple(getattr(row, field) for field in KEYS[type(row)])


def _stays(known: tuple[int, Any], seq: int, row: Row) -> bool:
    """Whether what is there stays: it is newer, or it can never change."""
    if isinstance(row, SeenRow):
        return bool(row.generation < known[1].generation and row.since <= known[1].since)
    return seq < known[0] or isinstance(row, JournalRow | CdrRow | DocumentRow | WalletLineRow)


class MemoryRows:
    """Tables by row class. `seq` guards like `seq <` does in SQL: an older turn never overwrites a newer row."""

    def __init__(self) -> None:
        self._tables: dict[type, dict[tuple[Any, ...], tuple[int, Any]]] = defaultdict(dict)
        self.books = Books(self.get)
        self.made: dict[tuple[str, str], datetime] = {}
        """When holds were made."""
        self.opened: dict[tuple[str, str], int] = {}
        """Order in which sessions first appeared."""
        self._numbers: dict[tuple[str, str], int] = {}
        """The last number of each series of documents."""
        self.books_audit: BooksAudit | None = None
        self.events: list[StoredEvent] = []
        self.audit: list[AuditRow] = []
        self.traces: list[TraceRow] = []

    def table(self, kind: type) -> Iterable[Any]:
        return [row for _, row in self._tables[kind].values()]

    def get(self, kind: type, *key: Any) -> Any | None:
        found = self._tables[kind].get(key)
        return found[1] if found else None

    def reject(self, rows: Sequence[Row]) -> str:
        """Why a turn with these rows breaks a constraint; empty when it does not."""
        for row in rows:
            reason = ""
            if isinstance(row, NumberRow):
                known = self.get(NumberRow, row.number)
                if known is not None and known.session != row.session:
                    reason = f"number {row.number} belongs to session {known.session}"
            elif isinstance(row, CdrRow):
                reason = self._reject_cdr(row)
            elif isinstance(row, DocumentRow):
                reason = self._reject_document(row, rows)
            elif isinstance(row, PaymentRow):
                reason = self._reject_payment(row)
            elif isinstance(row, MerchantRow):
                reason = self._reject_merchant(row)
            if reason:
                return reason
        return self.books.reject(rows)

    def _reject_cdr(self, cdr: CdrRow) -> str:
        known = self.get(CdrRow, cdr.tenant, cdr.id)
        if known is not None and known != cdr:
            return f"CDR {cdr.id} exists with other content"
        for other in self.table(CdrRow):
            same = (other.tenant, other.session, other.body.get("credit")) == (cdr.tenant, cdr.session, cdr.body.get("credit"))
            if same and other.id != cdr.id:
                return f"session {cdr.session} has CDR {other.id} already"
        return ""

    def _reject_document(self, document: DocumentRow, rows: Sequence[Row]) -> str:
        same = [row for row in rows if isinstance(row, DocumentRow) and key_of(row) == key_of(document)]
        for known in (self.get(DocumentRow, document.tenant, document.id), *same):
            if known is not None and (known.series, known.body) != (document.series, document.body):
                return f"document {document.id} exists with other content"
        return ""

    def _reject_merchant(self, merchant: MerchantRow) -> str:
        for other in self.table(MerchantRow):
            same = (other.account, other.platform) == (merchant.account, merchant.platform)
            if merchant.account is not None and same and key_of(other) != key_of(merchant):
                return f"account {merchant.account} belongs to merchant {other.id}"
        return ""

    def _reject_payment(self, payment: PaymentRow) -> str:
        for other in self.table(PaymentRow):
            elsewhere = (other.account, other.platform) != (payment.account, payment.platform)
            if elsewhere or (other.tenant, other.id) == (payment.tenant, payment.id):
                continue
            for name in ("intent", "checkout"):
                if getattr(payment, name) is not None and getattr(other, name) == getattr(payment, name):
                    return f"{name} {getattr(payment, name)} belongs to payment {other.id}"
        return ""

    def write(self, seq: int, rows: Sequence[Row | TraceRow]) -> None:
        """The rows of a turn that moved its actor's head to `seq` (0 for rows that gate nothing)."""
        for row in rows:
            if isinstance(row, EventRow):
                number = str(len(self.events) + 1)
                self.events.append(StoredEvent(number, row.tenant, row.kind, row.subject, row.at, row.body))
            elif isinstance(row, AuditRow):
                self.audit.append(row)
            elif isinstance(row, TraceRow):
                self.traces += row.frames()
            else:
                self._upsert(seq, row)

    def _upsert(self, seq: int, row: Row) -> None:
        table, key = self._tables[type(row)], key_of(row)
        known = table.get(key)
        self.books.take(row)
        if isinstance(row, HoldRow):
            self.made.setdefault((row.tenant, row.id), row.at)
            table[key] = (seq, merged(known[1] if known else None, row))
            return
        if known is not None and _stays(known, seq, row):
            return
        if (isinstance(row, TokenRow | BookRow | VariableRow) and row.deleted) or (isinstance(row, VaultRow) and not row.cell):
            table.pop(key, None)
            return
        if isinstance(row, TariffRow) and row.deleted:
            for other in [other for other in table if other[:2] == key[:2]]:
                del table[other]
            return
        if isinstance(row, SessionRow):
            self.opened.setdefault((row.tenant, row.id), len(self.opened))
        if isinstance(row, DocumentRow):
            series = (row.tenant, row.series)
            self._numbers[series] = self._numbers.get(series, 0) + 1
            row = replace(row, number=self._numbers[series])
        table[key] = (seq, row)
