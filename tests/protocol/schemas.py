"""Instances generated from the official JSON schemas (PyPI package `ocpp`), valid ones and ones with one thing wrong."""

import json
import random
from collections.abc import Iterator
from decimal import Decimal
from importlib import resources
from typing import Any

TEXT = "aZ09 äß€日-_.:/\\\"'"


def schema(name: str) -> dict[str, Any]:
    """`name`: an action, or an action with `Response`."""
    text = resources.files("ocpp.v16.schemas").joinpath(f"{name}.json").read_text(encoding="utf-8-sig")
    loaded: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return _resolved(loaded)


def schema_201(name: str) -> dict[str, Any]:
    """The same of 2.0.1."""
    file = name if name.endswith("Response") else f"{name}Request"
    text = resources.files("ocpp.v201.schemas").joinpath(f"{file}.json").read_text(encoding="utf-8-sig")
    loaded: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return _resolved(loaded)


def _resolved(loaded: dict[str, Any]) -> dict[str, Any]:
    """With what `$ref` names in its place; no class holds itself."""
    definitions = loaded.pop("definitions", {})

    def resolved(value: Any) -> Any:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                return resolved(definitions[value["$ref"].rpartition("/")[2]])
            return {key: resolved(inner) for key, inner in value.items()}
        return [resolved(item) for item in value] if isinstance(value, list) else value

    whole: dict[str, Any] = resolved(loaded)
    return whole


def accepts(validator: Any, text: str) -> bool:
    return bool(validator.is_valid(json.loads(text, parse_float=Decimal)))


class Generator:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def valid(self, kind: dict[str, Any], full: bool | None = None) -> Any:
        """`full` True: every optional field; False: none; None: some."""
        rng = self.rng
        if "enum" in kind:
            return rng.choice(kind["enum"])
        match kind.get("type"):
            case None:
                return rng.choice(["a", 5, True, Decimal("2.5"), [1, "b"], {"c": {"d": None}}])
            case "object":
                required = kind.get("required", [])
                wanted = [
                    name
                    for name in kind.get("properties", {})
                    if name in required or full or (full is None and rng.random() < 0.5)
                ]
                return {name: self.valid(kind["properties"][name], full) for name in wanted}
            case "array":
                least = kind.get("minItems", 0)
                most = min(least + 2, kind.get("maxItems", least + 2))
                return [self.valid(kind["items"], full) for _ in range(rng.randint(max(least, int(bool(full))), most))]
            case "string" if kind.get("format") == "date-time":
                day = f"20{rng.randint(10, 40)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
                return f"{day}T12:{rng.randint(0, 59):02}:05" + rng.choice(["Z", ".123Z", "+02:00", "-11:30"])
            case "string" if kind.get("format") == "uri":
                return "ftp://example.com/a"
            case "string":
                return "".join(rng.choice(TEXT) for _ in range(rng.choice([0, 1, 5, kind.get("maxLength", 30)])))
            case "integer":
                least, most = int(kind.get("minimum", -(2**31))), int(kind.get("maximum", 2**31 - 1))
                return rng.choice([n for n in (0, 1, -1, 7, least, most) if least <= n <= most])
            case "number":
                return rng.choice([0, 16, -1, Decimal("16.1"), Decimal("0.3"), Decimal("32.7")])
            case "boolean":
                return rng.random() < 0.5
        raise AssertionError(kind)

    def broken(self, kind: dict[str, Any], value: Any) -> Iterator[Any]:
        """Copies of a valid `value`, each with one thing changed. Most are invalid; the schema says which."""
        if "type" not in kind:
            return
        yield from self._wrong_types(kind)
        match kind["type"]:
            case "object":
                for name in value:
                    if name not in kind["properties"]:
                        continue
                    yield {key: inner for key, inner in value.items() if key != name}
                    for changed in self.broken(kind["properties"][name], value[name]):
                        yield {**value, name: changed}
                yield {**value, "notInTheSchema": 1}
            case "array":
                yield []
                if "maxItems" in kind and value:
                    yield value[:1] * kind["maxItems"]
                    yield value[:1] * (kind["maxItems"] + 1)
                for n, item in enumerate(value):
                    for changed in self.broken(kind["items"], item):
                        yield [*value[:n], changed, *value[n + 1 :]]
            case "string" if "enum" in kind:
                yield "NotInTheEnum"
                yield kind["enum"][0].lower()
                yield ""
            case "string" if "maxLength" in kind:
                yield "x" * kind["maxLength"]
                yield "€" * kind["maxLength"]
                yield "x" * (kind["maxLength"] + 1)
            case "number":
                yield from (Decimal("16.05"), Decimal("0.01"), Decimal("1e-7"), Decimal("21.4"))
            case "integer":
                yield from (Decimal("1.5"), Decimal("1.0"))
                yield from (int(kind[bound]) + step for bound in ("minimum", "maximum") if bound in kind for step in (-1, 0, 1))

    def _wrong_types(self, kind: dict[str, Any]) -> Iterator[Any]:
        for other in (None, True, 5, Decimal("2.5"), "5", [], {}):
            if kind.get("format") == "date-time" and isinstance(other, str):
                continue  # our times are times; the schema takes any text (see test_v16_schemas)
            yield other


def dump(value: Any) -> str:
    """JSON with decimals as they are."""
    if isinstance(value, Decimal):
        return str(value) if value.as_tuple().exponent else f"{value}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{dump(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
