"""Parameters checked against the stripe package's own types, so that what Stripe would refuse is refused here.

`check(kind, raw)` takes a TypedDict of `stripe.params` and what came over the wire, and answers the typed values or raises
`Refusal` with the parameter's name as Stripe writes it (`line_items[0][quantity]`). In a form everything is a string and is
read as the type says; in JSON (v2) types must match as they are.
"""

import sys
import types
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Literal, NotRequired, Required, Union, cast, get_args, get_origin, get_type_hints

from stripe import RequestOptions
from stripe._stripe_object import UntypedStripeObject
from typing_extensions import is_typeddict

from gateways.payments.sandbox import limits
from gateways.payments.sandbox.errors import Obj, Refusal, missing

_OPTIONS = frozenset(RequestOptions.__annotations__)
"""Options of the request that travel as headers; the package's types list them among the parameters."""


@lru_cache(maxsize=2_000)
def _fields(kind: type) -> tuple[dict[str, Any], frozenset[str]]:
    """(field -> type, required fields) of a TypedDict."""
    own = {name: hint for name, hint in kind.__annotations__.items() if name not in _OPTIONS}
    names = vars(sys.modules[kind.__module__])
    hints = get_type_hints(type(kind.__name__, (), {"__annotations__": own}), globalns=names, include_extras=True)
    needed = cast(frozenset[str], kind.__required_keys__)  # type: ignore[attr-defined]
    return {name: _bare(hint) for name, hint in hints.items()}, needed - _OPTIONS


def _bare(hint: Any) -> Any:
    while get_origin(hint) in (NotRequired, Required):
        hint = get_args(hint)[0]
    return hint


def check(kind: type, raw: Mapping[str, Any], *, json: bool = False) -> Obj:
    """`raw` as the TypedDict `kind` wants it."""
    return _record(kind, raw, "", json)


def _name(path: str, key: object) -> str:
    return f"{path}[{key}]" if path else str(key)


def _record(kind: type, raw: Mapping[str, Any], path: str, json: bool) -> Obj:
    fields, needed = _fields(kind)
    out: Obj = {}
    for key, value in raw.items():
        if key not in fields:
            name = _name(path, key)
            raise Refusal(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
        out[key] = _value(fields[key], value, _name(path, key), json)
    for key in sorted(needed):
        if key not in raw:
            raise missing(_name(path, key))
    return out


def _value(hint: Any, raw: Any, path: str, json: bool) -> Any:
    if hint is Any:
        return raw
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _either(get_args(hint), raw, path, json)
    if origin is Literal:
        if raw in get_args(hint):
            return raw
        wanted = ", ".join(str(one) for one in get_args(hint))
        raise Refusal(f"Invalid {path}: must be one of {wanted}", param=path, code=None if raw else "parameter_invalid_empty")
    if origin is list:
        if not isinstance(raw, list):
            raise Refusal("Invalid array", param=path)
        return [_value(get_args(hint)[0], one, _name(path, n), json) for n, one in enumerate(raw)]
    if origin in (dict, UntypedStripeObject) or hint is dict:
        return _table(hint, raw, path, json)
    if is_typeddict(hint):
        if not isinstance(raw, Mapping):
            raise Refusal("Invalid object", param=path)
        return _record(hint, raw, path, json)
    if hint is type(None):
        if raw is None:
            return None
        raise Refusal(f"Invalid {path}: must be null", param=path)
    return _scalar(hint, raw, path, json)


def _either(hints: tuple[Any, ...], raw: Any, path: str, json: bool) -> Any:
    """The first alternative that fits; if none does, what the last one that has the value's shape says. An enumeration that the
    package leaves open for values to come (`Literal[...] | str`) is closed here, as it is at Stripe today."""
    refusal: Refusal | None = None
    if str in hints and any(get_origin(hint) is Literal and set(get_args(hint)) - {""} for hint in hints):
        hints = tuple(hint for hint in hints if hint is not str)
    for hint in hints:
        try:
            return _value(hint, raw, path, json)
        except Refusal as error:
            nested = isinstance(raw, (dict, list))
            if refusal is None or not nested or is_typeddict(hint) or get_origin(hint) in (list, dict):
                refusal = error
    assert refusal is not None
    raise refusal


def _table(hint: Any, raw: Any, path: str, json: bool) -> Obj:
    if isinstance(raw, list):  # `metadata[0]=x` reads like a list
        raw = {str(n): one for n, one in enumerate(raw)}
    if not isinstance(raw, Mapping):
        raise Refusal("Invalid object", param=path)
    inner = get_args(hint)[-1] if get_args(hint) else Any
    return {key: _value(inner, one, _name(path, key), json) for key, one in raw.items()}


def _scalar(hint: Any, raw: Any, path: str, json: bool) -> Any:
    if isinstance(raw, (dict, list)):
        raise Refusal(f"Invalid {hint.__name__ if isinstance(hint, type) else 'value'}", param=path)
    if json and hint is not Decimal:
        if isinstance(raw, hint) and not (hint is int and isinstance(raw, bool)):
            return raw
        raise Refusal(f"Invalid {path}: wrong type", param=path)
    text = str(raw)
    if hint is int:
        if text.lstrip("-").isascii() and text.lstrip("-").isdigit() and len(text) <= 20:
            return int(text)
        raise Refusal(f"Invalid integer: {text[:60]}", code="parameter_invalid_integer", param=path)
    if hint is bool:
        if text in ("true", "false"):
            return text == "true"
        raise Refusal(f"Invalid boolean: {text[:60]}", param=path)
    if hint in (float, Decimal):
        try:
            return Decimal(text) if hint is Decimal else float(text)
        except (ValueError, InvalidOperation):
            raise Refusal(f"Invalid decimal: {text[:60]}", param=path) from None
    return text


def leaves(value: Any, path: str = "") -> list[str]:
    """Dotted names of what is set, without the indexes of lists: `line_items.price_data.currency`."""
    if isinstance(value, dict):
        return [leaf for key, one in value.items() for leaf in leaves(one, f"{path}.{key}" if path else key)]
    if isinstance(value, list):
        return [leaf for one in value for leaf in leaves(one, path)]
    return [path]


def metadata(given: Any, old: Mapping[str, str] | None = None, param: str = "metadata") -> dict[str, str]:
    """`given` laid over `old`; an empty value unsets a key, an empty string unsets all."""
    if given == "":
        return {}
    merged = dict(old or {})
    for key, value in (given or {}).items():
        if len(key) > limits.METADATA_KEY or len(value) > limits.METADATA_VALUE or "[" in key or "]" in key:
            raise Refusal(
                f"Metadata keys have at most {limits.METADATA_KEY} characters and no brackets, values at most"
                f" {limits.METADATA_VALUE}: {key[:60]}",
                param=_name(param, key),
            )
        if value == "":
            merged.pop(key, None)
        else:
            merged[key] = value
    if len(merged) > limits.METADATA_MOST:
        raise Refusal(f"You cannot have more than {limits.METADATA_MOST} metadata keys.", param=param)
    return merged
