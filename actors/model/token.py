"""idTokens as the domain sees them: a reference, never the UID.

`token_ref` comes from the vault (actors/ports.py): a keyed pseudonym of the normalised UID. Types are those
of OCPP 2.x IdTokenEnum; a 1.6 idTag matches any type. Statuses are those of OCPP AuthorizationStatusEnum.
"""

from datetime import datetime
from typing import Literal

import msgspec

TokenStatus = Literal[
    "Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx",
    "NoCredit", "NotAllowedTypeEVSE", "NotAtThisLocation", "NotAtThisTime", "Unknown",
]  # fmt: skip
TokenType = Literal[
    "Central", "eMAID", "ISO14443", "ISO15693", "KeyCode", "Local", "MacAddress", "NoAuthorization",
]  # fmt: skip


class IdToken(msgspec.Struct, frozen=True, gc=False):
    """A token as presented: `ref` for facts; `masked` ("04A2…81") for people; `type` as far as known."""

    ref: str
    masked: str
    type: TokenType = "ISO14443"


class TokenCard(msgspec.Struct, frozen=True, gc=False):
    """What the tenant says of a token. `payment`: "invoice", "free" or "wallet:ID"."""

    ref: str
    type: TokenType
    status: TokenStatus
    masked: str
    group_ref: str | None = None
    expires: datetime | None = None
    payment: str = "invoice"


class TokenVerdict(msgspec.Struct, frozen=True, gc=False):
    """What we decided about a token at a moment, copied into the facts that rest on it.

    `group` is the parentIdTag/groupIdToken in plain text. It never gets into a fact: only the gateway fills it in, in
    a reply on its way out.
    """

    status: TokenStatus
    expires: datetime | None = None
    group: str | None = None
    group_ref: str | None = None
    payment: str = "invoice"

    @property
    def accepted(self) -> bool:
        return self.status == "Accepted"


def judge(card: TokenCard | None, now: datetime) -> TokenVerdict:
    """The verdict on a token: unknown ones are Unknown (1.6 says Invalid), a past expiry beats Accepted."""
    if card is None:
        return TokenVerdict("Unknown")
    status = card.status
    if status == "Accepted" and card.expires is not None and card.expires <= now:
        status = "Expired"
    return TokenVerdict(status, card.expires, None, card.group_ref, card.payment)
