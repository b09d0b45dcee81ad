"""The sandbox (gateways/payments/sandbox) as a process of its own, for tests that kill nodes: it lives on, with its
money."""

import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import PIPE

import msgspec
import trio

from gateways.payments.sandbox import Config, Driver

ROOT = Path(__file__).parents[2]
START_SECONDS = 120.0
"""A safety net."""


class SandboxProcess:
    """`url`, `secret_key`, `client_id`, `platform`: what its first line says. `driver` pays its pages and asks its control
    API."""

    def __init__(self, process: trio.Process, said: dict[str, str]) -> None:
        self.process = process
        self.url, self.secret_key = said["url"], said["secret_key"]
        self.client_id, self.platform = said["client_id"], said["platform"]
        self.driver = Driver(self.url)

    async def end(self, sign: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(sign)
        return await self.process.wait()


async def start_sandbox(config: Config, state: Path | None = None, port: int = 0) -> SandboxProcess:
    command = [
        sys.executable,
        "-m",
        "gateways.payments.sandbox",
        "--port",
        str(port),
        "--config",
        msgspec.json.encode(config).decode(),
    ]
    process = await trio.lowlevel.open_process(
        [*command, *(["--state", str(state)] if state is not None else [])], stdout=PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    line = b""
    try:
        with trio.fail_after(START_SECONDS):
            while not line.endswith(b"\n"):
                chunk = await process.stdout.receive_some(4096)
                assert chunk, "the sandbox did not start"
                line += chunk
    except BaseException:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
        raise
    return SandboxProcess(process, json.loads(line))


@asynccontextmanager
async def sandbox_process(config: Config, state: Path | None = None, port: int = 0) -> AsyncIterator[SandboxProcess]:
    sandbox = await start_sandbox(config, state, port)
    try:
        yield sandbox
    finally:
        with trio.CancelScope(shield=True):
            await sandbox.end(signal.SIGKILL)
