"""What an answer, an event or a boot says of single variables: pure functions from a model to what changed in it.

Names are put into the spelling that is kept before they are compared. What there is no room for is counted, not kept.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from actors.device.messages import DeviceEvent, ReportedDevice
from actors.device.packs import Model, variable_key
from actors.model.device import Variable, from_boot, is_secret, merge, reported_whole
from actors.model.intents import AnyIntent, CommandResult, ReportedVariable, SetVariable, SetVariables, VariableRef
from actors.station.messages import Boot


class Room:
    """How many more variables the model takes."""

    def __init__(self, model: Model, count: int, most: int) -> None:
        self._model = model
        self._left = most - count
        self.refused = 0

    def takes(self, ref: VariableRef) -> bool:
        if self._model.known(ref) is not None:
            return True
        if self._left <= 0:
            self.refused += 1
            return False
        self._left -= 1
        return True


def whole(model: Model, room: Room, told: Iterable[ReportedDevice]) -> tuple[list[Variable], list[Variable]]:
    """(all that a report's part mentions, those of them that are news). The model is changed on the way: a part may name a
    variable twice."""
    mentioned, news = [], []
    for report in told:
        ref = model.canonical(report.ref)
        before = model.known(ref)
        if before is None and not room.takes(ref):
            continue
        if before is not None and ref.key_1_6 is None:
            ref = before.ref
        after = reported_whole(ref, report.attributes, report.characteristics, before)
        mentioned.append(after)
        if after != before:
            news.append(after)
            model.put(after, 0)
    return mentioned, news


def values(model: Model, room: Room, told: Iterable[ReportedVariable]) -> list[Variable]:
    """What single values change. Of what the station refused, nothing is kept."""
    reports = [msgspec.structs.replace(report, ref=model.canonical(report.ref)) for report in told if report.status == "Accepted"]
    news = [msgspec.structs.replace(v, ref=model.canonical(v.ref)) for v in merge(model, reports)]
    return [variable for variable in news if room.takes(variable.ref)]


def keys(model: Model, room: Room, told: Sequence[ReportedVariable]) -> tuple[list[Variable], list[Variable]]:
    """(every 1.6 key that the station has, those that are news): `told` are all of them."""
    news = values(model, room, told)
    changed = {variable_key(variable.ref): variable for variable in news}
    mentioned = []
    for report in told:
        ref = model.canonical(report.ref)
        known = changed.pop(variable_key(ref), None) or model.known(ref)
        if known is not None:
            mentioned.append(known)
    return [*mentioned, *changed.values()], news


def of_boot(model: Model, boot: Boot) -> list[Variable]:
    said = from_boot(
        vendor=boot.vendor,
        model=boot.model,
        serial=boot.serial,
        firmware=boot.firmware,
        iccid=boot.iccid,
        imsi=boot.imsi,
        meter_type=boot.meter_type,
        meter_serial=boot.meter_serial,
    )
    return [variable for variable in said if model.known(variable.ref) != variable]


def revealed(intent: AnyIntent, result: CommandResult) -> tuple[ReportedVariable, ...]:
    """What an answer says of values: those it reports, and the one that a station accepted."""
    if isinstance(intent, SetVariable) and result.status == "Accepted":
        return (*result.variables, ReportedVariable(intent.ref, intent.value, attribute=intent.attribute))
    return result.variables


def reboot_needed(intent: AnyIntent, result: CommandResult) -> list[SetVariable]:
    """Settings that the station took for after its next reboot, each with the value that was wanted."""
    settings: tuple[SetVariable, ...] = ()
    if isinstance(intent, SetVariable):
        settings = (intent,)
        if result.status == "RebootRequired":
            return [intent]
    elif isinstance(intent, SetVariables):
        settings = intent.settings
    waiting = {(variable_key(told.ref), told.attribute) for told in result.variables if told.status == "RebootRequired"}
    return [setting for setting in settings if (variable_key(setting.ref), setting.attribute) in waiting]


def values_of(events: Iterable[DeviceEvent]) -> list[ReportedVariable]:
    return [ReportedVariable(event.ref, event.actual) for event in events]


def shown(event: DeviceEvent, longest: int) -> DeviceEvent:
    """An event as it may be kept."""
    changes: dict[str, Any] = {}
    if is_secret(event.ref):
        changes["actual"] = ""
    elif len(event.actual) > longest:
        changes["actual"] = event.actual[:longest]
    if event.tech_info is not None and len(event.tech_info) > longest:
        changes["tech_info"] = event.tech_info[:longest]
    return msgspec.structs.replace(event, **changes) if changes else event
