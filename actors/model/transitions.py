"""A life as a table: (phase, event, phase that it leads to). Whatever is not a row cannot be applied, and what cannot be applied
is never written."""

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

P = TypeVar("P", bound=str)
E = TypeVar("E", bound=str)


class IllegalTransition(ValueError):
    """The event has no place in this phase."""


class Transitions(Generic[P, E]):
    """`what` lives by these rows, from the phase `new` on; nothing need follow on `final` phases."""

    def __init__(self, what: str, table: Sequence[tuple[P, E, P]], final: Iterable[P]) -> None:
        self._what, self._table, self._final = what, table, sorted(final)
        self._next: dict[tuple[str, str], P] = {(phase, event): to for phase, event, to in table}

    def allows(self, phase: P, event: E) -> bool:
        return (phase, event) in self._next

    def after(self, phase: P, event: E) -> P:
        """Raises IllegalTransition."""
        try:
            return self._next[phase, event]
        except KeyError:
            raise IllegalTransition(f"a {self._what} cannot be {event!r} while it is {phase!r}") from None

    def diagram(self) -> str:
        """The table as a mermaid state diagram."""
        lines = ["stateDiagram-v2", "    [*] --> new"]
        lines += [f"    {phase} --> {to}: {event}" for phase, event, to in self._table]
        lines += [f"    {phase} --> [*]" for phase in self._final]
        return "\n".join(lines) + "\n"
