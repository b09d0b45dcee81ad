"""What the device model tells of the living station: variables whose value is looked up when somebody asks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gateways.simulator.clock import wire_time

if TYPE_CHECKING:
    from gateways.simulator.v201.memory import Evse
    from gateways.simulator.v201.station import Station201

COLD, WARMER = 20, 40
"""Degrees Celsius of an idle EVSE, and how many more at full power."""


def describe(station: Station201) -> None:
    settings, put, show = station.settings, station.model.put, station.model.show
    put("ChargingStation", "VendorName", settings.model.vendor)
    put("ChargingStation", "Model", settings.model.model)
    put("ChargingStation", "SerialNumber", settings.identity[:25])
    put("SecurityCtrlr", "Identity", settings.identity)
    show(lambda: station.firmware, "ChargingStation", "FirmwareVersion")
    show(lambda: station.firmware, "Controller", "FirmwareVersion")
    show(lambda: wire_time(station.clock.now()), "ClockCtrlr", "DateTime")
    show(lambda: str(station.security_profile), "SecurityCtrlr", "SecurityProfile")
    show(lambda: str(len(station.keys.installed)), "SecurityCtrlr", "CertificateEntries")
    show(lambda: str(len(station.tokens.local_list)), "LocalAuthListCtrlr", "Entries")
    show(lambda: str(len(station.profiles)), "SmartChargingCtrlr", "Entries", instance="ChargingProfiles")
    show(lambda: str(len(station.messages)), "DisplayMessageCtrlr", "DisplayMessages")
    show(station.station_status, "ChargingStation", "AvailabilityState")
    for evse in station.connectors:
        show(partial(station.status_of, evse), "EVSE", "AvailabilityState", evse.id)
        show(partial(station.status_of, evse), "Connector", "AvailabilityState", evse.id, 1)
        show(partial(_power, station, evse), "EVSE", "Power", evse.id)
        show(partial(_register, station, evse), "FiscalMetering", "EnergyImportRegister", evse.id)
        show(partial(_temperature, station, evse), "TemperatureSensor", "Temperature", evse.id)


def _power(station: Station201, evse: Evse) -> str:
    return f"{evse.meter.power(station.clock.real()):.0f}"


def _register(station: Station201, evse: Evse) -> str:
    return str(evse.meter.read(station.clock.real()))


def _temperature(station: Station201, evse: Evse) -> str:
    share = evse.meter.power(station.clock.real()) / station.settings.model.power_w
    return f"{COLD + WARMER * share:.1f}"
