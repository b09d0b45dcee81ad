"""A station's device model: values over a shared catalogue, read, written and reported as 2.0.1 blocks B05 to B08 want it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from gateways.simulator.clock import read_time
from gateways.simulator.memory import Model
from gateways.simulator.v201.catalogue import BOTH, READ, WRITE, Key, Variable, catalogue

Payload = dict[str, Any]
Source = Callable[[], str]
_CRITERIA_BY_DEFAULT = {"Active": True, "Available": True, "Enabled": True, "Problem": False}


def key_of(component: Payload, variable: Payload) -> Key:
    evse = component.get("evse") or {}
    return (
        str(component["name"]).lower(),
        str(component.get("instance") or "").lower(),
        int(evse.get("id") or 0),
        int(evse.get("connectorId") or 0),
        str(variable["name"]).lower(),
        str(variable.get("instance") or "").lower(),
    )


def component_of(variable: Variable) -> Payload:
    component: Payload = {"name": variable.component}
    if variable.component_instance is not None:
        component["instance"] = variable.component_instance
    if variable.evse is not None:
        component["evse"] = {"id": variable.evse}
        if variable.connector is not None:
            component["evse"]["connectorId"] = variable.connector
    return component


def name_of(variable: Variable) -> Payload:
    return {"name": variable.name} if variable.instance is None else {"name": variable.name, "instance": variable.instance}


class DeviceModel:
    def __init__(self, model: Model) -> None:
        self.variables, self._index = catalogue(model)
        self._components = {key[:4] for key in self._index}
        self._values: dict[int, str] = {}
        self._sources: dict[int, Source] = {}

    # -- for the station itself ---------------------------------------------------------------------------

    def number_of(self, component: str, variable: str, instance: str = "", evse: int = 0, connector: int = 0) -> int:
        return self._index[component.lower(), "", evse, connector, variable.lower(), instance.lower()]

    def at(self, n: int) -> str:
        source = self._sources.get(n)
        return source() if source is not None else self._values.get(n, self.variables[n].value)

    def get(self, component: str, variable: str, instance: str = "") -> str:
        return self.at(self.number_of(component, variable, instance))

    def flag(self, component: str, variable: str, instance: str = "") -> bool:
        return self.get(component, variable, instance).lower() == "true"

    def number(self, component: str, variable: str, instance: str = "") -> float:
        return float(self.get(component, variable, instance) or 0)

    def members(self, component: str, variable: str) -> list[str]:
        return [member.strip() for member in self.get(component, variable).split(",") if member.strip()]

    def put(self, component: str, variable: str, value: str, instance: str = "") -> None:
        """The station's own change: no rights are asked."""
        self._values[self.number_of(component, variable, instance)] = value

    def show(self, source: Source, component: str, variable: str, evse: int = 0, connector: int = 0, instance: str = "") -> None:
        """From now on the value is what `source` says."""
        self._sources[self.number_of(component, variable, instance, evse, connector)] = source

    # -- for the central system -----------------------------------------------------------------------------

    def find(self, component: Payload, variable: Payload) -> int | str:
        """The variable's number, or UnknownComponent, UnknownVariable."""
        key = key_of(component, variable)
        if key in self._index:
            return self._index[key]
        return "UnknownVariable" if key[:4] in self._components else "UnknownComponent"

    def read(self, request: Payload) -> Payload:
        """One GetVariableData -> one GetVariableResult."""
        result: Payload = {name: request[name] for name in ("attributeType", "component", "variable") if name in request}
        found = self.find(request["component"], request["variable"])
        if isinstance(found, str):
            return {**result, "attributeStatus": found}
        variable, wanted = self.variables[found], request.get("attributeType", "Actual")
        if wanted == "MaxSet" and variable.most_set is not None:
            return {**result, "attributeStatus": "Accepted", "attributeValue": variable.most_set}
        if wanted != "Actual":
            return {**result, "attributeStatus": "NotSupportedAttributeType"}
        if variable.mutability == WRITE:
            return {**result, "attributeStatus": "Rejected", "attributeStatusInfo": {"reasonCode": "WriteOnly"}}
        return {**result, "attributeStatus": "Accepted", "attributeValue": self.at(found)[:2500]}

    def write(self, request: Payload, check: Callable[[Variable, str], str | None]) -> tuple[Payload, Variable | None]:
        """One SetVariableData -> one SetVariableResult, and the variable when it was changed. `check` may know a reason
        against it that the variable itself does not."""
        result: Payload = {name: request[name] for name in ("attributeType", "component", "variable") if name in request}
        found = self.find(request["component"], request["variable"])
        if isinstance(found, str):
            return {**result, "attributeStatus": found}, None
        if request.get("attributeType", "Actual") != "Actual":
            return {**result, "attributeStatus": "NotSupportedAttributeType"}, None
        variable, value = self.variables[found], str(request["attributeValue"])
        reason = "ReadOnly" if variable.mutability == READ else _misfit(variable, value) or check(variable, value)
        if reason is not None:
            return {**result, "attributeStatus": "Rejected", "attributeStatusInfo": {"reasonCode": reason}}, None
        self._values[found] = value
        return {**result, "attributeStatus": "RebootRequired" if variable.reboot else "Accepted"}, variable

    def base_report(self, base: str) -> list[Payload]:
        if base == "ConfigurationInventory":
            return [self._entry(n, details=True) for n, v in enumerate(self.variables) if v.mutability in (BOTH, WRITE)]
        if base == "SummaryInventory":
            told = ("AvailabilityState", "Available", "Problem", "Tripped", "Operated")
            return [self._entry(n, details=False) for n, v in enumerate(self.variables) if v.name in told]
        return [self._entry(n, details=True) for n in range(len(self.variables))]

    def custom_report(self, wanted: Iterable[Payload] | None, criteria: Iterable[str] | None) -> list[Payload]:
        numbers = set(range(len(self.variables)))
        if wanted is not None:
            numbers = {n for entry in wanted for n in self.matching(entry)}
        if criteria is not None:
            fitting = {n for criterion in criteria for n in self._fitting(criterion)}
            numbers &= fitting
        return [self._entry(n, details=True) for n in sorted(numbers)]

    def matching(self, entry: Payload) -> Iterator[int]:
        """Numbers of the variables that a ComponentVariable means: what it leaves out is left open."""
        component, variable = entry["component"], entry.get("variable") or {}
        evse = component.get("evse") or {}
        asked = (
            str(component["name"]).lower(),
            _open(component.get("instance")),
            evse.get("id"),
            evse.get("connectorId"),
            _open(variable.get("name")),
            _open(variable.get("instance")),
        )
        for key, n in self._index.items():
            if all(want is None or want == have for want, have in zip(asked, key, strict=True)):
                yield n

    def _fitting(self, criterion: str) -> Iterator[int]:
        """Variables of components that are so; one that does not say is available, active and enabled, and no problem."""
        said: dict[tuple[Any, ...], bool] = {}
        for key, n in self._index.items():
            if key[4] == criterion.lower():
                said[key[:4]] = self.at(n).lower() == "true"
        for key, n in self._index.items():
            if said.get(key[:4], _CRITERIA_BY_DEFAULT[criterion]):
                yield n

    def _entry(self, n: int, *, details: bool) -> Payload:
        variable = self.variables[n]
        attribute: Payload = {"type": "Actual", "mutability": variable.mutability, "persistent": True, "constant": False}
        if variable.mutability != WRITE:
            attribute["value"] = self.at(n)[:2500]
        attributes = [attribute]
        if variable.most_set is not None:
            attributes.append({"type": "MaxSet", "value": variable.most_set, "mutability": READ, "constant": True})
        entry: Payload = {"component": component_of(variable), "variable": name_of(variable), "variableAttribute": attributes}
        if details:
            entry["variableCharacteristics"] = _characteristics(variable)
        return entry


def _open(word: Any) -> str | None:
    return None if word is None else str(word).lower()


def _characteristics(variable: Variable) -> Payload:
    found: Payload = {"dataType": variable.type, "supportsMonitoring": variable.monitored}
    if variable.unit is not None:
        found["unit"] = variable.unit
    if variable.least is not None:
        found["minLimit"] = variable.least
    if variable.most is not None:
        found["maxLimit"] = variable.most
    if variable.choices is not None:
        found["valuesList"] = variable.choices
    return found


def _misfit(variable: Variable, value: str) -> str | None:
    """Why this value cannot be the variable's, as a reason code."""
    try:
        if variable.type == "boolean" and value.lower() not in ("true", "false"):
            return "InvalidValue"
        if variable.type == "dateTime":
            read_time(value)
        if variable.type in ("integer", "decimal"):
            number = int(value) if variable.type == "integer" else float(value)
            if variable.least is not None and number < variable.least:
                return "ValueTooLow"
            if variable.most is not None and number > variable.most:
                return "ValueTooHigh"
    except ValueError:
        return "InvalidValue"
    if variable.choices is not None:
        members = [value] if variable.type == "OptionList" else [word.strip() for word in value.split(",") if word.strip()]
        if not set(members) <= set(variable.choices.split(",")):
            return "InvalidValue"
    return None
