"""What `csms doctor` found: one answer to one question."""

from typing import Literal

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """`remedy` says what to do when it is not ok."""

    check: str
    verdict: Literal["ok", "warning", "failed"]
    detail: str
    remedy: str = ""
