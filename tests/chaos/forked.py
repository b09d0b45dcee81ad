"""A node that is back at once: a parent that has read all the code forks each incarnation, since a run of some hundred kills
would otherwise spend its time importing. What an incarnation knows it has from the database, as ever; of the parent it has code.

    python -m tests.chaos.forked --data DIR

The parent reads `start` on stdin, forks, and says `child PID`; from then on stdin and stdout are the child's (node.py says what
it understands), until it dies: then the parent says `died`, also to whatever is asked of the dead.
"""

import gc
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from tests.chaos.process import READY_SECONDS, ROOT, Node


class Incarnation:
    """What `Node` needs of a process, of somebody else's child."""

    def __init__(self, parent: subprocess.Popen[bytes], pid: int) -> None:
        self.stdin, self.stdout, self.pid = parent.stdin, parent.stdout, pid
        self.returncode: int | None = None
        try:
            self._handle: int | None = os.pidfd_open(pid)
        except ProcessLookupError:
            self._handle = None
        self._over = select.poll()
        if self._handle is not None:
            self._over.register(self._handle, select.POLLIN)

    def poll(self) -> int | None:
        return self._ended(0)

    def _ended(self, milliseconds: int) -> int | None:
        if self.returncode is None and (self._handle is None or self._over.poll(milliseconds)):
            self.returncode = -signal.SIGKILL
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None
        return self.returncode

    def send_signal(self, sign: int) -> None:
        if self._handle is not None:
            with suppress(ProcessLookupError):  # it died by itself since somebody looked
                signal.pidfd_send_signal(self._handle, sign)

    def wait(self, seconds: float = 60.0) -> int | None:
        return self._ended(int(seconds * 1000))


class ForkedNode(Node):
    _parent: subprocess.Popen[bytes] | None = None

    def start(self, command: Sequence[str] = (), deadline: float = READY_SECONDS, **pipes: Any) -> float:
        begun = time.monotonic()
        if self._parent is None:
            self.starts = 0
            with self.log.open("ab") as log:
                self._parent = subprocess.Popen(
                    [sys.executable, "-m", "tests.chaos.forked", "--data", str(self.data)],
                    env=self.environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                )  # fmt: skip
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        with suppress(BrokenPipeError):  # then it says nothing any more, and its log why
            self._parent.stdin.write(b"start\n")
            self._parent.stdin.flush()
        for line in self._parent.stdout:
            if line.startswith(b"child "):
                self.process = Incarnation(self._parent, int(line.split()[1]))  # type: ignore[assignment]
                break
        else:
            raise RuntimeError(f"nobody starts nodes any more; the log ends:\n{self.tail()}")
        self.starts += 1
        self._until_ready(begun, deadline)
        return time.monotonic() - begun

    def end(self) -> None:
        """The parent, too."""
        if self._parent is not None:
            self._parent.kill()  # first: it starts nobody any more
            self._parent.wait()
            with suppress(BrokenPipeError):  # of a line that nobody took
                self._parent.stdin.close()  # type: ignore[union-attr]  # and whoever reads on there ends
            self._parent.stdout.close()  # type: ignore[union-attr]
            self._parent = None
        super().end()


def _asked() -> str:
    """A line of stdin, and not a byte more: what follows is for the child."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return ""
        line += byte
    return line.decode().strip()


def main() -> None:
    import trio

    from gateways.ocpp.quirks.loader import ours
    from tests.chaos import node

    ours()  # read from files that come with the code, once a process
    gc.freeze()
    while asked := _asked():
        if asked == "start":
            pid = os.fork()
            if pid == 0:
                trio.run(node.main)
                os._exit(0)
            print(f"child {pid}", flush=True)
            os.waitpid(pid, 0)
            os.set_blocking(0, True)  # the child read without waiting, and what it said of that is said of the pipe
        print("died", flush=True)


if __name__ == "__main__":
    main()
