"""`csms station simulate`: virtual stations against any central system that speaks OCPP 1.5, 1.6 or 2.0.1."""

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
from gateways.simulator.fleet import KINDS, SOAP, Fleet, Plan
from gateways.simulator.memory import MODELS, Tls
from gateways.simulator.scenario import BUILT_IN, parse
from gateways.simulator.stats import Stats

_EXAMPLES = (
    "Examples:\n\n"
    "    csms station simulate --url ws://127.0.0.1:9000/ocpp/acme --count 100 --rate 20 --for 1m\n\n"
    "    csms station simulate --url ws://127.0.0.1:9000/ocpp/acme --identity CP1 --password secret --token 04A2\n\n"
    "    csms station simulate --url wss://csms.example.com/ocpp/acme --scenario ./night.txt --fault cut=0.05\n\n"
    "    csms station simulate --url ws://127.0.0.1:9000/ocpp/acme --soap-url http://127.0.0.1:8080/soap/acme \\\n"
    "        --protocol ocpp1.6,ocpp2.0.1,ocpp1.5 --count 300 --firmware-failures 5%\n\n"
    "Protocols: ocpp1.6, ocpp2.0.1 (WebSocket), ocpp1.5, ocpp1.6-S (SOAP); of several, stations speak one each, in turn.\n\n"
    "A scenario is one of charge, idle, offline, or a file of steps: boot, plug, authorize, start, meter, stop,\n"
    "unplug, suspend, resume, wait, fault, repeat (gateways/simulator/scenario.py).\n\n"
    f"Faults: {', '.join(Faults.names())}; each with a probability."
)


def register(app: cyclopts.App) -> None:
    station = cyclopts.App(name="station", help="Virtual stations.")
    station.command(simulate, help_epilogue=_EXAMPLES)
    app.command(station)


def simulate(
    *,
    url: Annotated[str, Parameter(help="Where stations connect; the identity is appended.")],
    soap_url: Annotated[str, Parameter(help="The same for stations that speak SOAP, where --url is for others.")] = "",
    protocol: Annotated[str, Parameter(help="One or several, by comma.")] = "ocpp1.6",
    count: Annotated[int, Parameter(help="How many stations.")] = 1,
    rate: Annotated[float, Parameter(help="Stations that connect in a second.")] = 50.0,
    connectors: Annotated[int, Parameter(help="Connectors of each station, at most those that it was registered with.")] = 1,
    prefix: Annotated[str, Parameter(help="Identities are PREFIX00001, PREFIX00002 ...")] = "SIM",
    identity: Annotated[Sequence[str], Parameter(help="Named identities, instead of a prefix. Repeatable.")] = (),
    password: Annotated[str | None, Parameter(help="Basic password of every station.")] = None,
    password_file: Annotated[Path | None, Parameter(help="Lines of IDENTITY:PASSWORD.")] = None,
    token: Annotated[Sequence[str], Parameter(help="idTags that drivers present. Repeatable.")] = ("SIMTAG",),
    scenario: Annotated[str, Parameter(help="charge, idle, offline, or a file.")] = "charge",
    token_type: Annotated[str, Parameter(help="OCPP 2.0.1: the type of the tokens.")] = "ISO14443",  # noqa: S107 (no secret)
    variables: Annotated[int, Parameter(help="OCPP 2.0.1: size of each device model; 0 is as it comes.")] = 0,
    firmware_failures: Annotated[str, Parameter(help="The share of firmware updates that go wrong: 5% or 0.05.")] = "0",
    gzip: Annotated[bool, Parameter(help="SOAP: send requests compressed.")] = False,
    ca: Annotated[Path | None, Parameter(help="PEM of the root to trust, for wss and https.")] = None,
    certificate: Annotated[Path | None, Parameter(help="PEM of a client certificate (security profile 3).")] = None,
    key: Annotated[Path | None, Parameter(help="PEM of its key, where it is in a file of its own.")] = None,
    fault: Annotated[Sequence[str], Parameter(help="NAME or NAME=PROBABILITY. Repeatable.")] = (),
    seed: Annotated[int, Parameter(help="Of all dice; a run with the same seed rolls the same.")] = 0,
    for_: Annotated[str | None, Parameter(name="--for", help="End by itself after 30s, 2m, 1h.")] = None,
    journal: Annotated[Path | None, Parameter(help="Directory: each station notes what was acknowledged to it.")] = None,
    json: Json = False,
) -> int:
    """Run virtual stations that boot, authorise, charge, meter and stop."""
    length = seconds(for_, "--for")
    protocols = _protocols(protocol)
    url, soap_url = _urls(url, soap_url, protocols)
    if count < 1 or rate <= 0:
        raise UserError("--count and --rate are positive numbers")
    if not 1 <= connectors <= limits.CONNECTORS_MOST:
        raise UserError(f"--connectors takes 1 to {limits.CONNECTORS_MOST}")
    if not 0 <= variables <= limits.VARIABLES_MOST:
        raise UserError(f"--variables takes 0 to {limits.VARIABLES_MOST}")
    for option, path in (("--ca", ca), ("--certificate", certificate), ("--key", key)):
        if path is not None and not path.is_file():
            raise UserError(f"{option}: {path} is no file")
    plan = Plan(
        url=url,
        soap_url=soap_url,
        count=len(identity) or count,
        rate=rate,
        prefix=prefix,
        identities=tuple(identity),
        protocols=protocols,
        password=password,
        passwords=_passwords(password_file),
        tags=tuple(token),
        scenario=_scenario(scenario),
        token_type=token_type,
        models=tuple(replace(model, connectors=connectors, variables=variables) for model in MODELS),
        faults=_faults(fault),
        seed=seed,
        journals=journal,
        tls=Tls(ca, certificate, key),
        zipped=gzip,
        firmware_failures=_share(firmware_failures, "--firmware-failures"),
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
        problem = fleet.stats.last_problem or "no connection"
        raise EnvironmentFault(f"no station was ever accepted at {url or soap_url}: {problem}")
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


def _protocols(text: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    unknown = [word for word in words if word not in KINDS]
    if unknown or not words:
        raise UserError(f"--protocol: this simulator speaks {', '.join(KINDS)}, not {', '.join(unknown) or 'nothing'}")
    return words


def _urls(url: str, soap_url: str, protocols: tuple[str, ...]) -> tuple[str, str]:
    """For WebSockets and for SOAP. `--url` is for both where the fleet has only the one kind."""
    kinds = {protocol in SOAP for protocol in protocols}
    if kinds == {True} and not soap_url:
        url, soap_url = "", url
    if False in kinds and (urlsplit(url).scheme not in ("ws", "wss") or not urlsplit(url).hostname):
        raise UserError(f"--url reads ws://HOST:PORT/ocpp/TENANT, got {url!r}")
    if True in kinds and (urlsplit(soap_url).scheme not in ("http", "https") or not urlsplit(soap_url).hostname):
        option = "--soap-url" if False in kinds else "--url"
        raise UserError(f"{option} reads http://HOST:PORT/soap/TENANT, got {soap_url!r}")
    return url, soap_url


def _share(text: str, option: str) -> float:
    """`5%` or `0.05`."""
    number, percent, rest = text.partition("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = -1.0
    if rest or not 0 <= share <= 1:
        raise UserError(f"{option} takes a share such as 5% or 0.05, got {text!r}")
    return share


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
