"""From bytes to a typed body, with a pointer to *every* wrong field.

msgspec decodes and validates in one pass but stops at the first mistake. So the fast path is msgspec's, and only a body
that failed is walked again, type beside value, to collect the rest.
"""

import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from gateways.web import limits
from gateways.web.problems import FieldError, Problem, wrong_fields


def decode_json(raw: bytes) -> Any:
    """Any JSON. Raises Problem `malformed-body`."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("malformed-body", str(error)) from None


def decode_body(type_: Any, raw: bytes) -> Any:
    """The body as `type_`. Raises Problem `malformed-body` or `invalid-body`."""
    value = decode_json(raw)
    if b"\\u0000" in raw or b"\x00" in raw:
        nul = list(_nul_characters(value, ""))
        if nul:
            raise wrong_fields(nul)
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError:
        raise wrong_fields(_first(collect(type_, value, ""))) from None


def pointer_join(pointer: str, part: object) -> str:
    return f"{pointer}/{str(part).replace('~', '~0').replace('/', '~1')}"


def collect(type_: Any, value: Any, pointer: str) -> Iterator[FieldError]:
    """Every mistake in `value`, deepest first, as far as the type can be followed."""
    error = _error(type_, value)
    if error is not None:
        yield from _explained(type_, value, pointer, error)


def _error(type_: Any, value: Any) -> str | None:
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        return str(error)
    return None


def _explained(type_: Any, value: Any, pointer: str, error: str) -> Iterator[FieldError]:
    deeper = _inside(type_, value, pointer)
    first = next(deeper, None)
    if first is None:
        yield FieldError(_plain(error), pointer=pointer)
        return
    yield first
    yield from deeper


def _inside(type_: Any, value: Any, pointer: str) -> Iterator[FieldError]:
    origin = get_origin(type_)
    if origin is Annotated:
        yield from _inside(get_args(type_)[0], value, pointer)
    elif origin in (Union, types.UnionType):
        fitting = [part for part in get_args(type_) if part is not type(None) and _same_shape(part, value)]
        if len(fitting) > 1:
            fitting = [part for part in fitting if _tagged(part, value)]
        if len(fitting) == 1:
            yield from _inside(fitting[0], value, pointer)
    elif isinstance(type_, type) and issubclass(type_, msgspec.Struct) and isinstance(value, Mapping):
        yield from _inside_struct(type_, value, pointer)
    elif origin in (list, tuple, set, frozenset) and isinstance(value, list):
        item = get_args(type_)[0]
        yield from _among(item, enumerate(value), pointer)
    elif origin in (dict, Mapping) and isinstance(value, Mapping):
        yield from _among(get_args(type_)[1], value.items(), pointer)


def _among(type_: Any, parts: Iterable[tuple[Any, Any]], pointer: str) -> Iterator[FieldError]:
    """A body may have hundreds of thousands of parts, most of them right: a pointer is made for a wrong one only."""
    for key, part in parts:
        error = _error(type_, part)
        if error is not None:
            yield from _explained(type_, part, pointer_join(pointer, key), error)


def _inside_struct(type_: type[msgspec.Struct], value: Mapping[str, Any], pointer: str) -> Iterator[FieldError]:
    fields = msgspec.structs.fields(type_)
    for field in fields:
        at = pointer_join(pointer, field.encode_name)
        if field.encode_name in value:
            yield from collect(field.type, value[field.encode_name], at)
        elif field.required:
            yield FieldError("this field is required", pointer=at)
    if type_.__struct_config__.forbid_unknown_fields:
        known = {field.encode_name for field in fields}
        if type_.__struct_config__.tag is not None:
            known.add(type_.__struct_config__.tag_field or "type")
        for name in value:
            if name not in known:
                yield FieldError(f"unknown field; known are {', '.join(sorted(known))}", pointer=pointer_join(pointer, name))


def _same_shape(type_: Any, value: Any) -> bool:
    bare = get_args(type_)[0] if get_origin(type_) is Annotated else type_
    if isinstance(value, Mapping):
        return get_origin(bare) in (dict, Mapping) or (isinstance(bare, type) and issubclass(bare, (msgspec.Struct, dict)))
    if isinstance(value, list):
        return get_origin(bare) in (list, tuple, set, frozenset)
    return False


def _tagged(type_: Any, value: Any) -> bool:
    """Of several objects the one that the value names itself by the tag."""
    if not (isinstance(type_, type) and issubclass(type_, msgspec.Struct) and isinstance(value, Mapping)):
        return False
    config = type_.__struct_config__
    return config.tag is not None and value.get(config.tag_field) == config.tag


def _nul_characters(value: Any, pointer: str) -> Iterator[FieldError]:
    """PostgreSQL text holds every character but this one."""
    if isinstance(value, str) and "\x00" in value:
        yield FieldError("the NUL character is not allowed", pointer=pointer)
    elif isinstance(value, dict):
        for key, part in value.items():
            at = pointer_join(pointer, key)
            if "\x00" in key:
                yield FieldError("the NUL character is not allowed", pointer=at)
            yield from _nul_characters(part, at)
    elif isinstance(value, list):
        for n, part in enumerate(value):
            yield from _nul_characters(part, pointer_join(pointer, n))


def _first(errors: Iterator[FieldError]) -> list[FieldError]:
    found: list[FieldError] = []
    for error in errors:
        found.append(error)
        if len(found) == limits.FIELD_PROBLEMS:
            break
    return found


def _plain(message: str) -> str:
    """msgspec's message without its own path, which the pointer says better."""
    text = message.partition(" - at `")[0]
    return text[:1].lower() + text[1:]
