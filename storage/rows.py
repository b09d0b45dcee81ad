"""The rows of a turn that are not the runtime's own: how each class of actors/model/rows gets to its table.

A row class is declared here once, with a `kind`. The kind names an SQL function of the migrations, which the commit
calls inside its transaction, once per batch and kind, with the rows of the winning turns only:

    CREATE FUNCTION write_<kind>(actors bigint[], seqs bigint[], bodies json[]) RETURNS text[]

The arrays run in parallel, in order of the turns' actor keys: the interned key of the actor that wrote the row, the
sequence number its turn has (the guard of upserts: `WHERE target.applied_seq < excluded.applied_seq`), and the row as
JSON as msgspec encodes it: the class's field names, `tenant` among them, times as RFC 3339, Decimal as text, bytes as
base64, nested structs as objects (read it with `json_to_record`). Text never holds a NUL.

The function returns NULL when all is well, or one text per row, NULL where that row is well: a reason makes its turn,
and no other, REJECTED. Raising has the same end: the batch is run again with a subtransaction per turn. Two traps: one
batch may hold the same key twice (a turn may write a row twice, two actors the same row), which
`ON CONFLICT DO UPDATE` refuses, so keep the last one by (key, seq) first; and lock rows in sorted order.
"""

import re
from typing import Any, Final

import msgspec

from actors.model import rows as model

KINDS: Final[dict[type[Any], str]] = {
    model.TenantRow: "tenant",
    model.TokenRow: "token",
    model.TariffRow: "tariff",
    model.StationRow: "station",
    model.SeenRow: "seen",
    model.EvseRow: "evse",
    model.VariableRow: "variable",
    model.BookRow: "book",
    model.AuthorityRow: "authority",
    model.MerchantRow: "merchant",
    model.TransferRow: "transfer",
    model.PayoutRow: "payout",
    model.BalanceLineRow: "balance_line",
    model.SessionRow: "session",
    model.NumberRow: "number",
    model.CdrRow: "cdr",
    model.HoldRow: "hold",
    model.JournalRow: "journal",
    model.EventRow: "event",
    model.InboxRow: "inbox",
    model.QuirkRow: "quirk",
    model.AuditRow: "audit",
    model.VaultRow: "vault",
    model.PaymentRow: "payment",
    model.WalletRow: "wallet",
    model.WalletLineRow: "wallet_line",
    model.DocumentRow: "document",
}

_encode = msgspec.json.Encoder().encode
# An escaped NUL is legal JSON and no legal text of PostgreSQL; a preceding even run of backslashes stays.
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


class UnknownRow(TypeError):
    """A turn carries a row of a class that is not declared in KINDS."""


def kind_of(row: Any) -> str:
    """The kind of this row's class. Raises UnknownRow."""
    try:
        return KINDS[type(row)]
    except KeyError:
        raise UnknownRow(f"no table is declared for rows of {type(row).__name__} (storage/rows.py)") from None


def body_of(row: Any) -> str:
    """The row as the JSON text that its writer reads."""
    body = _encode(row)
    if b"\\u0000" in body:
        body = _NUL.sub(rb"\1\\ufffd", body)
    return body.decode()
