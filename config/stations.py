"""The OCPP listener as a surface of the node: plain, and TLS beside it when a certificate is configured. The SOAP service shares
its stations, its limits and its secrets, and is mounted on the HTTP listener."""

import ssl
from typing import Any

import trio

from actors.ports import Snapshots
from config.domain import Domain
from config.errors import UserError
from config.settings import OcppSettings
from config.surfaces import Surface
from gateways.egress import EgressGate
from gateways.ocpp.listener import Endpoint, Listener
from gateways.ocpp.quirks import QuirkError, Registry, load, ours
from gateways.ocpp.soap.service import SoapService
from gateways.ocpp.tls import StationTls


class Stations:
    """The listener's counters outlive a restart of its service: they are the node's."""

    def __init__(self, domain: Domain) -> None:
        self._settings = domain.settings.ocpp
        self._tls = _tls(self._settings, domain.cards)
        self.quirks = quirks_of(self._settings)
        self._listener = Listener(
            domain.system, domain.cards, domain.vault, domain.sink, strict=self._settings.strict, quirks=self.quirks
        )  # fmt: skip
        self.surface = Surface("ocpp", self._settings.port, self._run)
        gate = EgressGate(domain.settings.egress.allow)
        self.soap = SoapService(self._listener.hub, self._listener.admission, gate)

    def stats(self) -> dict[str, int]:
        return {**self._listener.stats(), **self.soap.stats()}

    async def _run(self, port: int, stop: trio.Event, task_status: Any) -> None:
        settings = self._settings
        endpoints = [Endpoint(settings.host, port, behind_tls=settings.behind_tls)]
        if self._tls is not None:
            endpoints.append(Endpoint(settings.host, settings.tls_port, tls=self._tls))
        await self._listener.serve(endpoints, stop=stop, task_status=task_status)


def quirks_of(settings: OcppSettings) -> Registry:
    """Ours, with an operator's own. Raises UserError."""
    try:
        return load(settings.quirks) if settings.quirks is not None else ours()
    except QuirkError as error:
        raise UserError(f"{error} (ocpp.quirks)") from None


def _tls(settings: OcppSettings, snapshots: Snapshots) -> StationTls | None:
    pairs = settings.tls_pairs
    if not pairs:
        return None
    try:
        return StationTls(pairs, snapshots)
    except (OSError, ssl.SSLError) as error:
        files = " and ".join(str(path) for pair in pairs for path in pair)
        raise UserError(f"cannot use {files}: {error} (ocpp.tls_certificate, ocpp.tls_key)") from None
