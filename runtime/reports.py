"""What the runtime tells its surroundings: structured reports through one injected callable.

It never logs by itself: whoever composes the node hands in a reporter (structlog, a test's list). A reporter that
raises is the reporter's problem: it is ignored, since a report is not worth a crash.
"""

import traceback
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from runtime.address import Address


class CrashReport(msgspec.Struct, frozen=True, kw_only=True):
    """One incarnation ended by an exception."""

    address: Address
    incarnation: int
    at: datetime
    seq: int
    message_type: str
    correlation: str
    fingerprint: str
    attempts: int
    """Crashes on this fingerprint so far, this one included; 0 when no message was at hand."""
    error: str
    traceback: str
    restart_in: float | None
    """None: its budget is exhausted, it cools down."""
    dead_letter: str | None = None


class ChildReport(msgspec.Struct, frozen=True, kw_only=True):
    """A supervised service ended, was restarted, or was given up. `event`: started, exited, crashed, given_up,
    stopped, stuck (did not stop in time)."""

    supervisor: str
    child: str
    event: str
    error: str = ""
    traceback: str = ""
    restart_in: float | None = None


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something an operator may want to know: `event` is a stable word."""

    event: str
    detail: str
    address: Address | None = None
    fields: dict[str, Any] = {}


Report = CrashReport | ChildReport | Notice
Reporter = Callable[[Any], None]


def quiet(report: Any) -> None:
    """The reporter of a node that nobody listens to."""


def guarded(reporter: Reporter) -> Reporter:
    def report(value: Any) -> None:
        try:
            reporter(value)
        except Exception:
            return

    return report


def render_traceback(error: BaseException, frames: int) -> str:
    return "".join(traceback.format_exception(error, limit=-frames))


def summary(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:2000]
    except Exception:
        return f"{type(error).__name__} that cannot be shown"


def stack_of(frames: Sequence[tuple[Any, int]]) -> list[str]:
    """Await frames of a task as `file:line function`."""
    return [f"{frame.f_code.co_filename}:{line} {frame.f_code.co_qualname}" for frame, line in frames]
