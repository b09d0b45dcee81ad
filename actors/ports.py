"""What the domain and the edges need from outside, as small Protocols. Storage implements them, config hands
them to the actors and gateways that ask for them. No tenant actor stands in a station's hot path: cards are
versioned snapshots in memory, at most 5 s stale after a change made on another node.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from actors.merchant.messages import PartnerShare, Seller
from actors.model.matching import KnownStation
from actors.model.rows import (
    BalanceLineRow,
    BookRow,
    DocumentRow,
    MerchantRow,
    PaymentRow,
    PayoutRow,
    QuirkRow,
    Row,
    VariableRow,
    VaultRow,
    WalletRow,
)
from actors.model.token import IdToken, TokenCard

if TYPE_CHECKING:
    from actors.merchant.matching import Booked, Subject
    from actors.station.messages import OcspRequest


class TenantCard(msgspec.Struct, frozen=True, gc=False):
    tenant: str
    currency: str
    country: str
    time_zone: str
    unknown_stations: str
    """refuse, inbox or accept."""
    settings: dict[str, Any] = {}


class StationCard(msgspec.Struct, frozen=True, gc=False):
    """What the listener must know before the upgrade. `secret` is keyed BLAKE2b of a generated password, with
    salt (see actors/station/auth.py); profile 0 has none. `next_secret` and `next_profile` (0: none) are good as well while
    the station changes to them; `serial` is the number that a client certificate may name; `made` what its last boot on
    this node said: (vendor, model, firmware), by which its quirks are known before its actor is asked."""

    tenant: str
    station: str
    profile: int
    secret: bytes | None
    versions: tuple[str, ...]
    evses: int
    tariff: str | None
    location: dict[str, Any] = {}
    next_secret: bytes | None = None
    next_profile: int = 0
    serial: str | None = None
    made: tuple[str, str, str] = ("", "", "")
    merchant: str | None = None
    """Who sells here and is paid, as the station says; None: whoever the tenant's settings name (merchant/rows.merchant_at)."""


class MerchantCard(msgspec.Struct, frozen=True, gc=False):
    """A merchant as the pay page, the payments and the sessions need it. `account` None: the brand's own. Percentages as decimal
    text, of the gross; `open`: the provider lets it take cards now (whether payments are configured on a node at all is known
    to its payment gateway)."""

    tenant: str
    id: str
    seller: Seller
    account: str | None
    open: bool
    commission_percent: str = "0"
    commission_vat_percent: str = "19"
    sells: str = "owner"
    partners: tuple[PartnerShare, ...] = ()
    min_minor: int | None = None


class AuthorityCard(msgspec.Struct, frozen=True, gc=False):
    """Whom a tenant trusts. `chain`: the PEM of its own CA, the issuing one first, the root last; empty before there is one.
    `trusted`: (use, PEM) of other CAs, `use` being one of actors/authority/messages.USES. `revoked`: fingerprints
    (actors/model/certificate.py) of certificates that are not accepted any more."""

    tenant: str
    chain: tuple[str, ...] = ()
    trusted: tuple[tuple[str, str], ...] = ()
    revoked: frozenset[str] = frozenset()

    def anchors(self, use: str) -> tuple[str, ...]:
        """PEM of the CAs for one use; our own signs stations."""
        own = self.chain if use == "station" else ()
        return (*own, *(pem for kind, pem in self.trusted if kind == use))


class TariffCard(msgspec.Struct, frozen=True, gc=False):
    """One version of a tariff, frozen into a session at its start by `fingerprint`."""

    tenant: str
    id: str
    version: int
    valid_from: datetime
    fingerprint: str
    currency: str
    body: dict[str, Any]


class Snapshots(Protocol):
    """Cards in memory: look-ups are synchronous and cost no I/O. `put_*` and `drop_*` are called after a commit."""

    def tenant(self, tenant: str) -> TenantCard | None: ...
    def token(self, tenant: str, ref: str) -> TokenCard | None: ...
    def tariff(self, tenant: str, tariff_id: str, at: datetime) -> TariffCard | None:
        """The version in force at `at`."""
        ...

    def station(self, tenant: str, station: str) -> StationCard | None: ...
    def group(self, tenant: str, ref: str) -> VaultRow | None:
        """The sealed text of a group that some token of the tenant has."""
        ...

    def put_group(self, row: VaultRow) -> None: ...
    def authority(self, tenant: str) -> AuthorityCard | None: ...
    def authorities(self) -> Sequence[AuthorityCard]:
        """All of them, the same object until one changes: a listener trusts whom any tenant trusts before it knows for which
        tenant a station comes."""
        ...

    def put_authority(self, card: AuthorityCard) -> None: ...
    def merchant(self, tenant: str, merchant: str) -> MerchantCard | None: ...
    def put_merchant(self, card: MerchantCard) -> None: ...
    def drop_merchant(self, tenant: str, merchant: str) -> None: ...
    def put_tenant(self, card: TenantCard) -> None: ...
    def put_token(self, tenant: str, card: TokenCard) -> None: ...
    def drop_token(self, tenant: str, ref: str) -> None: ...
    def put_tariff(self, card: TariffCard) -> None: ...
    def drop_tariff(self, tenant: str, tariff_id: str) -> None: ...
    def put_station(self, card: StationCard) -> None: ...
    def drop_station(self, tenant: str, station: str) -> None: ...


class Numbers(Protocol):
    """Transaction numbers (1.6 transactionId): positive 32-bit, unique over all stations, never reused."""

    async def take(self) -> int:
        """Normally from a reserved block in memory. Raises runtime StoreAway when none is left and the
        database is away."""
        ...


class NumberedSession(msgspec.Struct, frozen=True, gc=False):
    """`transaction_id` as the station knows it; empty, like `started_at`, where only the route was asked for."""

    number: int
    session: str
    station: str
    evse: int
    connector: int
    open: bool
    transaction_id: str = ""
    started_at: datetime | None = None


class SilentAttempt(msgspec.Struct, frozen=True, gc=False):
    tenant: str
    attempt: str
    account: str | None


class Lookups(Protocol):
    """The few questions an actor may ask the database (in `prepare`, before deciding)."""

    async def session_by_number(self, tenant: str, number: int) -> NumberedSession | None: ...
    async def session_by_transaction(self, tenant: str, station: str, transaction_id: str) -> NumberedSession | None:
        """The session of a 2.x transaction, by the station's own id of it."""
        ...

    async def open_sessions(self, tenant: str, station: str) -> Sequence[NumberedSession]: ...
    async def sealed_tokens(self, tenant: str, refs: Sequence[str]) -> Sequence[VaultRow]:
        """The texts of these token references, sealed; erased and unknown ones are left out."""
        ...

    async def variables(self, tenant: str, station: str, component: str) -> Sequence[VariableRow]:
        """What is known of one component (of the station, not of an EVSE)."""

    async def book(self, tenant: str, station: str, book: str, limit: int) -> Sequence[BookRow]:
        """The first entries of a book, in order of their keys."""
        ...

    async def known_stations(
        self, tenant: str, after: str, limit: int, names: Sequence[str] | None = None
    ) -> Sequence[KnownStation]:
        """Registered stations in order of their names, those after `after`; only of `names`, where given."""
        ...

    async def attempt_of_intent(self, account: str | None, intent: str) -> tuple[str, str] | None:
        """(tenant, payment attempt) of the provider's intent on `account`, None being the brand's own; None: nobody's."""
        ...

    async def attempt_of_checkout(self, account: str | None, checkout: str) -> tuple[str, str] | None: ...
    async def silent_attempts(self, before: datetime, after: tuple[str, str], limit: int) -> Sequence[SilentAttempt]:
        """Attempts that have waited for the provider since `before`, over all tenants; in a stable order those behind `after`
        (tenant and attempt)."""
        ...

    async def merchant_of_account(self, account: str) -> tuple[str, str] | None:
        """(tenant, merchant) whose connected account it is; None: nobody's."""
        ...

    async def open_payments(self, tenant: str, account: str, after: str, limit: int) -> Sequence[str]:
        """Attempts on this account that hold money, or may come to hold some, in order of their ids, those after `after`."""
        ...

    async def sole_tenant(self) -> str | None:
        """The tenant, where there is only one."""
        ...

    async def lines(self, tenant: str, account: str, ids: Sequence[str]) -> Sequence[BalanceLineRow]:
        """What was said of these movements on an account with the payment provider (`brand`: the brand's own)."""
        ...

    async def unsettled_lines(self, tenant: str, account: str, after: str, now: datetime, limit: int) -> Sequence[BalanceLineRow]:
        """Those not explained, and those that have become available; in order of their ids."""
        ...

    async def behind(self, ids: Sequence[str]) -> "Mapping[str, Subject]":
        """Payments and transfers of any tenant by the provider's ids of them."""
        ...

    async def booked(self, tenant: str, book: str, account: str, journals: Sequence[str]) -> "Mapping[str, Booked]":
        """Of those journals that there are and that touch 1100 or 1110 of this account: what they did to it."""
        ...

    async def account_sums(self, tenant: str, book: str, account: str) -> Mapping[str, int]:
        """By currency: what our books have on 1100 and 1110 of an account, and what of it is other tenants'."""
        ...


class Vault(Protocol):
    """Personal data behind references. Synchronous: only cryptography, no I/O."""

    def token(self, tenant: str, uid: str, type: str | None = None) -> IdToken:
        """The reference of a token UID (normalised: trimmed, upper case). Keyed, stable, not reversible."""
        ...

    def seal(self, tenant: str, ref: str, kind: str, plain: str) -> VaultRow: ...
    def open(self, row: VaultRow) -> str: ...


class AuthorityMaterial(msgspec.Struct, frozen=True, gc=False):
    """A tenant's own CA. `chain`: PEM, issuing first; `sealed`: the private keys as PEM, in the same order, under the
    deployment key."""

    chain: tuple[str, ...]
    sealed: tuple[VaultRow, ...]


class SigningRequest(msgspec.Struct, frozen=True, gc=False):
    """`id`: the same for the same wish, so that a repeated one gives the same certificate; `csr`: PEM, judged already."""

    id: str
    tenant: str
    station: str
    csr: str
    type: str
    at: datetime


class SigningRefused(Exception):
    """The CA will not sign this, now or later; the text says why. Anything else that `sign` raises is tried again."""


class StationAuthority(Protocol):
    """The CA behind stations' certificates: our own, or one outside (EST)."""

    async def sign(self, request: SigningRequest) -> str:
        """The signed chain as PEM, leaf first. Raises SigningRefused. Never blocks the loop."""
        ...


class ContractVerdict(msgspec.Struct, frozen=True, gc=False):
    """`status`: 2.x AuthorizeCertificateStatusEnum, but for what the token itself adds; `emaid` as the certificate has it."""

    status: str
    emaid: str | None = None


class Pki(Protocol):
    """What actors need of certificates that takes time: cryptography off the loop, and the world outside."""

    def signs(self, tenant: str, type: str) -> bool:
        """Is there a CA for certificates of this type?"""
        ...

    async def make_authority(self, tenant: str, name: str, at: datetime) -> AuthorityMaterial: ...
    async def judge_contract(
        self, tenant: str, certificate: str | None, chain: Sequence["OcspRequest"], at: datetime
    ) -> ContractVerdict: ...
    async def ocsp(self, request: "OcspRequest", at: datetime) -> bytes | None:
        """The responder's answer as it came (DER); None when there is none."""
        ...

    async def contract_certificate(self, tenant: str, schema: str, action: str, exi: str) -> str | None:
        """The answer of the tenant's contract certificate pool, base64; None when it has none, or there is no pool."""
        ...


class PspEvent(msgspec.Struct, frozen=True, gc=False):
    """What is kept of a webhook of the payment provider: which object changed, by ids, and nothing personal. `endpoint`:
    account or connect; `account`: whose event it is, None: the brand's own."""

    id: str
    endpoint: str
    account: str | None
    type: str
    created: datetime
    api_version: str | None
    livemode: bool
    subject: dict[str, str]


class WaitingPspEvent(msgspec.Struct, frozen=True, gc=False):
    """`state`: waiting, done or parked; `attempt`: how often it was taken."""

    event: PspEvent
    state: str
    attempt: int
    received_at: datetime
    error: str | None = None


class PspInbox(Protocol):
    """Webhooks between their acknowledgement and their effect. All of it raises runtime StoreAway when the database is away."""

    async def put(self, event: PspEvent) -> bool:
        """Returns when it is committed; False: it was there already."""
        ...

    async def take(self, limit: int, lease: float) -> Sequence[WaitingPspEvent]:
        """The next ones due, oldest first. They come again after `lease` seconds unless something is said of them."""
        ...

    async def done(self, ids: Sequence[str]) -> None: ...
    async def retry(self, ids: Sequence[str], seconds: float, error: str) -> None: ...
    async def park(self, ids: Sequence[str], error: str) -> None:
        """Not tried any more until somebody says `unpark`."""
        ...

    async def unpark(self, id: str) -> bool: ...
    async def listed(self, state: str, limit: int) -> Sequence[WaitingPspEvent]:
        """Oldest first."""
        ...

    async def counts(self) -> dict[str, int]:
        """How many wait, and how many are parked."""
        ...

    async def prune(self, before: datetime, limit: int) -> int:
        """Forget what was done with before; how many."""
        ...


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


class Queries(Protocol):
    """What the admin API reads: rows of actors/model/rows.py and what is named here. `cursor` is opaque; every
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

    async def missing_lines(self, tenant: str, since: datetime, before: datetime) -> "Sequence[MissingLine]":
        """Journals of that time on an account with the provider that no movement there is matched with, oldest first, so many."""
        ...

    async def events(self, tenant: str | None, kinds: Sequence[str], after: str | None, limit: int) -> Page:
        """StoredEvent in commit order, below the snapshot horizon; `next` resumes after the last one."""
        ...

    async def last_event(self) -> str | None:
        """The id to resume `events` after in order to see only what happens from now on; None on an empty feed."""
        ...

    async def audit(self, tenant: str, limit: int, cursor: str | None) -> Page:
        """AuditRow, newest first."""
        ...

    async def vault_row(self, tenant: str, ref: str) -> VaultRow | None: ...


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


class TraceRow(msgspec.Struct, frozen=True, gc=False):
    """One OCPP frame as it went over the wire, redacted, `direction` in or out; with it, where it was known when the row was
    made, the frame that answered it. The columns of table `trace`, in its order. `Queries.messages` shows every frame alone."""

    tenant: str
    station: str
    at: datetime
    direction: str
    protocol: str
    message_type: str
    action: str
    unique_id: str
    body: str
    error: str | None = None
    correlation: str = ""
    answered_at: datetime | None = None
    answer_type: str = ""
    answer: str = ""
    answer_error: str | None = None

    def frames(self) -> "Sequence[TraceRow]":
        """The frame, and the answer as a row of its own."""
        if self.answered_at is None:
            return (self,)
        asked = msgspec.structs.replace(self, answered_at=None, answer_type="", answer="", answer_error=None)
        answer = msgspec.structs.replace(
            asked, at=self.answered_at, direction="out" if self.direction == "in" else "in", message_type=self.answer_type,
            body=self.answer, error=self.answer_error,
        )  # fmt: skip
        return asked, answer


class Sink(Protocol):
    """Rows that gate nothing, batched and dropped first when the database is slow (traces, last-seen, inbox,
    audit, refused connections). Never blocks."""

    def put(self, row: Row | TraceRow) -> None: ...


class ApiToken(msgspec.Struct, frozen=True, kw_only=True):
    """A bearer token of the admin API, without its secret: `hash` is keyed BLAKE2b of the generated token
    (gateways/web/identity.py), unique over the installation. `tenant` None: the platform owner's. `role`: "admin"
    may change things, "viewer" may read."""

    id: str
    tenant: str | None
    name: str
    role: str
    hash: bytes
    created_at: datetime
    expires: datetime | None = None
    revoked_at: datetime | None = None


class ApiTokens(Protocol):
    """Who may speak to the admin API. Storage keeps them in a table of their own (`api_token`, and an in-memory
    twin); every method raises runtime StoreAway when the database is away."""

    async def find(self, hash: bytes) -> ApiToken | None:
        """By hash, revoked and expired ones included (the caller judges)."""
        ...

    async def get(self, id: str) -> ApiToken | None: ...
    async def create(self, token: ApiToken) -> None:
        """Idempotent by id."""
        ...

    async def revoke(self, id: str, at: datetime) -> bool:
        """False when there is none, or it is revoked already. The row stays, for the audit log."""
        ...

    async def list(self, tenant: str | None) -> Sequence[ApiToken]:
        """Those of one tenant, or (None) those of the platform owner, oldest first; revoked ones included."""
        ...
