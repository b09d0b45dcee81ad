"""What a station has asked of us and has no answer to yet."""

from datetime import datetime
from typing import Any

import msgspec

from gateways.ocpp import rpc


class Asked(msgspec.Struct, gc=False):
    """A CALL of the station on its way to an answer."""

    call: rpc.Call
    text: str
    """The frame, for the trace."""
    at: datetime
    correlation: str
    message: Any = None
    mended: tuple[str, ...] = ()
    """What was done to understand it."""
    sweeps: int = 0
    traced: bool = False
    """The frame is in the trace already: its answer comes alone."""
