"""OCPP-J framing, sans-IO: text of frames in, events out; answers and calls in, bytes out (PROTOCOLS 2.2).

One `Rpc` stands for one connection, so its answers match on station, unique id *and* generation (quirk 11). It keeps the two
sides of "one unanswered CALL a direction": CALLs of the station wait in order until ours is answered (a station that sends
two at once is tolerated), and at most one of ours is out. It knows no socket, no clock and no action.
"""

import enum
import re
from collections import deque
from typing import Any

import msgspec

from gateways.ocpp.json_repair import repair
from gateways.ocpp.limits import ERROR_TEXT_CHARACTERS, UNIQUE_ID_CHARACTERS

CALL, CALLRESULT, CALLERROR, CALLRESULTERROR, SEND = 2, 3, 4, 5, 6
UNREADABLE_ID = "-1"

UniqueId = str | int
"""Text by the specification; a number of a station that knows no better is echoed as a number."""


class Codes(msgspec.Struct, frozen=True):
    """The error codes whose names differ between versions. 1.6 keeps its misspelt ones (PROTOCOLS 8, quirk 10)."""

    formation: str
    occurrence: str
    framework: str
    unknown_type: str | None
    """What answers an unknown message type number; None: it is ignored."""
    counts_items: bool
    """Whether a list of the wrong length breaks its cardinality (2.x), or just its limits."""


CODES_1_6 = Codes("FormationViolation", "OccurenceConstraintViolation", "FormationViolation", None, False)
CODES_2_X = Codes("FormatViolation", "OccurrenceConstraintViolation", "RpcFrameworkError", "MessageTypeNotSupported", True)


class Call(msgspec.Struct, frozen=True, gc=False):
    """A request of the station. `payload` is a JSON object as it came (or was repaired). `answered` False: a SEND."""

    unique_id: UniqueId
    action: str
    payload: bytes
    repaired: bool = False
    confirmed: bool = True


class Answer(msgspec.Struct, frozen=True, gc=False):
    """The result of the CALL that is out."""

    unique_id: UniqueId
    payload: bytes


class Failure(msgspec.Struct, frozen=True, gc=False):
    """The station's CALLERROR to the CALL that is out."""

    unique_id: UniqueId
    code: str
    description: str


class Late(msgspec.Struct, frozen=True, gc=False):
    """An answer to nothing that is out: given up before, or never asked. Traced, otherwise ignored."""

    unique_id: UniqueId
    type: int


class Malformed(msgspec.Struct, frozen=True, gc=False):
    """A frame that is no OCPP message. `reply` is what the specification answers; None: nothing."""

    unique_id: UniqueId
    code: str
    detail: str
    reply: bytes | None
    action: str = ""


Event = Call | Answer | Failure | Late | Malformed

_call = msgspec.json.Decoder(tuple[int, str, str, msgspec.Raw])
_parts = msgspec.json.Decoder(list[msgspec.Raw])
_any = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()
_EMPTY = b"{}"
_HEAD = re.compile(r'[\s\ufeff\x00]*\[\s*(\d{1,3})\s*,\s*"((?:[^"\\\x00-\x1f]|\\.){1,255})"(?:\s*,\s*"(\w{1,64})")?')
"""What can still be read of a frame that is not JSON: its type, its id, its action."""


class _Unreadable(enum.Enum):
    IT = enum.auto()


class Rpc:
    __slots__ = ("_codes", "_counter", "_prefix", "_strict", "inbound", "outstanding")

    def __init__(self, generation: int, codes: Codes = CODES_1_6, *, strict: bool = False) -> None:
        self._codes = codes
        self._strict = strict
        self._prefix = f"{generation:x}-"
        self._counter = 0
        self.inbound: deque[Any] | None = None
        """CALLs that wait for their turn, as the link keeps them."""
        self.outstanding: str | None = None

    # -- in

    def receive(self, text: str) -> Event:
        """What one text frame means. Never raises."""
        try:
            kind, unique_id, action, raw = _call.decode(text)
            payload = bytes(raw)
            if kind == CALL and 0 < len(unique_id) <= UNIQUE_ID_CHARACTERS and payload[:1] == b"{":
                return Call(unique_id, action, payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass
        return self._slowly(text)

    def _slowly(self, text: str) -> Event:
        parts = _split(text)
        repaired = False
        if parts is None and not self._strict:
            mended = repair(text)
            parts = _split(mended) if mended is not None else None
            repaired = True
        if parts is None:
            return self._not_json(text)
        values = [_value(part) for part in parts[:3]]
        if len(parts) < 3 or type(values[0]) is not int:
            return self._malformed(UNREADABLE_ID, "a message is an array that starts with type and id")
        kind, unique_id = values[0], values[1]
        if not _is_id(unique_id):
            if kind in (CALLRESULT, CALLERROR, CALLRESULTERROR):
                return Late(UNREADABLE_ID, kind)
            return self._malformed(UNREADABLE_ID, f"the unique id is a text of 1 to {UNIQUE_ID_CHARACTERS} characters")
        if kind in (CALL, SEND):
            return self._request(kind, unique_id, values[2], parts, repaired)
        if kind in (CALLRESULT, CALLERROR, CALLRESULTERROR):
            return self._response(kind, unique_id, values, parts)
        reply = self._codes.unknown_type
        return Malformed(
            unique_id,
            "MessageTypeNotSupported",
            f"message type {kind}",
            error(unique_id, reply, f"message type {kind} is not known") if reply else None,
        )

    def _request(self, kind: int, unique_id: UniqueId, action: Any, parts: list[msgspec.Raw], repaired: bool) -> Event:
        if not isinstance(action, str):
            return self._malformed(unique_id, "the action is a text")
        payload = bytes(parts[3]).strip() if len(parts) > 3 else b""
        if payload in (b"", b"null") and not self._strict:
            payload = _EMPTY
        if payload[:1] != b"{" or (self._strict and len(parts) != 4):
            return self._malformed(unique_id, "the payload is an object", action)
        return Call(unique_id, action, payload, repaired, kind == CALL)

    def _response(self, kind: int, unique_id: UniqueId, values: list[Any], parts: list[msgspec.Raw]) -> Event:
        if self.outstanding is None or str(unique_id) != self.outstanding or kind == CALLRESULTERROR:
            return Late(unique_id, kind)
        if kind == CALLRESULT:
            payload = bytes(parts[2]).strip()
            if payload == b"null":
                payload = _EMPTY
            self.outstanding = None
            if payload[:1] != b"{":
                return Failure(unique_id, self._codes.formation, "the station's answer is no object")
            return Answer(unique_id, payload)
        self.outstanding = None
        description = _value(parts[3]) if len(parts) > 3 else ""
        return Failure(unique_id, _text(values[2]), _text(description))

    def _not_json(self, text: str) -> Malformed:
        match = _HEAD.match(text)
        if match is None:
            return self._malformed(UNREADABLE_ID, "this is not JSON")
        kind, unique_id, action = int(match[1]), _value(f'"{match[2]}"'.encode()), match[3] or ""
        if kind != CALL or not _is_id(unique_id):
            if kind in (CALLRESULT, CALLERROR, CALLRESULTERROR):
                return Malformed(str(unique_id), self._codes.framework, "the station's answer is not JSON", None)
            return self._malformed(UNREADABLE_ID, "this is not JSON", action)
        return self._malformed(unique_id, "this is not JSON", action)

    def _malformed(self, unique_id: UniqueId, detail: str, action: str = "") -> Malformed:
        code = self._codes.framework
        return Malformed(unique_id, code, detail, error(unique_id, code, detail), action)

    # -- out

    def call(self, action: str, payload: bytes) -> tuple[str, bytes]:
        """(unique id, frame) of a CALL. Its predecessor must have been answered or given up."""
        if self.outstanding is not None:
            raise RuntimeError(f"CALL {self.outstanding} is still out")
        self._counter += 1
        unique_id = self.outstanding = f"{self._prefix}{self._counter}"
        return unique_id, _encoder.encode((CALL, unique_id, action, msgspec.Raw(payload)))

    def give_up(self) -> None:
        """No answer came in time: the next CALL may go, and a late answer finds nothing."""
        self.outstanding = None


def result(unique_id: UniqueId, payload: Any) -> bytes:
    """A CALLRESULT with `payload`, anything that encodes to an object."""
    return _encoder.encode((CALLRESULT, unique_id, payload))


def error(unique_id: UniqueId, code: str, description: str = "") -> bytes:
    """A CALLERROR. The description is cut to the length that the specification allows."""
    return _encoder.encode((CALLERROR, unique_id, code, description[:ERROR_TEXT_CHARACTERS], {}))


def _split(text: str) -> list[msgspec.Raw] | None:
    try:
        return _parts.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _value(raw: bytes | msgspec.Raw) -> Any:
    try:
        return _any.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Unreadable.IT


def _is_id(value: Any) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= UNIQUE_ID_CHARACTERS
    return type(value) is int and abs(value) < 2**63


def _text(value: Any) -> str:
    return value[:ERROR_TEXT_CHARACTERS] if isinstance(value, str) else ""
