"""Reading the registry: our files, and the operator's own laid over them. Whatever is misspelt is an error that says so.

An operator's entry with the id of one of ours changes the keys that it names and leaves the others; `off = true` switches an
entry off. One with a new id comes after ours, so what it says counts more.
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from gateways.ocpp.quirks.entry import EnumRule, Quirk
from gateways.ocpp.quirks.names import misspelt
from gateways.ocpp.quirks.registry import Registry

OURS = ("general.toml", "v16.toml", "v201.toml", "stations.toml")
_KEYS = {field.encode_name for field in msgspec.structs.fields(Quirk)}
_RULE_KEYS = {field.encode_name for field in msgspec.structs.fields(EnumRule)}
FILE_BYTES = 1024 * 1024


class QuirkError(ValueError):
    """A file of quirks cannot be used; the text names file, entry and key."""


@cache
def ours() -> Registry:
    """What comes along."""
    return load()


def load(own: Path | None = None) -> Registry:
    """The registry, with an operator's own file. Raises QuirkError."""
    folder = resources.files(__package__)
    entries: dict[str, dict[str, Any]] = {}
    for name in OURS:
        for entry in parsed(folder.joinpath(name).read_text(encoding="utf-8"), name):
            if entry["id"] in entries:
                raise QuirkError(f"{name}: there are two quirks {entry['id']!r}")
            entries[entry["id"]] = entry
    if own is not None:
        for id, entry in _named(parsed(_read(own), str(own)), own).items():
            entries[id] = _laid_over(entries.get(id, {}), entry)
    return Registry(tuple(_quirk(entry, own if own is not None else Path("quirks")) for entry in entries.values()))


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > FILE_BYTES:
            raise QuirkError(f"{path} is larger than {FILE_BYTES} bytes")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise QuirkError(f"{path} cannot be read: {error}") from None


def parsed(text: str, source: str) -> list[dict[str, Any]]:
    """The entries of one file, with keys that exist. Raises QuirkError."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise QuirkError(f"{source} is not valid TOML: {error}") from None
    _known(content, {"quirk"}, source)
    entries = content.get("quirk", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise QuirkError(f"{source}: entries are written [[quirk]]")
    for n, entry in enumerate(entries, start=1):
        if not isinstance(entry.get("id"), str):
            raise QuirkError(f"{source}: the {n}. quirk has no id")
        where = f"{source}, quirk {entry['id']!r}"
        _known(entry, _KEYS, where)
        rules = entry.get("enum")
        for field, rule in rules.items() if isinstance(rules, dict) else ():
            if isinstance(rule, dict):
                _known(rule, _RULE_KEYS, f"{where}, enum.{field}")
    return entries


def _named(entries: Iterable[dict[str, Any]], source: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        if entry["id"] in found:
            raise QuirkError(f"{source}: there are two quirks {entry['id']!r}")
        found[entry["id"]] = entry
    return found


def _known(given: Mapping[str, Any], known: set[str], where: str) -> None:
    for key in given:
        if key not in known:
            close = difflib.get_close_matches(key, sorted(known), n=1, cutoff=0.5)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(known))}"
            raise QuirkError(f"{where}: unknown key {key!r}: {hint}")


def _laid_over(ours: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are laid over each other, too; lists are replaced."""
    merged = dict(ours)
    for key, value in own.items():
        known = merged.get(key)
        merged[key] = _laid_over(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _quirk(entry: dict[str, Any], source: Path) -> Quirk:
    try:
        quirk = msgspec.convert(entry, Quirk)
    except msgspec.ValidationError as error:
        raise QuirkError(f"{source}, quirk {entry['id']!r}: {error}") from None
    problem = quirk.problem() or misspelt(quirk)
    if problem is not None:
        raise QuirkError(f"{source}, quirk {quirk.id!r}: {problem}")
    return quirk
