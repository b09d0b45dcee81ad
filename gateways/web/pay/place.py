"""Where a driver stands: what a code in a QR means now, and whether one can charge there by card.

Nothing here starts, holds or reserves anything, so that a page can be opened by anybody at any time.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from actors.merchant.messages import BRAND, Seller
from actors.merchant.rows import merchant_at
from actors.model.afir import fit, lint
from actors.model.display import Shown, shown
from actors.model.hold import Hold, HoldError, HoldTerms, hold_for
from actors.model.ids import station_address
from actors.model.limits import ASSUMED_MAX_POWER_W
from actors.model.power import power_of
from actors.model.rows import EvseRow
from actors.model.tariff_parse import TariffError, tariff_of
from actors.ports import MerchantCard, StationCard, TariffCard, TenantCard
from actors.station.messages import LiveStation, Look
from gateways.web import limits
from gateways.web.env import WebEnv
from runtime.errors import ActorError
from runtime.store import StoreAway

FREE = "free"
"""The place can be used, now."""
UNDER_WAY = frozenset(("Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"))
"""What a 1.6 connector says while somebody charges, or has not taken the cable away."""
_UNFIT = {"Faulted": "faulted", "Unavailable": "unavailable", "Reserved": "reserved"}


class Offer(msgspec.Struct, frozen=True):
    """What one may agree to: the price, what is held for it, and who sells."""

    tariff: TariffCard
    shown: Shown
    hold: Hold
    merchant: MerchantCard


class Place(msgspec.Struct, frozen=True):
    """`status`: FREE, occupied, claimed, reserved, faulted, unavailable, offline or unknown. `offer` None: one cannot pay here by
    card, `refusal` says why: unregistered, no_tariff (none at all, or none that may be paid ad hoc), free_of_charge, not_open.
    `power_w` None: nobody told it."""

    tenant: TenantCard
    code: str
    station: str
    evse: int
    connectors: tuple[int, ...]
    location: Mapping[str, Any]
    time_zone: str
    status: str
    plugged: bool
    power_w: int | None
    offer: Offer | None
    refusal: str
    merchant: MerchantCard | None

    @property
    def open(self) -> bool:
        return self.status == FREE and self.offer is not None


async def find_place(env: WebEnv, tenant: TenantCard, code: str, now: datetime) -> Place | None:
    """None: no EVSE of the tenant carries this code. Raises StoreAway."""
    row = await env.queries.evse_by_code(tenant.tenant, code)
    if row is None:
        return None
    card = env.snapshots.station(tenant.tenant, row.station)
    merchant = merchant_at(env.snapshots, tenant.tenant, row.station)
    offer, refusal = _offer(env, tenant, card, row, merchant, now)
    location = card.location if card is not None else {}
    return Place(
        tenant=tenant,
        code=code,
        station=row.station,
        evse=row.evse,
        connectors=tuple(int(part.get("id", n)) for n, part in enumerate(row.connectors, start=1)),
        location=location,
        time_zone=str(location.get("time_zone") or tenant.time_zone),
        status=await _status(env, card, row),
        plugged=row.status == "Occupied" and row.detail not in UNDER_WAY and row.session is None,
        power_w=power_of(location, row.evse),
        offer=offer,
        refusal=refusal,
        merchant=merchant,
    )


def seller_of(env: WebEnv, merchant: MerchantCard) -> Seller:
    """Who is the seller of record: the merchant, or the brand where it sells in its own name at the merchant's stations."""
    if merchant.sells == "brand":
        brand = env.snapshots.merchant(merchant.tenant, BRAND)
        return merchant.seller if brand is None else brand.seller
    return merchant.seller


def address_of(location: Mapping[str, Any]) -> str:
    """Name, street and town on one line, as far as the operator told them."""
    town = " ".join(str(location[part]) for part in ("postal_code", "city") if location.get(part))
    return ", ".join(part for part in (str(location.get("name") or ""), str(location.get("address") or ""), town) if part)


def status_of(row: EvseRow, online: bool) -> str:
    """What an EVSE's row says to somebody who wants to charge. A cable that is plugged in is the driver's own, as long as no
    session sits there."""
    if not online:
        return "offline"
    if row.session is not None or row.detail in UNDER_WAY:
        return "occupied"
    if row.claimed:
        return "claimed"
    if row.status in _UNFIT:
        return _UNFIT[row.status]
    return FREE if row.status in ("Available", "Occupied") else "unknown"


async def _status(env: WebEnv, card: StationCard | None, row: EvseRow) -> str:
    if card is None or row.evse > card.evses:
        return "unavailable"  # taken away; the sticker is still there
    online = False
    try:
        live = await env.system.ask(station_address(card.tenant, card.station), Look(), deadline=limits.LOOK_SECONDS)
        online = isinstance(live, LiveStation) and live.online
    except (ActorError, StoreAway):
        found = await env.queries.station(card.tenant, card.station)
        online = found is not None and found[1] is not None and found[1].online
    return status_of(row, online)


def _offer(
    env: WebEnv, tenant: TenantCard, card: StationCard | None, row: EvseRow, merchant: MerchantCard | None, now: datetime
) -> tuple[Offer | None, str]:
    """The offer, or why there is none."""
    if card is None or row.evse > card.evses:
        return None, "unregistered"
    tariff = env.snapshots.tariff(tenant.tenant, card.tariff, now) if card.tariff else None
    if tariff is None:
        return None, "no_tariff"
    try:
        parsed = tariff_of(tariff.fingerprint, tariff.body)
    except TariffError:
        return None, "no_tariff"
    seen, power = shown(parsed), power_of(card.location, row.evse)
    if not fit(lint(parsed, power, _deployed(card.location))) or not seen.determinable:
        return None, "no_tariff"
    try:
        hold = hold_for(parsed, power or ASSUMED_MAX_POWER_W, hold_terms(tenant))
    except HoldError as error:
        return None, "free_of_charge" if error.code == "free" else "no_tariff"
    if merchant is None or not env.takes_cards(merchant):
        return None, "not_open"
    return Offer(tariff, seen, hold, merchant), ""


def hold_terms(tenant: TenantCard) -> HoldTerms:
    """What the tenant's settings say of holds."""
    given = {name: tenant.settings.get(f"hold_{name}") for name in ("default_minor", "most_minor", "occupancy_s")}
    return HoldTerms(**{name: value for name, value in given.items() if type(value) is int})


def _deployed(location: Mapping[str, Any]) -> date | None:
    """Since when the point stands, where the operator's `deployed` says so: older ones are judged less strictly."""
    try:
        return date.fromisoformat(str(location.get("deployed") or ""))
    except ValueError:
        return None
