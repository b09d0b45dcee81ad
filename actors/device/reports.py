"""Reports in parts: which parts of which request have come. Pure values.

Parts are numbered from 0 and the last says so; they come in any order, twice, or never (PROTOCOLS 3.1). What a report told
is in the model as soon as its part came; only what a *complete* inventory does not mention is removed.
"""

from datetime import datetime

import msgspec
from msgspec.structs import replace

Ranges = tuple[tuple[int, int], ...]
VARIABLES = "variables"
MONITORS = "monitors"


class Assembly(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`number` is our own, rising: what was mentioned by this or a later report is current. `parts`: first and last of each
    run of parts that came. `full`: it is to mention everything. `ended`: complete, broken off, or given up."""

    request_id: int
    number: int
    what: str
    began: datetime
    at: datetime
    parts: Ranges = ()
    last: int | None = None
    full: bool = False
    ended: bool = False

    def has(self, seq: int) -> bool:
        return any(first <= seq <= last for first, last in self.parts)

    @property
    def complete(self) -> bool:
        return self.last is not None and self.parts == ((0, self.last),)

    @property
    def count(self) -> int:
        return sum(last - first + 1 for first, last in self.parts)


def with_part(report: Assembly, seq: int, more: bool, at: datetime) -> Assembly:
    last = report.last if more else max(seq, report.last or 0)
    return replace(report, parts=_added(report.parts, seq), last=last, at=at)


def _added(parts: Ranges, seq: int) -> Ranges:
    runs: list[tuple[int, int]] = []
    for first, last in sorted((*parts, (seq, seq))):
        if runs and first <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], max(runs[-1][1], last))
        else:
            runs.append((first, last))
    return tuple(runs)


def found(reports: tuple[Assembly, ...], request_id: int, what: str) -> Assembly | None:
    return next((report for report in reports if report.request_id == request_id and report.what == what), None)


def kept(reports: tuple[Assembly, ...], report: Assembly, bound: int) -> tuple[Assembly, ...]:
    """The reports with this one; at the bound those that have ended go first, then the oldest."""
    others = [other for other in reports if (other.request_id, other.what) != (report.request_id, report.what)]
    while len(others) >= bound:
        victim = next((other for other in others if other.ended), others[0])
        others.remove(victim)
    return (*others, report)
