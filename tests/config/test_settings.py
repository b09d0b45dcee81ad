"""Settings: one file, the environment above it, the command line above both; mistakes are named."""

from pathlib import Path

import pytest

from config.errors import UserError
from config.settings import known_settings, load_settings, variable_of


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.upper().startswith("CSMS_"):
            monkeypatch.delenv(name)


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "csms.toml"
    path.write_text(text)
    return path


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = load_settings()
    assert (settings.ocpp.host, settings.ocpp.port, settings.ocpp.tls_port) == ("0.0.0.0", 9000, 9443)
    assert (settings.http.host, settings.http.port) == ("0.0.0.0", 8080)
    assert settings.dsn is None


def test_the_environment_wins_over_the_file_key_by_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = _file(tmp_path, 'data_dir = "/srv/a"\n[ocpp]\nport = 9100\nhost = "10.0.0.1"\n')
    monkeypatch.setenv("CSMS_OCPP__PORT", "9200")
    settings = load_settings(config)
    assert (settings.ocpp.host, settings.ocpp.port) == ("10.0.0.1", 9200)
    assert settings.data_dir == Path("/srv/a")


def test_the_command_line_wins_over_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSMS_DATA_DIR", "/srv/env")
    assert load_settings(data_dir=tmp_path).data_dir == tmp_path
    assert load_settings(data_dir=None).data_dir == Path("/srv/env")


def test_the_file_may_be_named_by_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSMS_CONFIG", str(_file(tmp_path, "[http]\nport = 8181\n")))
    assert load_settings().http.port == 8181


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[ocpp]\nprot = 1\n", ["ocpp.prot", "ocpp.port"]),
        ("[opcc]\nport = 1\n", ["opcc", "ocpp"]),
        ("[ocpp]\ndsn = 'x'\n", ["ocpp.dsn", "database.dsn"]),
        ("[ocpp]\nport = 70000\n", ["ocpp.port", "65535"]),
        ("[ocpp]\ntls_key = 'k.pem'\n", ["ocpp", "tls_certificate"]),
        ("[ocpp]\ntls_certificate_2 = 'c.pem'\ntls_key_2 = 'k.pem'\n", ["ocpp", "tls_certificate"]),
        ("[pki]\nest_url = 'ca.example.com'\n", ["pki.est_url", "https://"]),
        ("[stripe]\napi_base = 'localhost:1'\n", ["stripe.api_base", "https://"]),
        ("[stripe]\nsecret_key = 'sk_live_1'\n", ["stripe", "CSMS_STRIPE__LIVE"]),
        ("[stripe]\nsecret_key = 'sk_test_1'\nlive = true\n", ["stripe", "test mode"]),
        ("[stripe]\nsecret_key = 'sk_live_1'\nlive = true\napi_base = 'http://h:1'\n", ["stripe", "api_base"]),
        ("[http]\npublic_url = 'charge.example.com'\n", ["http.public_url", "https://"]),
        ("[ocpp\n", ["TOML"]),
    ],
)
def test_a_mistake_in_the_file_is_named_with_the_remedy(tmp_path: Path, text: str, expected: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        load_settings(_file(tmp_path, text))
    message = str(caught.value)
    assert "\n" not in message
    for word in expected:
        assert word in message


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [
        ("CSMS_OCPP_PORT", "CSMS_OCPP__PORT"),
        ("CSMS_DATABASE__DNS", "CSMS_DATABASE__DSN"),
        ("CSMS_DATADIR", "CSMS_DATA_DIR"),
    ],
)
def test_an_unknown_variable_is_refused_and_the_nearest_known_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, nearest: str
) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(UserError, match=f"{variable}.*did you mean {nearest}"):
        load_settings()


def test_secrets_are_not_in_the_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSMS_DATABASE__DSN", "postgresql://u:hunter2@localhost/db")
    monkeypatch.setenv("CSMS_OWNER_TOKEN", "owner-token-of-sixteen")
    settings = load_settings()
    assert "hunter2" not in repr(settings)
    assert "owner-token" not in repr(settings)
    assert settings.dsn == "postgresql://u:hunter2@localhost/db"


def test_a_bad_secret_is_not_shown_in_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSMS_DATABASE__DSN", "mysql://u:hunter2@localhost/db")
    with pytest.raises(UserError) as caught:
        load_settings()
    assert "CSMS_DATABASE__DSN" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_every_setting_can_be_given_by_the_environment() -> None:
    assert {"CSMS_DATABASE__DSN", "CSMS_OCPP__HOST", "CSMS_HTTP__PUBLIC_URL", "CSMS_DATA_DIR", "CSMS_OWNER_TOKEN"} <= {
        variable_of(name) for name in known_settings()
    }


@pytest.mark.parametrize("days", ["34", "0", "soon"])
def test_unpaid_attempts_are_kept_as_long_as_the_payment_provider_may_tell_of_them(
    days: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().database.unpaid_days == 90
    monkeypatch.setenv("CSMS_DATABASE__UNPAID_DAYS", days)
    with pytest.raises(UserError, match=r"database\.unpaid_days"):
        load_settings()
