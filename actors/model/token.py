"""idTokens as the domain sees them: a reference, never the UID.

`token_ref` comes from the vault (actors/ports): a keyed pseudonym of the normalised UID. Types are those
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


class Site(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A station at which a token may charge; `evses`: only on these, none named: on all."""

    station: str
    evses: tuple[int, ...] = ()


class Agreed(msgspec.Struct, frozen=True, gc=False):
    """The tariff that a driver was shown and agreed to, as it was in force `at` the click: it rates the session, whatever has
    changed until the station begins (MONEY 2.2)."""

    tariff: str
    at: datetime


class TokenTerms(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a tenant has arranged with a token besides. `sites`: where it may charge, none named: everywhere. `languages`: the
    driver's, preferred one first, at most two. `priority`: -9 to 9 (OCPP 2.x chargingPriority). `limit_minor`: a session is
    stopped before it costs more. `agreed`: by which tariff it is rated, instead of the station's."""

    sites: tuple[Site, ...] = ()
    languages: tuple[str, ...] = ()
    priority: int | None = None
    limit_minor: int | None = None
    agreed: Agreed | None = None


class Funds(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What there is to pay a session with: it is stopped before it costs more than `limit_minor`. `hold`: what a wallet reserved
    for it, `hold_minor` of the wallet's money and `promo_minor` of promo credit, which the brand funds, or `sponsor`."""

    limit_minor: int
    hold: str | None = None
    hold_minor: int = 0
    promo_minor: int = 0
    funded_by: Literal["brand", "sponsor"] = "brand"
    sponsor: str | None = None


class TokenNotes(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a station of 2.x is told of an accepted token besides: the only EVSEs of it on which the token may charge (C01.FR.19),
    and its terms."""

    evses: tuple[int, ...] = ()
    languages: tuple[str, ...] = ()
    priority: int | None = None


class TokenCard(msgspec.Struct, frozen=True, gc=False):
    """What the tenant says of a token. `payment`: "invoice", "free", "wallet:ID", or "attempt:ID" of a one-time token that a card
    payment made."""

    ref: str
    type: TokenType
    status: TokenStatus
    masked: str
    group_ref: str | None = None
    expires: datetime | None = None
    payment: str = "invoice"
    terms: TokenTerms | None = None


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
    funds: Funds | msgspec.UnsetType = msgspec.UNSET
    """Not written where it does not apply: most sessions are paid by invoice."""

    @property
    def accepted(self) -> bool:
        return self.status == "Accepted"

    @property
    def paid_by(self) -> str:
        """`attempt:ID` or `wallet:ID` where one of them pays and has to hear of it; empty for all else."""
        return self.payment if self.payment.startswith(("attempt:", "wallet:")) else ""

    @property
    def liable(self) -> bool:
        """Does who shows this token owe what is delivered? Also without credit, where the token itself is good."""
        return self.status == "Accepted" or (self.status == "NoCredit" and self.payment.startswith("wallet:"))


def judge(card: TokenCard | None, now: datetime, station: str, evse: int | None = None) -> TokenVerdict:
    """The verdict on a token: unknown ones are Unknown (1.6 says Invalid), a past expiry beats Accepted, and so does the wrong
    place. `evse`: where it is about to charge, as far as known."""
    if card is None:
        return TokenVerdict("Unknown")
    status = card.status
    if status == "Accepted" and card.expires is not None and card.expires <= now:
        status = "Expired"
    if status == "Accepted" and card.terms is not None:
        status = status_at(card.terms, station, evse)
    limit = card.terms.limit_minor if card.terms is not None else None
    funds = msgspec.UNSET if limit is None else Funds(limit)
    return TokenVerdict(status, card.expires, None, card.group_ref, card.payment, funds)


def status_at(terms: TokenTerms, station: str, evse: int | None = None) -> TokenStatus:
    """Of a token that may charge somewhere: NotAtThisLocation where it may use no EVSE of the station (C01.FR.21),
    NotAllowedTypeEVSE on another EVSE than those it may use."""
    if not terms.sites:
        return "Accepted"
    site = _site(terms, station)
    if site is None:
        return "NotAtThisLocation"
    return "Accepted" if not evse or not site.evses or evse in site.evses else "NotAllowedTypeEVSE"


def notes_of(card: TokenCard | None, station: str) -> TokenNotes | None:
    """None: there is nothing to say besides the verdict."""
    if card is None or card.terms is None:
        return None
    site = _site(card.terms, station)
    notes = TokenNotes(() if site is None else site.evses, card.terms.languages, card.terms.priority)
    return None if notes == _NO_NOTES else notes


_NO_NOTES = TokenNotes()


def _site(terms: TokenTerms, station: str) -> Site | None:
    return next((site for site in terms.sites if site.station == station), None)
