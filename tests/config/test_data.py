"""What lies in the data directory, and what a node that was killed has left there."""

import subprocess
import sys
from pathlib import Path

from config.data import DataDirectory, NodeFile, beginning_of


def somebody() -> "subprocess.Popen[bytes]":
    """A process, until its block is left."""
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)


def test_a_node_that_lives_is_found_and_one_that_ended_is_not(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path)
    with somebody() as other:
        data.write_node(NodeFile("ws://a", "http://b", other.pid, began=beginning_of(other.pid)))
        assert data.running_node() == data.node()
    assert data.running_node() is None


def test_a_process_that_has_the_number_of_a_dead_node_is_not_taken_for_it(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path)
    with somebody() as other:
        data.write_node(NodeFile("ws://a", "http://b", other.pid))
        assert data.running_node() is not None, "written before a node said when it began"
        data.write_node(NodeFile("ws://a", "http://b", other.pid, began=(beginning_of(other.pid) or 0) - 1))
        assert data.running_node() is None
