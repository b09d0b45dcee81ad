"""What the keeper asks its station for: the full inventory at the first connect and after a change (B07.FR.14), the keys of
a 1.6 station, monitors after their base was set, values after a reboot. Pure functions.

All of it goes as orders through the station's lane. An inventory that fails or breaks off is asked for again a few
times, longer apart each time.
"""

from datetime import datetime

import msgspec

from actors.device import facts as f
from actors.device import messages as m
from actors.device.state import Asked, DeviceState
from actors.limits import DomainLimits
from actors.model import intents as i
from actors.model.decision import AddressKey, Decision, Letter, Timer
from actors.model.feed import event
from actors.model.ids import DEVICE, digest, station_address
from actors.station.letters import BootsWanted, Order, StationBooted

NEVER = ("unsupported", "NotSupported", "NotImplemented")
"""Reasons after which nothing is gained by asking again."""
INVENTORY = "inventory"
KEYS = "keys"


class Wish(msgspec.Struct, frozen=True):
    """An order and what we remember of it."""

    fact: f.Ordered
    letter: Letter


def wish(here: AddressKey, purpose: str, intent: i.AnyIntent, now: datetime, limits: DomainLimits, attempt: int = 1) -> Wish:
    id = f"{purpose}-{digest(here[2], purpose, now, attempt)}"
    order = Order(id, now + limits.inventory_after, here, intent)
    return Wish(f.Ordered(id, purpose, now, attempt), Letter(station_address(here[0], here[2]), order))


def wants_boots(here: AddressKey) -> Letter:
    return Letter(station_address(here[0], here[2]), BootsWanted(DEVICE))


WORDS: dict[str, i.AnyIntent] = {INVENTORY: i.GetBaseReport("FullInventory"), KEYS: i.GetVariables()}


def is_asked(state: DeviceState) -> bool:
    return any(asked.purpose in WORDS for asked in state.asked)


def order(here: AddressKey, state: DeviceState, protocol: str, now: datetime, limits: DomainLimits) -> Wish | None:
    """The inventory in the words of the protocol; None while one waits for the station already."""
    if is_asked(state):
        return None
    purpose = INVENTORY if protocol.startswith("ocpp2") else KEYS
    return wish(here, purpose, WORDS[purpose], now, limits)


def confirm(here: AddressKey, state: DeviceState, booted: StationBooted, now: datetime, limits: DomainLimits) -> Wish | None:
    """Did the station take what waited for its reboot? An inventory says it as well."""
    if booted.first or booted.changed:
        return None
    waited = [pending for pending in state.pending if pending.at < booted.at]
    if not waited:
        return None
    refs = tuple(pending.ref for pending in waited)
    attributes = tuple(pending.attribute for pending in waited)
    if all(attribute == "Actual" for attribute in attributes):
        attributes = ()
    return wish(here, "values", i.GetVariables(refs, attributes), now, limits)


def again(state: DeviceState, purpose: str, now: datetime, limits: DomainLimits) -> list[Timer]:
    """A timer for the next attempt, while there are some left."""
    if state.attempts >= limits.inventory_attempts:
        return []
    return [Timer("inventory", now + limits.inventory_pause * max(1, state.attempts), m.InventoryDue(purpose))]


def decide_failed(
    here: AddressKey, state: DeviceState, asked: Asked, reason: str, now: datetime, limits: DomainLimits
) -> Decision:
    """What a station cannot do at all is not asked again; its next change of firmware is another matter."""
    timers: list[Timer] = []
    if asked.purpose in WORDS and reason not in NEVER:
        timers = again(state, asked.purpose, now, limits)
    line = event(here, "station.inventory", now, purpose=asked.purpose, status=reason, again=bool(timers))
    return Decision(facts=(f.OrderSettled(asked.order, reason, now),), rows=(line,), timers=timers)
