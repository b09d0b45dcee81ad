"""What the domain and the edges need from outside, as small Protocols: storage and the gateways implement them, config hands
them to whoever asks for them.

`cards.py` is what lies in memory, `lookups.py` what an actor asks the database before it decides, `queries.py` what the admin
API shows; `traces.py` what is written without gating a reply, `access.py` who may call the API, `vault.py` personal data,
`pki.py` certificates, `psp.py` the payment provider's webhooks.
"""

from actors.ports.access import ApiToken, ApiTokens
from actors.ports.cards import AuthorityCard, MerchantCard, Snapshots, StationCard, TariffCard, TenantCard
from actors.ports.lookups import Lookups, NumberedSession, Numbers, OpenOn, SilentAttempt
from actors.ports.pki import AuthorityMaterial, ContractVerdict, Pki, SigningRefused, SigningRequest, StationAuthority
from actors.ports.psp import EventName, PspEvent, PspInbox, WaitingPspEvent
from actors.ports.queries import (
    BooksAudit,
    BooksFinding,
    DocumentSum,
    InvalidCursor,
    MissingLine,
    Page,
    Queries,
    StoredEvent,
    TrialLine,
)
from actors.ports.traces import Sink, TraceRow
from actors.ports.vault import Vault

__all__ = [
    "ApiToken",
    "ApiTokens",
    "AuthorityCard",
    "AuthorityMaterial",
    "BooksAudit",
    "BooksFinding",
    "ContractVerdict",
    "DocumentSum",
    "EventName",
    "InvalidCursor",
    "Lookups",
    "MerchantCard",
    "MissingLine",
    "NumberedSession",
    "Numbers",
    "OpenOn",
    "Page",
    "Pki",
    "PspEvent",
    "PspInbox",
    "Queries",
    "SigningRefused",
    "SigningRequest",
    "SilentAttempt",
    "Sink",
    "Snapshots",
    "StationAuthority",
    "StationCard",
    "StoredEvent",
    "TariffCard",
    "TenantCard",
    "TraceRow",
    "TrialLine",
    "Vault",
    "WaitingPspEvent",
]
