"""Which quirk is replayed by which tests: `python -m tests.gateways.ocpp.quirks_table` writes QUIRKS.md beside this file.

A test says by its name which numbers it replays (`test_quirk_05_...`, `test_quirk_14_and_20_to_24_...`), and by where it stands
which protocol it speaks. test_quirk_registry.py holds that the table is up to date and nothing is missing.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from gateways.ocpp.quirks import Quirk, ours
from gateways.ocpp.quirks.entry import NUMBERS

HERE = Path(__file__).parent
TESTS = HERE.parents[1]
PATH = HERE / "QUIRKS.md"
COMMAND = "python -m tests.gateways.ocpp.quirks_table"
PROTOCOLS = ("1.6", "2.0.1", "SOAP")
_NAMED = re.compile(r"^ *(?:async )?def (test_quirks?_(\d+(?:_(?:and|to)_\d+)*)_\w+)", re.MULTILINE)
_ONE_OF = {
    "2.0.1": ("test_quirks_201.py", "test_events.py"),
    "SOAP": ("soap/test_quirks.py",),
}
"""Where tests of a protocol stand; those of the actors and of the sockets stand for all that go through them, 1.6 first."""
WITHOUT: dict[str, dict[int, str]] = {
    "2.0.1": {14: "there is no number to lose"},
    "SOAP": {
        1: "there is no connection",
        2: "there is no connection",
        11: "an answer is the response to its own request",
    },
}
"""What a protocol does not concern, and why."""


@cache
def found() -> tuple[tuple[int, str, str], ...]:
    """(number, name of the test, its file below tests/)."""
    return tuple(
        (number, match[1], str(path.relative_to(TESTS)))
        for path in sorted(TESTS.rglob("test_*.py"))
        for match in _NAMED.finditer(path.read_text(encoding="utf-8"))
        for number in numbers(match[2])
    )


def numbers(text: str) -> Iterator[int]:
    """`14_and_20_to_24` -> 14, 20, 21, 22, 23, 24."""
    for part in text.split("_and_"):
        first, _, last = part.partition("_to_")
        yield from range(int(first), int(last or first) + 1)


def tests_of(number: int, protocol: str) -> list[str]:
    special = {place for places in _ONE_OF.values() for place in places}
    return [
        f"{file}::{name}"
        for known, name, file in found()
        if known == number
        and (
            any(file.endswith(place) for place in _ONE_OF[protocol])
            if protocol in _ONE_OF
            else not any(file.endswith(place) for place in special)
        )
    ]


def wanted() -> list[tuple[int, str]]:
    return [(number, name) for number in NUMBERS for name in PROTOCOLS if number not in WITHOUT.get(name, {})]


def table() -> str:
    lines = [
        "# What stations really do, and which tests replay it",
        "",
        f"Made by `{COMMAND}`; do not edit. The entries: `gateways/ocpp/quirks/*.toml`, and `GET /api/v1/quirks`. Columns:",
        "how many tests replay the number for a protocol; those of the actors, which all protocols share, are with 1.6.",
        "",
        "| No. | Quirk | Tier | What | " + " | ".join(PROTOCOLS) + " |",
        "|---|---|---|---|" + "---|" * len(PROTOCOLS),
    ]
    for number in NUMBERS:
        for n, quirk in enumerate(quirk for quirk in ours().quirks if quirk.number == number):
            cells = [_cell(number, name) if n == 0 else "" for name in PROTOCOLS]
            row = ("" if n else str(number), f"`{quirk.id}`", quirk.tier, _says(quirk), *cells)
            lines.append(f"| {' | '.join(row)} |")
    lines += ["", "## Tests", ""]
    for number in NUMBERS:
        lines += [f"{number}.", *(f"    * `{test}`" for name in PROTOCOLS for test in tests_of(number, name)), ""]
    return "\n".join(lines).rstrip() + "\n"


def _says(quirk: Quirk) -> str:
    known = ((name, getattr(quirk, name)) for name in ("vendor", "model", "firmware"))
    makers = ", ".join(f"{name} `{pattern}`" for name, pattern in known if pattern != "*")
    return f"{makers}: {quirk.says}" if makers else quirk.says


def _cell(number: int, protocol: str) -> str:
    reason = WITHOUT.get(protocol, {}).get(number)
    return reason if reason is not None else str(len(tests_of(number, protocol)))


if __name__ == "__main__":
    PATH.write_text(table(), encoding="utf-8")
    print(PATH)
