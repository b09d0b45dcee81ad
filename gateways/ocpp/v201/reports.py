"""Reports that a station of an older version cannot make, made by the centre in 2.0.1 words from its own book (PROTOCOLS 5.2)."""

from collections.abc import Iterable
from typing import Any

import msgspec

from actors.model.composite import Held, is_asked
from actors.model.intents import GetChargingProfiles
from gateways.ocpp.mapping import engine
from gateways.ocpp.mapping.shapes_v201 import PROFILE

_TOLD = msgspec.structs.replace(
    PROFILE,
    fields=tuple(msgspec.structs.replace(field, codec=None) if field.name == "purpose" else field for field in PROFILE.fields),
)
"""A profile that is told may be anybody's; one that is set must be ours."""


def charging_profiles(asked: GetChargingProfiles, book: Iterable[Held]) -> list[dict[str, Any]]:
    """The ReportChargingProfiles messages that would answer `asked`, one an EVSE and source; [] where none is held."""
    groups: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for held in book:
        if is_asked(asked, held):
            written = msgspec.to_builtins(engine.write(_TOLD, held.profile, []))
            groups.setdefault((held.evse, held.source), []).append(written)
    reports = [
        {"requestId": asked.request_id, "chargingLimitSource": source, "evseId": evse, "chargingProfile": profiles}
        for (evse, source), profiles in sorted(groups.items())
    ]
    return [*({**report, "tbc": True} for report in reports[:-1]), *reports[-1:]]
