"""How `csms top` looks: plain rich renderables made of a look, the rates and the screen. Nothing is read here."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from config.top.look import Look, Rates
from config.top.model import ORDERS, Screen

_COLOURS = {
    "active": "green", "running": "green", "suspended": "yellow", "draining": "yellow", "restarting": "yellow",
    "activating": "yellow", "starting": "yellow", "stopped": "red", "cooling": "red", "given_up": "red",
}  # fmt: skip
_FRAME_LINES = 12
"""What stands around the rows of the list."""
_STATE_LINES = 40
_LAG_ALARM_MS = 100
_WIDE = 110
"""Columns of a terminal that has room for all columns of the list."""


def duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def overview(look: Look, rates: Rates, width: int) -> RenderableType:
    """The node in a few lines; a tenant's administrator sees its actors alone."""
    counters = look.counters.get("counters")
    facts: list[Text] = []
    if counters is not None:
        memory = look.counters["memory"] / 1_048_576
        database = look.counters["database"]
        facts += [
            _fact("turns/s", rates.turns), _fact("commits/s", rates.commits), _fact("asks/s", rates.asks),
            _fact("crashes/s", rates.crashes, 2, alarm=bool(rates.crashes)), _fact("turn p99 ms", rates.turn_p99_ms, 1),
            _fact("commit p99 ms", rates.commit_p99_ms, 1),
            _fact("loop lag p99 ms", rates.lag_p99_ms, 1, alarm=(rates.lag_p99_ms or 0) > _LAG_ALARM_MS),
            _text("memory", f"{memory:,.0f} MB"), _text("dead letters", f"{counters['dead_letters']:,}"),
            _text("database", "ready" if database["ready"] else "AWAY", alarm=not database["ready"]),
        ]  # fmt: skip
        ill = [service["name"] for service in look.counters["services"] if service["state"] != "running"]
        if ill:
            facts.append(_text("services not running", ", ".join(ill), alarm=True))
    kinds = Text()
    for kind, statuses in look.counters["actors"].items():
        kinds.append(f"{kind} ", style="dim")
        for status, count in statuses.items():
            kinds.append(f"{count:,} {status}  ", style=_COLOURS.get(status, ""))
    return Group(*_packed(facts, width), kinds)


def _packed(facts: list[Text], width: int) -> list[Text]:
    """As many on a line as fit, none of them broken."""
    lines: list[Text] = []
    for fact in facts:
        if lines and lines[-1].cell_len + 3 + fact.cell_len <= width:
            lines[-1] = Text("   ").join([lines[-1], fact])
        else:
            lines.append(fact)
    return lines


def _fact(label: str, value: float | None, digits: int = 0, *, alarm: bool = False) -> Text:
    return _text(label, "-" if value is None else f"{value:,.{digits}f}", alarm=alarm)


def _text(label: str, value: str, *, alarm: bool = False) -> Text:
    return Text.assemble((f"{label} ", "dim"), (value, "bold red" if alarm else "bold"))


def actor_list(look: Look, rates: Rates, screen: Screen, rows: int, width: int) -> RenderableType:
    """`rows` lines around the selected one; a narrow terminal shows what matters most."""
    first = max(0, min(screen.place - rows // 2, len(look.actors) - rows))
    table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False, padding=(0, 1))
    for name, sort, right, least in _COLUMNS:
        mark = (" v" if screen.down else " ^") if sort == screen.sort else ""
        if width >= _WIDE or sort not in ("handled", "restarts"):
            table.add_column(
                name + mark, justify="right" if right else "left", no_wrap=True, overflow="ellipsis", min_width=least,
                ratio=1 if sort == "address" else None,
            )  # fmt: skip
    for line in look.actors[first : first + rows]:
        table.add_row(*_cells(line, rates, width), style="reverse" if line["address"] == screen.selected else "")
    shown = f"{first + 1 if look.actors else 0} to {min(first + rows, len(look.actors))} of {look.total:,}"
    searched = f", with {screen.text!r} in the address" if screen.text else ""
    return Group(table, Text(f"{shown}{searched}", style="dim"))


_COLUMNS = (
    ("actor", "address", False, 20), ("status", "status", False, 9), ("mailbox", "mailbox", True, 7), ("msg/s", "rate", True, 7),
    ("handling", "age", False, 12), ("handled", "handled", True, 9), ("restarts", "restarts", True, 8),
    ("crashes", "crashes", True, 7),
)  # fmt: skip
"""Title, sort, to the right, least width."""


def _cells(line: Mapping[str, Any], rates: Rates, width: int) -> list[Text]:
    rate = rates.handled.get(line["address"], line["rate"])
    current = f"{line['current']} {duration(line['current_age'])}" if line["current"] else ""
    more = [Text(f"{line['handled']:,}"), Text(f"{line['restarts']:,}")] if width >= _WIDE else []
    return [
        Text(line["address"]), Text(line["status"], style=_COLOURS.get(line["status"], "")), Text(f"{line['mailbox']:,}"),
        Text("" if rate is None else f"{rate:,.1f}"), Text(current), *more, Text(f"{line['crashes']:,}"),
    ]  # fmt: skip


def one_actor(actor: Mapping[str, Any]) -> RenderableType:
    """What is known of one actor: state redacted by itself."""
    parts: list[RenderableType] = []
    if "gone" in actor:
        parts.append(Text(str(actor["gone"]), style="yellow"))
    else:
        parts += [_facts(actor), *_crash(actor), Panel(_stack(actor), title="stack", title_align="left", border_style="dim")]
        state = json.dumps(actor.get("state"), indent=1, ensure_ascii=False, default=str).splitlines()
        more = [f"... {len(state) - _STATE_LINES} more lines"] if len(state) > _STATE_LINES else []
        text = Text("\n".join(state[:_STATE_LINES] + more))
        parts.append(Panel(text, title="state, redacted", title_align="left", border_style="dim"))
    parts.insert(1, _waiting(actor["waiting"]))
    return Group(*parts)


def _facts(actor: Mapping[str, Any]) -> Table:
    checkpoint = actor.get("checkpoint") or {}
    current = f"{actor['current']} for {duration(actor['current_age'])}" if actor["current"] else "nothing"
    age = "" if checkpoint.get("age") is None else f", {duration(checkpoint['age'])} old"
    kept = f"at {checkpoint['seq']}, {checkpoint['behind']} behind, version {actor['version']}{age}" if checkpoint else "none"
    children = actor["children"]
    hidden = len(children) - 3 + int(actor.get("children_hidden", 0))
    grid = Table.grid(padding=(0, 2))
    for label, value in (
        ("status", actor["status"]), ("incarnation", f"{actor['incarnation']}, since {actor['active_since']}"),
        ("checkpoint", kept), ("handling", current), ("handled", f"{actor['handled']:,}"),
        ("mailbox", f"{actor['mailbox']} waiting {', '.join(actor['queued'][:8])}"), ("recent", ", ".join(actor["recent"])),
        ("waits for", actor["waiting_on"] or "nobody"), ("parent", actor["parent"] or "the node"),
        ("children", ", ".join(children[:3]) + (f" and {hidden} more" if hidden > 0 else "")),
    ):  # fmt: skip
        grid.add_row(Text(label, style="dim"), Text(str(value)))
    return grid


def _crash(actor: Mapping[str, Any]) -> list[RenderableType]:
    crash = actor.get("last_crash")
    if not crash:
        return []
    return [Text(f"crashed {crash['count']} times, last {crash['at']}: {crash['error']} on {crash['message']}", style="red")]


def _stack(actor: Mapping[str, Any]) -> Text:
    return Text("\n".join(actor.get("stack") or ["no task"]))


def _waiting(waiting: Mapping[str, Any]) -> RenderableType:
    if "away" in waiting:
        return Text(str(waiting["away"]), style="yellow")
    timers = waiting["timers"]
    lines = [f"timer {timer['name']}: {timer['message']}, due {_time(timer['at'])}" for timer in timers["durable"]]
    lines += [f"timer (volatile): {timer['message']}, in {duration(timer['left'])}" for timer in timers["volatile"]]
    lines += [f"letter {letter['message']} from {letter['from']}, {_time(letter['sent_at'])}" for letter in waiting["letters"]]
    lines += [f"effect {effect['topic']}, attempt {effect['attempt']}, {effect['error'] or ''}" for effect in waiting["effects"]]
    return Text("\n".join(lines[:20]) if lines else "no timers, letters or effects", style="" if lines else "dim")


def _time(text: str) -> str:
    return msgspec.convert(text, datetime).strftime("%Y-%m-%d %H:%M:%S")


def whole(
    url: str, look: Look, rates: Rates, screen: Screen, actor: Mapping[str, Any] | None, fault: str, size: tuple[int, int]
) -> Group:
    """Everything on the screen, top to bottom; `size` is width and height of the terminal."""
    width, height = size
    head = Text.assemble(("csms top ", "bold"), (f"{look.counters['node']} at {url}", "dim"), f"  {look.at:%H:%M:%S} UTC")
    parts: list[RenderableType] = [head]
    if fault:
        parts.append(Text(fault, style="bold red"))
    if screen.mode == "help":
        return Group(*parts, _help())
    if screen.opened:
        parts += [Text(screen.opened, style="bold"), one_actor(actor) if actor is not None else Text("...")]
    else:
        parts += [
            overview(look, rates, width),
            actor_list(look, rates, screen, max(3, height - _FRAME_LINES - bool(fault) - 1), width),
        ]
    return Group(_foot(screen), *parts)


def _foot(screen: Screen) -> Text:
    if screen.mode == "confirm" and screen.asked is not None:
        return Text(f"Really {screen.asked.operation} {screen.asked.address}? y or n", style="bold yellow")
    if screen.mode == "filter":
        return Text(f"address contains: {screen.draft}_   (enter: search, escape: leave)", style="bold")
    if screen.message:
        return Text(screen.message, style="bold")
    if screen.opened:
        return Text("escape back   r restart   ? all keys   q quit", style="dim")
    return Text("enter open   / filter   s sort   S order   r restart   ? all keys   q quit", style="dim")


def _help() -> RenderableType:
    grid = Table.grid(padding=(0, 3))
    for keys, meaning in (
        ("up down j k, page up, page down", "move"), ("enter", "open the actor"), ("escape", "back; in the list: no filter"),
        ("/", "only addresses that contain a text"), ("s, S", "sort by the next column, the other way round"),
        *((key, f"{operation} the actor (asks first)") for key, operation in ORDERS.items()), ("q", "quit"),
    ):  # fmt: skip
        grid.add_row(Text(keys, style="bold"), meaning)
    return Panel(grid, title="keys", title_align="left", border_style="dim")
