"""Connector statuses as tables: what a 1.6 detail says about the charge, and what an EVSE shows of its connectors."""

CHARGING_STATE = {
    "Charging": "Charging",
    "SuspendedEV": "SuspendedEV",
    "SuspendedEVSE": "SuspendedEVSE",
    "Preparing": "EVConnected",
    "Finishing": "EVConnected",
}
"""Detail of a status notification -> OCPP 2.x ChargingStateEnum of the running session (PROTOCOLS 5.4). A detail
that is missing here (Available, Faulted ...) says nothing about the charge."""

UNDER_WAY = frozenset({"Charging", "SuspendedEV", "SuspendedEVSE"})
"""Details of a connector on which a charge is under way, known to us as a session or not."""

_SHOWN_FIRST = ("Occupied", "Reserved", "Available", "Faulted", "Unavailable")
"""An EVSE is what its most telling connector is: in use before reserved, usable before broken."""

UNKNOWN = "Unknown"


def evse_status(statuses: list[tuple[str, str]]) -> tuple[str, str]:
    """(status, detail) of the EVSE, from those of its connectors."""
    if not statuses:
        return UNKNOWN, UNKNOWN
    return min(statuses, key=_rank)


def _rank(told: tuple[str, str]) -> int:
    try:
        return _SHOWN_FIRST.index(told[0])
    except ValueError:
        return len(_SHOWN_FIRST)
