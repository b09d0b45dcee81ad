"""What a station answers itself: admission, boots, statuses, administration. Pure functions.

Transaction messages are admitted from any registered station, whatever its boot was answered: they are facts, and a
station that gets no answer to one repeats it for ever (PROTOCOLS 2.5). `routing.py` forwards them; `commands.py` is
the lane towards the station.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import msgspec

from actors.certificates import messages as certificates
from actors.charging import messages as charging
from actors.device import messages as device
from actors.display import messages as display
from actors.evse.messages import Provision
from actors.limits import DomainLimits
from actors.model.decision import NOTHING, AddressKey, Decision, Letter, Refused, Timer
from actors.model.ids import DEVICE, evse_address, sibling_address
from actors.ports import TenantCard
from actors.reservation import messages as reservation
from actors.station import facts as f
from actors.station import messages as m
from actors.station.letters import BootsWanted, FirmwareProgress, Greet, StationBooted
from actors.station.rows import event, station_row
from actors.station.state import StationState, apply, identity_of

DONE = Decision(reply=m.Done())

ADMITTED: dict[type, frozenset[str | None]] = {
    # While Pending a station sends what we trigger (quirk 19); authorisations wait for acceptance.
    m.Heartbeat: frozenset({"Accepted", "Pending"}),
    m.ConnectorStatus: frozenset({"Accepted", "Pending"}),
    m.DataTransferred: frozenset({"Accepted", "Pending"}),
    m.FirmwareStatus: frozenset({"Accepted", "Pending"}),
    m.LogStatus: frozenset({"Accepted", "Pending"}),
    m.PublishFirmwareStatus: frozenset({"Accepted", "Pending"}),
    m.SecurityEvent: frozenset({"Accepted", "Pending"}),
    m.CustomerReportPart: frozenset({"Accepted", "Pending"}),
    m.Authorize: frozenset({"Accepted"}),
    # What siblings own: while Pending the parts of what we asked for, and a new certificate (A02: it may be why).
    device.ReportPart: frozenset({"Accepted", "Pending"}),
    device.MonitoringPart: frozenset({"Accepted", "Pending"}),
    device.EventsPart: frozenset({"Accepted", "Pending"}),
    charging.ProfilesPart: frozenset({"Accepted", "Pending"}),
    display.DisplayPart: frozenset({"Accepted", "Pending"}),
    certificates.CsrReceived: frozenset({"Accepted", "Pending"}),
    charging.LimitNotified: frozenset({"Accepted"}),
    charging.LimitCleared: frozenset({"Accepted"}),
    charging.ChargingNeeds: frozenset({"Accepted"}),
    charging.EvSchedule: frozenset({"Accepted"}),
    reservation.ReservationStatus: frozenset({"Accepted"}),
    certificates.OcspAsked: frozenset({"Accepted"}),
    certificates.ContractAsked: frozenset({"Accepted"}),
    # Facts: from any registered station.
    m.TransactionStart: frozenset({"Accepted", "Pending", "Rejected", None}),
    m.TransactionMeter: frozenset({"Accepted", "Pending", "Rejected", None}),
    m.TransactionStop: frozenset({"Accepted", "Pending", "Rejected", None}),
    m.TransactionEvent: frozenset({"Accepted", "Pending", "Rejected", None}),
}
"""Which answer to the last boot admits a message (None: never booted). PROTOCOLS 2.4."""


class Station(msgspec.Struct, frozen=True, gc=False):
    """Which station this is: read from the actor's address."""

    tenant: str
    id: str


def refusal(state: StationState, message: type, invited: Collection[type] | None = None) -> m.NotAdmitted | None:
    """None when the station may send this now. `invited`: of a 2.x station, what we asked it for; without acceptance it may
    send nothing else (B02.FR.09, B03.FR.07) but the events of its transactions."""
    if not state.registered:
        return m.NotAdmitted("SecurityError", "this station is not registered")
    status = state.boot_status
    if invited is None or message is m.TransactionEvent:
        admitted = status in ADMITTED[message]
    else:
        admitted = status == "Accepted" or (status == "Pending" and message in invited)
    if admitted:
        return None
    if status is None:
        return m.NotAdmitted("SecurityError", "a BootNotification comes first")
    return m.NotAdmitted("SecurityError", f"the last BootNotification was answered {status}")


def boot_status(tenant: TenantCard) -> str:
    """Accepted, unless the tenant's setting `boot` says "Pending" or "Rejected"."""
    return str(tenant.settings.get("boot", "Accepted"))


def news_of_boot(state: StationState, boot: m.Boot, protocol: str) -> tuple[bool, bool] | None:
    """(first, changed) where siblings hear of this boot, once it is accepted; None for an ordinary one."""
    known, first = state.accepted_as, not state.greeted
    changed = known is not None and known != identity_of(boot, protocol)
    waited_for = bool(state.boots_wanted or state.standing)
    if first and state.greeting and not changed and not waited_for:
        return None  # the greeting of the boot before is on its way, and nobody waits for this one
    return (first, changed) if first or changed or waited_for else None


def decide_boot(
    here: Station,
    state: StationState,
    boot: m.Boot,
    tenant: TenantCard | None,
    now: datetime,
    limits: DomainLimits,
    protocol: str = "",
    greet_at: datetime | None = None,
    renewing: AddressKey | None = None,
) -> Decision:
    """`greet_at`: when the siblings are to hear of it (`news_of_boot`), None: not at all. `renewing`: its certificate is
    good for no more than getting another one; it is kept Pending, and this keeper of certificates has it renewed
    (A00.FR.429, .806, .807)."""
    if not state.registered or tenant is None:
        return Decision(reply=m.BootReply("Rejected", limits.pending_boot_interval, now))
    status = boot_status(tenant)
    if renewing is not None and status == "Accepted":
        status = "Pending"
    if status == "Accepted":
        interval = tenant.settings.get("heartbeat_interval", limits.heartbeat_interval)
    else:
        interval = limits.pending_boot_interval
    told = news_of_boot(state, boot, protocol) if greet_at is not None else None
    fact = f.Booted(boot, status, now, protocol, told is not None)
    after = apply(state, fact)
    rows = (
        station_row(here.tenant, here.id, after, now),
        event(here.tenant, here.id, "station.booted", now, status=status, vendor=boot.vendor, model=boot.model),
    )
    timers: tuple[Timer, ...] = ()
    if told is not None:
        booted = StationBooted(protocol, boot.vendor, boot.model, boot.firmware, boot.reason, *told, now, boot)
        timers = (Timer("greet", greet_at, Greet(booted)),)
    letters = [Letter(renewing, certificates.RenewalDue(at_once=True))] if renewing is not None else []
    if status == "Accepted" and state.update is not None:
        progress = FirmwareProgress(state.update.order, here.id, "Booted", now, boot.firmware)
        letters.append(Letter(state.update.by, progress))
    reply = m.BootReply(status, interval, now)
    return Decision(facts=(fact,), rows=rows, timers=timers, letters=letters, reply=reply)


def decide_greet(
    here: Station, state: StationState, greet: Greet, kinds: Iterable[str], told: Iterable[str], now: datetime
) -> Decision:
    """Tell the siblings that exist (`kinds`): those of `told` of news, and whoever asked for this boot."""
    if not state.registered:
        return Decision(facts=(f.Greeted(now),))
    booted = greet.booted
    wanted = {*state.boots_wanted, *state.standing} | (set(told) if booted.first or booted.changed else set())
    letters = [Letter(sibling_address(here.tenant, kind, here.id), booted) for kind in sorted(wanted & set(kinds))]
    return Decision(facts=(f.Greeted(now),), letters=letters)


def decide_boots_wanted(state: StationState, message: BootsWanted) -> Decision:
    known = state.standing if message.standing else state.boots_wanted
    if (message.kind in known) == message.wanted:
        return NOTHING
    return Decision(facts=(f.BootsWanted(message.kind, message.wanted, message.standing),))


def decide_status(here: Station, state: StationState, told: m.ConnectorStatus, now: datetime, limits: DomainLimits) -> Decision:
    """Of the station itself (1.6 connector 0); an older one than what is known changes nothing (quirk 18)."""
    at = told.at if told.at is not None and told.at <= now + limits.status_future else now
    known = state.status
    fact = f.StatusTold(
        told.status, told.detail, at, now, told.error, told.info, told.vendor_id, told.vendor_error,
        known is not None and at < known.at,
    )  # fmt: skip
    if (
        known is not None
        and known.at == at
        and (known.status, known.detail, known.error)
        == (
            told.status,
            told.detail,
            told.error,
        )
    ):
        return DONE
    line = event(here.tenant, here.id, "station.status", now, status=told.status, detail=told.detail, error=told.error)
    return Decision(facts=(fact,), rows=(line,), reply=m.Done())


def decide_unregistered_evse(here: Station, told: m.ConnectorStatus, known: m.UnregisteredEvse | None, now: datetime) -> Decision:
    """Of an EVSE that the operator forgot to register: answered, since stations repeat a refused status or boot again
    (quirks 6, 16, 22), and shown where it is news."""
    if known is not None and (known.status, known.detail, known.error) == (told.status, told.detail, told.error):
        return DONE
    line = event(
        here.tenant, here.id, "station.status", now,
        evse=told.evse, status=told.status, detail=told.detail, error=told.error, flag="unknown_evse",
    )  # fmt: skip
    return Decision(rows=(line,), reply=m.Done())


def decide_register(here: Station, state: StationState, message: m.Register, fresh: Sequence[str], now: datetime) -> Decision:
    """Create or change. `fresh`: permanent codes for EVSEs that never had one, made by the shell (randomness)."""
    if message.evses < 1:
        return Decision(reply=Refused("invalid", "a station has at least one EVSE", "evses"))
    secret = state.secret if message.keep_secret else message.secret
    codes = (*state.codes, *fresh)
    fact = f.Registered(
        message.evses,
        message.profile,
        secret if message.profile in (1, 2) else None,
        tuple(message.versions),
        message.tariff,
        dict(message.location),
        codes,
        message.who,
        now,
        state.serial if message.keep_secret else message.serial,
        message.merchant,
    )
    after = apply(state, fact)
    kind = "station.changed" if state.registered else "station.registered"
    rows = (station_row(here.tenant, here.id, after, now), event(here.tenant, here.id, kind, now, evses=message.evses))
    letters = [
        Letter(evse_address(here.tenant, here.id, n), Provision(codes[n - 1], n <= message.evses))
        for n in range(1, max(message.evses, state.evses) + 1)
        if not state.registered or not (n <= state.evses and n <= message.evses)
    ]
    reply = m.Registered(not state.registered, codes[: message.evses])
    return Decision(facts=(fact,), rows=rows, letters=letters, reply=reply)


def codes_missing(state: StationState, message: m.Register) -> int:
    return max(0, message.evses - len(state.codes))


def decide_unregister(here: Station, state: StationState, message: m.Unregister, open_sessions: int, now: datetime) -> Decision:
    if not state.registered:
        return Decision(reply=Refused("unknown", "there is no such station"))
    if open_sessions:
        return Decision(reply=Refused("active", f"{open_sessions} session(s) of this station are still open"))
    fact = f.Unregistered(message.who, now)
    after = apply(state, fact)
    rows = (
        station_row(here.tenant, here.id, after, now),
        event(here.tenant, here.id, "station.unregistered", now),
    )
    letters = [
        Letter(evse_address(here.tenant, here.id, n), Provision(state.codes[n - 1], present=False))
        for n in range(1, state.evses + 1)
    ]
    settled = [(command.id, "unknown") for command in state.commands]
    timers = (Timer("greet", None),) if state.greeting else ()
    return Decision(facts=(fact,), rows=rows, letters=letters, timers=timers, settled=settled, reply=m.Done())


def decide_callback(here: Station, state: StationState, told: m.Callback, now: datetime) -> Decision:
    if not state.registered:
        return Decision(reply=m.NotAdmitted("SecurityError", "this station is not registered"))
    if told.address is None or told.address == state.callback:
        return Decision(reply=m.CallbackKnown(state.callback))
    line = event(here.tenant, here.id, "station.callback", now, address=told.address)
    return Decision(facts=(f.CallbackTold(told.address, now),), rows=(line,), reply=m.CallbackKnown(told.address))


def decide_hand_over(here: Station, state: StationState, now: datetime) -> Decision:
    """To the keeper of the device model, what a station of an older release kept itself."""
    if not state.variables:
        return NOTHING
    letter = Letter(sibling_address(here.tenant, DEVICE, here.id), device.Inherited(state.variables))
    return Decision(facts=(f.VariablesHandedOver(now),), letters=(letter,))


def decide_unattributed(state: StationState, meter: m.TransactionMeter, now: datetime, flags: tuple[str, ...] = ()) -> Decision:
    """Meter values of no session and no EVSE of ours."""
    readings = meter.readings
    if not readings or state.unattributed == (readings[0].at, meter.content):
        return DONE
    fact = f.Unattributed(meter.evse, meter.connector, meter.number, readings, meter.content, now, (*meter.flags, *flags))
    return Decision(facts=(fact,), reply=m.Done())
