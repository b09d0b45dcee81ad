"""What the trace keeps of a frame: no UID, no password, and never at the price of the other stations' time."""

import time

import pytest

from gateways.ocpp.limits import TRACE_CHARACTERS
from gateways.ocpp.redaction import redact_text

UID = "04A2B3C4D5E6F7"


@pytest.mark.parametrize(
    ("action", "frame"),
    [
        ("StartTransaction", f'[2,"1","StartTransaction",{{"connectorId":1,"idTag":"{UID}"}}]'),
        ("StartTransaction", f'[2,"1","StartTransaction",{{"connectorId":1,"idtag" : "{UID}"}}]'),
        ("StartTransaction", f'[2,"1","StartTransaction",{{"connectorId":1,"id\\u0054ag":"{UID}"}}]'),
        ("StartTransaction", f"[2,\"1\",\"StartTransaction\",{{'idTag':'{UID}','connectorId':1}}]"),
        ("Authorize", f'[2,"1","Authorize",{{"idTag":"{UID}'),
        ("StopTransaction", f'[3,"1",{{"idTagInfo":{{"parentIdTag":"{UID}","status":"Accepted"}}}}]'),
        ("Starttransaction", f'[2,"1","Starttransaction",{{"IDTAG":"{UID}"}}]'),
        ("", f'[2,"1","Authorize",{{idTag:"{UID}"}}]'),
        ("", f'[2,"1","Authorize",{{"id\\u0054ag":"{UID}",}}]'),
        ("", f'[2,"1","Authorize",{{"idTag":"{UID}\\'),
    ],
)
def test_a_uid_is_masked_however_the_station_writes_its_field(action: str, frame: str) -> None:
    shown = redact_text(action, frame)
    assert UID not in shown
    assert "04" in shown


@pytest.mark.parametrize("name", ["idTag", "IDTAG", "parentIdTag", "\u0130dTag", "\u0131dtag"])
@pytest.mark.parametrize("between", [":", " : ", "\n:\t"])
def test_a_uid_is_masked_at_every_place_of_a_frame(name: str, between: str) -> None:
    frame = ",".join([f'"{name}"{between}"{UID}"', '"idTag"', f'"x":"idTag"{between}{UID}', f'"{name}"{between}null'] * 3)
    shown = redact_text("SendLocalList", frame)
    assert UID not in shown
    assert shown.count("04…F7") == 6
    assert shown.count("null") == 3


def test_a_uid_that_comes_as_a_number_is_masked() -> None:
    assert redact_text("Authorize", '[2,"1","Authorize",{"idTag":1234567890}]') == '[2,"1","Authorize",{"idTag":"12…90"}]'
    assert "1234567890" not in redact_text("", '[2,"1","Authorize",{"idTag":1234567890}]')


@pytest.mark.parametrize(
    "frame",
    [
        '[3,"a",{"configurationKey":[{"key":"AuthorizationKey","readonly":false,"value":"hush-hush"}]}]',
        '[3,"a",{"configurationKey":[{"Key":"AuthorizationKey","Value":"hush-hush"}]}]',
        '[3,"a",{"configurationKey":[{"key":"AuthorizationKey","value":"hush-hush"',
        '[3,"a",{"configurationKey":[{"key":"AuthorizationKey","value":"hush-hush',
        "[3,'a',{'wifiPassword':'hush-hush',}]",
    ],
)
def test_a_password_is_hidden_also_in_a_frame_that_cannot_be_read(frame: str) -> None:
    assert "hush" not in redact_text("GetConfiguration", frame)


def test_what_is_no_secret_stays_readable() -> None:
    frame = '[2,"1","StartTransaction",{"connectorId":1,"meterStart":17,"idTag":"04A2B3C4","timestamp":"2026-01-01T00:00:00Z"}]'
    assert redact_text("StartTransaction", frame) == frame.replace("04A2B3C4", "04…C4")
    broken = '[2,"1","Mystery",{"a":1,"b":[true,"x:y"],}'
    assert redact_text("", broken) == broken


@pytest.mark.parametrize(
    "text",
    ['["' + "password" * 8192, '{"' + "secret" * 11000, '"' * 65536, "'" * 65536, '\\"' * 32768, '"' + '\\"' * 32767 + "\\",
     '"idTag"' + " " * 65000, '"idTag":' * 8192, 'idTag"' * 10000, "a" * 65536, ":" * 65536, "[" * 65536, '"a":' * 16384],
    ids=range(13),
)  # fmt: skip
@pytest.mark.parametrize("action", ["", "Authorize", "GetConfiguration"])
def test_no_frame_takes_longer_than_its_length_deserves(action: str, text: str) -> None:
    """The loop that serves all stations does this: the first expression here took seconds."""
    began = time.perf_counter()
    redact_text(action, text[:TRACE_CHARACTERS])
    assert time.perf_counter() - began < 0.5
