"""Logs carry the correlation id and never a secret."""

import io
import json
import logging

import pytest
import structlog

from config.logs import set_up_logs
from config.settings import LogSettings


@pytest.fixture
def out() -> io.StringIO:
    stream = io.StringIO()
    set_up_logs(LogSettings(format="json"), stream)
    return stream


def _lines(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_an_event_is_one_json_line_with_its_correlation(out: io.StringIO) -> None:
    structlog.get_logger().info("ocpp.frame", correlation="c-1", station="CP1")
    (line,) = _lines(out)
    assert (line["event"], line["correlation"], line["level"]) == ("ocpp.frame", "c-1", "info")


@pytest.mark.parametrize(
    "fields",
    [
        {"password": "hunter2-hunter2"},
        {"headers": {"Authorization": "Basic aHVudGVyMi1odW50ZXIy", "x": "Bearer hunter2-hunter2"}},
        {"error": "cannot reach postgresql://csms:hunter2-hunter2@db/csms"},
        {"text": "token vto_hunter2-hunter2 was refused"},
        {"rows": [{"id_tag": "hunter2-hunter2"}]},
    ],
)
def test_secrets_are_replaced_wherever_they_stand(out: io.StringIO, fields: dict[str, object]) -> None:
    structlog.get_logger().warning("x", **fields)
    assert "hunter2" not in out.getvalue()
    assert "aHVudGVyMi" not in out.getvalue()
    assert "***" in out.getvalue()


def test_libraries_that_log_the_standard_way_take_the_same_way_out(out: io.StringIO) -> None:
    logging.getLogger("some.library").warning("Bearer %s", "hunter2-hunter2")
    (line,) = _lines(out)
    assert line["event"] == "Bearer ***"


def test_an_exception_is_rendered_and_redacted(out: io.StringIO) -> None:
    try:
        raise RuntimeError("postgresql://csms:hunter2@db/csms")
    except RuntimeError:
        structlog.get_logger().exception("failed")
    (line,) = _lines(out)
    assert "RuntimeError" in str(line["exception"])
    assert "hunter2" not in out.getvalue()


def test_a_traceback_shows_no_local_variables_and_no_credentials_on_a_terminal_either() -> None:
    stream = io.StringIO()
    set_up_logs(LogSettings(format="console"), stream)

    def admit(password: str) -> None:
        raise ValueError("cannot reach postgres://csms:hush-hush@db/csms")

    try:
        admit("correct-" + "horse-9876")
    except ValueError as fault:
        structlog.get_logger("t").error("fault", exc_info=fault)
    shown = stream.getvalue()
    assert "ValueError" in shown
    assert "correct-horse-9876" not in shown
    assert "hush-hush" not in shown
