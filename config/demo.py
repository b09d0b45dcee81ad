"""The main job in one command: a node, a brand, and a small fleet that charges and is billed or pays.

The demo is a customer of its own product: everything is provisioned through the admin API and every station speaks its
version of OCPP over a real socket, 1.5, 1.6 and 2.0.1 in turn. Only its meters are in a hurry: they run `PACE` times faster
than the clock, so that a charging session of some seconds has as much to bill as one of some minutes.
"""

import math
import secrets
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import trio
from rich.console import Group
from rich.live import Live
from rich.table import Table

from config import demo_money as money
from config.cli_station import fleet_table
from config.doctor import port_problem
from config.errors import EnvironmentFault
from config.node import Node, open_node
from config.options import console
from config.settings import EgressSettings, Settings
from gateways.simulator.fleet import Fleet, Plan
from gateways.simulator.memory import MODELS, Model
from gateways.simulator.scenario import IDLE

TENANT = "demo"
BASE = f"/tenants/{TENANT}"
PROTOCOLS = ("ocpp1.6", "ocpp1.5", "ocpp2.0.1")
"""Station by station; each with the model of the same turn."""
PACE = 60.0
LOOPBACK = ("127.0.0.0/8", "::1/128")
LAST_CALL = 8.0
"""Seconds before the end of `--for` at which drivers leave, so that every session is booked."""
FAREWELL = 60.0
"""So long at most it takes them, on a machine that is very busy: nobody who has paid is cut off."""
TOKENS = tuple(f"DEMO{n:04d}" for n in range(1, 9))
WALLET_TOKENS = frozenset(TOKENS[1::3])
"""The others are billed later. Drivers come in turn, so that there is something of either soon."""
CODE_STATION = "DEMO-QR"
"""At this one drivers scan the code and pay by card."""
CODE_MODEL = Model("Nordlicht", "AC Post 22", "2.4.1", 22_000, 1, pace=PACE)
WAYS = {"1220": "invoice", "2100": "wallet", "1110": "card"}
"""How a session was paid, by the account that its first journal debits."""
SCENARIO = """
boot
wait 0 2
plug @
authorize
start @
meter @ 3 1.5
stop @
unplug @
wait 1 4
repeat
"""
TARIFF: dict[str, Any] = {
    "country_code": "DE",
    "party_id": "DEM",
    "id": "demo",
    "currency": "EUR",
    "elements": [
        {
            "price_components": [
                {"type": "FLAT", "price": 0.35, "vat": 19.0, "step_size": 1},
                {"type": "ENERGY", "price": 0.41, "vat": 19.0, "step_size": 1},
            ]
        }
    ],
    "last_updated": "2026-01-01T00:00:00Z",
}
LOCATION = {
    "name": "Demo car park",
    "address": "Hafenstrasse 1",
    "city": "Hamburg",
    "postal_code": "20459",
    "country": "DEU",
    "coordinates": {"latitude": "53.5459", "longitude": "9.9681"},
    "time_zone": "Europe/Berlin",
}


async def run_demo(settings: Settings, stations: int, length: float | None, quiet: bool) -> dict[str, Any]:
    """Until `length` is over or Ctrl-C; the summary."""
    async with (
        money.open_till(_at_home(settings)) as till,
        open_node(till.settings, ("ocpp", "api", "console", "pay")) as node,
        _api(node) as api,
    ):
        till.listen(node.urls.http)
        passwords, url = await _provision(api, node, stations)
        if not quiet:
            _introduce(node, url, till)
        if till.open:
            await money.top_up(api, BASE, till)
        fleets = _fleet(node, passwords, stations), _code_fleet(node, passwords)
        await _play(fleets, api, length, quiet, url, till)
        if till.open:
            await money.settled(api, BASE)
        books = await _books(api)
        fleet = fleets[0]
        if not quiet:
            _summarise(books, fleet)
        counts, p50 = fleet.stats.counts, round(fleet.stats.percentile(0.5), 1)
        return {**books, "stations": stations, "messages": counts["messages"], "errors": counts["errors"], "p50_ms": p50}


def _fleet(node: Node, passwords: dict[str, str], stations: int) -> Fleet:
    """Stations at which drivers with a card of their own come and go."""
    return Fleet(
        Plan(
            url=f"{node.urls.ocpp}/ocpp/{TENANT}",
            soap_url=f"{node.urls.http}/soap/{TENANT}",
            protocols=PROTOCOLS,
            count=stations,
            rate=10.0,
            identities=tuple(name for name in passwords if name != CODE_STATION),
            passwords=passwords,
            tags=TOKENS,
            in_turn=True,
            scenario=SCENARIO,
            models=tuple(replace(model, pace=PACE) for model in MODELS),
            seed=secrets.randbits(32),
        )
    )


def _code_fleet(node: Node, passwords: dict[str, str]) -> Fleet:
    """The station with the code: nothing happens there until somebody has paid."""
    return Fleet(
        Plan(
            url=f"{node.urls.ocpp}/ocpp/{TENANT}",
            identities=(CODE_STATION,),
            passwords=passwords,
            scenario=IDLE,
            models=(CODE_MODEL,),
        )
    )


def _at_home(settings: Settings) -> Settings:
    """Loopback and, where the usual port is taken, a free one; what was configured stays as it is."""

    def at_home(section: Any) -> Any:
        host = section.host if "host" in section.model_fields_set else "127.0.0.1"
        taken = "port" not in section.model_fields_set and port_problem(host, section.port) is not None
        return section.model_copy(update={"host": host, "port": 0 if taken else section.port})

    egress = settings.egress if "allow" in settings.egress.model_fields_set else EgressSettings(allow=LOOPBACK)
    return settings.model_copy(update={"ocpp": at_home(settings.ocpp), "http": at_home(settings.http), "egress": egress})


async def _play(
    fleets: tuple[Fleet, Fleet], api: httpx.AsyncClient, length: float | None, quiet: bool, url: str, till: money.Till
) -> None:
    """Drivers come and go until it is time, or until Ctrl-C; either way every session ends properly."""
    leaving = trio.Event()
    async with trio.open_nursery() as nursery:
        playing = trio.CancelScope(deadline=math.inf if length is None else trio.current_time() + max(1.0, length - LAST_CALL))
        nursery.start_soon(_interrupted, playing)
        if not quiet:
            nursery.start_soon(_show, fleets[0], api)
        for fleet in fleets:
            nursery.start_soon(fleet.start)
        async with trio.open_nursery() as drivers:
            if till.open:
                drivers.start_soon(money.drive, api, f"{BASE}/stations/{CODE_STATION}", url, till, leaving)
            with playing:
                await trio.sleep_forever()
            leaving.set()
            drivers.cancel_scope.deadline = trio.current_time() + FAREWELL
        for fleet in fleets:
            await fleet.finish(FAREWELL)
        nursery.cancel_scope.cancel()


async def _interrupted(playing: trio.CancelScope) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            playing.cancel()


# -- through the admin API ---------------------------------------------------------------------------------------


@asynccontextmanager
async def _api(node: Node) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {node.owner_token}"}
    async with httpx.AsyncClient(base_url=f"{node.urls.http}/api/v1", headers=headers, timeout=30, trust_env=False) as client:
        yield client


async def _provision(api: httpx.AsyncClient, node: Node, stations: int) -> tuple[dict[str, str], str]:
    """Tenant, tariff, merchant, wallet, tokens and stations: passwords by identity, and what the code opens. Repeatable on kept
    data."""
    tenant = {"id": TENANT, "name": "Demo", "currency": "EUR", "country": "DE", "time_zone": "Europe/Berlin"}
    await _ask(api, "POST", "/tenants", tenant, also=(409,))
    await _ask(api, "PUT", f"/tenants/{TENANT}/tariffs/demo", TARIFF)
    await money.furnish(api, BASE)
    for token in TOKENS:
        payment = f"wallet:{money.WALLET}" if token in WALLET_TOKENS else "invoice"
        await _ask(api, "PUT", f"/tenants/{TENANT}/tokens/ISO14443/{token}", {"status": "Accepted", "payment": payment})
    passwords = {f"DEMO-{n:02d}": secrets.token_urlsafe(15) for n in range(1, stations + 1)}
    for n, (identity, password) in enumerate(passwords.items()):
        body = {
            "evses": MODELS[n % len(MODELS)].connectors,
            "auth": {"profile": 1, "password": password},
            "versions": [PROTOCOLS[n % len(PROTOCOLS)]],
            "location": LOCATION,
            "tariff": "demo",
            "merchant": money.MERCHANT,
        }
        await _ask(api, "PUT", f"/tenants/{TENANT}/stations/{identity}", body)
    password = passwords[CODE_STATION] = secrets.token_urlsafe(15)
    body = {
        "evses": 1,
        "auth": {"profile": 1, "password": password},
        "versions": ["ocpp1.6"],
        "location": LOCATION,
        "tariff": "demo",
        "merchant": money.MERCHANT,
    }
    station = await _ask(api, "PUT", f"/tenants/{TENANT}/stations/{CODE_STATION}", body)
    return passwords, f"{node.urls.http}/pay/{TENANT}/{station['evses'][0]['code']}"


async def _ask(api: httpx.AsyncClient, method: str, path: str, body: Any = None, also: tuple[int, ...] = ()) -> Any:
    answer = await api.request(method, path, json=body)
    if answer.is_success:
        return answer.json() if answer.content else None
    if answer.status_code in also:
        return None
    raise EnvironmentFault(f"the node answered {answer.status_code} to {method} {path}: {answer.text[:500]}")


async def _all(api: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 1000}
    while True:
        answer = await api.get(path, params=query)
        page = answer.raise_for_status().json()
        found += page["items"]
        if page["next"] is None:
            return found
        query["cursor"] = page["next"]


async def _books(api: httpx.AsyncClient) -> dict[str, Any]:
    """What the API says was charged, rated and booked."""
    sessions = await _all(api, f"{BASE}/sessions")
    ended = [session for session in sessions if session["state"] == "ended"]
    cdrs = await _all(api, f"{BASE}/cdrs")
    journals = await _all(api, f"{BASE}/ledger/journals")
    billed = sum(session["cost"]["incl"]["amount_minor"] for session in ended if session.get("cost"))
    return {
        "sessions": len(sessions),
        "ended": len(ended),
        "quarantined": sum(session["state"] == "quarantined" for session in sessions),
        "kwh": round(sum(session["energy_wh"] or 0 for session in ended) / 1000, 3),
        "cdrs": len(cdrs),
        "journals": len(journals),
        "billed": {"amount_minor": billed, "currency": "EUR"},
        "versions": _by_version(sessions, cdrs, journals),
        "payment": _by_way(sessions, journals),
    }


def _by_version(
    sessions: list[dict[str, Any]], cdrs: list[dict[str, Any]], journals: list[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """The same by the version of OCPP that the station of a session speaks; a session has its journals in one book or two."""
    found = {protocol: {"sessions": 0, "kwh": 0.0, "cdrs": 0, "booked": 0} for protocol in PROTOCOLS}
    spoken = {}
    booked = {journal["ref"] for journal in journals}
    for session in sessions:
        name = session["station"]
        protocol = PROTOCOLS[0] if name == CODE_STATION else PROTOCOLS[(int(name.rpartition("-")[2]) - 1) % len(PROTOCOLS)]
        spoken[session["id"]] = protocol
        found[protocol]["sessions"] += 1
        found[protocol]["kwh"] = round(found[protocol]["kwh"] + (session["energy_wh"] or 0) / 1000, 3)
        found[protocol]["booked"] += session["id"] in booked
    for cdr in cdrs:
        if cdr["session"] in spoken:  # not younger than the list of sessions
            found[spoken[cdr["session"]]]["cdrs"] += 1
    return found


def _by_way(sessions: list[dict[str, Any]], journals: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Sessions by how they are paid, and the journals that book them: billed later, from a wallet, by card at the code."""
    found = {way: {"sessions": 0, "journals": 0, "amount_minor": 0} for way in WAYS.values()}
    known = {session["id"]: session for session in sessions}
    ways: dict[str, str] = {}
    counts: dict[str, int] = {}
    for journal in journals:
        session = journal["ref"]
        if session not in known:
            continue
        counts[session] = counts.get(session, 0) + 1
        for entry in journal["entries"]:
            way = WAYS.get(entry["account"].partition("/")[0])
            if way is not None and entry["side"] == "debit":
                ways[session] = max(ways.get(session, ""), way)  # a wallet may owe a part: it is the wallet's all the same
    for session, way in ways.items():
        cost = known[session].get("cost")
        found[way]["sessions"] += 1
        found[way]["journals"] += counts[session]
        found[way]["amount_minor"] += cost["incl"]["amount_minor"] if cost else 0
    return found


# -- for people ---------------------------------------------------------------------------------------------------


def _introduce(node: Node, url: str, till: money.Till) -> None:
    out = console()
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("stations", f"{node.urls.ocpp}/ocpp/{TENANT}/IDENTITY")
    table.add_row("stations (SOAP)", f"{node.urls.http}/soap/{TENANT}/IDENTITY")
    table.add_row("API", f"{node.urls.http}/api/v1/docs")
    table.add_row("console", f"{node.urls.http}/console")
    table.add_row("owner's token", node.owner_token)
    table.add_row("scan and pay", url)
    if till.open:
        table.add_row("a card for it", "4000 0000 0000 3220, any date to come, any code")
    out.print(table)


async def _show(fleet: Fleet, api: httpx.AsyncClient) -> None:
    """Live on a terminal, a line every five seconds elsewhere."""
    out = console()
    if not out.is_terminal:
        while True:
            await trio.sleep(5)
            books = await _books(api)
            out.print(f"{fleet.stats.online} online, {books['sessions']} sessions, {books['kwh']:.3f} kWh, {books['cdrs']} CDRs")
    count = fleet.plan.count
    with Live(fleet_table(fleet.stats, count), console=out, refresh_per_second=4, transient=True) as live:
        while True:
            books = await _books(api)
            for _ in range(4):
                live.update(Group(fleet_table(fleet.stats, count), _books_table(books)))
                await trio.sleep(0.25)


def _books_table(books: dict[str, Any]) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("sessions", f"{books['sessions']}, {books['ended']} ended, {books['quarantined']} in quarantine")
    table.add_row("charged", f"{books['kwh']:.3f} kWh")
    table.add_row("billed", f"{books['billed']['amount_minor'] / 100:.2f} {books['billed']['currency']}")
    table.add_row("CDRs, journals", f"{books['cdrs']}, {books['journals']}")
    for protocol, version in books["versions"].items():
        told = f"{version['sessions']} sessions, {version['kwh']:.3f} kWh, {version['cdrs']} CDRs, {version['booked']} booked"
        table.add_row(protocol, told)
    for way, paid in books["payment"].items():
        told = f"{paid['sessions']} sessions, {paid['amount_minor'] / 100:.2f} EUR, {paid['journals']} journals"
        table.add_row(f"by {way}", told)
    return table


def _summarise(books: dict[str, Any], fleet: Fleet) -> None:
    out = console()
    out.print(_books_table(books))
    if fleet.stats.last_problem:
        out.print(f"last trouble: {fleet.stats.last_problem}")
