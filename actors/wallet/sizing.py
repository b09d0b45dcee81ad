"""How much a session asks of a wallet, and at which cost it is stopped with what it got. Pure.

It is the same reckoning as of a card's hold (actors/model/hold.py), but a wallet gives less where it has less: then the session
is stopped the earlier. What still comes due until power is off is owed.
"""

from typing import Any, Literal

import msgspec

from actors.limits import DomainLimits
from actors.model.hold import Hold, HoldError, hold_for
from actors.model.power import power_of
from actors.model.tariff_parse import TariffError, tariff_of
from actors.model.token import Funds, TokenStatus, TokenVerdict
from actors.ports import TariffCard
from actors.wallet.messages import AskHold, HoldGranted


def size(tariff: TariffCard | None, location: dict[str, Any], limits: DomainLimits) -> Hold | None:
    """What a session by this tariff at such a station would have held. None: nobody knows its price, or it has none."""
    if tariff is None:
        return None
    power = power_of(location, None) or limits.hold_power_w
    try:
        return hold_for(tariff_of(tariff.fingerprint, tariff.body), power)
    except (TariffError, HoldError):
        return None


def asked_for(token_ref: str, station: str, session: str, sized: Hold | None) -> AskHold:
    if sized is None:
        return AskHold(token_ref, station, session=session)
    return AskHold(token_ref, station, sized.hold_minor, sized.reserve_minor + 1, session)


def funds_of(granted: HoldGranted, sized: Hold | None) -> Funds:
    """With little money half of it is used, whatever the reserve should be."""
    total = granted.amount_minor + granted.promo_minor
    reserve = 0 if sized is None else sized.reserve_minor + sized.occupancy_minor
    limit = total - min(reserve, total // 2)
    return Funds(limit, granted.hold, granted.amount_minor, granted.promo_minor, granted.funded_by, granted.sponsor)


class Funded(msgspec.Struct, frozen=True, gc=False):
    """What a wallet said: `funds`, or `status` of a token that cannot pay. Neither: it could not be asked."""

    funds: Funds | None = None
    status: TokenStatus | Literal[""] = ""


def with_funds(verdict: TokenVerdict, funded: Funded | None) -> TokenVerdict:
    """The verdict with what there is to pay with. A bound of the token itself holds as well."""
    if funded is None or not verdict.accepted:
        return verdict
    if funded.status:
        return msgspec.structs.replace(verdict, status=funded.status, funds=msgspec.UNSET)
    if funded.funds is None:
        return verdict
    funds, own = funded.funds, verdict.funds
    if isinstance(own, Funds):
        funds = msgspec.structs.replace(funds, limit_minor=min(own.limit_minor, funds.limit_minor))
    return msgspec.structs.replace(verdict, funds=funds)


def without_hold(verdict: TokenVerdict | None) -> TokenVerdict | None:
    """For a session that the hold was not made for."""
    if verdict is None or not isinstance(verdict.funds, Funds) or verdict.funds.hold is None:
        return verdict
    return msgspec.structs.replace(verdict, funds=msgspec.UNSET)
