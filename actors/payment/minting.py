"""The text of a one-time token: what a station of any version takes as an idTag (1.6: at most 20 characters)."""

import base64
from collections.abc import Callable

LENGTH = 20
_BYTES = 13


def new_text(token_bytes: Callable[[int], bytes]) -> str:
    """20 letters and digits, 100 bits of chance: nobody guesses one in the minutes in which it is good."""
    return base64.b32encode(token_bytes(_BYTES)).decode()[:LENGTH]
