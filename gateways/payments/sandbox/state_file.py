"""The state on disk: one line of JSON for each object that changed, written before the answer leaves. A sandbox that was killed
goes on where it was; the file is written anew at each start, without what was overwritten."""

import os
from pathlib import Path
from typing import BinaryIO

import msgspec

from gateways.payments.sandbox.dues import recall
from gateways.payments.sandbox.money import count
from gateways.payments.sandbox.world import Answer, World

NAME = "sandbox.jsonl"


class StateFile:
    def __init__(self, world: World, directory: Path) -> None:
        self._world = world
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / NAME
        self._file: BinaryIO | None = None
        self._ahead = world.clock.ahead

    def load(self) -> bool:
        """Read what is there; answers whether there was something. A half line at the end (a kill) is left out."""
        world, found = self._world, False
        if self._path.exists():
            for line in self._path.read_bytes().split(b"\n"):
                try:
                    record = msgspec.json.decode(line)
                except msgspec.DecodeError:
                    continue
                found = True
                self._take(record)
        for obj in sorted(world.objects.values(), key=lambda one: int(one["_n"])):
            if obj["object"] == "balance_transaction":
                count(world, obj)
            if obj["object"] == "event":
                world.events.append(obj["id"])
            recall(world, obj)
        self._rewrite()
        return found

    def _take(self, record: dict[str, object]) -> None:
        world = self._world
        if "put" in record:
            world.restore(record["put"])  # type: ignore[arg-type]
        elif "gone" in record:
            world.objects.pop(str(record["gone"]), None)
        elif "ahead" in record:
            world.clock.ahead = max(world.clock.ahead, float(record["ahead"]))  # type: ignore[arg-type]
        elif "answer" in record:
            account, key, answer = msgspec.convert(record["answer"], tuple[str, str, Answer])
            world.answers[account, key] = answer

    def _rewrite(self) -> None:
        world = self._world
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(_line({"ahead": world.clock.ahead}))
            for obj in world.objects.values():
                file.write(_line({"put": obj}))
            for (account, key), answer in world.answers.items():
                file.write(_line({"answer": (account, key, answer)}))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        self._file = self._path.open("ab")
        world.dirty.clear()
        world.dirty_answers.clear()
        self._ahead = world.clock.ahead

    def flush(self) -> None:
        """Write what changed since the last time."""
        world = self._world
        if self._file is None or not (world.dirty or world.dirty_answers or world.clock.ahead != self._ahead):
            return
        out = bytearray()
        if world.clock.ahead != self._ahead:
            self._ahead = world.clock.ahead
            out += _line({"ahead": self._ahead})
        for identity in world.dirty:
            obj = world.objects.get(identity)
            out += _line({"put": obj}) if obj is not None else _line({"gone": identity})
        for pair in world.dirty_answers:
            if pair in world.answers:
                out += _line({"answer": (*pair, world.answers[pair])})
        world.dirty.clear()
        world.dirty_answers.clear()
        self._file.write(out)
        self._file.flush()

    def close(self) -> None:
        self.flush()
        if self._file is not None:
            self._file.close()
            self._file = None


def _line(record: object) -> bytes:
    return msgspec.json.encode(record) + b"\n"
