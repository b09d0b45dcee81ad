"""What lies in a node's data directory, and who may read it.

DATA/postgres/        the embedded PostgreSQL, when no DSN is configured
DATA/deployment.key   the root of all keys on this site (vault, token hashes): back it up apart from the database
DATA/owner.token      the platform owner's bearer token, mode 600
DATA/node.json        URLs and process id of the node that runs here
"""

import contextlib
import os
from pathlib import Path
from typing import Any

import msgspec

from config.errors import EnvironmentFault


class NodeFile(msgspec.Struct, frozen=True):
    """What a running node says of itself: bases of its URLs, and its process. `began`: when that began, as the system counts
    (`beginning_of`), since the number of a node that was killed may be some other program's by now."""

    ocpp: str
    http: str
    pid: int
    version: str = ""
    began: int | None = None


class DataDirectory:
    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    @property
    def key_file(self) -> Path:
        return self.path / "deployment.key"

    @property
    def owner_file(self) -> Path:
        return self.path / "owner.token"

    @property
    def node_file(self) -> Path:
        return self.path / "node.json"

    @property
    def has_database(self) -> bool:
        """Whether the embedded PostgreSQL was ever started here."""
        return (self.path / "postgres" / "cluster").is_dir()

    def prepare(self) -> None:
        """Make it. Others may pass through (the embedded server runs under another uid) but not list it."""
        try:
            self.path.mkdir(mode=0o711, parents=True, exist_ok=True)
        except OSError as error:
            raise EnvironmentFault(
                f"cannot make the data directory {self.path}: {_words(error)} (--data, CSMS_DATA_DIR)"
            ) from None
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise EnvironmentFault(f"the data directory {self.path} is not writable for this user (--data, CSMS_DATA_DIR)")

    def write_secret(self, path: Path, text: str) -> None:
        """Whole or not at all, readable for its owner only."""
        self._replace(path, text.encode(), 0o600)

    def write_node(self, node: NodeFile) -> None:
        self._replace(self.node_file, msgspec.json.encode(node) + b"\n", 0o644)

    def forget_node(self) -> None:
        """Only if the file is still this process's own."""
        node = self.node()
        if node is not None and node.pid == os.getpid():
            with contextlib.suppress(FileNotFoundError):
                self.node_file.unlink()

    def node(self) -> NodeFile | None:
        """What the file says, whether or not that process still lives."""
        try:
            return msgspec.json.decode(self.node_file.read_bytes(), type=NodeFile)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def running_node(self) -> NodeFile | None:
        node = self.node()
        if node is None or node.pid == os.getpid():
            return None
        try:
            os.kill(node.pid, 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            pass  # it lives, under another user
        if node.began is not None and beginning_of(node.pid) not in (None, node.began):
            return None
        return node

    def _replace(self, path: Path, content: bytes, mode: int) -> None:
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, path)
        except OSError as error:
            raise EnvironmentFault(f"cannot write {path}: {_words(error)}") from None


def beginning_of(pid: int) -> int | None:
    """Clock ticks from the machine's start to the process's; None where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def as_json(value: Any) -> str:
    """One line, for `--json`."""
    return msgspec.json.encode(value).decode()
