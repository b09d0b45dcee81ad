"""Is this machine, and its database, fit to run a node? One plain answer for each question, none of them a guess.

A database that may lose what it has acknowledged is refused: with fsync or synchronous_commit off, the promise that a
station's reply stands for something durable would be a lie.
"""

import errno
import resource
import socket
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg

from config import doctor_payments
from config.data import DataDirectory
from config.domain import COMMAND_PATIENCE, database_of
from config.errors import UserError
from config.finding import Finding
from config.settings import Settings, variable_of
from config.stations import quirks_of
from runtime.store import StoreAway
from storage.database import Database
from storage.migrate import NEWEST

OPEN_FILES_WANTED = 20_000
CLOCK_TOLERANCE = 2.0
"""Seconds that database and node may disagree about the time."""
_OLDEST_SERVER = 140_000
_MAKES_IT = "name the node's --data; for a new node csms migrate or csms up makes it"


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Every check in turn; one that cannot be made is itself a finding."""
    data = DataDirectory(settings.data_dir)
    running = data.running_node()
    yield Finding("licence", "ok", "Apache-2.0: nothing to activate")
    yield _python()
    yield _open_files()
    missing = settings.dsn is None and not data.has_database
    yield _no_data(data) if missing and not data.path.is_dir() else _data_directory(settings)
    for setting, host, port in listeners(settings):
        yield _port(setting, host, port, running is not None)
    for finding in doctor_payments.accounts(settings):
        yield finding
    yield _quirks(settings)
    if settings.http.public_url is not None:
        yield _proxies(settings)
    if missing:  # what is only examined is not made on the way
        yield Finding("database", "failed", f"there is none under {data.path}", _MAKES_IT)
        return
    try:
        async with database_of(settings, migrating=False, patience=COMMAND_PATIENCE) as database:
            async for finding in _database(database):
                yield finding
            if await schema_of(database) == NEWEST:
                async for finding in doctor_payments.in_database(settings, database):
                    yield finding
    except (UserError, StoreAway, OSError, asyncpg.PostgresError) as error:
        remedy = "check CSMS_DATABASE__DSN and that the server runs" if settings.dsn else "see the log in the data directory"
        yield Finding("database", "failed", f"cannot be opened: {error}", remedy)


def listeners(settings: Settings) -> list[tuple[str, str, int]]:
    """(setting, host, port) of everything a node would listen on."""
    wanted = [("ocpp.port", settings.ocpp.host, settings.ocpp.port), ("http.port", settings.http.host, settings.http.port)]
    if settings.ocpp.tls_certificate is not None:
        wanted.append(("ocpp.tls_port", settings.ocpp.host, settings.ocpp.tls_port))
    return wanted


def port_problem(host: str, port: int) -> str | None:
    """Why nothing can listen there, or None. Port 0 stands for any free one."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except socket.gaierror:
        return f"{host!r} is not an address of this machine"
    except OSError as error:
        reasons = {
            errno.EADDRINUSE: f"port {port} is taken by another process",
            errno.EACCES: f"port {port} needs privileges",
            errno.EADDRNOTAVAIL: f"{host!r} is not an address of this machine",
        }
        return reasons.get(error.errno or 0, f"cannot listen on {host}:{port}: {error.strerror}")
    return None


def culprit(setting: str, host: str) -> str:
    """Of a listener with a problem: its host, where no port at all can be had, else the port."""
    return setting if port_problem(host, 0) is None else f"{setting.partition('.')[0]}.host"


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding("python", "ok" if sys.version_info >= (3, 11) else "failed", version, "Python 3.11 or newer")


def _open_files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= OPEN_FILES_WANTED:
        return Finding("open files", "ok", f"{_limit(soft)} now, up to {_limit(hard)}")
    detail = f"at most {_limit(hard)}: so many connections less a few hundred"
    return Finding("open files", "warning", detail, f"raise the limit to {OPEN_FILES_WANTED}, or plan more processes")


def _limit(value: int) -> str:
    return "unlimited" if value == resource.RLIM_INFINITY else str(value)


def _no_data(data: DataDirectory) -> Finding:
    return Finding("data directory", "failed", f"there is no {data.path}", _MAKES_IT)


def _data_directory(settings: Settings) -> Finding:
    data = DataDirectory(settings.data_dir)
    try:
        data.prepare()
    except UserError as error:
        return Finding("data directory", "failed", str(error), "choose another --data, or mend its rights")
    exposed = [file for file in (data.key_file, data.owner_file) if file.exists() and file.stat().st_mode & 0o077]
    if exposed:
        names = ", ".join(str(file) for file in exposed)
        return Finding("data directory", "failed", f"others can read {names}", f"chmod 600 {names}")
    return Finding("data directory", "ok", str(data.path))


def _port(setting: str, host: str, port: int, running: bool) -> Finding:
    problem = port_problem(host, port)
    if problem is None:
        return Finding(setting, "ok", f"{host}:{port} is free")
    if running:
        return Finding(setting, "ok", f"{host}:{port}: the node that runs on this data directory may hold it")
    wrong = culprit(setting, host)
    remedy = "stop what listens there, or set" if wrong == setting else "set"
    return Finding(setting, "failed", problem, f"{remedy} {variable_of(wrong)}")


def _proxies(settings: Settings) -> Finding:
    """The HTTP listener speaks no TLS itself: where the public URL does, a proxy stands in front."""
    named = ", ".join(settings.http.trusted_proxies)
    if named or str(settings.http.public_url).startswith("http:"):
        return Finding("proxies", "ok", f"trusted: {named}" if named else "none: the public URL is plain http")
    detail = "the public URL is https, so a proxy is in front, and none is trusted: all drivers share its address and its limits"
    return Finding("proxies", "warning", detail, "name its network: CSMS_HTTP__TRUSTED_PROXIES='[\"10.0.0.0/24\"]'")


def _quirks(settings: Settings) -> Finding:
    own = settings.ocpp.quirks
    try:
        known = len(quirks_of(settings.ocpp).quirks)
    except (UserError, OSError) as error:
        return Finding("quirks", "failed", str(error), f"mend {own}, or unset CSMS_OCPP__QUIRKS")
    return Finding("quirks", "ok", f"{known} known" + (f", with your own of {own}" if own else ""))


async def _database(database: Database) -> AsyncIterator[Finding]:
    number = int(await database.fetchval("SELECT current_setting('server_version_num')"))
    version = await database.fetchval("SELECT current_setting('server_version')")
    old = number < _OLDEST_SERVER
    yield Finding("database", "failed" if old else "ok", f"PostgreSQL {version} at {database.dsn}", "PostgreSQL 14 or newer")
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        value = await database.fetchval("SELECT current_setting($1)", setting)
        remedy = f"ALTER SYSTEM SET {setting} = on; a crash would lose what stations were told"
        yield Finding(setting, "failed" if value == "off" else "ok", value, remedy)
    yield await _schema(database)
    before = datetime.now(UTC)
    theirs = await database.fetchval("SELECT clock_timestamp()")
    after = datetime.now(UTC)
    # It was told at some moment in between: a slow answer is no wrong clock.
    apart = max((before - theirs).total_seconds(), (theirs - after).total_seconds(), 0.0)
    yield Finding(
        "clock", "ok" if apart <= CLOCK_TOLERANCE else "failed", f"{apart:.3f} s from the database's", "run NTP on both machines"
    )


async def _schema(database: Database) -> Finding:
    found = await schema_of(database)
    if found == NEWEST:
        return Finding("schema", "ok", f"up to date ({found})")
    ahead = found is not None and found > NEWEST
    detail = f"{found or 'none yet'}, this program has {NEWEST}"
    return Finding("schema", "failed" if ahead else "warning", detail, "install a newer voltroupe" if ahead else "csms migrate")


async def schema_of(database: Database) -> str | None:
    """The revision of a database; None when it has no schema."""
    if await database.fetchval("SELECT to_regclass('schema_version')::text") is None:
        return None
    version: str | None = await database.fetchval("SELECT version_num FROM schema_version")
    return version
