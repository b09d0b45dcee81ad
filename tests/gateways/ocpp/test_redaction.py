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
    began = time.thread_time()
    redact_text(action, text[:TRACE_CHARACTERS])
    assert time.thread_time() - began < 0.5


# -- 2.0.1 -----------------------------------------------------------------------------------------------------------------

TOKEN = '{"idToken":"UIDUIDUID","type":"ISO14443","additionalInfo":[{"additionalIdToken":"UIDUIDUID","type":"x"}]}'
SECRET = "hush-hush-hush"
COMPONENT = '"component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}'


@pytest.mark.parametrize(
    ("action", "frame"),
    [
        ("Authorize", f'[2,"1","Authorize",{{"idToken":{TOKEN}}}]'),
        ("Authorize", f'[3,"1",{{"idTokenInfo":{{"status":"Accepted","groupIdToken":{TOKEN}}}}}]'),
        ("TransactionEvent", f'[2,"1","TransactionEvent",{{"eventType":"Started","idToken":{TOKEN}}}]'),
        ("TransactionEvent", f'[2,"1","TransactionEvent",{{"eventType":"Started","IDTOKEN":{TOKEN.upper()}}}]'),
        ("RequestStartTransaction", f'[2,"1","RequestStartTransaction",{{"remoteStartId":1,"idToken":{TOKEN}}}]'),
        ("SendLocalList", f'[2,"1","SendLocalList",{{"localAuthorizationList":[{{"idToken":{TOKEN}}},{{"idToken":{TOKEN}}}]}}]'),
        ("ReserveNow", f'[2,"1","ReserveNow",{{"idToken":{TOKEN},"groupIdToken":{TOKEN}}}]'),
        ("CustomerInformation", f'[2,"1","CustomerInformation",{{"idToken":{TOKEN},"report":true}}]'),
        ("", f'[2,"1","Authorize",{{"idToken":{TOKEN},'),
    ],
)
def test_a_token_of_2_0_1_is_masked_wherever_it_stands(action: str, frame: str) -> None:
    shown = redact_text(action, frame)
    assert "UIDUIDUID" not in shown
    assert "UI…ID" in shown


@pytest.mark.parametrize("action", ["Authorize", "TransactionEvent", "RequestStartTransaction", ""])
@pytest.mark.parametrize("end", ["}}]", ""])
def test_nothing_of_a_key_code_is_shown(action: str, end: str) -> None:
    shown = redact_text(action, '[2,"1","X",{"idToken":{"idToken":"12345678","type":"KeyCode"' + end)
    assert "12" not in shown
    assert "78" not in shown


@pytest.mark.parametrize(
    ("action", "frame"),
    [
        ("SetVariables", f'[2,"1","SetVariables",{{"setVariableData":[{{"attributeValue":"{SECRET}",{COMPONENT}}}]}}]'),
        ("SetVariables", f'[2,"1","SetVariables",{{"setVariableData":[{{"attributeValue":"{SECRET}",{COMPONENT}}}'),
        ("GetVariables", f'[3,"1",{{"getVariableResult":[{{{COMPONENT},"attributeValue":"{SECRET}"}}]}}]'),
        (
            "NotifyReport",
            f'[2,"1","NotifyReport",{{"reportData":[{{{COMPONENT},"variableAttribute":[{{"value":"{SECRET}"}}]}}]}}]',
        ),
        ("NotifyEvent", f'[2,"1","NotifyEvent",{{"eventData":[{{{COMPONENT},"actualValue":"{SECRET}"}}]}}]'),
        ("SetNetworkProfile", f'[2,"1","SetNetworkProfile",{{"connectionData":{{"vpn":{{"password":"{SECRET}"}}}}}}]'),
        (
            "SetNetworkProfile",
            f'[2,"1","SetNetworkProfile",{{"connectionData":{{"vpn":{{"key":"{SECRET}","user":"{SECRET}"}}}}}}]',
        ),
        ("SetNetworkProfile", f'[2,"1","SetNetworkProfile",{{"connectionData":{{"apn":{{"apnPassword":"{SECRET}"}}}}}}]'),
        ("SetNetworkProfile", '[2,"1","SetNetworkProfile",{"connectionData":{"apn":{"simPin":987654}}}]'),
        ("NotifyCustomerInformation", f'[2,"1","NotifyCustomerInformation",{{"data":"{SECRET}","seqNo":0}}]'),
        ("CustomerInformation", f'[2,"1","CustomerInformation",{{"customerIdentifier":"{SECRET}","report":true}}]'),
        ("Get15118EVCertificate", f'[2,"1","Get15118EVCertificate",{{"exiRequest":"{SECRET}"}}]'),
        ("Get15118EVCertificate", f'[3,"1",{{"status":"Accepted","exiResponse":"{SECRET}"}}]'),
        ("Authorize", f'[2,"1","Authorize",{{"idToken":{TOKEN},"certificate":"{SECRET}"}}]'),
        ("GetLog", f'[2,"1","GetLog",{{"log":{{"remoteLocation":"ftp://me:{SECRET}@example.com/up"}}}}]'),
        ("DataTransfer", f'[2,"1","DataTransfer",{{"vendorId":"v","data":{{"wifiPassword":"{SECRET}"}}}}]'),
    ],
)
def test_secrets_of_2_0_1_are_hidden_in_both_directions(action: str, frame: str) -> None:
    shown = redact_text(action, frame)
    assert SECRET not in shown
    assert "987654" not in shown
    assert "***" in shown


def test_a_report_without_secrets_stays_as_it_came() -> None:
    frame = '[2,"1","NotifyReport",{"reportData":[{"component":{"name":"TokenReader"},"variableAttribute":[{"value":"a"}]}] }]'
    assert redact_text("NotifyReport", frame) == frame
