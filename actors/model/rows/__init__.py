"""Rows that a turn writes besides its facts: read models, natural keys, the event feed, journals, secrets.

The store dispatches a row by its class to a table (storage/rows.py). An upsert is guarded by the actor's `seq`:
an older turn never overwrites a newer row. Rows answer the admin API's questions; actors never read them
except through the look-ups of actors/ports. Nothing here holds a token UID, only its `token_ref`.
"""

from actors.model.rows.base import Row
from actors.model.rows.keeping import AuditRow, EventRow, VaultRow
from actors.model.rows.ledger import DocumentRow, Entry, HoldRow, JournalRow
from actors.model.rows.money import BalanceLineRow, MerchantRow, PaymentRow, PayoutRow, TransferRow, WalletLineRow, WalletRow
from actors.model.rows.sessions import CdrRow, NumberRow, SessionRow
from actors.model.rows.stations import BookRow, EvseRow, InboxRow, QuirkRow, SeenRow, StationRow, VariableRow
from actors.model.rows.tenants import AuthorityRow, TariffRow, TenantRow, TokenRow

__all__ = [
    "AuditRow",
    "AuthorityRow",
    "BalanceLineRow",
    "BookRow",
    "CdrRow",
    "DocumentRow",
    "Entry",
    "EventRow",
    "EvseRow",
    "HoldRow",
    "InboxRow",
    "JournalRow",
    "MerchantRow",
    "NumberRow",
    "PaymentRow",
    "PayoutRow",
    "QuirkRow",
    "Row",
    "SeenRow",
    "SessionRow",
    "StationRow",
    "TariffRow",
    "TenantRow",
    "TokenRow",
    "TransferRow",
    "VariableRow",
    "VaultRow",
    "WalletLineRow",
    "WalletRow",
]
