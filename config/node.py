"""A node: the domain (domain.py) with its listeners, in the order in which they are safe to open and to close.

    database, ports, actors  ->  owner's token  ->  OCPP listener, HTTP listener  ->  `DATA/node.json`

A listener opens only when everything behind it can answer; on the way out readiness says no first, stations are told to come back
(close code 1001), running turns finish, and what is behind its checkpoint is written. After a SIGKILL none of that happened,
and nothing acknowledged is lost: that is what the commit before each reply is for.
"""

import gc
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import structlog
import trio

from config.data import NodeFile, beginning_of
from config.doctor import culprit, listeners, port_problem
from config.domain import Domain, open_domain
from config.errors import EnvironmentFault
from config.owner import COOKIE_KEY, PAY_KEY, ensure_owner, known_owner_token, owner_hash, token_key
from config.payments import card_payments, payment_pages
from config.settings import Settings, variable_of
from config.stations import Stations
from config.surfaces import Surface
from gateways.ocpp.admission import PROTOCOLS, SOAP_PROTOCOLS
from gateways.web.app import create_app, serve
from gateways.web.env import WebEnv, WebSettings

ROLES = ("ocpp", "api", "console", "pay")
"""Surfaces of this version."""
HTTP_ROLES = frozenset(("api", "console", "pay"))
"""These share the HTTP listener, which every node has: health and metrics are asked of each, and stations that speak SOAP come
by it, too."""
_log = structlog.get_logger("csms")

SETTLED_SECONDS = 0.06
"""Time for whoever measures the loop's lag to notice the last stall of the start."""
GC_THRESHOLDS = (6_000, 1, 1)
"""A collection stops the loop for about a microsecond an object: 250,000 young ones took 220 ms, all of 100,000 actors take
seconds. So a full one looks at some 30,000, and what survives it is frozen and never looked at again."""


@dataclass(frozen=True, kw_only=True)
class Node:
    domain: Domain
    urls: NodeFile
    owner_token: str | None


def distribution_version() -> str:
    try:
        return version("voltroupe")
    except PackageNotFoundError:  # a checkout that was never installed
        return "0+checkout"


@asynccontextmanager
async def open_node(settings: Settings, roles: Sequence[str] = ROLES) -> AsyncIterator[Node]:
    """A node that serves, until the block is left. Raises EnvironmentFault (a port is taken, no database)."""
    _check_ports(settings)
    async with open_domain(settings, own=True) as domain:
        await ensure_owner(settings, domain.data, domain.api_tokens)
        stations = Stations(domain)
        surfaces = [stations.surface] if "ocpp" in roles else []
        surfaces.append(_http(domain, stations, roles))
        for surface in surfaces:
            await surface.open(domain.system)
        urls = {surface.name: reachable(surface.url) for surface in surfaces}
        node = NodeFile(
            ocpp=urls.get("ocpp", ""), http=urls.get("http", ""),
            pid=os.getpid(), version=distribution_version(), began=beginning_of(os.getpid()),
        )  # fmt: skip
        await _freeze(domain)
        domain.data.write_node(node)
        _log.info("node.ready", ocpp=node.ocpp, http=node.http, database=domain.database.dsn)
        try:
            yield Node(domain=domain, urls=node, owner_token=known_owner_token(settings, domain.data))
        finally:
            _log.info("node.draining")
            with trio.CancelScope(shield=True):
                for surface in reversed(surfaces):
                    await surface.close()
            domain.data.forget_node()


def _check_ports(settings: Settings) -> None:
    for setting, host, port in listeners(settings):
        problem = port_problem(host, port)
        if problem is not None:
            wrong = culprit(setting, host)
            raise EnvironmentFault(f"{problem} (setting {wrong}, {variable_of(wrong)})")


async def _freeze(domain: Domain) -> None:
    """The last long collection; the stall that it was, before anybody was told that we are ready, counts as none."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    if _freeze_survivors not in gc.callbacks:
        gc.callbacks.append(_freeze_survivors)
    await trio.sleep(SETTLED_SECONDS)
    domain.system.stats.lag_max_us = 0


def _freeze_survivors(phase: str, info: dict[str, int]) -> None:
    """Right after a full collection everything that is left is alive. Frozen, it costs the next collection nothing; it
    still goes when its last reference goes, which is why what ends here (links, incarnations) leaves no cycles behind."""
    if phase == "stop" and info["generation"] == 2:
        gc.freeze()


def reachable(url: str) -> str:
    """A listener on every address is shown by one that a person can click."""
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def _http(domain: Domain, stations: Stations, roles: Sequence[str]) -> Surface:
    settings = domain.settings

    async def run(port: int, stop: trio.Event, task_status: Any) -> None:
        env = WebEnv(
            system=domain.system,
            store=domain.database.store,
            queries=domain.queries,
            snapshots=domain.cards,
            vault=domain.vault,
            sink=domain.sink,
            lookups=domain.lookups,
            health=domain.database,
            api_tokens=domain.api_tokens,
            settings=WebSettings(
                token_key=token_key(domain.data),
                cookie_key=domain.key(COOKIE_KEY),
                pay_key=domain.key(PAY_KEY),
                payment_pages=payment_pages(settings),
                card_payments=card_payments(settings),
                surfaces=HTTP_ROLES.intersection(roles),
                owner_hash=owner_hash(settings, domain.data),
                public_url=settings.http.public_url,
                behind_tls=settings.ocpp.behind_tls,
                ocpp_url=stations.surface.url or None,
                connections=settings.http.connections,
                connections_per_address=settings.http.connections_per_address,
                trusted_proxies=settings.http.trusted_proxies,
            ),
            ocpp_stats=stations.stats,
            protocols=(*PROTOCOLS, *SOAP_PROTOCOLS),
            soap=stations.soap if "ocpp" in roles else None,
            quirks=stations.quirks,
            webhooks=domain.payments.receiver,
            psp_inbox=domain.payments.inbox,
            takes_cards=domain.payments.takes_cards,
            payment_stats=domain.payments.stats,
            versions={"voltroupe": distribution_version()},
        )
        async with trio.open_nursery() as nursery:
            if env.soap is not None:
                nursery.start_soon(env.soap.run)
            await serve(create_app(env), settings.http.host, port, shutdown=stop, task_status=task_status)
            nursery.cancel_scope.cancel()

    return Surface("http", settings.http.port, run)
