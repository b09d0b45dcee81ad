"""A brand's settings: every key there is, with its type. A misspelt one is refused with the nearest that exists, since a
setting that nobody reads would look as if it were in force."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated, Any, Literal

import msgspec

Interval = Annotated[int, msgspec.Meta(ge=10, le=86_400)]
Minor = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]


class TenantSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """`boot`: what a station's BootNotification is answered. `heartbeat_interval`: seconds. `require_subprotocol`: a
    connection that offers none is closed. `inventory`: a station's device model is read whole at its first boot and after a
    change (on by default). `country_code` and `party_id`: the CPO's OCPI identity. `cpo_name`: the operator's
    name, which certificates of its stations must carry (O). `expired_certificates`: whether a station whose certificate has
    expired is let in as Pending to renew it, or refused (as without this setting). `charging_priority`: what a station of OCPP
    2.x is told with every accepted token (0 is normal). `transaction_gap_timeout`: seconds that missing events of an ended
    2.x transaction are waited for before it is billed, or left to an operator, without
    them (1800). Of card payments: `merchant`: who sells, and is paid, at stations that name no merchant of their own;
    `sca_allow_attempted`: a European card whose issuer could not authenticate but vouches is taken (on by default);
    `sca_outside_eea`: whether a card from elsewhere is taken without 3-D Secure, `sca_outside_eea_hold_minor`: up to which
    hold, in minor units (5000). `hold_default_minor`: what is held on a card as a rule (as much as a usual charge at the EVSE
    costs), `hold_most_minor`: more is never held, `hold_occupancy_s`: how long a vehicle that was stopped may still be charged
    for its place (1800)."""

    boot: Literal["Accepted", "Pending", "Rejected"] | None = None
    charging_priority: Annotated[int, msgspec.Meta(ge=-9, le=9)] | None = None
    heartbeat_interval: Interval | None = None
    require_subprotocol: bool | None = None
    inventory: bool | None = None
    transaction_gap_timeout: Interval | None = None
    country_code: Annotated[str, msgspec.Meta(pattern="^[A-Za-z]{2}$")] | None = None
    cpo_name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    merchant: Annotated[str, msgspec.Meta(min_length=1, max_length=63)] | None = None
    expired_certificates: Literal["pending", "refuse"] | None = None
    party_id: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9]{3}$")] | None = None
    sca_allow_attempted: bool | None = None
    sca_outside_eea: Literal["accept", "refuse"] | None = None
    sca_outside_eea_hold_minor: Minor | None = None
    hold_default_minor: Minor | None = None
    hold_most_minor: Minor | None = None
    hold_occupancy_s: Annotated[int, msgspec.Meta(ge=0, le=86_400)] | None = None


_FIELDS = {field.encode_name: field.type for field in msgspec.structs.fields(TenantSettings)}


def wrong_settings(settings: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(pointer, what is wrong) of each setting that is unknown or of another type."""
    for key, value in settings.items():
        pointer = "/settings/" + key.replace("~", "~0").replace("/", "~1")
        if key not in _FIELDS:
            near = get_close_matches(key, _FIELDS, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(_FIELDS))}"
            yield pointer, f"there is no such setting; {hint}"
            continue
        try:
            msgspec.convert(value, _FIELDS[key])
        except msgspec.ValidationError as error:
            yield pointer, str(error)
