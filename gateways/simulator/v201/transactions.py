"""Transactions of a 2.0.1 station: when one starts and stops by TxStartPoint and TxStopPoint, and what it tells meanwhile.

An EVSE reaches and leaves *points*: a car is connected, somebody is authorised, the power path is closed, energy flows. A
transaction starts when one of the start points is reached and ends when one of the stop points that had been reached is left;
everything between is an Updated event. Events are queued like flash memory keeps them: in order, numbered, never lost.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from gateways.simulator.clock import wire_time
from gateways.simulator.memory import Pending
from gateways.simulator.physics.sampling import samples
from gateways.simulator.physics.schedule import TRANSACTION
from gateways.simulator.v201.memory import Evse, Transaction

if TYPE_CHECKING:
    from gateways.simulator.v201.station import Station201

Payload = dict[str, Any]
KEPT_MOST = 100
"""Readings that the last event carries at most."""

STOPS: dict[str, tuple[str, str]] = {
    "Local": ("StopAuthorized", "Local"),
    "Remote": ("RemoteStop", "Remote"),
    "EVDisconnected": ("EVCommunicationLost", "EVDisconnected"),
    "DeAuthorized": ("Deauthorized", "DeAuthorized"),
    "PowerLoss": ("AbnormalCondition", "PowerLoss"),
    "EmergencyStop": ("AbnormalCondition", "EmergencyStop"),
    "Other": ("AbnormalCondition", "Other"),
    "HardReset": ("ResetCommand", "ImmediateReset"),
    "SoftReset": ("ResetCommand", "Reboot"),
    "Reboot": ("ResetCommand", "Reboot"),
    "UnlockCommand": ("UnlockCommand", "Other"),
    "EnergyLimitReached": ("EnergyLimitReached", "EnergyLimitReached"),
    "TimeLimitReached": ("TimeLimitReached", "TimeLimitReached"),
    "SOCLimitReached": ("ChargingStateChanged", "SOCLimitReached"),
    "StoppedByEV": ("ChargingStateChanged", "StoppedByEV"),
}
"""Why a driver or the scenario stops -> trigger and stopped reason."""


def points(evse: Evse) -> frozenset[str]:
    found = set()
    if evse.plugged:
        found |= {"EVConnected", "ParkingBayOccupancy"}
    if evse.token is not None:
        found.add("Authorized")
        if evse.plugged:
            found.add("PowerPathClosed")
            if evse.flowing:
                found.add("EnergyTransfer")
    return frozenset(found)


def charging_state(evse: Evse) -> str:
    if not evse.plugged:
        return "Idle"
    if not evse.meter.drawing:
        return "EVConnected"
    if evse.meter.offered_w <= 0:
        return "SuspendedEVSE"
    battery = evse.meter.battery
    return "SuspendedEV" if evse.meter.paused or (battery is not None and battery.full) else "Charging"


def advance(station: Station201, evse: Evse, trigger: str, stopped: str = "Local", *, end: bool = False) -> Pending | None:
    """Something changed at an EVSE: start, update or end its transaction as its points say (`end`: whatever they say)."""
    before, evse.reached = evse.reached, points(evse)
    model, transaction = station.model, evse.transaction
    if transaction is None:
        if (evse.reached - before) & set(model.members("TxCtrlr", "TxStartPoint")):
            return _start(station, evse, trigger)
        return None
    if end or (before - evse.reached) & set(model.members("TxCtrlr", "TxStopPoint")):
        return _end(station, evse, transaction, trigger, stopped)
    _note_state(station, evse, transaction)
    return event(station, evse, transaction, "Updated", trigger)


def energize(station: Station201, evse: Evse) -> Pending | None:
    """Let energy flow where everything is ready for it, stop it where it is not; what changed is told."""
    real = station.clock.real()
    ready = evse.plugged and evse.token is not None
    if ready and not evse.meter.drawing:
        evse.meter.begin(real)
    elif not ready and evse.meter.drawing:
        evse.meter.end(real)
    return show_flow(station, evse)


def show_flow(station: Station201, evse: Evse) -> Pending | None:
    """The charging state, told when it is another than before."""
    state = charging_state(evse)
    flowing = state == "Charging"
    if flowing == evse.flowing and (evse.transaction is None or evse.transaction.state == state):
        return None
    evse.flowing = flowing
    full = evse.meter.battery is not None and evse.meter.battery.full
    return advance(station, evse, "ChargingStateChanged", "StoppedByEV" if full or evse.meter.paused else "Other")


def _start(station: Station201, evse: Evse, trigger: str) -> Pending:
    real = station.clock.real()
    number = str(uuid.UUID(int=station.rng.getrandbits(128), version=4))
    transaction = Transaction(number, real, evse.meter.read(real))
    transaction.next_sample, transaction.next_kept = station.next_sample(), station.next_kept()
    transaction.remote_start_id, evse.remote_start_id = evse.remote_start_id, None
    evse.transaction = transaction
    _note_state(station, evse, transaction)
    first = reading(station, evse, "SampledDataCtrlr", "TxEndedMeasurands", "Transaction.Begin")
    transaction.readings = [first] if first else []
    if transaction.remote_start_id is not None:
        trigger = "RemoteStart"
    station.stir()
    return event(station, evse, transaction, "Started", trigger)


def _end(station: Station201, evse: Evse, transaction: Transaction, trigger: str, stopped: str) -> Pending:
    evse.meter.end(station.clock.real())
    evse.flowing = False
    _note_state(station, evse, transaction)
    pending = event(station, evse, transaction, "Ended", trigger, stopped)
    transaction.ended = True
    transaction.energy_wh = evse.meter.read(station.clock.real()) - transaction.meter_start
    evse.transaction, evse.token = None, None
    evse.reached = points(evse)
    station.profiles = {
        number: held for number, held in station.profiles.items() if held[0].purpose != TRANSACTION or held[0].evse != evse.id
    }
    station.transaction_ended(evse)
    return pending


def _note_state(station: Station201, evse: Evse, transaction: Transaction) -> None:
    state, real = charging_state(evse), station.clock.real()
    if transaction.charging_since is not None and state != "Charging":
        transaction.charged_seconds += (real - transaction.charging_since).total_seconds()
        transaction.charging_since = None
    elif transaction.charging_since is None and state == "Charging":
        transaction.charging_since = real
    transaction.state = state


def event(
    station: Station201, evse: Evse, transaction: Transaction, kind: str, trigger: str, stopped: str | None = None
) -> Pending:
    """One TransactionEvent into the queue."""
    info: Payload = {"transactionId": transaction.id, "chargingState": transaction.state}
    payload: Payload = {
        "eventType": kind,
        "timestamp": wire_time(station.clock.now()),
        "triggerReason": trigger,
        "seqNo": transaction.seq_no,
        "transactionInfo": info,
    }
    transaction.seq_no += 1
    if not station.is_online:
        payload["offline"] = True
    if kind == "Started" or trigger == "CablePluggedIn":
        payload["evse"] = {"id": evse.id, "connectorId": 1}
        if evse.plugged:
            payload["numberOfPhasesUsed"], payload["cableMaxCurrent"] = 3, 32
    if stopped is not None:
        info["stoppedReason"] = stopped
        since = transaction.charging_since
        more_seconds = (station.clock.real() - since).total_seconds() if since is not None else 0.0
        info["timeSpentCharging"] = int(transaction.charged_seconds + more_seconds)
    if transaction.remote_start_id is not None:
        info["remoteStartId"], transaction.remote_start_id = transaction.remote_start_id, None
    _tell_token(station, evse, transaction, payload)
    if values := _values(station, evse, transaction, kind, trigger):
        payload["meterValue"] = values
    return station.queue("TransactionEvent", payload, transaction)


def _tell_token(station: Station201, evse: Evse, transaction: Transaction, payload: Payload) -> None:
    """The token once, in the event in which it was presented, and a second time where it stops."""
    if evse.token is not None and not transaction.token_told:
        transaction.token, transaction.token_told = evse.token, True
        payload["idToken"] = evse.token
        reservation = station.take_reservation(evse)
        if reservation is not None:
            payload["reservationId"] = reservation
    elif payload["triggerReason"] == "StopAuthorized" and transaction.token is not None:
        payload["idToken"] = transaction.token


def _values(station: Station201, evse: Evse, transaction: Transaction, kind: str, trigger: str) -> list[Payload]:
    if kind == "Started":
        found = [reading(station, evse, "SampledDataCtrlr", "TxStartedMeasurands", "Transaction.Begin")]
    elif kind == "Ended":
        last = reading(station, evse, "SampledDataCtrlr", "TxEndedMeasurands", "Transaction.End")
        found = [*transaction.readings, last]
    elif trigger == "MeterValuePeriodic":
        found = [reading(station, evse, "SampledDataCtrlr", "TxUpdatedMeasurands", "Sample.Periodic")]
    elif trigger == "MeterValueClock":
        found = [reading(station, evse, "AlignedDataCtrlr", "Measurands", "Sample.Clock")]
    elif trigger == "Trigger":
        found = [reading(station, evse, "SampledDataCtrlr", "TxUpdatedMeasurands", "Trigger")]
    else:
        found = []
    return [value for value in found if value is not None]


def reading(station: Station201, evse: Evse, controller: str, measurands: str, context: str) -> Payload | None:
    """A MeterValueType of what this variable lists; None when that is nothing, or its controller is off."""
    if not station.model.flag(controller, "Enabled"):
        return None
    values = []
    for sample in samples(evse.meter, station.model.members(controller, measurands), station.clock.real()):
        value: Payload = {"value": sample.value, "context": context, "measurand": sample.measurand}
        value["unitOfMeasure"] = {"unit": sample.unit}
        if sample.phase is not None:
            value["phase"] = sample.phase
        values.append(value)
    return {"timestamp": wire_time(station.clock.now()), "sampledValue": values} if values else None


def deauthorize(station: Station201, transaction: Transaction) -> None:
    """The central system does not want this one: StopTxOnInvalidId says whether the transaction ends with the energy."""
    for evse in station.connectors:
        if evse.transaction is transaction:
            evse.token = None
            evse.meter.end(station.clock.real())
            evse.flowing = False
            end = station.model.flag("TxCtrlr", "StopTxOnInvalidId")
            advance(station, evse, "Deauthorized", "DeAuthorized", end=end)


def keep_reading(station: Station201, evse: Evse, transaction: Transaction) -> None:
    """TxEndedInterval: readings that nobody hears of before the end."""
    value = reading(station, evse, "SampledDataCtrlr", "TxEndedMeasurands", "Sample.Periodic")
    if value is not None and len(transaction.readings) < KEPT_MOST:
        transaction.readings.append(value)
    transaction.next_kept = station.next_kept()


def interrupt(station: Station201, evse: Evse) -> None:
    """The power fails in a transaction that is to go on: the meter stands still until `take_up`."""
    transaction = evse.transaction
    if transaction is not None:
        evse.meter.end(station.clock.real())
        transaction.interrupted = True


def take_up(station: Station201, evse: Evse) -> None:
    """After the boot: the interrupted transaction goes on, and says where its meter stood and stands."""
    transaction = evse.transaction
    if transaction is None or not transaction.interrupted:
        return
    transaction.interrupted = False
    transaction.next_sample = station.next_sample()
    if evse.plugged and evse.token is not None:
        evse.meter.begin(station.clock.real())
    evse.flowing = charging_state(evse) == "Charging"
    evse.reached = points(evse)
    _note_state(station, evse, transaction)
    value = reading(station, evse, "SampledDataCtrlr", "TxUpdatedMeasurands", "Interruption.End")
    pending = event(station, evse, transaction, "Updated", "ChargingStateChanged")
    if value is not None:
        pending.payload["meterValue"] = [value]
