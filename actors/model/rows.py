"""Rows that a turn writes besides its facts: read models, natural keys, the event feed, journals, secrets.

The store dispatches a row by its class to a table (storage/rows). An upsert is guarded by the actor's `seq`:
an older turn never overwrites a newer row. Rows answer the admin API's questions; actors never read them
except through the look-ups of actors/ports.py. Nothing here holds a token UID, only its `token_ref`.
"""

from datetime import datetime
from typing import Any

import msgspec

from actors.model.money import Cost
from actors.model.token import TokenTerms


class Row(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    tenant: str


class TenantRow(Row, frozen=True, gc=False, kw_only=True):
    currency: str
    country: str
    time_zone: str
    unknown_stations: str
    created_at: datetime
    name: str = ""
    settings: dict[str, Any] = {}
    deleted: bool = False


class TokenRow(Row, frozen=True, gc=False, kw_only=True):
    """`deleted` removes the token from the read model and every snapshot."""

    ref: str
    type: str
    status: str
    masked: str
    group_ref: str | None = None
    expires: datetime | None = None
    payment: str = "invoice"
    terms: TokenTerms | None = None
    deleted: bool = False


class TariffRow(Row, frozen=True, gc=False, kw_only=True):
    """A version of a tariff: `fingerprint` of its content; the OCPI object itself as `body`."""

    id: str
    version: int
    valid_from: datetime
    fingerprint: str
    currency: str
    body: dict[str, Any]
    deleted: bool = False


class StationRow(Row, frozen=True, gc=False, kw_only=True):
    """Registered settings and what the last boot said. `auth` is the password's hash (actors/station/auth.py); `auth_next` and
    `profile_next` (0: none) hold while the station changes to them; `serial` is the number that its certificate names."""

    station: str
    registered: bool
    evses: int
    profile: int
    auth: bytes | None
    versions: tuple[str, ...]
    tariff: str | None
    location: dict[str, Any]
    boot: dict[str, Any] | None
    updated_at: datetime
    deleted: bool = False
    auth_next: bytes | None = None
    profile_next: int = 0
    serial: str | None = None
    merchant: str | None = None


class SeenRow(Row, frozen=True, gc=False, kw_only=True):
    """Batched without gating a reply: who is (was last) connected and heard."""

    station: str
    online: bool
    protocol: str | None
    since: datetime
    generation: int
    last_seen: datetime


class EvseRow(Row, frozen=True, gc=False, kw_only=True):
    """`code` is the permanent opaque code that the QR on the EVSE carries. Statuses: OCPP 2.x ConnectorStatus,
    with the 1.6 detail (Preparing, Charging ...) in `detail`. `claimed`: somebody has paid for the place and is about to
    begin."""

    station: str
    evse: int
    code: str
    status: str
    detail: str
    connectors: list[dict[str, Any]]
    session: str | None
    updated_at: datetime
    claimed: bool = False


class VariableRow(Row, frozen=True, gc=False, kw_only=True):
    """One variable of a station's device model; 1.6 keys sit under their component by the data table."""

    station: str
    component: str
    variable: str
    attributes: list[dict[str, Any]]
    """[{type, value, mutability, persistent, constant}]"""
    component_instance: str | None = None
    variable_instance: str | None = None
    evse: int | None = None
    connector: int | None = None
    characteristics: dict[str, Any] | None = None
    key_1_6: str | None = None
    deleted: bool = False
    """The station no longer has it."""


class BookRow(Row, frozen=True, gc=False, kw_only=True):
    """An entry of one of the small books that are kept of a station: `book` names it (profile, limit, display,
    reservation, local_list, monitor, alert, report, certificate, log, security ...), `key` is unique in it. `body` is shown by
    the API as it is: no token UID, no secret."""

    station: str
    book: str
    key: str
    body: dict[str, Any]
    updated_at: datetime
    deleted: bool = False


class AuthorityRow(Row, frozen=True, gc=False, kw_only=True):
    """Whom a tenant trusts, as actors/ports.AuthorityCard has it: `chain` and the `trusted` [[use, PEM]], `revoked`
    fingerprints. No private key."""

    chain: list[str]
    trusted: list[list[str]]
    revoked: list[str]
    updated_at: datetime


class SessionRow(Row, frozen=True, gc=False, kw_only=True):
    """`state`: active, ended, quarantined (CONTRACT); `phase` the domain's finer word. `transaction`: what the events of a 2.x
    transaction say besides (actors/session/rows.transaction_view); None for one of 1.6."""

    id: str
    number: int
    station: str
    evse: int
    connector: int
    transaction_id: str
    token_ref: str | None
    token_masked: str | None
    state: str
    phase: str
    started_at: datetime | None
    ended_at: datetime | None
    energy_wh: int | None
    stop_reason: str | None
    cost: Cost | None
    unpriced: bool
    cdr: str | None
    anomalies: tuple[str, ...]
    updated_at: datetime
    transaction: dict[str, Any] | None = None


class NumberRow(Row, frozen=True, gc=False, kw_only=True):
    """Natural key: transaction number -> session, unique over the installation."""

    number: int
    station: str
    session: str


class CdrRow(Row, frozen=True, gc=False, kw_only=True):
    """A CDR, immutable: the OCPI 2.2.1 object in `body`."""

    id: str
    session: str
    journal: str | None
    at: datetime
    body: dict[str, Any]


class Entry(msgspec.Struct, frozen=True, gc=False):
    """`account` is a code of the chart with qualifiers (`1220/t_ab12`, `2300/DE/19`); `side` debit or credit."""

    account: str
    side: str
    amount_minor: int
    currency: str


class JournalRow(Row, frozen=True, gc=False, kw_only=True):
    """A double-entry journal. `id` is the idempotency key: the same id with other entries is an error."""

    id: str
    book: str
    ref: str
    at: datetime
    entries: tuple[Entry, ...]
    reverses: str | None = None
    group_id: str | None = None


class EventRow(Row, frozen=True, gc=False, kw_only=True):
    """A line of the event feed (SSE). `kind` is dotted: `session.started`, `station.booted` ..."""

    kind: str
    subject: str
    at: datetime
    body: dict[str, Any]


class InboxRow(Row, frozen=True, gc=False, kw_only=True):
    """An unknown station that knocked."""

    station: str
    first_seen: datetime
    last_seen: datetime
    attempts: int
    protocol: str | None
    peer: str
    state: str = "waiting"


class QuirkRow(Row, frozen=True, gc=False, kw_only=True):
    """How often a station showed a quirk (gateways/ocpp/quirks). Put: what is to be added; read: what it came to. `tier`: repair,
    accept or reject. The first one of a station and quirk is told as the event `station.quirk`."""

    station: str
    quirk: str
    tier: str
    count: int
    first_at: datetime
    last_at: datetime


class AuditRow(Row, frozen=True, gc=False, kw_only=True):
    """Who did what through the API or the console."""

    at: datetime
    who: str
    action: str
    subject: str
    detail: dict[str, Any]


class VaultRow(Row, frozen=True, gc=False, kw_only=True):
    """A sealed personal value: `cell` is ciphertext, `blind` its index for equality look-up, `key` its wrapped
    data key, which the store keeps in a table of its own (empty once the subject was erased)."""

    ref: str
    kind: str
    blind: bytes
    cell: bytes
    key: bytes = b""


class HoldRow(Row, frozen=True, gc=False, kw_only=True):
    """A reservation on an account with a floor (a wallet), in the ledger. With `outcome` None it is made, pending: what may be
    spent besides gets less; the turn is rejected where that is not there. `posted` finishes it with `journal` of the same
    turn, which takes 1 to `amount_minor` (the rest is free again); `void` and `expired` (not before `expires`) let it go. Each
    hold ends once; its row says the same account and amount again, `at` and `ref` are then those of the end."""

    id: str
    book: str
    account: str
    currency: str
    amount_minor: int
    ref: str
    at: datetime
    expires: datetime | None = None
    outcome: str | None = None
    journal: str | None = None


class PaymentRow(Row, frozen=True, gc=False, kw_only=True):
    """A payment attempt (actors/payment). `purpose`: session, topup or auto_topup. `state`: of actors/payment/phases.py, as
    in MONEY 1.1. `reason`: why it went no further (`evse_claimed`, `sca_refused`, `start_failed`, `card_declined` ...).
    `proof`: what the 3-D Secure gate saw and said. `refunds`: [{id, refund, amount_minor, fee_minor, status, reason, who,
    at}]."""

    id: str
    purpose: str
    state: str
    currency: str
    hold_minor: int
    created_at: datetime
    updated_at: datetime
    limit_minor: int = 0
    cost: Cost | None = None
    captured_minor: int = 0
    refunded_minor: int = 0
    fee_minor: int = 0
    psp_fee_minor: int | None = None
    station: str = ""
    evse: int = 0
    code: str = ""
    merchant: str = ""
    account: str | None = None
    wallet: str = ""
    checkout: str | None = None
    checkout_url: str | None = None
    intent: str | None = None
    charge: str | None = None
    capture_before: datetime | None = None
    session: str | None = None
    transaction_id: str | None = None
    token_ref: str | None = None
    reason: str | None = None
    proof: dict[str, Any] | None = None
    quote: dict[str, Any] | None = None
    refunds: list[dict[str, Any]] = []
    dispute: dict[str, Any] | None = None
    journals: list[str] = []


class WalletRow(Row, frozen=True, gc=False, kw_only=True):
    """A wallet (actors/wallet). `state`: open, blocked, closing or closed. `balance_minor`: the driver's money, `held_minor` of
    it is reserved; `promo_minor`: credit that is not the driver's money; `owed_minor`: what sessions cost beyond it."""

    id: str
    state: str
    currency: str
    balance_minor: int
    held_minor: int
    created_at: datetime
    updated_at: datetime
    promo_minor: int = 0
    owed_minor: int = 0
    owner: str = ""
    session_limit_minor: int | None = None
    auto: dict[str, Any] | None = None
    has_card: bool = False


class WalletLineRow(Row, frozen=True, gc=False, kw_only=True):
    """A line of a wallet's statement. `kind`: topup, session, promo, refund, payout, collected. `amount_minor` signed from the
    driver's side; `balance_minor` after it."""

    wallet: str
    id: str
    at: datetime
    kind: str
    amount_minor: int
    balance_minor: int
    currency: str
    ref: str
    journal: str | None = None
    detail: dict[str, Any] = {}


class MerchantRow(Row, frozen=True, gc=False, kw_only=True):
    """A merchant (actors/merchant). `seller`: as actors/merchant/messages.Seller. `onboarding`: none, started, pending, done or
    disconnected. `terms`: commission, partners and the rest of PutMerchant."""

    id: str
    seller: dict[str, Any]
    terms: dict[str, Any]
    updated_at: datetime
    account: str | None = None
    onboarding: str = "none"
    charges_enabled: bool = False
    payouts_enabled: bool = False
    card_payments: str = "inactive"
    due: list[str] = []
    draining: bool = False
    """It is to be disconnected: no new payment begins on its account."""
    deleted: bool = False


class TransferRow(Row, frozen=True, gc=False, kw_only=True):
    """Money of the brand on its way to an owner or partner (kind `transfer`), or back (`reversal`). `state`: asked, waiting (the
    provider said no for `reason`; it is asked again) or done. `transfer`: the provider's id, of a reversal the one of the
    transfer that it takes back; `refs`: [[what it is for, amount]]; `left_minor`: of a transfer, what was not taken back."""

    id: str
    merchant: str
    kind: str
    role: str
    state: str
    currency: str
    amount_minor: int
    created_at: datetime
    updated_at: datetime
    transfer: str | None = None
    reversal: str | None = None
    left_minor: int = 0
    refs: list[list[Any]] = []
    reason: str | None = None
    journals: list[str] = []


class PayoutRow(Row, frozen=True, gc=False, kw_only=True):
    """A payout from an account with the provider to a bank. `account`: the provider's id, `brand` for the brand's own. `status`:
    pending, in_transit, paid, failed or canceled. `reconciled`: its balance transactions are known, `lines` of them, which
    come to `lines_minor`."""

    id: str
    merchant: str
    account: str
    status: str
    currency: str
    amount_minor: int
    created_at: datetime
    updated_at: datetime
    arrival: datetime | None = None
    automatic: bool = True
    reconciled: bool = False
    lines: int = 0
    lines_minor: int | None = None
    failure: str | None = None
    bank_reference: str | None = None
    journals: list[str] = []


class BalanceLineRow(Row, frozen=True, gc=False, kw_only=True):
    """A movement on an account with the provider (its balance transaction), and what our books say to it. `state`: matched
    (`journals` come to its net), differs (they come to `expected_minor`), doubled (they are another movement's), unmatched,
    resolved (an operator said what it is: `resolved_to`), elsewhere (another tenant's, on a shared account). `corrections`:
    journals that put what is not explained to suspense, and out again, `suspense_minor` being there now. `pending_minor`: what
    `journals` have as pending, `suspense_pending_minor`: what the corrections have; `moved_minor` of both is booked as
    available."""

    account: str
    id: str
    merchant: str
    kind: str
    currency: str
    amount_minor: int
    fee_minor: int
    net_minor: int
    created: datetime
    state: str
    first_seen_at: datetime
    updated_at: datetime
    available_on: datetime | None = None
    source: str | None = None
    about: str | None = None
    payout: str | None = None
    expected_minor: int | None = None
    journals: list[str] = []
    corrections: list[str] = []
    suspense_minor: int = 0
    suspense_pending_minor: int = 0
    pending_minor: int = 0
    moved_minor: int = 0
    resolved_to: str | None = None
    reason: str | None = None


class DocumentRow(Row, frozen=True, gc=False, kw_only=True):
    """A fiscal document. The store gives it the next number of its `series` (legal entity, kind, year) in the very transaction of
    the turn, so numbers have no gaps; `number` is None until then. `id` follows from what it documents, so it is made once.
    `kind`: receipt, invoice or credit_note. `ref`: the session, else what was paid. `customer`: whose it is, a token_ref or
    wallet, empty for nobody we know. `body`: everything it says; without personal data. `corrects`: id of the document that a
    credit note is about, whose amounts are negative."""

    id: str
    seller: str
    kind: str
    series: str
    at: datetime
    ref: str
    currency: str
    gross_minor: int
    body: dict[str, Any]
    corrects: str | None = None
    customer: str = ""
    number: int | None = None
