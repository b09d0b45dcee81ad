"""`csms up` and `csms demo`: commands that run a node."""

import os
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import cyclopts
import trio
from cyclopts import Parameter

from config.data import DataDirectory, NodeFile, as_json
from config.demo import run_demo
from config.errors import EnvironmentFault, UserError
from config.node import ROLES, open_node
from config.options import Config, Data, Json, console, seconds, settings_for
from config.settings import Settings

_UP = (
    "Examples:\n\n"
    "    csms up --data ./data\n\n"
    "    CSMS_DATABASE__DSN=postgresql://csms:secret@db/csms csms up --config /etc/csms.toml\n\n"
    "    csms up --role ocpp            stations only: no API on this node, but health and metrics\n\n"
    "It prints one line `ready` with its URLs, and the same as JSON to DATA/node.json. SIGTERM drains and exits 0."
)
_DEMO = (
    "Examples:\n\n"
    "    csms demo                      until Ctrl-C\n\n"
    "    csms demo --for 30s            ends by itself, with a summary\n\n"
    "    csms demo --data ./demo --stations 20"
)


def register(app: cyclopts.App) -> None:
    app.command(demo, help_epilogue=_DEMO)
    app.command(up, help_epilogue=_UP)


def up(
    *,
    data: Data = None,
    config: Config = None,
    role: Annotated[str, Parameter(help=f"Surfaces of this node, comma separated, of {', '.join(ROLES)}.")] = ",".join(ROLES),
    json: Annotated[bool, Parameter(name="--json", help="Print the ready line as JSON.")] = False,
) -> int:
    """Run a node: stations, API and console, on its own PostgreSQL or on yours."""
    settings = settings_for(config, data, service=True)
    roles = tuple(name.strip() for name in role.split(",") if name.strip())
    if unknown := [name for name in roles if name not in ROLES]:
        raise UserError(f"--role: unknown {', '.join(unknown)}; known are {', '.join(ROLES)}")
    if not roles:
        raise UserError(f"--role: name at least one of {', '.join(ROLES)}")
    trio.run(_up, settings, roles, json)
    return 0


async def _up(settings: Settings, roles: Sequence[str], json: bool) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(_until_told, nursery.cancel_scope)
        await run_node(settings, roles, json)


async def run_node(settings: Settings, roles: Sequence[str], json: bool = False) -> None:
    """A node that says when it is ready, and serves until it is cancelled."""
    other = DataDirectory(settings.data_dir).running_node()
    if other is not None:
        raise EnvironmentFault(
            f"a node runs on {settings.data_dir} already (process {other.pid}): stop it, or choose another --data"
        )
    async with open_node(settings, roles) as node:
        print(ready_line(node.urls, json), flush=True)
        await trio.sleep_forever()


async def _until_told(serving: trio.CancelScope, *, task_status: trio.TaskStatus[None]) -> None:
    """SIGTERM and SIGINT end the node in good order, at any moment of its life."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for _ in signals:
            serving.cancel()


def ready_line(urls: NodeFile, json: bool) -> str:
    if json:
        return as_json(urls)
    return f"ready ocpp={urls.ocpp or '-'} http={urls.http or '-'} pid={urls.pid}"


def demo(
    *,
    for_: Annotated[str | None, Parameter(name="--for", help="End by itself after 30s, 2m, 1h.")] = None,
    data: Annotated[
        Path | None, Parameter(name="--data", help="Keep the data here (default: a directory that goes away).")
    ] = None,
    stations: Annotated[int, Parameter(help="How many stations.")] = 6,
    config: Config = None,
    json: Json = False,
) -> int:
    """The main job, live: stations boot, authorise, charge, meter, and are billed."""
    length = seconds(for_, "--for")
    if not 1 <= stations <= 1000:
        raise UserError("--stations takes 1 to 1000")
    out = console()
    if data is not None:
        return _demo(settings_for(config, data), stations, length, json)
    with tempfile.TemporaryDirectory(prefix="csms-demo-") as kept:
        os.chmod(kept, 0o711)  # noqa: S103 - the embedded server may run under another uid and passes through
        if not json:
            out.print("Starting PostgreSQL and a node ...")
        return _demo(settings_for(config, Path(kept)), stations, length, json)


def _demo(settings: Settings, stations: int, length: float | None, json: bool) -> int:
    summary = trio.run(run_demo, settings, stations, length, json)
    if json:
        print(as_json(summary))
    return 0 if summary["journals"] else 1
