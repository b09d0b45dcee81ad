"""A merchant as the API shows it and as everybody else reads it in memory. Pure functions."""

from datetime import datetime

import msgspec

from actors.merchant.messages import BRAND, PartnerShare, Seller
from actors.merchant.state import DISCONNECTED, DONE, MerchantState
from actors.model.decision import AddressKey
from actors.model.rows import MerchantRow
from actors.ports import MerchantCard, Snapshots


def merchant_row(here: AddressKey, state: MerchantState, now: datetime) -> MerchantRow:
    terms, seen = state.terms, state.seen
    assert terms is not None, "only a merchant that was put has a row"
    return MerchantRow(
        tenant=here[0],
        id=here[2],
        seller=msgspec.to_builtins(terms.seller),
        terms={
            "commission_percent": terms.commission_percent,
            "commission_vat_percent": terms.commission_vat_percent,
            "sells": terms.sells,
            "partners": [{"partner": share.partner, "percent": share.percent} for share in terms.partners],
            "min_minor": terms.min_minor,
        },
        updated_at=state.changed_at or now,
        account=state.account,
        platform=state.platform,
        onboarding=DONE if here[2] == BRAND else state.onboarding,
        charges_enabled=here[2] == BRAND or (seen is not None and seen.charges_enabled),
        payouts_enabled=here[2] == BRAND or (seen is not None and seen.payouts_enabled),
        card_payments="active" if here[2] == BRAND else (seen.card_payments if seen is not None else "inactive"),
        due=list(seen.due) if seen is not None else [],
        draining=state.draining,
    )


def card_of(row: MerchantRow) -> MerchantCard:
    """`open` as the provider says: that payments are configured on a node is for whoever offers them there."""
    connected = row.account is not None and row.onboarding != DISCONNECTED and not row.draining
    takes = connected and row.charges_enabled and row.card_payments == "active"
    terms = row.terms
    return MerchantCard(
        row.tenant,
        row.id,
        msgspec.convert(row.seller, Seller),
        None if row.id == BRAND else row.account,
        row.id == BRAND or takes,
        str(terms.get("commission_percent", "0")),
        str(terms.get("commission_vat_percent", "19")),
        str(terms.get("sells", "owner")),
        tuple(msgspec.convert(share, PartnerShare) for share in terms.get("partners", ())),
        terms.get("min_minor"),
        row.platform or msgspec.UNSET,
    )


def merchant_at(snapshots: Snapshots, tenant: str, station: str) -> MerchantCard | None:
    """Who sells at a station: the one it names, or whom the tenant's settings name. None: no card payment there."""
    card, brand = snapshots.station(tenant, station), snapshots.tenant(tenant)
    if card is None or brand is None:
        return None
    named = card.merchant or brand.settings.get("merchant")
    return snapshots.merchant(tenant, str(named)) if named else None
