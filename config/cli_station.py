"""`csms station simulate`: virtual stations against any central system that speaks OCPP 1.6-J."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import cyclopts
import trio
from cyclopts import Parameter
from rich.console import Console
from rich.live import Live
from rich.table import Table

from config.data import as_json
from config.errors import EnvironmentFault, UserError
from config.options import Json, console, seconds
from gateways.simulator import limits
from gateways.simulator.faults import Faults
from gateways.simulator.fleet import Fleet, Plan
from gateways.simulator.memory import MODELS
from gateways.simulator.scenario import BUILT_IN, parse
from gateways.simulator.stats import Stats

_EXAMPLES = (
    "Examples:\n\n"
    "    csms station simulate --url ws://127.0.0.1:9000/ocpp/acme --count 100 --rate 20 --for 1m\n\n"
    "    csms station simulate --url ws://127.0.0.1:9000/ocpp/acme --identity CP1 --password secret --token 04A2\n\n"
    "    csms station simulate --url wss://csms.example.com/ocpp/acme --scenario ./night.txt --fault cut=0.05\n\n"
    "A scenario is one of charge, idle, offline, or a file of steps: boot, plug, authorize, start, meter, stop,\n"
    "unplug, wait, fault, repeat (gateways/simulator/scenario.py).\n\n"
    "Faults: duplicate, replay, late, cut, garbage, power_loss, zombie, offline; each with a probability."
)


def register(app: cyclopts.App) -> None:
    station = cyclopts.App(name="station", help="Virtual stations.")
    station.command(simulate, help_epilogue=_EXAMPLES)
    app.command(station)


def simulate(
    *,
    url: Annotated[str, Parameter(help="Where stations connect; the identity is appended.")],
    protocol: Annotated[str, Parameter(help="WebSocket subprotocol: ocpp1.6.")] = "ocpp1.6",
    count: Annotated[int, Parameter(help="How many stations.")] = 1,
    rate: Annotated[float, Parameter(help="Stations that connect in a second.")] = 50.0,
    connectors: Annotated[int, Parameter(help="Connectors of each station, at most those that it was registered with.")] = 1,
    prefix: Annotated[str, Parameter(help="Identities are PREFIX00001, PREFIX00002 ...")] = "SIM",
    identity: Annotated[Sequence[str], Parameter(help="Named identities, instead of a prefix. Repeatable.")] = (),
    password: Annotated[str | None, Parameter(help="Basic password of every station.")] = None,
    password_file: Annotated[Path | None, Parameter(help="Lines of IDENTITY:PASSWORD.")] = None,
    token: Annotated[Sequence[str], Parameter(help="idTags that drivers present. Repeatable.")] = ("SIMTAG",),
    scenario: Annotated[str, Parameter(help="charge, idle, offline, or a file.")] = "charge",
    fault: Annotated[Sequence[str], Parameter(help="NAME or NAME=PROBABILITY. Repeatable.")] = (),
    seed: Annotated[int, Parameter(help="Of all dice; a run with the same seed rolls the same.")] = 0,
    for_: Annotated[str | None, Parameter(name="--for", help="End by itself after 30s, 2m, 1h.")] = None,
    journal: Annotated[Path | None, Parameter(help="Directory: each station notes what was acknowledged to it.")] = None,
    json: Json = False,
) -> int:
    """Run virtual stations that boot, authorise, charge, meter and stop."""
    length = seconds(for_, "--for")
    if urlsplit(url).scheme not in ("ws", "wss") or not urlsplit(url).hostname:
        raise UserError(f"--url reads ws://HOST:PORT/ocpp/TENANT, got {url!r}")
    if protocol != "ocpp1.6":
        raise UserError(f"--protocol: this simulator speaks ocpp1.6, not {protocol!r}")
    if count < 1 or rate <= 0:
        raise UserError("--count and --rate are positive numbers")
    if not 1 <= connectors <= limits.CONNECTORS_MOST:
        raise UserError(f"--connectors takes 1 to {limits.CONNECTORS_MOST}")
    plan = Plan(
        url=url,
        count=len(identity) or count,
        rate=rate,
        prefix=prefix,
        identities=tuple(identity),
        protocols=(protocol,),
        password=password,
        passwords=_passwords(password_file),
        tags=tuple(token),
        scenario=_scenario(scenario),
        models=tuple(replace(model, connectors=connectors) for model in MODELS),
        faults=_faults(fault),
        seed=seed,
        journals=journal,
    )
    fleet = Fleet(plan)
    out = console()
    with suppress(KeyboardInterrupt):  # the usual way to end it: the summary follows
        trio.run(_play, fleet, length, out, json)
    summary = {"stations": plan.count, "seed": seed, **fleet.stats.summary(), "last_problem": fleet.stats.last_problem}
    if json:
        print(as_json(summary))
    else:
        out.print(" ".join(f"{name}={value}" for name, value in summary.items() if value != ""))
    if not fleet.stats.counts["boots"]:
        raise EnvironmentFault(f"no station was ever accepted at {url}: {fleet.stats.last_problem or 'no connection'}")
    return 0


async def _play(fleet: Fleet, length: float | None, out: Console, quiet: bool) -> None:
    async with trio.open_nursery() as nursery:
        if not quiet and out.is_terminal:
            nursery.start_soon(_show, fleet.stats, fleet.plan.count, out)
        await fleet.run(length)
        nursery.cancel_scope.cancel()


async def _show(stats: Stats, count: int, out: Console) -> None:
    with Live(fleet_table(stats, count), console=out, refresh_per_second=4, transient=True) as live:
        while True:
            await trio.sleep(0.25)
            live.update(fleet_table(stats, count))


def fleet_table(stats: Stats, count: int) -> Table:
    """The fleet at a glance, for a live display."""
    table = Table(show_header=False, box=None, pad_edge=False)
    counts = stats.counts
    table.add_row("stations online", f"{stats.online} / {count}")
    table.add_row("transactions", f"{counts['started']} started, {counts['stopped']} stopped")
    table.add_row("energy", f"{stats.energy_wh / 1000:.3f} kWh")
    table.add_row("messages", f"{counts['messages']}, p50 {stats.percentile(0.5):.0f} ms, p99 {stats.percentile(0.99):.0f} ms")
    table.add_row("trouble", f"{counts['errors']} errors, {counts['retries']} retries, {counts['lost']} lost connections")
    return table


def _scenario(name: str) -> str:
    if name in BUILT_IN:
        return BUILT_IN[name]
    try:
        text = Path(name).read_text()
        parse(text)
    except OSError:
        raise UserError(f"--scenario: {name!r} is neither a file nor one of {', '.join(BUILT_IN)}") from None
    except ValueError as error:
        raise UserError(f"--scenario {name}: {error}") from None
    return text


def _faults(specs: Sequence[str]) -> Faults:
    try:
        return Faults.parse(list(specs))
    except ValueError as error:
        raise UserError(f"--fault: {error}") from None


def _passwords(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise UserError(f"--password-file {path}: {error.strerror}") from None
    found = {}
    for number, line in enumerate(lines, 1):
        identity, colon, password = line.partition(":")
        if not colon:
            raise UserError(f"--password-file {path}, line {number}: it reads IDENTITY:PASSWORD")
        found[identity.strip()] = password.strip()
    return found
