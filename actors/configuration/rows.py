"""What is shown of a station's configuration: an entry for each setting, one for the whole, and lines about drift."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from actors.configuration.state import APPLIED, DRIFTED, PENDING, REBOOT, REFUSED, UNKNOWN, ConfigurationState, Kept
from actors.device.rows import where
from actors.model.decision import AddressKey
from actors.model.device import key_for_variable
from actors.model.rows import BookRow, EventRow
from actors.model.settings import Setting

BOOK = "configuration"
"""One entry a setting; the whole stands under `SUMMARY`."""
SUMMARY = "configuration_summary"
KEY = "summary"
_WORST = (PENDING, DRIFTED, REFUSED, REBOOT, UNKNOWN, APPLIED)


def summary(state: ConfigurationState) -> dict[str, Any]:
    counts = state.counts()
    worst = next((name for name in _WORST if counts.get(name)), UNKNOWN if not state.version else APPLIED)
    return {
        "template": state.template,
        "version": state.version,
        "enforce": state.enforce,
        "source": state.source,
        "state": worst,
        "counts": {name: counts.get(name, 0) for name in _WORST},
    }


def setting_body(setting: Setting, kept: Kept) -> dict[str, Any]:
    return {
        **where(setting.ref),
        "key": key_for_variable(setting.ref),
        "attribute": setting.attribute,
        "wanted": setting.value,
        "actual": kept.actual,
        "state": kept.state,
        "status": kept.status,
        "since": kept.since,
    }


def rows(here: AddressKey, before: ConfigurationState, after: ConfigurationState, now: datetime) -> Iterable[Any]:
    """What changed between the two."""
    for key in before.kept:
        if key not in after.kept:
            yield _entry(here, BOOK, key, {}, now, deleted=True)
    for key, kept in after.kept.items():
        body = setting_body(after.settings[key], kept)
        if key not in before.kept or body != setting_body(before.settings[key], before.kept[key]):
            yield _entry(here, BOOK, key, body, now)
    if not after.template:
        if before.template:
            yield _entry(here, SUMMARY, KEY, {}, now, deleted=True)
    elif summary(after) != summary(before):
        yield _entry(here, SUMMARY, KEY, summary(after), now)


def _entry(here: AddressKey, book: str, key: str, body: dict[str, Any], now: datetime, *, deleted: bool = False) -> BookRow:
    return BookRow(tenant=here[0], station=here[2], book=book, key=key, body=body, updated_at=now, deleted=deleted)


def drift(here: AddressKey, before: ConfigurationState, after: ConfigurationState, most: int, now: datetime) -> EventRow | None:
    """Settings that were as they should be, and are not any more; and, where nothing is put right, those that never were."""
    found = [
        {"setting": key, "wanted": after.settings[key].value, "actual": kept.actual}
        for key, kept in after.kept.items()
        if _has_drifted(before.kept.get(key), kept)
    ]
    if not found:
        return None
    body = {"template": after.template, "settings": found[:most], "count": len(found)}
    return EventRow(tenant=here[0], kind="station.drift", subject=here[2], at=now, body=body)


def _has_drifted(before: Kept | None, after: Kept) -> bool:
    if after.state == DRIFTED:
        return before is None or before.state != DRIFTED or before.actual != after.actual
    return after.state == PENDING and before is not None and before.state == APPLIED
