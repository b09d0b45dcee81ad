"""Where a 2.0.1 station finds its central system: slots that SetNetworkProfile fills, and the order they are tried in."""

from typing import Any

from gateways.simulator import limits
from gateways.simulator.v201.device_model import DeviceModel

Payload = dict[str, Any]
FACTORY = 0
"""The slot of the URL that the station was set up with."""


class Network:
    def __init__(self, model: DeviceModel, url: str) -> None:
        self._model = model
        self.slots: dict[int, Payload] = {FACTORY: {"ocppCsmsUrl": url}}
        self._order = [FACTORY]
        self._at = 0
        self._failures = 0

    @property
    def url(self) -> str:
        return str(self.slots[self._order[self._at]]["ocppCsmsUrl"])

    def store(self, slot: int, data: Payload, profile: int) -> str:
        """Accepted, or Rejected: no such slot, the one in use, another protocol, or less security than there is."""
        busy = slot == self._order[self._at]
        if not 0 < slot <= limits.NETWORK_SLOTS_MOST or busy or int(data["securityProfile"]) < profile:
            return "Rejected"
        if data["ocppTransport"] != "JSON" or not str(data["ocppCsmsUrl"]).startswith(("ws://", "wss://")):
            return "Rejected"
        self.slots[slot] = data
        return "Accepted"

    def knows(self, priority: str) -> bool:
        words = [word.strip() for word in priority.split(",") if word.strip()]
        return bool(words) and all(word.isdigit() and int(word) in self.slots for word in words)

    def choose(self) -> None:
        """At a boot: the first of NetworkConfigurationPriority. The slot that worked so far stays the last resort."""
        worked = self._order[self._at]
        order = [int(word) for word in self._model.members("OCPPCommCtrlr", "NetworkConfigurationPriority")]
        self._order = [*order, *([worked] if worked not in order else [])]
        self._at = self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        if self._failures >= self._model.number("OCPPCommCtrlr", "NetworkProfileConnectionAttempts"):
            self._at, self._failures = (self._at + 1) % len(self._order), 0

    def connected(self) -> None:
        self._failures = 0
        self._model.put("OCPPCommCtrlr", "ActiveNetworkProfile", str(self._order[self._at]))
