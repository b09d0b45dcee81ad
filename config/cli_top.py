"""`csms top`: the actor console in a terminal."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import cyclopts
import trio
from cyclopts import Parameter
from rich.console import Console

from config.data import DataDirectory, as_json
from config.errors import UserError
from config.options import Config, Data, Json, console, seconds, settings_for
from config.owner import known_owner_token
from config.top.draw import actor_list, overview
from config.top.look import Node, first_look, rates
from config.top.model import Screen

_HELP = (
    "Examples:\n\n"
    "    csms top --data ./data                                  the node that runs there\n\n"
    "    CSMS_TOKEN=... csms top --url https://csms.example      any node; a tenant's token shows its own actors\n\n"
    "    csms top --data ./data --once --sort mailbox            a table, once\n\n"
    "    csms top --data ./data --json                           one snapshot of raw counters\n\n"
    "Keys: enter opens an actor, / filters, s sorts, r restarts (asks first), ? tells all, q quits."
)
_ONCE_ROWS = 40
Sort = Literal["rate", "mailbox", "age", "handled", "restarts", "crashes", "address", "kind", "status"]


def register(app: cyclopts.App) -> None:
    app.command(top, help_epilogue=_HELP)


def top(
    *,
    url: Annotated[str | None, Parameter(help="The node's HTTP URL (default: the node that runs on --data).")] = None,
    token: Annotated[str | None, Parameter(help="API token (CSMS_TOKEN; default: the owner's, of --data).")] = None,
    every: Annotated[str, Parameter(help="How often to look, such as 2s.")] = "1s",
    sort: Annotated[Sort, Parameter(help="By what the list is sorted.")] = "rate",
    kind: Annotated[str, Parameter(help="Only actors of this kind.")] = "",
    filter_: Annotated[str, Parameter(name="--filter", help="Only actors with this in their address.")] = "",
    once: Annotated[bool, Parameter(help="Print one table and end.")] = False,
    data: Data = None,
    config: Config = None,
    json: Json = False,
) -> int:
    """Watch a node's actors: throughput, latency, mailboxes, crashes; open one, restart it."""
    pause = seconds(every, "--every") or 1.0
    screen = Screen(sort=sort, down=sort not in ("address", "kind", "status"), kind=kind, text=filter_)
    where, secret = _node(url, token or os.environ.get("CSMS_TOKEN"), data, config)
    plain = once or not (sys.stdin.isatty() and sys.stdout.isatty())
    trio.run(_top, where, secret, screen, pause, plain, json)
    return 0


def _node(url: str | None, token: str | None, data: Path | None, config: Path | None) -> tuple[str, str]:
    """Where to look, and the token: both as given, else those of the node on the data directory."""
    if url is not None and not url.startswith(("http://", "https://")):
        raise UserError(f"--url takes an http or https URL, got {url!r}")
    if url is not None and token is not None:
        return url.rstrip("/"), token
    settings = settings_for(config, data)
    directory = DataDirectory(settings.data_dir)
    if url is None:
        node = directory.running_node()
        if node is None or not node.http:
            raise UserError(f"no node with an API runs on {directory.path}: name its --data, or --url and --token")
        url = node.http
    token = token or known_owner_token(settings, directory)
    if token is None:
        raise UserError("no API token: give --token, set CSMS_TOKEN, or name the --data that has owner.token")
    return url.rstrip("/"), token


async def _top(url: str, token: str, screen: Screen, every: float, plain: bool, json: bool) -> None:
    node = Node(url, token)
    try:
        if json:
            look = await first_look(node, screen.query)
            print(as_json({**look.counters, "list": look.actors, "total": look.total}))
        elif plain:
            await _once(node, screen, every, console())
        else:
            from config.top.app import Top

            await Top(node, screen, every, console()).run()
    finally:
        with trio.CancelScope(shield=True):
            await node.close()


async def _once(node: Node, screen: Screen, every: float, console: Console) -> None:
    """Two looks, so that there are rates, and then the same as text."""
    before = await first_look(node, screen.query)
    await trio.sleep(every)
    look = await first_look(node, screen.query)
    moved = rates(before, look)
    console.print(overview(look, moved, console.width))
    console.print(actor_list(look, moved, screen, _ONCE_ROWS, console.width))
