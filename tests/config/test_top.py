"""`csms top`: the keys as a plain function, the rates of two looks, and the whole program on a terminal against a real node."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from msgspec.structs import replace

from actors.model.ids import station_address
from actors.station.messages import Look as LookAtStation
from config.top.look import Look, rates
from config.top.model import ORDERS, SORTS, Order, Quit, Screen, keys_of, press, seen
from tests.config.test_cli import ROOT, csms
from tests.gateways.web.rig import OWNER, Rig, serving

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]")


def pressed(screen: Screen, *keys: str) -> tuple[Screen, Any]:
    wish = None
    for key in keys:
        screen, wish = press(screen, key)
    return screen, wish


# -- keys


def test_the_cursor_stays_on_its_actor_while_the_list_moves() -> None:
    screen, _ = pressed(seen(Screen(), ["a", "b", "c"]), "down")
    assert screen.selected == "b"
    assert seen(screen, ["c", "b", "a"]).selected == "b"
    assert seen(screen, ["a", "c"]).selected == "c"  # whoever took its place
    assert seen(screen, []).selected == ""
    assert pressed(screen, "end")[0].selected == "c"
    assert pressed(screen, "home", "up")[0].selected == "a"


def test_every_order_asks_first_and_only_a_yes_gives_it() -> None:
    screen = seen(Screen(), ["acme/station/CS1"])
    for key, operation in ORDERS.items():
        asked, wish = pressed(screen, key)
        assert (asked.mode, wish) == ("confirm", None)
        assert pressed(asked, "y")[1] == Order(operation, "acme/station/CS1")
        for no in ("n", "enter", "escape", key):
            back, wish = pressed(asked, no)
            assert (back.mode, wish) == ("list", None)
    assert pressed(seen(Screen(), []), "r")[0].mode == "list"  # nobody is there


def test_a_filter_is_typed_corrected_and_left() -> None:
    screen = Screen()
    assert pressed(screen, "/", "c", "x", "backspace", "s", "enter")[0].query["q"] == "cs"
    left = pressed(replace(screen, text="old"), "/", "z", "escape")[0]
    assert (left.text, left.mode) == ("old", "list")
    assert pressed(left, "escape")[0].text == ""
    assert pressed(screen, "/", *"q", "up")[0].draft == "q"  # q does not end it while one types


def test_sorts_go_round_and_turn() -> None:
    screen = Screen()
    seen_sorts = []
    for _ in SORTS:
        screen, _ = press(screen, "s")
        seen_sorts.append(screen.sort)
    assert sorted(seen_sorts) == sorted(SORTS)
    assert pressed(Screen(), "S")[0].query["order"] == "asc"


def test_what_a_terminal_sends_becomes_keys_and_what_nobody_knows_nothing() -> None:
    assert keys_of("j\x1b[A\x1bOB\r\x1b[5~\x7f\x1b[1;5C\x1b[200~q\x1b") == [
        "j", "up", "down", "enter", "pageup", "backspace", "q", "escape",
    ]  # fmt: skip
    assert isinstance(press(Screen(mode="confirm"), "ctrl-c")[1], Quit)


# -- rates


def look(second: int, turns: int, handled: int) -> Look:
    histogram = {"log2": [0] * 10 + [turns] + [0] * 21}
    counters = {"turns": turns, "commits": 0, "asks": 0, "crashes": 0, "turn_us": histogram, "lag_us": histogram}
    lanes = {"commit_us": {"main": histogram, "money": histogram}}
    at = f"2026-01-01T00:00:{second:02}Z"
    return Look({"at": at, "counters": counters | lanes}, [{"address": "a", "handled": handled}], 1)


def test_rates_are_differences_of_two_looks() -> None:
    found = rates(look(0, 100, 10), look(2, 300, 30))
    assert (found.turns, found.commits, found.handled) == (100.0, 0.0, {"a": 10.0})
    assert found.turn_p99_ms == pytest.approx(1.023)
    assert rates(None, look(0, 1, 1)).turns is None
    assert rates(look(0, 100, 50), look(1, 100, 3)).handled == {}  # it was activated anew


# -- the program


@asynccontextmanager
async def house() -> AsyncIterator[tuple[Rig, str]]:
    async with serving() as (rig, url):
        acme = await rig.tenant()
        for n in (1, 2):
            await acme.put(f"/api/v1/tenants/acme/stations/CS{n}")
        yield rig, url


async def test_json_is_one_snapshot_of_raw_counters() -> None:
    async with house() as (_, url):
        done = await trio.to_thread.run_sync(lambda: csms("top", "--url", url, "--json", env={"CSMS_TOKEN": OWNER}))
        assert done.returncode == 0, done.stderr
        shown = json.loads(done.stdout)
        assert shown["actors"]["station"] == {"active": 2}
        assert shown["counters"]["turns"] > 0
        assert {line["address"] for line in shown["list"]} >= {"acme/station/CS1", "acme/tenant/acme"}


async def test_once_prints_a_table_and_a_tenants_token_shows_its_own() -> None:
    async with house() as (rig, url):
        await rig.tenant("volt")
        token = await rig.api_token("volt", "viewer")
        wanted = ("top", "--url", url, "--token", token, "--once", "--every", "0.2s")
        done = await trio.to_thread.run_sync(lambda: csms(*wanted))
        assert done.returncode == 0, done.stderr
        assert "volt/tenant/volt" in done.stdout
        assert "acme" not in done.stdout
        assert "turns/s" not in done.stdout


async def test_a_mistake_is_one_line_that_names_the_remedy(tmp_path: Any) -> None:
    async with house() as (_, url):
        wrong = await trio.to_thread.run_sync(lambda: csms("top", "--url", url, "--token", "guess", "--json"))
        assert (wrong.returncode, wrong.stdout) == (2, "")
        assert "CSMS_TOKEN" in wrong.stderr
    gone = await trio.to_thread.run_sync(lambda: csms("top", "--url", url, "--token", "x", "--once"))
    assert gone.returncode == 1
    assert "does not answer" in gone.stderr
    nobody = await trio.to_thread.run_sync(lambda: csms("top", "--data", str(tmp_path)))
    assert nobody.returncode == 2
    assert "--url" in nobody.stderr
    for done in (wrong, gone, nobody):
        assert len(done.stderr.strip().splitlines()) == 1
        assert "Traceback" not in done.stderr


class Terminal:
    """A program on a terminal of its own: what it shows, and what is typed."""

    def __init__(self, *arguments: str, env: dict[str, str]) -> None:
        self.fd, other = pty.openpty()
        termios.tcsetwinsize(other, (40, 140))
        self.before = termios.tcgetattr(other)
        self._other = other
        told = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
        kept = {name: value for name, value in os.environ.items() if name not in told and not name.startswith("CSMS_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "config.cli", *arguments], stdin=other, stdout=other, stderr=other,
            env={**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **env}, start_new_session=True,
        )  # fmt: skip
        self._shown = b""

    @property
    def text(self) -> str:
        """Put together first: what is read at a time may end in the middle of a character, or of a sequence."""
        return ANSI.sub("", self._shown.decode("utf-8", "replace"))

    async def until(self, *wanted: str) -> None:
        """All of them were shown since the last time."""
        with trio.move_on_after(120):
            while not all(word in self.text for word in wanted):
                await trio.lowlevel.wait_readable(self.fd)
                self._shown += os.read(self.fd, 65536)
            self._shown = b""
            return
        raise AssertionError(f"never saw {wanted} in {self.text[-3000:]}")

    def type(self, keys: str) -> None:
        self._shown = b""
        os.write(self.fd, keys.encode())

    async def ends(self) -> int:
        """Reads on meanwhile: a terminal that nobody reads would hold it up."""
        with trio.fail_after(120):
            while self.process.poll() is None:
                with trio.move_on_after(0.1):
                    await trio.lowlevel.wait_readable(self.fd)
                    os.read(self.fd, 65536)
        assert termios.tcgetattr(self._other) == self.before, "the terminal is as it was"
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.fd)
        os.close(self._other)


async def test_on_a_terminal_it_is_walked_by_keys_and_restarts_an_actor() -> None:
    async with house() as (rig, url):
        terminal = Terminal("top", "--url", url, "--every", "0.3s", env={"CSMS_TOKEN": OWNER})
        try:
            await terminal.until("turns/s", "acme/station/CS2", "database ready", "1 to")
            terminal.type("/CS1")
            await terminal.until("address contains: CS1_")
            terminal.type("\r")
            await terminal.until("with 'CS1' in the address")
            terminal.type("ss")
            await terminal.until("handling v")
            terminal.type("/\x7f\x7f\x7fstation\r")
            await terminal.until("1 to 2 of 2, with 'station' in the address")
            terminal.type("\x1b[H\r")
            await terminal.until("state, redacted", "incarnation", "stack", "no timers, letters or effects")
            await rig.system.ask(station_address("acme", "CS1"), LookAtStation(), deadline=60)
            terminal.type("r")
            await terminal.until("Really restart acme/station/CS", "y or n")
            assert rig.audited("restart_actor") == []
            terminal.type("y")
            await terminal.until(": done")
            assert len(rig.audited("restart_actor")) == 1
            terminal.type("?")
            await terminal.until("drain the actor (asks first)")
            terminal.type("qq")
            assert await terminal.ends() == 0
        finally:
            terminal.close()


async def test_a_node_that_goes_away_is_said_and_looked_for_again() -> None:
    async with house() as (_, url):
        terminal = Terminal("top", "--url", url, "--every", "0.2s", env={"CSMS_TOKEN": OWNER})
        try:
            await terminal.until("acme/station/CS1")
        except BaseException:
            terminal.close()
            raise
    try:
        await terminal.until("does not answer")
        terminal.process.send_signal(signal.SIGINT)
        assert await terminal.ends() == 0
    finally:
        terminal.close()
