"""What an actor may ask the database before it decides (in `prepare`), and the transaction numbers it takes from it. What the
admin API asks is another port: `queries.py`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import msgspec

from actors.model.matching import KnownStation
from actors.model.platforms import INSTALLATION
from actors.model.rows import BalanceLineRow, BookRow, VariableRow, VaultRow

if TYPE_CHECKING:
    from actors.merchant.matching import Booked, Subject


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
    platform: str = INSTALLATION


class OpenOn(msgspec.Struct, frozen=True, gc=False):
    """So many attempts of a tenant hold money on this platform account, or may come to hold some."""

    tenant: str
    platform: str
    payments: int


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

    async def attempt_of_intent(self, account: str | None, intent: str, platform: str = INSTALLATION) -> tuple[str, str] | None:
        """(tenant, payment attempt) of the provider's intent on `account` (None: the platform account itself), made by
        `platform`; None: nobody's."""
        ...

    async def attempt_of_checkout(
        self, account: str | None, checkout: str, platform: str = INSTALLATION
    ) -> tuple[str, str] | None: ...
    async def silent_attempts(self, before: datetime, after: tuple[str, str], limit: int) -> Sequence[SilentAttempt]:
        """Attempts that have waited for the provider since `before`, over all tenants; in a stable order those behind `after`
        (tenant and attempt)."""
        ...

    async def merchant_of_account(self, account: str, platform: str | None = INSTALLATION) -> tuple[str, str] | None:
        """(tenant, merchant) whose account it is, connected to `platform` (None: to any); None: nobody's."""
        ...

    async def open_payments(
        self, tenant: str, account: str, after: str, limit: int, platform: str = INSTALLATION
    ) -> Sequence[str]:
        """Attempts on this account that hold money, or may come to hold some, in order of their ids, those after `after`."""
        ...

    async def open_by_platform(self) -> Sequence[OpenOn]:
        """Of all tenants, by the platform account on which they are."""
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
