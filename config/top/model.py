"""What the screen of `csms top` shows and what each key does to it: a value and a plain function, without a terminal.

`press(screen, key)` gives the next screen and, now and then, something to do: an order for an actor, or the end.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

SORTS = ("rate", "mailbox", "age", "handled", "restarts", "crashes", "address", "kind", "status")
ORDERS = {"r": "restart", "u": "suspend", "c": "resume", "d": "drain", "p": "checkpoint", "x": "stop"}
FILTER_CHARS = 80

Mode = Literal["list", "actor", "filter", "confirm", "help"]


class Order(msgspec.Struct, frozen=True):
    operation: str
    address: str


class Quit(msgspec.Struct, frozen=True):
    pass


class Screen(msgspec.Struct, frozen=True, kw_only=True):
    """`selected` is an address, so that the cursor stays on its actor while the list moves; `draft` the filter being typed."""

    mode: Mode = "list"
    sort: str = "rate"
    down: bool = True
    text: str = ""
    kind: str = ""
    draft: str = ""
    addresses: tuple[str, ...] = ()
    selected: str = ""
    opened: str = ""
    asked: Order | None = None
    message: str = ""

    @property
    def query(self) -> dict[str, str]:
        """What the API is asked for."""
        wanted = {"sort": self.sort, "order": "desc" if self.down else "asc", "q": self.text, "kind": self.kind}
        return {name: value for name, value in wanted.items() if value}

    @property
    def at(self) -> str:
        """The actor that an order would go to."""
        return self.opened or self.selected

    @property
    def place(self) -> int:
        return self.addresses.index(self.selected) if self.selected in self.addresses else 0


def seen(screen: Screen, addresses: Sequence[str]) -> Screen:
    """The list came again. A selection that vanished falls to whoever took its place."""
    selected = screen.selected
    if selected not in addresses:
        selected = addresses[min(screen.place, len(addresses) - 1)] if addresses else ""
    return replace(screen, addresses=tuple(addresses), selected=selected)


def press(screen: Screen, key: str) -> tuple[Screen, Order | Quit | None]:
    if key == "ctrl-c":
        return screen, Quit()
    match screen.mode:
        case "filter":
            return _typed(screen, key), None
        case "confirm":
            return _answered(screen, key)
        case "help":
            return replace(screen, mode="actor" if screen.opened else "list"), None
        case "actor":
            return _in_actor(screen, key)
        case _:
            return _in_list(screen, key)


def _in_list(screen: Screen, key: str) -> tuple[Screen, Order | Quit | None]:
    screen = replace(screen, message="")
    if key == "q":
        return screen, Quit()
    steps = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -10, "pagedown": 10, "home": -(10**6), "end": 10**6}
    if key in steps:
        return _moved(screen, steps[key]), None
    if key == "s":
        following = SORTS[(SORTS.index(screen.sort) + 1) % len(SORTS)]
        return replace(screen, sort=following, down=following not in ("address", "kind", "status")), None
    if key == "S":
        return replace(screen, down=not screen.down), None
    if key == "/":
        return replace(screen, mode="filter", draft=screen.text), None
    if key == "escape":
        return replace(screen, text="", kind=""), None
    if key == "enter" and screen.selected:
        return replace(screen, mode="actor", opened=screen.selected), None
    return _ordered(screen, key), None


def _in_actor(screen: Screen, key: str) -> tuple[Screen, Order | Quit | None]:
    screen = replace(screen, message="")
    if key == "q":
        return screen, Quit()
    if key in ("escape", "backspace", "left"):
        return replace(screen, mode="list", opened=""), None
    return _ordered(screen, key), None


def _ordered(screen: Screen, key: str) -> Screen:
    if key == "?":
        return replace(screen, mode="help")
    if key in ORDERS and screen.at:
        return replace(screen, mode="confirm", asked=Order(ORDERS[key], screen.at))
    return screen


def _answered(screen: Screen, key: str) -> tuple[Screen, Order | None]:
    """Only a plain yes is one."""
    asked = screen.asked
    back = replace(screen, mode="actor" if screen.opened else "list", asked=None)
    if key in ("y", "Y") and asked is not None:
        return replace(back, message=f"{asked.operation} {asked.address} ..."), asked
    return replace(back, message="left alone"), None


def _typed(screen: Screen, key: str) -> Screen:
    if key == "enter":
        return replace(screen, mode="list", text=screen.draft)
    if key == "escape":
        return replace(screen, mode="list", draft="")
    if key == "backspace":
        return replace(screen, draft=screen.draft[:-1])
    if len(key) == 1 and key.isprintable():
        return replace(screen, draft=(screen.draft + key)[:FILTER_CHARS])
    return screen


def _moved(screen: Screen, step: int) -> Screen:
    if not screen.addresses:
        return screen
    place = max(0, min(len(screen.addresses) - 1, screen.place + step))
    return replace(screen, selected=screen.addresses[place])


_KEYS = {
    "\x1b[A": "up", "\x1b[B": "down", "\x1b[C": "right", "\x1b[D": "left", "\x1b[5~": "pageup", "\x1b[6~": "pagedown",
    "\x1b[H": "home", "\x1b[F": "end", "\x1b[1~": "home", "\x1b[4~": "end", "\x1bOA": "up", "\x1bOB": "down",
    "\x1bOC": "right", "\x1bOD": "left", "\r": "enter", "\n": "enter", "\x7f": "backspace", "\x08": "backspace", "\x03": "ctrl-c",
    "\x1b": "escape",
}  # fmt: skip


def keys_of(typed: str) -> list[str]:
    """What a terminal sent, as names of keys. A sequence that nobody knows is nothing."""
    found: list[Any] = []
    while typed:
        known = next((name for length in (4, 3) if (name := _KEYS.get(typed[:length]))), None)
        if known:
            length = 4 if typed[:4] in _KEYS else 3
        elif typed.startswith(("\x1b[", "\x1bO")):
            length = next((n for n, c in enumerate(typed[2:], start=3) if c.isalpha() or c == "~"), len(typed))
        else:
            known, length = _KEYS.get(typed[0], typed[0]), 1
        if known:
            found.append(known)
        typed = typed[length:]
    return found
