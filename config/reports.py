"""From the runtime's reports to log lines. The runtime never logs by itself; this is the reporter that a node hands it."""

from typing import Any

import structlog

from runtime.reports import ChildReport, CrashReport, Notice

_log = structlog.get_logger("csms")
_ROUTINE = frozenset(("started", "stopped", "exited"))


def report(value: Any) -> None:
    if isinstance(value, CrashReport):
        _log.error(
            "actor.crashed",
            actor=str(value.address),
            correlation=value.correlation,
            message=value.message_type,
            error=value.error,
            attempts=value.attempts,
            restart_in=value.restart_in,
            dead_letter=value.dead_letter,
            fingerprint=value.fingerprint,
            traceback=value.traceback,
        )
    elif isinstance(value, ChildReport):
        level = _log.debug if value.event in _ROUTINE else _log.error
        fields = {"error": value.error, "traceback": value.traceback} if value.error else {}
        level(f"service.{value.event}", supervisor=value.supervisor, service=value.child, restart_in=value.restart_in, **fields)
    elif isinstance(value, Notice):
        actor = {"actor": str(value.address)} if value.address is not None else {}
        _log.info(value.event, detail=value.detail, **actor, **value.fields)
