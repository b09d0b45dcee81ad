"""How many items a station takes in one request, by its own word in the device model (OCPP 2.0.1 B05.FR.11, B06.FR.05, N04,
N06.FR.04; 1.6 GetConfigurationMaxKeys). A command with more is refused before it goes out: whoever sends it knows better than
we where it can be cut. What our own actors send is cut by them."""

from typing import Any

from actors.model import intents as i
from actors.ports import Lookups

_ITEMS = "itemspermessage"
_LIMITED: dict[type, tuple[str, str, str]] = {
    i.GetVariables: ("DeviceDataCtrlr", "GetVariables", "refs"),
    i.SetVariables: ("DeviceDataCtrlr", "SetVariables", "settings"),
    i.GetReport: ("DeviceDataCtrlr", "GetReport", "wanted"),
    i.SetVariableMonitoring: ("MonitoringCtrlr", "SetVariableMonitoring", "monitors"),
    i.ClearVariableMonitoring: ("MonitoringCtrlr", "ClearVariableMonitoring", "ids"),
}
"""Intent -> component and instance of the variable that tells the bound, and the field with the items."""


async def too_many(lookups: Lookups, tenant: str, station: str, intent: Any) -> tuple[str, str] | None:
    """(what is wrong, the intent's first field beyond the bound), None when the station takes it or named no bound."""
    known = _LIMITED.get(type(intent))
    if known is None or len(getattr(intent, known[2])) < 2:
        return None
    component, instance, field = known
    count = len(getattr(intent, field))
    for row in await lookups.variables(tenant, station, component):
        if row.variable.lower() != _ITEMS or (row.variable_instance or "").lower() != instance.lower():
            continue
        told = next((each.get("value") for each in row.attributes if each.get("type", "Actual") == "Actual"), None)
        if told and told.strip().isdecimal() and 0 < int(told) < count:
            return f"the station takes at most {int(told)} in one request: send the rest in another", f"{field}[{int(told)}]"
    return None
