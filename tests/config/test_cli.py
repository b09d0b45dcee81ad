"""The `csms` command: help with examples, exit codes, JSON, and one line for a person's mistake."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from config.cli import run
from gateways.simulator.fleet import Fleet, Plan
from gateways.web.api.station_body import StationBody
from tests.kits.postgres import run_sql
from tests.storage.books import batch, sale

Here = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]


def environment() -> dict[str, str]:
    """Of the command: nothing that is set for some other node comes in, nor a wish for colours."""
    wished = ("FORCE_COLOR", "NO_COLOR", "CLICOLOR_FORCE")
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("CSMS_") and name not in wished}
    return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}


def csms(*arguments: str, env: dict[str, str] | None = None, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "config.cli", *arguments], env={**environment(), **(env or {})},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The same within this process, which spares a start: exit code, stdout, stderr."""
    for name in [name for name in os.environ if name.upper().startswith("CSMS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr("config.options.set_up_logs", lambda settings: None)

    def run_here(*arguments: str, env: dict[str, str] | None = None) -> tuple[int, str, str]:
        for name, value in (env or {}).items():
            monkeypatch.setenv(name, value)
        code = run(arguments)
        return (code, *capsys.readouterr())

    return run_here


COMMANDS = (["demo"], ["up"], ["migrate"], ["doctor"], ["audit"], ["tenant", "create"], ["station", "simulate"], ["top"])


@pytest.mark.parametrize("command", [[], *COMMANDS], ids=" ".join)
def test_every_command_has_help_with_examples(here: Here, command: Sequence[str]) -> None:
    code, out, _ = here(*command, "--help")
    assert code == 0
    assert "Examples" in out
    assert f"csms {' '.join(command)}".strip() in out


def test_the_help_spells_out_how_a_setting_is_named_in_the_environment(here: Here) -> None:
    assert "CSMS_<SECTION>__<KEY>" in " ".join(here("--help")[1].split())


@pytest.mark.parametrize(
    ("arguments", "env", "words"),
    [
        (["upp"], {}, ["upp", "up"]),
        (["up", "--dat", "x"], {}, ["--dat", "--data"]),
        (["up", "--role", "ocpp,telepathy"], {}, ["--role", "telepathy"]),
        (["up"], {"CSMS_OCPP__PROT": "1"}, ["CSMS_OCPP__PROT", "CSMS_OCPP__PORT"]),
        (["up"], {"CSMS_OCPP__PORT": "many"}, ["CSMS_OCPP__PORT"]),
        (["up", "--config", "/nowhere.toml"], {}, ["/nowhere.toml", "--config"]),
        (["demo", "--for", "soon"], {}, ["--for", "30s"]),
        (["demo", "--stations", "0"], {}, ["--stations"]),
        (["audit", "--data", "/nowhere"], {}, ["/nowhere", "--data"]),
        (["tenant", "create", "acme"], {}, ["--currency"]),
        (["tenant", "create", "Acme!", "--currency", "EUR", "--country", "DE"], {}, ["ID", "Acme!"]),
        (["tenant", "create", "acme", "--currency", "EURO", "--country", "DE"], {}, ["--currency", "EURO"]),
        (
            ["tenant", "create", "acme", "--currency", "EUR", "--country", "DE", "--time-zone", "Mars"],
            {},
            ["--time-zone", "Mars"],
        ),
        (["tenant", "create", "acme", "--currency", "EUR", "--country", "UK"], {}, ["--country", "UK"]),
        (["tenant", "create", "acme", "--currency", "XXQ", "--country", "DE"], {}, ["--currency", "XXQ"]),
        (["station", "simulate", "--url", "http://x"], {}, ["--url", "ws://"]),
        (["station", "simulate", "--url", "ws://x", "--connectors", "0"], {}, ["--connectors"]),
        (["station", "simulate", "--url", "ws://x", "--protocol", "ocpp9"], {}, ["--protocol", "ocpp2.0.1", "ocpp9"]),
        (["station", "simulate", "--url", "ws://x", "--protocol", "ocpp1.5"], {}, ["--url", "http://"]),
        (["station", "simulate", "--url", "ws://x", "--protocol", "ocpp1.6,ocpp1.5"], {}, ["--soap-url", "http://"]),
        (["station", "simulate", "--url", "ws://x", "--firmware-failures", "500%"], {}, ["--firmware-failures", "5%"]),
        (["station", "simulate", "--url", "ws://x", "--variables", "9999"], {}, ["--variables", "2000"]),
        (["station", "simulate", "--url", "ws://x", "--ca", "/nowhere"], {}, ["--ca", "/nowhere"]),
        (["station", "simulate", "--url", "ws://x", "--fault", "moths"], {}, ["--fault", "moths", "duplicate"]),
        (["station", "simulate", "--url", "ws://x", "--scenario", "/nowhere"], {}, ["--scenario", "charge"]),
    ],
)
def test_a_mistake_is_one_line_with_the_remedy_and_exit_2(
    here: Here, arguments: list[str], env: dict[str, str], words: list[str]
) -> None:
    code, out, err = here(*arguments, env=env)
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    for word in words:
        assert word in err


def test_the_command_itself_ends_a_mistake_the_same_way() -> None:
    done = csms("up", env={"CSMS_OCPP__PROT": "1"})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("csms: unknown setting CSMS_OCPP__PROT")


def test_a_simulated_station_has_the_one_connector_that_a_station_is_registered_with_by_default(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: list[Plan] = []
    monkeypatch.setattr("config.cli_station.Fleet", lambda plan: plans.append(plan) or Fleet(plan))  # type: ignore[func-returns-value]
    for more in ((), ("--connectors", "2")):
        here("station", "simulate", "--url", "ws://127.0.0.1:1/ocpp/t", "--for", "0.1s", *more)
    assert [{model.connectors for model in plan.models} for plan in plans] == [{StationBody().evses}, {2}]


def test_no_station_accepted_is_a_failure_and_not_a_mistake() -> None:
    done = csms("station", "simulate", "--url", "ws://127.0.0.1:1/ocpp/t", "--for", "3s", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["lost"] >= 1
    assert "no station was ever accepted" in done.stderr


def test_a_taken_port_is_named_with_its_setting(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        env = {"CSMS_OCPP__HOST": "127.0.0.1", "CSMS_OCPP__PORT": port, "CSMS_HTTP__PORT": "0"}
        done = csms("up", "--data", str(tmp_path / "d"), env=env)
    assert done.returncode == 1
    assert f"port {port} is taken" in done.stderr
    assert "CSMS_OCPP__PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_address_of_another_machine_is_named_with_its_setting_whatever_the_port(tmp_path: Path) -> None:
    env = {"CSMS_OCPP__HOST": "192.0.2.1", "CSMS_OCPP__PORT": "0", "CSMS_HTTP__PORT": "0"}
    done = csms("up", "--data", str(tmp_path / "d"), env=env)
    assert done.returncode == 1
    assert "'192.0.2.1' is not an address of this machine" in done.stderr
    assert "CSMS_OCPP__HOST" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_does_not_answer_is_said_so(here: Here, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in ("cli_admin", "doctor"):
        monkeypatch.setattr(f"config.{module}.COMMAND_PATIENCE", 2.0)
    env = {"CSMS_DATABASE__DSN": "postgresql://csms:hunter2@127.0.0.1:1/csms", "CSMS_OCPP__PORT": "0", "CSMS_HTTP__PORT": "0"}
    code, out, err = here("audit", "--data", str(tmp_path), env=env)
    assert (code, out) == (1, "")
    assert "CSMS_DATABASE__DSN" in err
    assert "connection is refused" in err
    doctor, report, said = here("doctor", "--data", str(tmp_path), "--json")
    assert doctor == 1
    failed = [finding for finding in json.loads(report)["findings"] if finding["verdict"] == "failed"]
    assert [finding["check"] for finding in failed] == ["database"]
    assert "connection is refused" in failed[0]["detail"]
    assert "hunter2" not in err + report + said


def test_doctor_on_a_mistyped_data_directory_makes_nothing_and_is_not_content(here: Here, tmp_path: Path) -> None:
    env = {"CSMS_OCPP__PORT": "0", "CSMS_HTTP__PORT": "0"}
    code, report, _ = here("doctor", "--data", str(tmp_path / "typo"), "--json", env=env)
    failed = [finding["check"] for finding in json.loads(report)["findings"] if finding["verdict"] == "failed"]
    assert (code, failed) == (1, ["data directory", "database"])
    code, report, _ = here("doctor", "--data", str(tmp_path), "--json")
    assert [f["check"] for f in json.loads(report)["findings"] if f["verdict"] == "failed"] == ["database"]
    assert (code, list(tmp_path.iterdir())) == (1, [])


@pytest.mark.parametrize(
    ("env", "verdict", "words"),
    [
        ({}, "ok", ["off", "CSMS_STRIPE__SECRET_KEY"]),
        ({"CSMS_STRIPE__SECRET_KEY": "sk_test_x"}, "warning", ["test mode", "_WEBHOOK_SECRET", "CSMS_HTTP__PUBLIC_URL"]),
        (
            {
                "CSMS_STRIPE__SECRET_KEY": "sk_live_x", "CSMS_STRIPE__LIVE": "true", "CSMS_STRIPE__WEBHOOK_SECRET": "whsec_a",
                "CSMS_STRIPE__CONNECT_WEBHOOK_SECRET": "whsec_b", "CSMS_HTTP__PUBLIC_URL": "https://csms.example.org",
            },
            "ok",
            ["live mode", "https://csms.example.org/stripe/webhook"],
        ),
    ],
)  # fmt: skip
def test_doctor_says_whether_cards_are_taken_and_what_is_missing(
    here: Here, tmp_path: Path, env: dict[str, str], verdict: str, words: list[str]
) -> None:
    _, report, said = here(
        "doctor", "--data", str(tmp_path), "--json", env={**env, "CSMS_OCPP__PORT": "0", "CSMS_HTTP__PORT": "0"}
    )
    (found,) = [finding for finding in json.loads(report)["findings"] if finding["check"] == "card payments"]
    assert found["verdict"] == verdict
    assert [word for word in words if word not in found["detail"]] == []
    assert not [secret for secret in ("sk_test_x", "sk_live_x", "whsec_a", "whsec_b") if secret in report + said]


@pytest.mark.parametrize(
    ("env", "verdict", "word"),
    [
        ({"CSMS_HTTP__PUBLIC_URL": "https://csms.example.org"}, "warning", "share its address"),
        (
            {"CSMS_HTTP__PUBLIC_URL": "https://csms.example.org", "CSMS_HTTP__TRUSTED_PROXIES": '["10.0.0.0/24"]'},
            "ok",
            "10.0.0.0/24",
        ),
        ({"CSMS_HTTP__PUBLIC_URL": "http://localhost:8080"}, "ok", "none"),
    ],
)
def test_doctor_says_where_all_drivers_would_share_the_limits_of_a_proxy_that_nobody_named(
    here: Here, tmp_path: Path, env: dict[str, str], verdict: str, word: str
) -> None:
    env = {**env, "CSMS_OCPP__PORT": "0", "CSMS_HTTP__PORT": "0"}
    _, report, _ = here("doctor", "--data", str(tmp_path), "--json", env=env)
    (found,) = [finding for finding in json.loads(report)["findings"] if finding["check"] == "proxies"]
    assert found["verdict"] == verdict
    assert word in found["detail"]
    assert found["verdict"] == "ok" or "CSMS_HTTP__TRUSTED_PROXIES" in found["remedy"]


def test_doctor_reads_an_operators_own_quirks_before_a_node_does(here: Here, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text("[[quirk]]\nid = 'x'\ntier = 'perhaps'\n")
    env = {"CSMS_OCPP__PORT": "0", "CSMS_HTTP__PORT": "0"}
    found = []
    for more in ({}, {"CSMS_OCPP__QUIRKS": str(own)}):
        _, report, _ = here("doctor", "--data", str(tmp_path), "--json", env=env | more)
        found += [finding for finding in json.loads(report)["findings"] if finding["check"] == "quirks"]
    assert [finding["verdict"] for finding in found] == ["ok", "failed"]
    assert str(own) in found[1]["detail"]
    assert "CSMS_OCPP__QUIRKS" in found[1]["remedy"]


@pytest.mark.postgres
def test_a_database_from_nothing_to_its_first_tenant(here: Here, quick_path: Path) -> None:
    quick_path.chmod(0o711)  # the server may run under another uid
    data = str(quick_path / "d")
    env = {"CSMS_OCPP__PORT": "0", "CSMS_HTTP__PORT": "0"}
    first = csms("migrate", "--data", data, "--json")
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["before"] is None
    owner = Path(data, "owner.token")
    assert stat.S_IMODE(owner.stat().st_mode) == 0o600
    token = owner.read_text()
    again = json.loads(here("migrate", "--data", data, "--json")[1])
    assert again["before"] == again["after"]
    assert owner.read_text() == token

    doctor = csms("doctor", "--data", data, "--json", env=env)
    report = json.loads(doctor.stdout)
    assert doctor.returncode == 0, report
    assert {finding["check"] for finding in report["findings"]} >= {"fsync", "synchronous_commit", "clock", "schema", "licence"}

    create = ("tenant", "create", "acme", "--currency", "EUR", "--country", "DE", "--data", data)
    created = csms(*create, "--json")
    assert created.returncode == 0, created.stderr
    answer = json.loads(created.stdout)
    assert answer["tenant"] == "acme"
    assert len(answer["token"]) > 30
    code, _, err = here(*create)
    assert code == 2
    assert "acme" in err

    assert here("audit", "--data", data)[:2] == (0, "")
    assert json.loads(here("audit", "--data", data, "--json")[1]) == {"findings": []}


@pytest.mark.postgres
def test_a_database_by_dsn_needs_nothing_but_the_dsn(here: Here, tmp_path: Path, fresh_dsn: str) -> None:
    env = {"CSMS_DATABASE__DSN": fresh_dsn, "CSMS_DATA_DIR": str(tmp_path / "d")}
    code, _, err = here("migrate", env=env)
    assert code == 0, err
    code, _, err = here("tenant", "create", "acme", "--currency", "EUR", "--country", "DE", "--json")
    assert code == 0, err
    code, out, err = here("audit")
    assert (code, out) == (0, ""), err
    assert not (tmp_path / "d" / "postgres").exists()


@pytest.mark.postgres
def test_one_cent_changed_by_hand_is_what_an_audit_is_for(here: Here, tmp_path: Path, fresh_dsn: str) -> None:
    env = {"CSMS_DATABASE__DSN": fresh_dsn, "CSMS_DATA_DIR": str(tmp_path / "d")}
    post = f"SELECT * FROM ledger_post('{batch(sale('j1', ref='none'))}')"
    cent = "UPDATE ledger_entry SET amount_minor = amount_minor + 1 WHERE n = 1"
    run_sql(fresh_dsn, post)
    assert here("audit", env=env)[:2] == (0, "")
    run_sql(fresh_dsn, f"SET session_replication_role = replica; {cent}")
    code, out, _ = here("audit")
    assert code == 1
    assert "acme: changed: j1" in out
    assert "acme: unbalanced: j1: EUR off by 1" in out
