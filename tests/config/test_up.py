"""`csms up` as a process: the ready line, node.json, the PyPI `ocpp` client against it, SIGKILL and SIGTERM."""

import asyncio
import base64
import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from ocpp.v16 import ChargePoint, call
from websockets.asyncio.client import connect

from gateways.web.soap import PREFIX as SOAP
from tests.chaos.process import PASSWORD, TENANT, TOKEN, Node, shown
from tests.config.test_cli import csms

pytestmark = pytest.mark.postgres
WAITS = 120
"""Seconds that a client waits for anything: a safety net."""
PATIENT: dict[str, Any] = {"subprotocols": ["ocpp1.6"], "proxy": None, "open_timeout": WAITS, "ping_timeout": WAITS}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    home = tmp_path_factory.mktemp("up")
    home.parent.chmod(0o711)
    home.parent.parent.chmod(0o711)
    running = Node(home)
    try:
        running.start()
        running.provision(["UP001", "UP002"])
        yield running
    finally:
        running.end()


def test_node_json_and_the_ready_line_name_urls_and_process(node: Node) -> None:
    written = json.loads((node.data / "node.json").read_bytes())
    assert node.process is not None
    assert written["pid"] == node.process.pid
    assert written["ocpp"] == f"ws://127.0.0.1:{node.ocpp_port}"
    assert written["http"] == f"http://127.0.0.1:{node.http_port}"
    lines = [line for line in node.log.read_text().splitlines() if line.startswith("ready ")]
    assert len(lines) == node.starts
    assert written["ocpp"] in lines[-1]
    assert written["http"] in lines[-1]


def test_a_second_node_on_the_same_data_is_refused_in_one_line(node: Node) -> None:
    env = {"CSMS_OCPP__PORT": "0", "CSMS_HTTP__PORT": "0"}
    second = csms("up", "--data", str(node.data), env=env)
    assert second.returncode == 1
    assert "already" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_tenant_created_beside_a_running_node_can_be_used_at_once(node: Node) -> None:
    env = {"CSMS_OWNER_TOKEN": node.owner}
    created = csms(
        "tenant", "create", "beside", "--currency", "EUR", "--country", "DE", "--json", "--data", str(node.data), env=env
    )
    assert created.returncode == 0, created.stderr
    token = json.loads(created.stdout)["token"]
    with node.api() as api:
        answer = api.get("/tenants/beside/stations", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        assert api.get(f"/tenants/{TENANT}/stations", headers={"Authorization": f"Bearer {token}"}).status_code in (403, 404)


def test_doctor_and_audit_work_beside_a_running_node(node: Node) -> None:
    env = {"CSMS_OCPP__PORT": str(node.ocpp_port), "CSMS_HTTP__PORT": str(node.http_port)}
    doctor = csms("doctor", "--data", str(node.data), "--json", env=env)
    assert doctor.returncode == 0, doctor.stdout
    assert node.audit() == (0, "")


def test_a_node_for_stations_alone_has_health_and_soap_but_no_api(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("stations-only")
    alone = Node(home)
    try:
        alone.start(("config.cli", "up", "--role", "ocpp"))
        with httpx.Client(base_url=f"http://127.0.0.1:{alone.http_port}", trust_env=False, timeout=60) as http:
            assert http.get("/metrics").text.startswith("# HELP")
            assert b"CentralSystemService" in http.get(f"{SOAP}acme", params={"wsdl": ""}).content
            assert http.get("/api/v1/tenants").status_code == 404
            assert http.get("/console").status_code == 404
    finally:
        alone.end()


# -- the independent client ------------------------------------------------------------------------------------------


async def _session(url: str, identity: str, began: datetime) -> dict[str, Any]:
    """Boot, authorise, start, meter, stop; start and stop once more each."""
    basic = base64.b64encode(f"{identity}:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    async with connect(f"{url}/{identity}", additional_headers=headers, **PATIENT) as socket:
        station = ChargePoint(identity, socket, response_timeout=WAITS)
        reading = asyncio.ensure_future(station.start())
        boot = await station.call(call.BootNotification(charge_point_model="M", charge_point_vendor="V"))
        verdict = await station.call(call.Authorize(id_tag=TOKEN))
        start = call.StartTransaction(connector_id=1, id_tag=TOKEN, meter_start=1000, timestamp=_wire(began))
        started = await station.call(start)
        again = await station.call(start)
        value = {"timestamp": _wire(began + timedelta(minutes=10)), "sampledValue": [{"value": "3000"}]}
        await station.call(call.MeterValues(connector_id=1, transaction_id=started.transaction_id, meter_value=[value]))
        stop = call.StopTransaction(
            meter_stop=6000, timestamp=_wire(began + timedelta(minutes=30)), transaction_id=started.transaction_id, id_tag=TOKEN
        )
        await station.call(stop)
        await station.call(stop)
        reading.cancel()
    return {
        "boot": boot.status,
        "verdict": verdict.id_tag_info["status"],
        "numbers": {started.transaction_id, again.transaction_id},
    }


def _wire(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def test_the_ocpp_package_charges_and_finds_session_cdr_and_journal_in_the_api(node: Node) -> None:
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=31)
    told = asyncio.run(_session(node.ocpp_url, "UP001", began))
    assert told["boot"] == "Accepted"
    assert told["verdict"] == "Accepted"
    (number,) = told["numbers"]
    with node.api() as api:
        sessions = api.get(f"/tenants/{TENANT}/sessions", params={"station": "UP001"}).json()["items"]
        assert [(s["number"], s["state"], s["energy_wh"]) for s in sessions] == [(number, "ended", 5000)]
        (session,) = sessions
        assert session["cost"]["excl"] == {"amount_minor": 250, "currency": "EUR"}  # 0.50 + 5 kWh at 0.40
        assert session["cost"]["incl"] == {"amount_minor": 298, "currency": "EUR"}
        cdr = api.get(f"/tenants/{TENANT}/cdrs/{session['cdr']}").json()
        assert float(cdr["total_energy"]) == 5.0
        journal = api.get(f"/tenants/{TENANT}/ledger/journals/{cdr['journal']}").json()
    sides = {side: sum(e["amount_minor"] for e in journal["entries"] if e["side"] == side) for side in ("debit", "credit")}
    assert sides == {"debit": 298, "credit": 298}


@contextmanager
def _nobody_starts_postgres(node: Node) -> Iterator[None]:
    """An outage that lasts until it was looked at: the lock of whoever starts the server (storage/embedded.py) is ours."""
    with (node.data / "postgres" / "start.lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


async def _through_an_outage(node: Node) -> tuple[list[int], Any]:
    """A start is sent while PostgreSQL is dead; what /readyz said meanwhile, and the answer on the same socket."""
    basic = base64.b64encode(f"UP002:{PASSWORD}".encode()).decode()
    seen = []
    headers = {"Authorization": f"Basic {basic}"}
    async with connect(f"{node.ocpp_url}/UP002", additional_headers=headers, **PATIENT) as socket:
        station = ChargePoint("UP002", socket, response_timeout=WAITS)
        reading = asyncio.ensure_future(station.start())
        await station.call(call.BootNotification(charge_point_model="M", charge_point_vendor="V"))
        url = f"http://127.0.0.1:{node.http_port}"
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=WAITS) as http:
            with _nobody_starts_postgres(node):
                assert node.kill_postgres(immediate=False)
                start = call.StartTransaction(connector_id=1, id_tag=TOKEN, meter_start=1, timestamp=_wire(datetime.now(UTC)))
                answer = asyncio.ensure_future(station.call(start))
                while 503 not in seen:
                    seen.append((await http.get("/readyz")).status_code)
                    await asyncio.sleep(0.05)
                assert (await http.get("/healthz")).status_code == 200
                assert not answer.done()
            told = await answer
        reading.cancel()
        return seen, told


def test_the_database_dies_and_returns_without_a_dropped_socket_or_a_false_answer(node: Node) -> None:
    seen, answer = asyncio.run(_through_an_outage(node))
    assert 503 in seen
    assert answer.transaction_id > 0
    with node.api() as api:
        (session,) = shown(api, f"/tenants/{TENANT}/sessions", {"station": "UP002"})["items"]
    assert (session["number"], session["state"]) == (answer.transaction_id, "active")


# -- the end, twice ------------------------------------------------------------------------------------------------------


def test_after_a_sigkill_the_next_up_adopts_the_database_and_sigterm_ends_it_cleanly(node: Node) -> None:
    postmaster = node.postmaster()
    node.kill()
    assert (node.data / "node.json").exists()
    node.start()
    assert node.postmaster() == postmaster
    with node.api() as api:
        assert api.get(f"/tenants/{TENANT}/stations/UP002").status_code == 200
    assert node.stop() == 0
    assert not Path(node.data / "node.json").exists()
    assert node.postmaster() is None
    node.start()
