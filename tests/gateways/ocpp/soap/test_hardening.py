"""What anybody may post: each gets the specified fault, costs little, and changes nothing."""

import gzip
import zlib

import pytest
import trio
import trio.testing

from gateways.ocpp.soap import limits
from tests.gateways.ocpp.node import PASSWORD
from tests.gateways.ocpp.soap.kit import BOOT, ENV, basic, fault, fields, message, open_soap, texts

PROTOCOL_ERROR = (400, "Sender", "ProtocolError")
LAUGHS = '<!DOCTYPE lolz [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefghi", "bcdefghij", strict=True)
) + "]>"  # fmt: skip
TWO = message("Heartbeat").replace(b"</e:Body>", b"<c:heartbeatRequest/></e:Body>")
BOOTED = message("BootNotification", BOOT)
MANY = b"".join(b' a%d=""' % n for n in range(99))


def with_doctype(doctype: str, body: str = "") -> bytes:
    return BOOTED.replace(b"<e:Envelope", doctype.encode() + b"<e:Envelope", 1).replace(
        b"Voltroupe", body.encode() or b"Voltroupe"
    )


MALFORMED = {
    "nothing": b"",
    "no XML": b"hello",
    "an element that does not end": BOOTED[:-20],
    "a document type": with_doctype("<!DOCTYPE e>"),
    "a billion laughs": with_doctype(LAUGHS, "&j;"),
    "an external entity": with_doctype('<!DOCTYPE e [<!ENTITY x SYSTEM "file:///etc/hostname">]>', "&x;"),
    "a parameter entity": with_doctype('<!DOCTYPE e [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x"> %x;]>'),
    "an unknown entity": BOOTED.replace(b"Voltroupe", b"&nobody;"),
    "UTF-16": BOOTED.decode().replace("UTF-8", "UTF-16").encode("utf-16"),
    "UTF-7 by declaration": b'<?xml version="1.0" encoding="UTF-7"?>+ADw-e+AD4-',
    "no UTF-8": BOOTED.replace(b"Voltroupe", b"\xff\xfe\xff"),
    "too deep": BOOTED.replace(b"Voltroupe", b"<a>" * 60 + b"</a>" * 60),
    "deeper than any stack": b"<a>" * 60_000,
    "too many elements": BOOTED.replace(b"Voltroupe", b"<a/>" * (limits.ELEMENTS + 1)),
    "too many attributes": BOOTED.replace(b"<c:chargePointVendor", b"<c:chargePointVendor" + MANY),
    "two operations": TWO,
    "two bodies": message("Heartbeat").replace(b"</e:Envelope>", b"<e:Body/></e:Envelope>"),
    "no body": f'<e:Envelope xmlns:e="{ENV}"/>'.encode(),
    "no envelope": b"<html/>",
    "a namespace of nobody": message("Heartbeat", namespace="urn://Ocpp/Cs/1999/01/"),
    "no namespace": message("Heartbeat").replace(b"c:heartbeatRequest", b"heartbeatRequest"),
    "another action": message("Heartbeat", header_action="/Authorize"),
    "a field that is missing": message("Authorize"),
    "a field of a wrong type": message("StartTransaction", fields(connectorId="x", idTag="T", meterStart="y")),
}


@pytest.mark.parametrize("what", MALFORMED)
async def test_malformed_messages_are_answered_with_protocol_error(what: str) -> None:
    async with open_soap() as node:
        await node.boot()
        with trio.fail_after(60):
            assert fault(await node.post(MALFORMED[what])) == PROTOCOL_ERROR
        assert texts(await node.say("Heartbeat"))["currentTime"]
        traced = [row for row in node.node.rows.traces if row.error and "ProtocolError" in row.error]
        assert traced, "an operator sees what the station sent"


async def test_what_is_no_message_of_the_station_to_us_is_not_supported() -> None:
    async with open_soap() as node:
        await node.boot()
        unsupported = (500, "Receiver", "NotSupported")
        assert fault(await node.post(message("Teleport"))) == unsupported
        assert fault(await node.post(message("DataTransfer", fields(vendorId="v"), protocol="ocpp1.2"))) == unsupported
        assert fault(await node.post(message("Reset", fields(type="Hard"), namespace="urn://Ocpp/Cp/2012/06/"))) == unsupported


async def test_soap_1_1_and_headers_that_must_be_understood() -> None:
    async with open_soap() as node:
        await node.boot()
        old = BOOTED.replace(ENV.encode(), b"http://schemas.xmlsoap.org/soap/envelope/")
        answer = await node.post(old)
        assert fault(answer)[:2] == (500, "VersionMismatch")
        security = '<s:Security xmlns:s="urn:security" e:mustUnderstand="true"><s:Password>geheim</s:Password></s:Security>'
        assert fault(await node.post(message("Heartbeat", extra=security)))[:2] == (500, "MustUnderstand")
        assert not any("geheim" in row.body for row in node.node.rows.traces)
        await node.say("Heartbeat", extra=security.replace("true", "false"))


async def test_compressed_bodies_are_read_and_bombs_are_not() -> None:
    async with open_soap() as node:
        for encoding, packed in {
            "gzip": gzip.compress(BOOTED),
            "x-gzip": gzip.compress(BOOTED),
            "deflate": zlib.compress(BOOTED),
            "Deflate": zlib.compress(BOOTED, wbits=-15),
            "identity": BOOTED,
            "gzip, deflate": zlib.compress(gzip.compress(BOOTED)),
        }.items():
            assert (await node.post(packed, content_encoding=encoding)).status == 200, encoding
        for bomb, encoding in ((gzip.compress(b" " * 300_000_000, 9), "gzip"), (zlib.compress(b" " * 50_000_000, 9), "deflate")):
            assert fault(await node.post(bomb, content_encoding=encoding)) == (413, "Sender", "ProtocolError")
        assert fault(await node.post(BOOTED, content_encoding="br")) == (415, "Sender", "ProtocolError")
        for broken in (b"rubbish", gzip.compress(BOOTED)[:-9], gzip.compress(BOOTED) + b"more"):
            assert fault(await node.post(broken, content_encoding="gzip")) == PROTOCOL_ERROR


async def test_an_answer_is_compressed_for_whoever_accepts_it() -> None:
    async with open_soap() as node:
        plain = await node.post(BOOTED)
        for accepted, encoding in (("gzip, deflate", "gzip"), ("deflate;q=0.5, gzip;q=0", "deflate")):
            answer = await node.post(BOOTED, accept_encoding=accepted)
            assert dict(answer.headers)["Content-Encoding"] == encoding
            assert zlib.decompress(answer.body, 47).startswith(plain.body[:200])
        assert "Content-Encoding" not in dict(plain.headers)


async def test_an_identity_that_does_not_agree_is_a_mismatch() -> None:
    mismatch = (400, "Sender", "IdentityMismatch")
    async with open_soap() as node:
        await node.node.register("CP2", versions=("ocpp1.5",), password=b"another-password-1")
        await node.boot()
        assert fault(await node.post(message("Heartbeat", identity="CP2"))) == mismatch
        assert fault(await node.post(message("Heartbeat"), identity="CP2")) == mismatch
        assert fault(await node.post(message("Heartbeat", identity="CP2"), identity="CP1")) == mismatch
        assert fault(await node.post(message("Heartbeat", identity="NOBODY"), authorization=basic("NOBODY"))) == mismatch
        assert fault(await node.post(message("Heartbeat", identity=None), authorization="")) == mismatch
        assert fault(await node.post(BOOTED, tenant="nobody")) == mismatch


async def test_a_station_must_prove_itself_and_guessing_is_limited() -> None:
    async with open_soap() as node:
        for authorization in ("", basic(password=b"wrong"), "Bearer x", "Basic %%%"):
            answer = await node.post(BOOTED, identity="CP1", authorization=authorization)
            assert fault(answer) == (401, "Sender", "SecurityError")
            assert "Basic" in dict(answer.headers)["WWW-Authenticate"]
        for _ in range(8):
            await node.post(BOOTED, identity="CP1", authorization=basic(password=b"wrong"))
        answer = await node.post(BOOTED, identity="CP1")
        assert fault(answer) == (429, "Sender", "SecurityError")
        assert "Retry-After" in dict(answer.headers)
        assert (await node.post(BOOTED, identity="CP1", authorization=basic(password=PASSWORD), tenant="demo")).status == 429


async def test_rubbish_from_nobody_is_limited_by_its_address_without_shutting_out_its_neighbours() -> None:
    async with open_soap() as node:
        statuses = [(await node.post(b"rubbish", authorization="")).status for _ in range(12)]
        assert statuses[:10] == [400] * 10
        assert statuses[-1] == 429
        await node.boot()


async def test_profile_0_is_the_operators_choice_and_needs_no_password() -> None:
    async with open_soap(profile=0) as node:
        await node.boot(authorization="")
        assert fault(await node.post(message("Heartbeat", identity="CP1"), authorization=basic("CP9"))) == (
            400, "Sender", "IdentityMismatch"
        )  # fmt: skip


async def test_profile_2_is_met_over_tls_only() -> None:
    async with open_soap(profile=2) as node:
        assert fault(await node.post(BOOTED)) == (401, "Sender", "SecurityError")
        assert (await node.post(BOOTED, secure=True)).status == 200


async def test_a_version_that_the_station_may_not_use_is_refused() -> None:
    async with open_soap(("ocpp1.6", "ocpp1.5")) as node:
        await node.boot()
        assert fault(await node.post(message("Heartbeat", protocol="ocpp1.6-S"))) == (400, "Sender", "SecurityError")


async def test_a_flood_is_slowed_down_and_the_station_comes_back(mock_clock: trio.testing.MockClock) -> None:
    async with open_soap() as node:
        await node.boot()
        link = node.soap.link("demo", "CP1")
        assert link is not None
        link.credit = 1.5
        await node.say("Heartbeat")
        answer = await node.post(message("Heartbeat"))
        assert fault(answer) == (503, "Receiver", "InternalError")
        assert dict(answer.headers)["Retry-After"] == str(limits.RETRY_AFTER_SECONDS)
        mock_clock.jump(0.05)
        await node.say("Heartbeat")


async def test_an_unknown_station_waits_in_the_inbox_or_is_taken_in() -> None:
    async with open_soap() as node:
        await node.node.create_tenant("curious", unknown="inbox")
        await node.node.create_tenant("open", unknown="accept")
        body = message("BootNotification", BOOT, identity="NEW-1")
        answer = await node.post(body, tenant="curious", authorization=basic("NEW-1"))
        assert fault(answer) == (400, "Sender", "IdentityMismatch")
        page = await node.node.queries.inbox("curious", 10, None)
        assert [(row.station, row.peer) for row in page.items] == [("NEW-1", "10.0.0.7")]
        assert (await node.post(body, tenant="open", authorization=basic("NEW-1"))).status == 200
        assert fault(await node.post(body, tenant="open", authorization=basic("NEW-1", b"other-password")))[0] == 401
