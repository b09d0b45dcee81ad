"""What is shown of a station's configuration: an entry for each setting, one for the whole, and lines about drift."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from actors.configuration.state import APPLIED, DRIFTED, PENDING, REBOOT, REFUSED, UNKNOWN, ConfigurationState, Kept
from actors.device.rows import where
from actors.model.books import entry
from actors.model.decision import AddressKey
from actors.model.device import key_for_variable
from actors.model.feed import event
from actors.model.rows import EventRow
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
            yield entry(here, BOOK, key, None, now)
    for key, kept in after.kept.items():
        body = setting_body(after.settings[key], kept)
        if key not in before.kept or body != setting_body(before.settings[key], before.kept[key]):
            yield entry(here, BOOK, key, body, now)
    if not after.template:
        if before.template:
            yield entry(here, SUMMARY, KEY, None, now)
    elif summary(after) != summary(before):
        yield entry(here, SUMMARY, KEY, summary(after), now)


def drift(here: AddressKey, before: ConfigurationState, after: ConfigurationState, most: int, now: datetime) -> EventRow | None:
    """Settings that were as they should be, and are not any more; and, where nothing is put right, those that never were."""
    found = [
        {"setting": key, "wanted": after.settings[key].value, "actual": kept.actual}
        for key, kept in after.kept.items()
        if _has_drifted(before.kept.get(key), kept)
    ]
    if not found:
        return None
    return event(here, "station.drift", now, template=after.template, settings=found[:most], count=len(found))


def _has_drifted(before: Kept | None, after: Kept) -> bool:
    if after.state == DRIFTED:
        return before is None or before.state != DRIFTED or before.actual != after.actual
    return after.state == PENDING and before is not None and before.state == APPLIED
