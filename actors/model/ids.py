"""Ids that are computed, not invented, so that a retry reaches the same actor.

A session's id is a function of its station and of the natural key of its start (DESIGN 3): the retried
StartTransaction of a station is *routed* to the session that the first one made, whatever the message id.
"""

import hashlib
from datetime import UTC, datetime

from actors.model.decision import AddressKey

TENANT = "tenant"
STATION = "station"
EVSE = "evse"
SESSION = "session"
DEVICE = "device"
CHARGING = "charging"
DISPLAY = "display"
RESERVATION = "reservation"
LOCAL_LIST = "local_list"
CERTIFICATES = "certificates"
AUTHORITY = "authority"
CAMPAIGN = "campaign"
TEMPLATE = "template"
CONFIGURATION = "configuration"
PAYMENT = "payment"
WALLET = "wallet"
MERCHANT = "merchant"


def tenant_address(tenant: str) -> AddressKey:
    return (tenant, TENANT, tenant)


def authority_address(tenant: str) -> AddressKey:
    """The keeper of a tenant's certificate authority."""
    return (tenant, AUTHORITY, tenant)


def template_address(tenant: str, template: str) -> AddressKey:
    return (tenant, TEMPLATE, template)


def campaign_address(tenant: str, campaign: str) -> AddressKey:
    return (tenant, CAMPAIGN, campaign)


def payment_address(tenant: str, attempt: str) -> AddressKey:
    """One payment attempt: a card that pays a session, or tops a wallet up."""
    return (tenant, PAYMENT, attempt)


def wallet_address(tenant: str, wallet: str) -> AddressKey:
    return (tenant, WALLET, wallet)


def merchant_address(tenant: str, merchant: str) -> AddressKey:
    """Who sells and is paid: an owner of stations with a connected account, or the brand itself."""
    return (tenant, MERCHANT, merchant)


def station_address(tenant: str, station: str) -> AddressKey:
    return (tenant, STATION, station)


def evse_address(tenant: str, station: str, evse: int) -> AddressKey:
    """EVSE `evse` (1..n) of a station; its id reads `station#n`."""
    return (tenant, EVSE, f"{station}#{evse}")


def sibling_address(tenant: str, kind: str, station: str) -> AddressKey:
    """The keeper of one of a station's books (DEVICE, CHARGING ...): its id is the station's."""
    return (tenant, kind, station)


def session_address(tenant: str, session: str) -> AddressKey:
    return (tenant, SESSION, session)


def digest(*parts: object) -> str:
    """24 lower-case hex digits over the parts; times are normalised to UTC microseconds."""
    joined = "\x1f".join(_plain(part) for part in parts)
    return hashlib.blake2b(joined.encode(), digest_size=12).hexdigest()


def _plain(part: object) -> str:
    if isinstance(part, datetime):
        return part.astimezone(UTC).isoformat(timespec="microseconds")
    return str(part)


def session_id_for_start(station: str, connector: int, token_ref: str, meter_start_wh: int, at: datetime, n: int = 0) -> str:
    """Session of a 1.6 StartTransaction. `n` > 0: the same key again after the n-th such session had stopped."""
    return "s" + digest("start", station, connector, token_ref, meter_start_wh, at, n)


def session_id_for_transaction(station: str, transaction_id: str, n: int = 0) -> str:
    """Session of a 2.x transaction: the station made its id. `n` > 0: the same id again after the n-th had ended."""
    return "s" + (digest("transaction", station, transaction_id, n) if n else digest("transaction", station, transaction_id))


def session_id_for_repeated_start(station: str, number: int) -> str:
    """Session of a start whose key has had all its generations: its number is fresh, so this is nobody else's."""
    return "s" + digest("repeated start", station, number)


def session_id_for_stray_stop(station: str, number: int, at: datetime, meter_stop_wh: int, token_ref: str | None) -> str:
    """Session that keeps a stop which belongs to no known start, for an operator to resolve."""
    return "x" + digest("stop", station, number, at, meter_stop_wh, token_ref)
