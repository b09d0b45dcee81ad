"""Structured logs: one event a line, one correlation id from the frame to the ledger, and never a secret.

Colourful lines on a terminal, JSON elsewhere (`CSMS_LOG__FORMAT`). What libraries log through the standard library
takes the same way out. A value under a telling name, or a bearer token, basic credentials or a DSN password within
a text, is replaced before anything is rendered.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog

from config.settings import LogSettings

HIDDEN = "***"
_SECRET_NAMES = re.compile(r"(?i)(passw(or)?d|secret|authorization|api_?key|owner_token|cookie|dsn|id_?tag|uid)$")
_SECRET_TEXTS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}"), r"\1 " + HIDDEN),
    (re.compile(r"\bvt[oa]_[A-Za-z0-9_-]{8,}"), HIDDEN),
    (re.compile(r"(?<=://)([^:/@\s]+):[^@\s]+(?=@)"), r"\1:" + HIDDEN),
)


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Structlog processor."""
    for name, value in event.items():
        event[name] = _redacted(name, value)
    return event


def _redacted(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if _SECRET_NAMES.search(name):
        return HIDDEN
    if isinstance(value, str):
        for pattern, replacement in _SECRET_TEXTS:
            value = pattern.sub(replacement, value)
        return value
    if isinstance(value, Mapping):
        return {key: _redacted(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted("", inner) for inner in value]
    return value


def set_up_logs(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Once per process, before anything logs. Logs go to stderr: stdout belongs to what a command prints."""
    stream = stream or sys.stderr
    console = settings.format == "console" or (settings.format == "auto" and stream.isatty())
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if console:
        # Plain, since the pretty form shows local variables: frames, tokens, passwords; and as text before `redact` looks.
        renderer = structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)
        last: list[Any] = [structlog.processors.format_exc_info, redact, renderer]
    else:
        last = [structlog.processors.format_exc_info, redact, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[shared[0], shared[1], *shared[3:], *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.INFO))
    for chatty in ("trio-websocket", "alembic", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
