"""Bodies into nested values: `a[b][0][c]=x` into dicts and lists, JSON for v2, multipart for files."""

from email import message_from_bytes
from email.policy import HTTP
from urllib.parse import parse_qsl

import msgspec

from gateways.payments.sandbox import limits
from gateways.payments.sandbox.errors import Obj, Refusal


def form(text: str) -> Obj:
    """Values are str, dict or (for `[]` and `[0]`) list."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=limits.FIELDS_MOST, errors="strict")
    except ValueError as error:
        raise Refusal(f"The form cannot be read: {error}") from error
    tree: Obj = {}
    for name, value in pairs:
        _put(tree, _parts(name), value, name)
    return {key: _listed(value) for key, value in tree.items()}


def _parts(name: str) -> list[str]:
    head, *rest = name.split("[")
    if len(rest) > limits.DEPTH_MOST or any(not part.endswith("]") for part in rest):
        raise Refusal(f"Invalid parameter name: {name}", param=name)
    return [head, *(part[:-1] for part in rest)]


def _put(tree: Obj, parts: list[str], value: str, name: str) -> None:
    for part in parts[:-1]:
        tree = tree.setdefault(part if part else str(len(tree)), {})
        if not isinstance(tree, dict):
            raise Refusal(f"Parameter {name} is given as a value and as an object.", param=name)
    last = parts[-1] if parts[-1] else str(len(tree))
    if last in tree:
        raise Refusal(f"Parameter {name} is given twice.", param=name)
    tree[last] = value


def _listed(value: object) -> object:
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(one) for key, one in value.items()}
    if inner and all(key.isdigit() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


def json(body: bytes) -> Obj:
    if not body:
        return {}
    try:
        return msgspec.json.decode(body, type=Obj)
    except msgspec.DecodeError as error:
        raise Refusal(f"The body is not JSON: {error}") from error


def multipart(content_type: str, body: bytes) -> tuple[Obj, tuple[str, str, bytes] | None]:
    """The form's fields, and (file name, type, bytes) of its file."""
    message = message_from_bytes(b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n" + body, policy=HTTP)
    fields: list[str] = []
    file: tuple[str, str, bytes] | None = None
    tree: Obj = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = bytes(part.get_payload(decode=True) or b"")
        if not isinstance(name, str) or len(fields) >= limits.FIELDS_MOST:
            raise Refusal("A part of the form has no name, or there are too many.")
        file_name = part.get_filename()
        if file_name is not None:
            file = (file_name, part.get_content_type(), content)
        else:
            fields.append(name)
            _put(tree, _parts(name), content.decode("utf-8", "replace"), name)
    return {key: _listed(value) for key, value in tree.items()}, file
