"""The embedded server's life: made, started, adopted, killed, shared, stopped; nothing outside the data directory."""

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import asyncpg
import pytest

from storage import embedded
from storage.embedded import DataDirectoryInUse, EmbeddedError, EmbeddedServer

pytestmark = pytest.mark.postgres

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server(quick_path: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(quick_path / "data")
    yield server
    if server.home.exists():
        server.stop()


def ask(dsn: str, sql: str) -> Any:
    async def run() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(run())


def test_it_is_made_on_first_use_and_durable_from_the_start(server: EmbeddedServer) -> None:
    dsn = server.start()
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert ask(dsn, f"SHOW {setting}") == "on"
    assert ask(dsn, "SHOW server_encoding") == "UTF8"
    assert ask(dsn, "SHOW data_checksums") == "on"
    assert ask(dsn, "SHOW listen_addresses") in ("", "127.0.0.1")


def test_stopping_and_starting_keeps_the_data_and_makes_nothing_anew(server: EmbeddedServer) -> None:
    ask(server.start(), "CREATE TABLE kept AS SELECT 42 AS n")
    made = (server.cluster / "PG_VERSION").stat()
    server.stop()
    assert server.pid is None
    dsn = server.start()
    again = (server.cluster / "PG_VERSION").stat()
    assert (again.st_ino, again.st_mtime_ns) == (made.st_ino, made.st_mtime_ns)
    assert ask(dsn, "SELECT n FROM kept") == 42


def test_a_number_that_another_postgresql_has_by_now_is_not_taken_for_ours(server: EmbeddedServer, quick_path: Path) -> None:
    """As after a machine went down and came back, where the numbers begin anew."""
    server.start()
    other = EmbeddedServer(quick_path / "other")
    other.start()
    other.stop()
    lines = (server.cluster / "postmaster.pid").read_text().splitlines()
    (other.cluster / "postmaster.pid").write_text("\n".join([lines[0], str(other.cluster), *lines[2:4], "", *lines[5:]]) + "\n")
    assert other.pid is None
    assert server.pid == int(lines[0])


def test_a_killed_node_leaves_the_server_and_the_next_one_adopts_it(server: EmbeddedServer) -> None:
    code = f"""
import os, signal
from pathlib import Path
from storage.embedded import EmbeddedServer
server = EmbeddedServer(Path({str(server.home.parent)!r}))
server.own()
server.start()
print(server.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    node = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert node.returncode == -signal.SIGKILL, node.stderr
    server.own()
    dsn = server.start()
    assert server.pid == int(node.stdout)
    assert ask(dsn, "SELECT 1") == 1
    server.stop()
    assert server.pid is None


def test_a_killed_server_is_started_again_with_its_data(server: EmbeddedServer) -> None:
    ask(server.start(), "CREATE TABLE kept AS SELECT 42 AS n")
    killed = server.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    while server.pid is not None:
        time.sleep(0.005)
    dsn = server.start()
    assert server.pid != killed
    assert ask(dsn, "SELECT n FROM kept") == 42


def test_a_half_made_cluster_is_made_anew(server: EmbeddedServer) -> None:
    """As after a crash in the middle of initdb."""
    (server.home / "cluster.new").mkdir(parents=True)
    (server.home / "cluster.new" / "PG_VERSION").write_text("18\n")
    assert ask(server.start(), "SELECT 1") == 1


def test_a_second_node_on_the_same_directory_is_refused_by_name(server: EmbeddedServer) -> None:
    server.own()
    with pytest.raises(DataDirectoryInUse, match=f"pid {os.getpid()}"):
        EmbeddedServer(server.home.parent).own()


def test_the_last_user_stops_it(server: EmbeddedServer) -> None:
    """A command that comes and goes while a node runs; and a node that goes while a command still works."""
    node, command = server, EmbeddedServer(server.home.parent)
    node.own()
    node.start()
    dsn = command.start()
    command.stop()
    assert ask(dsn, "SELECT 1") == 1
    command.start()
    node.stop()
    assert ask(dsn, "SELECT 1") == 1
    command.stop()
    assert command.pid is None


def test_two_starters_at_once_get_one_server(server: EmbeddedServer) -> None:
    code = f"""
from pathlib import Path
from storage.embedded import EmbeddedServer
server = EmbeddedServer(Path({str(server.home.parent)!r}))
server.start()
print(server.pid, flush=True)
input()
server.stop()
"""
    starters = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    pids = {starter.stdout.readline() for starter in starters if starter.stdout}
    for starter in starters:
        starter.communicate("\n")
        assert starter.returncode == 0
    assert len(pids) == 1
    assert server.pid is None


def test_the_password_is_private_and_needed(server: EmbeddedServer) -> None:
    dsn = server.start()
    password = server.home / "password"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    wrong = dsn.replace(password.read_text().strip(), "guess")
    assert wrong != dsn
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(wrong, "SELECT 1")


def test_a_path_too_long_for_a_socket_gets_a_loopback_port(quick_path: Path) -> None:
    server = EmbeddedServer(quick_path / ("long" * 25))
    try:
        dsn = server.start()
        assert "@127.0.0.1:" in dsn
        assert ask(dsn, "SELECT 1") == 1
        command = EmbeddedServer(server.home.parent)
        assert command.start() == dsn
        command.stop()
    finally:
        server.stop()


def test_a_port_that_somebody_took_meanwhile_is_given_up_for_another(quick_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        free = embedded._free_port
        ports = iter([taken])
        monkeypatch.setattr(embedded, "_free_port", lambda: next(ports, None) or free())
        server = EmbeddedServer(quick_path / ("long" * 25))
        try:
            dsn = server.start()
            assert f":{taken}/" not in dsn
            assert ask(dsn, "SELECT 1") == 1
        finally:
            server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="about running as root")
def test_as_root_it_runs_unprivileged_and_leaves_what_is_above_the_directory_alone(quick_path: Path) -> None:
    locked = quick_path / "only-root"
    locked.mkdir(mode=0o700)
    before = locked.stat()
    server = EmbeddedServer(locked / "data")
    try:
        assert ask(server.start(), "SELECT 1") == 1
        status = Path(f"/proc/{server.pid}/status").read_text()
        uid = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1]
        assert uid != "0"
        assert server.cluster.stat().st_uid == int(uid)
    finally:
        server.stop()
    after = locked.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert [path.name for path in quick_path.iterdir()] == ["only-root"]
    assert [path.name for path in locked.iterdir()] == ["data"]
    assert [path.name for path in (locked / "data").iterdir()] == ["postgres"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_as_an_ordinary_user_it_runs_as_that_user(quick_path: Path) -> None:
    """In a process that has given up root, after its imports: the interpreter itself may be root's alone."""
    home = Path(mkdtemp(prefix="voltroupe-test-", dir="/tmp"))  # not below what pytest keeps for root alone
    code = f"""
import os
from pathlib import Path
from storage.embedded import EmbeddedServer
os.setgroups([]); os.setgid(65534); os.setuid(65534)
server = EmbeddedServer(Path({str(home)!r}))
server.start()
print(Path(f"/proc/{{server.pid}}").stat().st_uid)
server.stop()
"""
    os.chown(home, 65534, 65534)
    try:
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.strip()) == (0, "65534"), done.stderr
    finally:
        subprocess.run(["rm", "-rf", str(home)], check=True)


def test_a_server_that_cannot_start_says_what_it_said(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    with (server.cluster / "postgresql.conf").open("a") as conf:
        conf.write("shared_buffers = nonsense\n")
    with pytest.raises(EmbeddedError, match="nonsense"):
        server.start()


def test_a_cluster_of_another_version_is_refused_with_the_way_out(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    (server.cluster / "PG_VERSION").write_text("13\n")
    with pytest.raises(EmbeddedError, match=r"made by PostgreSQL 13.*export"):
        server.start()
    (server.cluster / "PG_VERSION").write_text("18\n")
