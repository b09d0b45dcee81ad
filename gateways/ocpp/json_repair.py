"""The invalid JSON that stations really send, mended where only one meaning is possible (quirk 9).

Mended: NUL bytes and a byte order mark, members without a value (`"transactionId":,`), empty elements (`[,{`), commas before a
closing bracket, control characters inside texts, a bare NaN. Not mended: anything cut off, since what is missing may matter.
One pass over the pieces; a text is never looked into.
"""

import re

from gateways.ocpp.limits import REPAIR_CHARACTERS, REPAIR_DEPTH

_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+|\s+', re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f]")
_NO_NUMBER = frozenset({"NaN", "-NaN", "nan", "Infinity", "-Infinity", "inf", "-inf", "undefined", "None", "NULL"})
_CLOSES = {"}": "{", "]": "["}


def repair(text: str) -> str | None:
    """JSON, most likely, or None when there is nothing that could be mended."""
    if len(text) > REPAIR_CHARACTERS:
        return None
    text = text.replace("\x00", "").lstrip("\ufeff")
    out: list[str] = []
    opened: list[str] = []
    at = 0
    while at < len(text):
        match = _PIECE.match(text, at)
        if match is None:
            return None
        at = match.end()
        piece = match[0]
        if piece.isspace():
            continue
        if piece[0] == '"':
            out.append(_CONTROL.sub(" ", piece))
            continue
        if piece in ",}]":
            _drop_member_without_value(out)
        if piece == ",":
            if not out or out[-1] in ("[", "{", ","):
                continue
        elif piece in "}]":
            if not opened or opened.pop() != _CLOSES[piece]:
                return None
            if out[-1] == ",":
                out.pop()
        elif piece in "{[":
            opened.append(piece)
            if len(opened) > REPAIR_DEPTH:
                return None
        elif piece in _NO_NUMBER:
            piece = "null"
        out.append(piece)
        if not opened and piece in "}]":
            break
    return None if opened or not out else "".join(out)


def _drop_member_without_value(out: list[str]) -> None:
    if out and out[-1] == ":":
        out.pop()
        if out and out[-1][0] == '"':
            out.pop()
