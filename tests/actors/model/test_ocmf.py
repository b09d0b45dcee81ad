"""OCMF records made and signed here, read and judged by the model; nothing of the vectors comes from elsewhere."""

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from actors.model import ocmf

KEYS = {name: ec.generate_private_key(curve()) for name, curve in ocmf.CURVES.items()}


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def payload(kind: str = "B", value: str = "1.234", page: str = "T7", **more: Any) -> str:
    first = {
        "TM": "2026-03-02T13:00:00,000+0100 S", "TX": kind, "RV": float(value), "RI": "01-00:B2.08.00*FF", "RU": "kWh", "ST": "G",
    }  # fmt: skip
    said = {"FV": "1.0", "GI": "Gate", "PG": page, "MV": "Maker", "MS": "M-17", "IS": True, "IT": "ISO14443", "ID": "t1"}
    return json.dumps({**said, "RD": [first], **more}, separators=(", ", ": "))  # blanks: every byte counts


def record(text: str, curve: str = "secp256r1", *, encoding: str = "", algorithm: str | None = "") -> str:
    signature = KEYS[curve].sign(text.encode(), ec.ECDSA(hashes.SHA256()))
    said: dict[str, str] = {"SD": signature.hex() if encoding != "base64" else base64.b64encode(signature).decode()}
    if algorithm is not None:
        said["SA"] = algorithm or f"ECDSA-{curve}-SHA256"
    if encoding:
        said["SE"] = encoding
    return f"OCMF|{text}|{json.dumps(said)}"


@pytest.mark.parametrize("curve", sorted(ocmf.CURVES))
@pytest.mark.parametrize("encoding", ["", "hex", "base64"])
def test_a_signature_on_every_curve_in_every_encoding_is_valid_for_its_bytes_alone(curve: str, encoding: str) -> None:
    text = record(payload(), curve, encoding=encoding)
    found = ocmf.parse(text)
    assert ocmf.verify(found, spki(KEYS[curve])) == "valid"
    assert ocmf.verify(ocmf.parse(text.replace("1.234", "1.235")), spki(KEYS[curve])) == "invalid"
    assert ocmf.verify(ocmf.parse(text.replace(", ", ",", 1)), spki(KEYS[curve])) == "invalid", "the same JSON, other bytes"
    stranger = ec.generate_private_key(ocmf.CURVES[curve]())
    assert ocmf.verify(found, spki(stranger)) == "invalid"


def test_without_a_key_or_with_an_algorithm_that_nobody_has_here_it_says_so() -> None:
    assert ocmf.verify(ocmf.parse(record(payload(), algorithm=None)), spki(KEYS["secp256r1"])) == "valid", "the default"
    found = ocmf.parse(record(payload()))
    assert ocmf.verify(found, None) == "no_key"
    assert ocmf.verify(found, b"no key") == "no_key"
    assert ocmf.verify(found, spki(KEYS["secp384r1"])) == "invalid", "another curve than it says"
    for algorithm in ("ECDSA-secp192k1-SHA256", "RSA", ""):
        found = ocmf.parse(record(payload(), algorithm=algorithm or "none"))
        assert ocmf.verify(found, spki(KEYS["secp256r1"])) == "unsupported"


def test_a_reading_repeats_what_it_leaves_out_but_not_error_flags() -> None:
    readings = [
        {"TM": "2026-03-02T13:00:00,000+0100 S", "TX": "B", "RV": 1, "RI": "x", "RU": "kWh", "ST": "G", "EF": "t"},
        {"TM": "2026-03-02T14:00:00,500+0100 S", "TX": "E", "RV": "2.5"},
    ]
    begin, end = ocmf.parse(record(payload(RD=readings))).readings
    assert (begin.errors, end.errors) == ("t", "")
    assert (end.unit, end.status, str(end.value)) == ("kWh", "G", "2.5")
    assert end.at is not None
    assert end.at.isoformat() == "2026-03-02T14:00:00.500000+01:00"


@pytest.mark.parametrize("form", ["hex", "base64", "oca16", "oca64", "wrapped"])
def test_a_public_key_is_read_in_every_form_that_stations_tell_it(form: str) -> None:
    der = spki(KEYS["secp256r1"])
    texts = {
        "hex": der.hex(),
        "base64": base64.b64encode(der).decode(),
        "oca16": "oca:base16:asn1:" + der.hex().upper(),
        "oca64": "oca:base64:asn1:" + base64.b64encode(der).decode(),
        "wrapped": base64.b64encode(("oca:base16:asn1:" + der.hex()).encode()).decode(),
    }
    assert ocmf.read_key(texts[form]) == der
    assert ocmf.read_key("") is None
    assert ocmf.read_key("not a key!") is None


def test_a_signed_sample_is_the_record_or_an_object_around_it() -> None:
    text = record(payload())
    assert ocmf.open_signed(text) == ocmf.SignedValue(text, "OCMF")
    around = {
        "signedMeterData": base64.b64encode(text.encode()).decode(), "signingMethod": "", "encodingMethod": "OCMF",
        "publicKey": "k",
    }  # fmt: skip
    assert ocmf.open_signed(json.dumps(around)) == ocmf.SignedValue(text, "OCMF", "k")
    assert ocmf.open_signed(json.dumps({**around, "signedMeterData": text})).text == text
    assert ocmf.open_signed("<xml/>") == ocmf.SignedValue("<xml/>", "unknown")


def charge(begin: str = "", end: str = "", **of_end: Any) -> tuple[ocmf.Record, ocmf.Record]:
    one = begin or payload("B", "1.0", "T7")
    other = end or payload("E", "11.5", "T8", **of_end)
    return ocmf.parse(record(one)), ocmf.parse(record(other))


def _end(**more: Any) -> dict[str, Any]:
    first = {"TM": "2026-03-02T14:00:00,000+0100 S", "TX": "E", "RV": 11.5, "RI": "x", "RU": "kWh", "ST": "G"}
    return {"RD": [{**first, **more}]}


def test_begin_and_end_of_a_charge_have_nothing_against_them() -> None:
    assert ocmf.check(charge()) == ()
    middle = ocmf.parse(record(payload("C", "5.0", "T8")))
    begin, end = charge(end=payload("E", "11.5", "T9"))
    assert ocmf.check((begin, middle, end)) == ()
    both = [
        {"TM": "2026-03-02T13:00:00,000+0100 S", "TX": "B", "RV": 1, "RU": "kWh", "ST": "G"},
        {"TM": "2026-03-02T14:00:00,000+0100 S", "TX": "E", "RV": 2},
    ]
    assert ocmf.check((ocmf.parse(record(payload(RD=both))),)) == (), "one record with both"


@pytest.mark.parametrize(
    ("end", "problem"),
    [
        ({"MS": "M-18"}, "the meters differ"),
        ({"ID": "t2"}, "the identifications differ"),
        (_end(ST="D"), "the meter's status at the end is D"),
        (_end(TM="2026-03-02T14:00:00,000+0100 U"), "the clock at the end is U, not synchronised"),
        (_end(EF="E"), "the end has error flags E"),
        (_end(RV=0.5), "the end is less than the begin, or they cannot be compared"),
        (_end(RU="Wh"), "the end is less than the begin, or they cannot be compared"),
        (_end(TX="C"), "the last reading is no end"),
        ({"PG": "T9"}, "the pagination is not consecutive"),
        ({"PG": "F8"}, "the pagination is not consecutive"),
    ],
)
def test_each_thing_that_speaks_against_a_charge_is_named(end: dict[str, Any], problem: str) -> None:
    assert ocmf.check(charge(**end)) == (problem,)


@pytest.mark.parametrize(
    "text",
    [
        "", "OCMF", "OCMF|", "OCMF|{}", "OCMF|{}|{}", "OCMF|[]|{}", 'OCMF|{"MS":"m","RD":[]}|{"SD":"00"}',
        'OCMF|{"MS":"m","RD":[1]}|{"SD":"00"}', 'OCMF|{"MS":"m","RD":[{}]}|{"SD":"zz"}', 'OCMF|{"MS":"","RD":[{}]}|{"SD":"00"}',
        "OCMF|" + "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_record_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(ocmf.BadOcmf):
        ocmf.parse(text)


@given(st.text(max_size=200))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    for tried in (text, f"OCMF|{text}", f'OCMF|{{"MS":"m","RD":[{{"TM":{json.dumps(text)}}}]}}|{{"SD":"00"}}'):
        ocmf.open_signed(tried)
        ocmf.read_key(tried)
        with suppress(ocmf.BadOcmf):
            ocmf.verify(ocmf.parse(tried), None)
