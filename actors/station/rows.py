"""What a station shows to the outside: its read-model row, its lines in the event feed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from actors.model.rows import EventRow, StationRow
from actors.station.state import StationState


def boot_view(state: StationState) -> dict[str, Any] | None:
    """The last boot as the admin API shows it; None before the first."""
    boot = state.boot
    if boot is None:
        return None
    view: dict[str, Any] = {"status": state.boot_status, "at": state.booted_at}
    for field in boot.__struct_fields__:
        value = getattr(boot, field)
        if value is not None:
            view[field] = value
    return view


def made_of(boot: Mapping[str, Any] | None) -> tuple[str, str, str]:
    """(vendor, model, firmware) of a boot as `boot_view` has it."""
    boot = boot or {}
    return boot.get("vendor", ""), boot.get("model", ""), boot.get("firmware", "")


def station_row(tenant: str, station: str, state: StationState, now: datetime) -> StationRow:
    return StationRow(
        tenant=tenant,
        station=station,
        registered=state.registered,
        evses=state.evses,
        profile=state.profile,
        auth=state.secret,
        versions=state.versions,
        tariff=state.tariff,
        location=state.location,
        boot=boot_view(state),
        updated_at=now,
        deleted=not state.registered,
        auth_next=state.next_secret,
        profile_next=state.next_profile,
        serial=state.serial or ((state.boot.serial or state.boot.box_serial) if state.boot is not None else None),
        merchant=state.merchant,
    )


def event(tenant: str, station: str, kind: str, now: datetime, **body: Any) -> EventRow:
    return EventRow(tenant=tenant, kind=kind, subject=station, at=now, body=body)
