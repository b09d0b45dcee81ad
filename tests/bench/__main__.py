"""`python -m tests.bench`: what a node carries, beside the obvious peer in the same run on the same database.

Figures are printed as ratios first, since only ratios travel to other machines. Bounded in count and time, on
loopback, stops by itself. `--quick` takes about two minutes; the whole run about ten.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench.crash import bench_crash
from tests.bench.database import bench_database
from tests.bench.decode import decoding
from tests.bench.fleet import mixed_fleet
from tests.bench.fuzz import fuzz_growth
from tests.bench.inventory import inventories
from tests.bench.ledger import bench_ledger
from tests.bench.node import (
    PASSWORD,
    TENANT,
    Load,
    Node,
    PeerNode,
    cpu_by_thread,
    cpu_of_database,
    cpu_seconds,
    rss_bytes,
)
from tests.bench.pay import bench_pay
from tests.bench.rating import ratings
from tests.bench.webhooks import bench_webhooks

OURS = f"/ocpp/{TENANT}/{{id}}"


MIXES = {12: "short sessions: 12 samples", 60: "hour-long sessions: 60 samples"}
"""Meter samples a session, at the usual one a minute. Short sessions are heavy on what costs most: starting, rating and
booking; the peer only inserts."""


class Bench:
    """The node under test, and what is beside it: the database server of both sides."""

    def __init__(self, node: Node, peer_dsn: str, database: int, log: Path) -> None:
        self.node = node
        self.peer_dsn = peer_dsn
        self.database = database
        self.log = log

    def throughput(self, port: int, pid: int, path: str, connections: int, seconds: float, **options: Any) -> dict[str, Any]:
        """Saturation: every station sends its next CALL as soon as it has the answer to the last one."""
        load = Load(port, path, connections=connections, seconds=seconds, warmup=3, **options)
        load.ready()
        before = self._cpu(pid, load.process.pid)
        figures = load.measured()
        after = self._cpu(pid, load.process.pid)
        figures |= load.result()
        used = {name: round((after[name] - before[name]) / max(1, figures["messages"]) * 1e6, 1) for name in after}
        figures["cpu_us_per_message"] = round(used["main"] + used["other"], 1)
        figures["cpu_us_by"] = used
        return figures

    def _cpu(self, pid: int, generator: int) -> dict[str, float]:
        """Of the server's main thread, its other threads, PostgreSQL and the load generator."""
        return {**cpu_by_thread(pid), "database": cpu_of_database(self.database), "generator": cpu_seconds(generator)}

    def mixes(self, connections: list[int], samples: list[int], seconds: float) -> dict[str, Any]:
        results: dict[str, Any] = {}
        for n in connections:
            for each in samples:
                name = f"durable mix, {n} connections, {MIXES.get(each, f'{each} samples a session')}"
                results[name] = self.mix(n, each, seconds)
                show(name, results[name])
        return results

    def mix(self, connections: int, samples: int, seconds: float) -> dict[str, Any]:
        node = self.node
        ours = self.throughput(node.ocpp_port, node.pid, OURS, connections, seconds, samples=samples, password=PASSWORD)
        ours["longest_stall_ms"] = stall(node)
        peer = PeerNode(self.peer_dsn, 9390, self.log)
        try:
            theirs = self.throughput(peer.ocpp_port, peer.pid, "/{id}", connections, seconds, samples=samples)
        finally:
            peer.stop()
        return {
            "ours": ours,
            "peer": theirs,
            "ratio": round(ours["per_second"] / max(0.1, theirs["per_second"]), 2),
            "cpu_ratio": round(theirs["cpu_us_per_message"] / max(0.1, ours["cpu_us_per_message"]), 2),
        }


def stall(node: Node) -> float | None:
    """How late the loop ever was, since the node started."""
    value = node.metric("voltroupe_runtime_lag_max_us")
    return None if value is None else round(value / 1e3, 1)


def bench_idle(node: Node, count: int) -> dict[str, Any]:
    """Storm and memory: `count` stations connect at once, boot, report one connector, and rest."""
    before = rss_bytes(node.pid)
    begun = time.perf_counter()
    load = Load(node.ocpp_port, OURS, connections=count, opening=1000, mode="idle", hold=True, password=PASSWORD)
    ready = load.ready()
    storm = time.perf_counter() - begun
    time.sleep(5)
    after = rss_bytes(node.pid)
    load.release()
    load.measured()
    load.result()
    return {
        "stations": count,
        "booted": ready["booted"],
        "errors": ready["errors"],
        "all_booted_s": round(storm, 2),
        "kb_per_station": round((after - before) / count / 1024, 1),
        "longest_stall_ms": stall(node),
    }


def bench_restart(node: Node) -> dict[str, Any]:
    """kill -9 to serving, with every station of the earlier benches known."""
    node.kill()
    return {"ready_s": round(node.start(), 2)}


def show(title: str, figures: dict[str, Any]) -> None:
    print(f"\n## {title}\n{json.dumps(figures, indent=1)}", flush=True)


ALL = ("decode", "rating", "mix", "idle", "restart", "crash", "fuzz", "inventory", "fleet", "ledger", "webhooks", "pay")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one connection count, 2,000 idle stations, 20,000 frames")
    parser.add_argument("--only", action="append", choices=ALL)
    parser.add_argument("--connections", type=int, action="append", help="for the mix; default 50, 500, 2000")
    parser.add_argument("--samples", type=int, action="append", help="meter samples a session in the mix; default 12, 60")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--stations", type=int, help="known and idle stations; default 10,000")
    parser.add_argument("--variables", type=int, default=2000, help="of a station, in the inventory")
    parser.add_argument("--journals", type=int, default=0, help="so many are posted and verified in the ledger bench")
    parser.add_argument("--burst", type=float, default=0, help="seconds of 2,000 webhooks a second, after those at 300")
    parser.add_argument("--json", type=Path, help="write all figures here")
    args = parser.parse_args()
    wanted = args.only or list(ALL)
    results: dict[str, Any] = {}
    if "decode" in wanted:
        results["decode"] = decoding()
        show("decoding and validating, beside json and jsonschema", results["decode"])
    if "rating" in wanted:
        results["rating"] = ratings()
        show("rating a session by a tariff of ten elements, one core", results["rating"])
    if "inventory" in wanted:
        stations = args.stations or (100 if args.quick else 500)
        results["inventory"] = inventories(stations, args.variables)
        show(f"full inventory of {args.variables} variables from {stations} stations at once", results["inventory"])
    if "ledger" in wanted:
        with tempfile.TemporaryDirectory(prefix="csms-bench-") as home:
            results["ledger"] = bench_ledger(Path(home) / "pg", 5 if args.quick else args.seconds, args.journals)
        show("the ledger: two-leg postings, one transaction each, fsync on", results["ledger"])
    if "fleet" in wanted:
        results["fleet"] = mixed_fleet(200 if args.quick else args.stations or 2000)
        show("a mixed fleet, commanded in one vocabulary", results["fleet"])
    if "webhooks" in wanted:
        seconds = 10 if args.quick else max(args.seconds, 30)
        results["webhooks"] = with_a_provider(lambda make: bench_webhooks(make, args.stations or 100, seconds, args.burst))
        show("webhooks of the payment provider, while sessions run", results["webhooks"])
    if "pay" in wanted:
        numbers = (10, 50, 100) if args.quick else (50, 500, 500)
        results["pay"] = with_a_provider(lambda make: bench_pay(make, *numbers))
        show(
            "a driver's way by card: the first page, and scan to charging less what passes at the provider's page", results["pay"]
        )
    if set(wanted) - {"decode", "rating", "inventory", "fleet", "ledger", "webhooks", "pay"}:
        with_a_node(args, wanted, results)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1))


def with_a_provider(bench: Callable[[Callable[[dict[str, str]], Node]], dict[str, Any]]) -> dict[str, Any]:
    """`bench` is given what makes a node of an environment; its database is there."""
    with tempfile.TemporaryDirectory(prefix="csms-bench-") as directory:
        home = Path(directory)
        (home / "node").mkdir()
        with bench_database(home / "pg") as (dsn, _, __):
            return bench(lambda env: Node(home / "node", dsn, env))


def with_a_node(args: argparse.Namespace, wanted: list[str], results: dict[str, Any]) -> None:
    stations = args.stations or (2_000 if args.quick else 10_000)
    connections = args.connections or ([500] if args.quick else [50, 500, 2000])
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="csms-bench-")))
        ours_dsn, peer_dsn, server = stack.enter_context(bench_database(home / "pg"))
        (home / "node").mkdir()
        node = Node(home / "node", ours_dsn)
        node.start()
        stack.callback(node.stop)
        node.provision(max(stations, *connections, 100))
        bench = Bench(node, peer_dsn, server, home / "peer.log")
        steps: dict[str, Callable[[], Any]] = {
            "mix": lambda: bench.mixes(connections, args.samples or list(MIXES), args.seconds),
            "idle": lambda: bench_idle(node, stations),
            "restart": lambda: bench_restart(node),
            "crash": lambda: bench_crash(node, 40),
            "fuzz": lambda: fuzz_growth(node, 20_000 if args.quick else 200_000, 2_000 if args.quick else 20_000),
        }
        if "idle" in wanted:  # memory is measured against a fresh process
            node.kill()
            node.start()
            results["idle"] = steps["idle"]()
            show("storm and memory", results["idle"])
        for name in ("mix", "restart", "crash", "fuzz"):
            if name in wanted:
                results[name] = steps[name]()
                if name != "mix":
                    show(name, results[name])


if __name__ == "__main__":
    main()
