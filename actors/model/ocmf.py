"""Signed meter values: what a signed sample holds, OCMF read and its signature verified (PROTOCOLS 2.7). Pure.

A record is kept byte for byte where it came from; nothing here changes it. OCMF is `OCMF|{payload}|{signature}`, both JSON, the
signature made over the bytes of the payload exactly as sent. Other formats (EDL, ALFEN) are recognised and left alone.
"""

import base64
import binascii
import json
import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any, Literal

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

RECORD_CHARACTERS = 64 * 1024
READINGS = 256
KEY_CHARACTERS = 4096
CURVES: dict[str, type[ec.EllipticCurve]] = {
    "secp192r1": ec.SECP192R1,
    "secp256k1": ec.SECP256K1,
    "secp256r1": ec.SECP256R1,
    "secp384r1": ec.SECP384R1,
    "brainpool256r1": ec.BrainpoolP256R1,
    "brainpool384r1": ec.BrainpoolP384R1,
}
"""Of the algorithms that OCMF names, those that can be computed here. Missing: secp192k1."""
DEFAULT_ALGORITHM = "ECDSA-secp256r1-SHA256"
Verdict = Literal["valid", "invalid", "no_key", "unsupported", "unreadable"]

_ENDS = frozenset("ELRAP")
_ALGORITHM = re.compile(r"ECDSA-(\w+)-SHA256\Z")
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)[,.](\d{1,6})([+-]\d{4}) ?([UISR])\Z")
_PAGE = re.compile(r"([TF])(\d{1,18})\Z")
_OCA_KEY = re.compile(r"oca:(base16|base64):asn1:(.+)\Z", re.IGNORECASE | re.DOTALL)


class BadOcmf(ValueError):
    """The text says what is wrong."""


class SignedValue(msgspec.Struct, frozen=True):
    """A signed sample opened: `text` the record as it was signed; `method` OCMF, EDL ...; `key` as told, or ""."""

    text: str
    method: str
    key: str = ""


class MeterReading(msgspec.Struct, frozen=True):
    """One of RD, with what it repeats from the one before. `sync`: S synchronised, R relative, I informative, U unknown;
    `kind`: B begin, C charging, E L R A P end, T tariff change ...; `status`: G good; `errors`: E energy, t time."""

    at: datetime | None
    sync: str
    kind: str
    value: Decimal | None
    obis: str
    unit: str
    status: str
    errors: str = ""


class Record(msgspec.Struct, frozen=True):
    """A whole OCMF record. `page`: T or F and its number."""

    payload: str
    meter: str
    page: tuple[str, int] | None
    identified: bool
    id: str
    readings: tuple[MeterReading, ...]
    algorithm: str
    signature: bytes


def open_signed(raw: str) -> SignedValue:
    """A signed sample's text: SignedMeterValueType as JSON, or the record itself, as many 1.6 stations send it."""
    said = _json_object(raw)
    if said is None or not isinstance(said.get("signedMeterData"), str):
        return SignedValue(raw, "OCMF" if raw.startswith("OCMF|") else "unknown")
    data = said["signedMeterData"]
    text = data if data.startswith("OCMF|") else _decoded(data)
    method = str(said.get("encodingMethod") or ("OCMF" if text.startswith("OCMF|") else "unknown"))
    key = said.get("publicKey")
    return SignedValue(text, method, key if isinstance(key, str) else "")


def _json_object(text: str) -> dict[str, Any] | None:
    if not text.lstrip().startswith("{") or len(text) > 2 * RECORD_CHARACTERS:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _decoded(data: str) -> str:
    try:
        return base64.b64decode(data, validate=False).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return data


def parse(text: str) -> Record:
    """Raises BadOcmf."""
    if not text.startswith("OCMF|"):
        raise BadOcmf("it does not begin with OCMF|")
    if len(text) > RECORD_CHARACTERS:
        raise BadOcmf(f"it has more than {RECORD_CHARACTERS} characters")
    payload, said, rest = _object_at(text, len("OCMF|"))
    if not rest.startswith("|"):
        raise BadOcmf("no signature follows the payload")
    signature = _json_object(rest[1:].strip())
    if signature is None or not isinstance(signature.get("SD"), str):
        raise BadOcmf("its signature has no data (SD)")
    if not isinstance(said.get("MS"), str) or not said["MS"]:
        raise BadOcmf("it names no meter (MS)")
    readings = said.get("RD")
    if not isinstance(readings, list) or not 0 < len(readings) <= READINGS:
        raise BadOcmf(f"it has no readings (RD), or more than {READINGS}")
    page = _PAGE.match(str(said.get("PG", "")))
    return Record(
        payload=payload,
        meter=said["MS"],
        page=(page[1], int(page[2])) if page else None,
        identified=said.get("IS") is True,
        id=str(said.get("ID", "")),
        readings=_readings(readings),
        algorithm=str(signature.get("SA") or DEFAULT_ALGORITHM),
        signature=_signature(signature),
    )


def _object_at(text: str, at: int) -> tuple[str, dict[str, Any], str]:
    """(its text, the JSON object at `at`, what follows)."""
    try:
        said, end = json.JSONDecoder(parse_float=Decimal).raw_decode(text, at)
    except (ValueError, RecursionError) as error:
        raise BadOcmf(f"its payload is no JSON: {error}") from None
    if not isinstance(said, dict):
        raise BadOcmf("its payload is no object")
    return text[at:end], said, text[end:]


def _readings(said: Sequence[Any]) -> tuple[MeterReading, ...]:
    """A field that a later reading leaves out repeats the one before; error flags do not."""
    found: list[MeterReading] = []
    known: dict[str, Any] = {}
    for item in said:
        if not isinstance(item, dict):
            raise BadOcmf("a reading is no object")
        known = {**known, "EF": "", **item}
        at, sync = _time(str(known.get("TM", "")))
        found.append(
            MeterReading(
                at, sync, str(known.get("TX", "")), _number(known.get("RV")), str(known.get("RI", "")), str(known.get("RU", "")),
                str(known.get("ST", "")), str(known.get("EF", "")),
            )
        )  # fmt: skip
    return tuple(found)


def _time(text: str) -> tuple[datetime | None, str]:
    match = _TIME.match(text)
    if match is None:
        return None, ""
    try:
        return datetime.fromisoformat(f"{match[1]}.{match[2]:0<6}{match[3]}"), match[4]
    except ValueError:
        return None, match[4]


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _signature(said: dict[str, Any]) -> bytes:
    data = said["SD"].strip()
    try:
        return base64.b64decode(data, validate=True) if said.get("SE") == "base64" else bytes.fromhex(data)
    except (binascii.Error, ValueError):
        raise BadOcmf("its signature data (SD) cannot be decoded") from None


def read_key(text: str) -> bytes | None:
    """The DER of a meter's public key, as stations tell it: hex or base64, bare or as `oca:base16:asn1:...`, that again in
    base64."""
    text = "".join(text.split())
    if not text or len(text) > KEY_CHARACTERS:
        return None
    match = _OCA_KEY.match(text)
    if match is None:
        again = _OCA_KEY.match("".join(_decoded(text).split()))
        match = again
    if match is not None:
        return _bytes(match[2], hex_only=match[1].lower() == "base16")
    return _bytes(text)


def _bytes(text: str, *, hex_only: bool = False) -> bytes | None:
    try:
        return bytes.fromhex(text)
    except ValueError:
        pass
    if hex_only:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def verify(record: Record, key: bytes | None) -> Verdict:
    """`key`: DER of the meter's public key (SubjectPublicKeyInfo)."""
    match = _ALGORITHM.match(record.algorithm)
    curve = CURVES.get(match[1].lower().replace("brainpoolp", "brainpool")) if match else None
    if curve is None:
        return "unsupported"
    if key is None:
        return "no_key"
    try:
        public = load_der_public_key(key)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "no_key"
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, curve):
        return "invalid"
    try:
        public.verify(record.signature, record.payload.encode(), ec.ECDSA(hashes.SHA256()))
        return "valid"
    except InvalidSignature:
        return "invalid"


def check(records: Sequence[Record]) -> tuple[str, ...]:
    """What speaks against billing by these records of one charge, in order of time, signatures aside (PROTOCOLS 2.7). One
    record may hold both begin and end."""
    begin, end = records[0], records[-1]
    first, last = begin.readings[0], end.readings[-1]
    problems = []
    if any(record.meter != begin.meter for record in records):
        problems.append("the meters differ")
    if begin.id != end.id:
        problems.append("the identifications differ")
    for name, reading in (("begin", first), ("end", last)):
        if reading.status != "G":
            problems.append(f"the meter's status at the {name} is {reading.status or 'unknown'}")
        if reading.sync != "S":
            problems.append(f"the clock at the {name} is {reading.sync or 'unknown'}, not synchronised")
        if reading.errors:
            problems.append(f"the {name} has error flags {reading.errors}")
    if first.kind != "B":
        problems.append("the first reading is no begin")
    if last.kind not in _ENDS:
        problems.append("the last reading is no end")
    if first.value is None or last.value is None or first.unit != last.unit or last.value < first.value:
        problems.append("the end is less than the begin, or they cannot be compared")
    if not all(_consecutive(one.page, other.page) for one, other in pairwise(records)):
        problems.append("the pagination is not consecutive")
    return tuple(problems)


def _consecutive(one: tuple[str, int] | None, other: tuple[str, int] | None) -> bool:
    return one is not None and other is not None and one[0] == other[0] and other[1] == one[1] + 1
