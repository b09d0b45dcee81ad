"""Run the kills by hand; exit 1 when anything acknowledged is missing, doubled or invented."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.chaos.every_await import STATIONS, run_every_await
from tests.chaos.every_capture import run_every_capture, summary
from tests.chaos.storm import run_storm
from tests.chaos.storm_money import run_money_storm


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=30, help="random kills of node and PostgreSQL (0: none)")
    parser.add_argument(
        "--every-await",
        nargs="?",
        const="session",
        choices=("session", "capture"),
        help="kill at every scheduling step instead: of a start and a stop, or of whatever moves money",
    )
    parser.add_argument("--stride", type=int, default=1, help="with `capture`: only each so many-th step")
    parser.add_argument("--seed", type=int, default=None, help="of all dice; printed, so that a run can be repeated")
    parser.add_argument("--paying", action="store_true", help="random kills while drivers pay by card")
    parser.add_argument("--stations", type=int, default=12)
    parser.add_argument("--keep", type=Path, default=None, help="a directory to leave data, journals and logs in")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="csms-chaos-") as kept:
        home = given.keep or Path(kept)
        home.mkdir(parents=True, exist_ok=True)
        if given.every_await == "capture":
            return _every_capture(home, given.stride)
        if given.paying:
            return _paying(home, given)
        return _every_await(home) if given.every_await else _storm(home, given)


def _storm(home: Path, given: argparse.Namespace) -> int:
    seed = given.seed if given.seed is not None else int.from_bytes(__import__("os").urandom(4), "big")
    print(f"seed {seed}", flush=True)
    result = run_storm(home, given.kills, seed, given.stations)
    print(f"kills: {dict(sorted(result.kills.items()))}, slowest return {result.slowest_restart:.1f} s")
    print(f"verified: {dict(result.verdict.counts)}, {result.messages} messages")
    for problem in result.verdict.problems:
        print(f"PROBLEM {problem}")
    if not result.delivered:
        print("PROBLEM a station could not deliver all it had queued")
    if result.audit[0]:
        print(f"PROBLEM csms audit: {result.audit[1]}")
    if result.exit_code:
        print(f"PROBLEM the node's last SIGTERM ended with {result.exit_code}")
    print("passed" if result.passed else f"FAILED (seed {seed})")
    return 0 if result.passed else 1


def _paying(home: Path, given: argparse.Namespace) -> int:
    home.chmod(0o711)
    seed = given.seed if given.seed is not None else int.from_bytes(__import__("os").urandom(4), "big")
    print(f"seed {seed}", flush=True)
    result = run_money_storm(home, given.kills, seed)
    print(f"kills: {dict(sorted(result.kills.items()))}; verified: {dict(result.counts)}")
    for problem in result.problems:
        print(f"PROBLEM {problem}")
    print("passed" if not result.problems else f"FAILED (seed {seed})")
    return 0 if not result.problems else 1


def _every_await(home: Path) -> int:
    home.chmod(0o711)
    problems = []
    for protocol in STATIONS:
        (home / protocol).mkdir()
        result = run_every_await(home / protocol, protocol)
        print(f"{protocol}: kills: {result.kills}, by phase: {result.steps}")
        problems += result.problems
    for problem in problems:
        print(f"PROBLEM {problem}")
    print("passed" if not problems else "FAILED")
    return 0 if not problems else 1


def _every_capture(home: Path, stride: int) -> int:
    home.chmod(0o711)
    result = run_every_capture(home, stride=stride)
    for line in summary(result.kills):
        print(line)
    print(f"{result.total} kills in all; payments: {dict(result.ends)}")
    print(f"verified: {dict(result.counts)}")
    for problem in result.problems:
        print(f"PROBLEM {problem}")
    print("passed" if not result.problems else "FAILED")
    return 0 if not result.problems else 1


if __name__ == "__main__":
    sys.exit(main())
