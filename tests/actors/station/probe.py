"""A keeper that only listens: it plays whatever sibling a test needs, and writes the letters it is told to write."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from actors.env import ActorEnv
from actors.kinds import Keeper
from actors.model.decision import Decision, Letter
from actors.station import messages as m
from actors.station.letters import IntentDone, OrderEnded, StationBooted
from runtime.actor import Actor, Context


class Write(msgspec.Struct, frozen=True):
    """Ask: write this letter."""

    letter: Letter


class Heard(msgspec.Struct, frozen=True, tag="heard"):
    message: str


class Nothing(msgspec.Struct, frozen=True):
    pass


class Probe(Actor[Nothing]):
    state_type = Nothing
    fact_type = Heard
    durable_type = OrderEnded | IntentDone | StationBooted

    kind: ClassVar[str] = "probe"

    def __init__(self, context: Context, heard: list[Any]) -> None:
        super().__init__(context)
        self._heard = heard

    def initial(self) -> Nothing:
        return Nothing()

    def apply(self, state: Nothing, fact: Any) -> Nothing:
        return state

    def decide(self, state: Nothing, message: Any, now: datetime) -> Decision:
        if isinstance(message, Write):
            return Decision(letters=(message.letter,), reply=m.Done())
        self._heard.append(message)
        return Decision(facts=(Heard(type(message).__name__),), reply=m.Done())


def probes(heard: Mapping[str, list[Any]]) -> dict[str, Keeper]:
    """A probe for each kind of `heard`, which fills its list."""

    def keeper(kind: str) -> Callable[[Context, ActorEnv], Actor[Any]]:
        cls = type(f"Probe_{kind}", (Probe,), {"kind": kind})
        return lambda context, env: cls(context, heard[kind])

    return {kind: keeper(kind) for kind in heard}
