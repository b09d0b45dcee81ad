"""`python -m tests.chaos.node --data DIR`: a node that can be told to kill itself at an exact moment.

Only the composition is ours; what runs is `config.node`. It takes lines on stdin and answers each on stdout:

    arm step K           SIGKILL itself before the K-th scheduling step of any task from now on
    arm before N         ... before the N-th batch from now goes to PostgreSQL
    arm during N MS      ... MS milliseconds after the N-th batch was sent, whether or not it has committed
    arm after N          ... when the N-th batch has committed and the trio side does not know yet
    disarm               answers `counted STEPS BATCHES` since the last arming; whoever reads that can rely on it that no shot
                         of this trap is on its way any more
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import trio

from config.cli_node import run_node
from config.node import ROLES
from config.options import settings_for
from storage.commit import Committer


class Trap(trio.abc.Instrument):
    """Counts while armed, and springs. `steps` is written by trio's thread, `batches` by the database's."""

    def __init__(self) -> None:
        self.armed = False
        self._firing = threading.Lock()
        """Either it is disarmed first, and nothing happens, or it fires first, and nobody is told that it was disarmed."""
        self.kind = ""
        self.at = 0
        self.delay = 0.0
        self.steps = 0
        self.batches = 0
        self.armings = 0

    def arm(self, words: Sequence[str]) -> None:
        self.kind, self.at = words[0], int(words[1])
        self.delay = float(words[2]) / 1000 if len(words) > 2 else 0.0
        self.steps = self.batches = 0
        self.armings += 1
        self.armed = True

    def disarm(self) -> None:
        with self._firing:
            self.armed = False

    def fire(self, arming: int | None = None) -> None:
        """`arming`: the one that a shot with a delay belongs to."""
        with self._firing:
            if self.armed and arming in (None, self.armings):
                spring()

    def before_task_step(self, task: Any) -> None:
        if self.armed:
            self.steps += 1
            if self.kind == "step" and self.steps == self.at:
                self.fire()

    def springs(self, kind: str) -> bool:
        return self.armed and self.kind == kind and self.batches == self.at


def spring() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def surround_commits(trap: Trap) -> None:
    """Put the trap around each batch, on the side thread."""
    together = Committer._together

    async def watched(self: Committer, connection: Any, turns: Any) -> Any:
        if trap.armed:
            trap.batches += 1
        if trap.springs("before"):
            trap.fire()
        if trap.springs("during"):
            asyncio.get_running_loop().call_later(trap.delay, trap.fire, trap.armings)
        outcomes = await together(self, connection, turns)
        if trap.springs("after"):
            trap.fire()
        return outcomes

    Committer._together = watched  # type: ignore[assignment,method-assign]


async def obey(trap: Trap) -> None:
    stdin = trio.lowlevel.FdStream(os.dup(0))
    kept = b""
    while data := await stdin.receive_some(4096):
        kept += data
        while b"\n" in kept:
            line, _, kept = kept.partition(b"\n")
            verb, *words = line.decode().split()
            if verb == "arm":
                print("armed", flush=True)
                trap.arm(words)
            else:
                trap.disarm()
                print(f"counted {trap.steps} {trap.batches}", flush=True)
    spring()  # whoever started it is gone


async def main() -> None:
    settings = settings_for(None, Path(sys.argv[sys.argv.index("--data") + 1]))
    trap = Trap()
    surround_commits(trap)
    async with trio.open_nursery() as nursery:
        trio.lowlevel.add_instrument(trap)
        nursery.start_soon(obey, trap)
        await run_node(settings, ROLES)


if __name__ == "__main__":
    trio.run(main)
