"""Whom a 2.0.1 station knows by itself: its local list, and a cache of what the central system said before."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from gateways.simulator import limits
from gateways.simulator.clock import StationClock, read_time
from gateways.simulator.link import CallError, LinkLost
from gateways.simulator.v201.device_model import DeviceModel
from gateways.simulator.v201.memory import Reservation

Payload = dict[str, Any]
Key = tuple[str, str]


def key_of(token: Payload) -> Key:
    return str(token["idToken"]).lower(), str(token["type"])


class Tokens:
    def __init__(self, model: DeviceModel, clock: StationClock) -> None:
        self._model, self._clock = model, clock
        self.local_list: dict[Key, Payload] = {}
        self.version = 0
        self.cache: dict[Key, tuple[Payload, datetime]] = {}

    async def authorize(self, token: Payload, ask: Callable[[Payload], Awaitable[Payload]], *, online: bool) -> str:
        """The status of a token: the station's own word where it may speak, otherwise the central system's."""
        if token["type"] == "NoAuthorization" or not self._model.flag("AuthCtrlr", "Enabled"):
            return "Accepted"
        known = self.known(token)
        if online and known == "Accepted" and self._model.flag("AuthCtrlr", "LocalPreAuthorize"):
            return known
        try:
            info = (await ask({"idToken": token})).get("idTokenInfo") or {}
        except (LinkLost, CallError):
            return self._offline(known)
        self.remember(token, info)
        return str(info.get("status", "Invalid"))

    def _offline(self, known: str | None) -> str:
        if known is not None and self._model.flag("AuthCtrlr", "LocalAuthorizeOffline"):
            return known
        return "Accepted" if known is None and self._model.flag("AuthCtrlr", "OfflineTxForUnknownIdEnabled") else "Invalid"

    def known(self, token: Payload) -> str | None:
        key = key_of(token)
        if key in self.local_list and self._model.flag("LocalAuthListCtrlr", "Enabled"):
            return str(self.local_list[key].get("status"))
        if key in self.cache and self._model.flag("AuthCacheCtrlr", "Enabled"):
            info, until = self.cache[key]
            if self._clock.now() < until:
                return str(info.get("status"))
        return None

    def remember(self, token: Payload, info: Payload) -> None:
        """What the central system said of a token, until it expires."""
        until = self._clock.now() + timedelta(seconds=self._model.number("AuthCacheCtrlr", "LifeTime"))
        if info.get("cacheExpiryDateTime"):
            until = min(until, read_time(info["cacheExpiryDateTime"]))
        key = key_of(token)
        self.cache.pop(key, None)
        while len(self.cache) >= limits.CACHE_MOST:
            del self.cache[next(iter(self.cache))]
        self.cache[key] = (info, until)

    def group(self, token: Payload) -> Payload | None:
        key = key_of(token)
        info = self.local_list.get(key) or self.cache.get(key, ({},))[0]
        return info.get("groupIdToken")

    def is_for(self, reservation: Reservation, token: Payload) -> bool:
        if key_of(reservation.token) == key_of(token):
            return True
        group = self.group(token)
        return group is not None and reservation.group is not None and key_of(group) == key_of(reservation.group)

    def update(self, payload: Payload) -> str:
        """SendLocalList: Accepted, VersionMismatch or Failed."""
        version, entries = int(payload["versionNumber"]), payload.get("localAuthorizationList") or []
        full = payload["updateType"] == "Full"
        if version <= 0 or (not full and version <= self.version):
            return "VersionMismatch" if version > 0 else "Failed"
        if len(entries) > self._model.number("LocalAuthListCtrlr", "ItemsPerMessage"):
            return "Failed"
        found = {} if full else dict(self.local_list)
        for entry in entries:
            if "idTokenInfo" in entry:
                found[key_of(entry["idToken"])] = entry["idTokenInfo"]
            else:
                found.pop(key_of(entry["idToken"]), None)
        if len(found) > limits.LOCAL_LIST_MOST:
            return "Failed"
        self.local_list, self.version = found, version
        return "Accepted"
