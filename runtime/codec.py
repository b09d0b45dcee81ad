"""Bytes of what lasts: facts, checkpoints, letters, timers. JSON by msgspec, one codec per actor class.

Every body carries its tag, every fact and checkpoint row its version. Older versions pass the class's upcasters, one
version at a time, as plain JSON objects; a newer version refuses to be read, since what this program does not know it
would forget. Bodies are deterministic, so golden files of every historic version can be compared byte by byte.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from runtime.turn import CheckpointRow, FactRow

_IN_MEMORY = re.compile(r" at 0x[0-9a-f]+")

_encoder = msgspec.json.Encoder()
_encode = _encoder.encode


class Undecodable(Exception):
    """The bytes are not what the type says. A checkpoint can be replaced by replay; a fact cannot."""


class NewerVersion(Exception):
    """Written by a later release. The actor refuses to activate here."""


def _tag(cls: type) -> str:
    config = getattr(cls, "__struct_config__", None)
    tag = config.tag if config is not None else None
    if not isinstance(tag, str):
        raise TypeError(f"{cls.__qualname__} cannot be kept: give its Struct a tag")
    return tag


class Codec:
    """Encodes and decodes for one actor class. Decoders are built once; tags are looked up once per type."""

    __slots__ = (
        "_durable", "_fact_type", "_fact_upcasters", "_facts", "_kinds", "_state", "_state_type", "_state_upcasters", "version",
    )  # fmt: skip

    def __init__(
        self,
        *,
        state_type: Any,
        fact_type: Any,
        durable_type: Any,
        version: int,
        fact_upcasters: Mapping[int, Any],
        state_upcasters: Mapping[int, Any],
    ) -> None:
        self.version = version
        self._state_type = state_type
        self._fact_type = fact_type
        self._state = msgspec.json.Decoder(state_type)
        self._facts = msgspec.json.Decoder(fact_type)
        self._durable = msgspec.json.Decoder(durable_type)
        self._fact_upcasters = fact_upcasters
        self._state_upcasters = state_upcasters
        self._kinds: dict[type, tuple[str, bool]] = {}

    def facts(self, facts: Any) -> list[FactRow]:
        rows = []
        kinds = self._kinds
        version = self.version
        for n, fact in enumerate(facts):
            cls = type(fact)
            kind = kinds.get(cls)
            if kind is None:
                kind = kinds[cls] = (_tag(cls), bool(getattr(cls, "bulk", False)))
            rows.append(FactRow(n, kind[0], version, _encode(fact), kind[1]))
        return rows

    def fact(self, row: FactRow) -> Any:
        """Raises NewerVersion, or Undecodable."""
        try:
            if row.version == self.version:
                return self._facts.decode(row.body)
            body = self._upcast(row.version, row.body, self._fact_upcasters, row.type)
            return msgspec.convert(body, self._fact_type)
        except msgspec.MsgspecError as error:
            raise Undecodable(f"fact {row.type} version {row.version}: {error}") from error

    def checkpoint(self, state: Any) -> CheckpointRow:
        return CheckpointRow(self.version, _encode(state))

    def state(self, row: CheckpointRow) -> Any:
        """Raises NewerVersion, or Undecodable."""
        try:
            if row.version == self.version:
                return self._state.decode(row.body)
            body = self._upcast(row.version, row.body, self._state_upcasters, None)
            return msgspec.convert(body, self._state_type)
        except (msgspec.MsgspecError, LookupError, TypeError, ValueError) as error:
            raise Undecodable(f"checkpoint version {row.version}: {error}") from error

    def durable(self, body: bytes) -> Any:
        """A letter's or timer's message. Raises Undecodable."""
        try:
            return self._durable.decode(body)
        except msgspec.MsgspecError as error:
            raise Undecodable(f"letter or timer: {error}") from error

    def _upcast(self, version: int, body: bytes, upcasters: Mapping[int, Any], tag: str | None) -> Any:
        if version > self.version:
            raise NewerVersion(f"written as version {version}, this program knows {self.version}")
        value = msgspec.json.decode(body)
        for step in range(version, self.version):
            upcast = upcasters.get(step)
            if upcast is not None:
                value = upcast(value) if tag is None else upcast(tag, value)
        return value


def codec_of(actor: Any) -> Codec:
    """The codec of an actor (or actor class), from its declarations."""
    return Codec(
        state_type=actor.state_type,
        fact_type=actor.fact_type,
        durable_type=actor.durable_type,
        version=actor.version,
        fact_upcasters=actor.fact_upcasters,
        state_upcasters=actor.state_upcasters,
    )


def encode_message(message: Any) -> bytes:
    """A letter or a timer. Its class must be tagged, or its receiver could not read it."""
    _tag(type(message))
    return _encode(message)


def encode_anything(message: Any) -> bytes:
    """For fingerprints and dead letters: whatever the message holds, some faithful bytes, the same ones for an equal message.
    Never raises."""
    try:
        return msgspec.json.encode(message, enc_hook=_shown, order="deterministic")
    except Exception:
        return msgspec.json.encode(_shown(message))


def _shown(value: Any) -> str:
    """Its repr without the place in memory, which no two processes share."""
    try:
        return _IN_MEMORY.sub("", repr(value))
    except Exception as error:
        return f"{type(value).__qualname__} that cannot be shown ({type(error).__name__})"
