"""Whatever is posted: an answer, no fault of our own code, and no memory that stays."""

import random

import psutil
import pytest

from gateways.ocpp.soap.document import parse
from gateways.ocpp.soap.operations import VERSIONS
from tests.gateways.ocpp.soap.kit import ALL, BOOT, fields, message, open_soap

SEED = 20261125
SAMPLES = [message("BootNotification", BOOT, protocol=protocol, callback="http://127.0.0.1:9/") for protocol in ALL] + [
    message("Authorize", fields(idTag="04A2B3C4")),
    message("StartTransaction", fields(connectorId=1, idTag="T", timestamp="2026-11-22T10:00:00Z", meterStart=1)),
    message("StopTransaction", fields(transactionId=1, timestamp="2026-11-22T10:00:00Z", meterStop=1)),
    message(
        "MeterValues",
        '<c:connectorId>1</c:connectorId><c:values><c:timestamp>x</c:timestamp><c:value unit="kWh">1</c:value></c:values>',
    ),
    message("StatusNotification", fields(connectorId=1, status="Occupied", errorCode="NoError")),
    message("DataTransfer", fields(vendorId="v", data="{}")),
    message("FirmwareStatusNotification", fields(status="Installed")),
]
WORDS = [
    b"<", b">", b"</", b"/>", b"&", b"&lt;", b"&#0;", b"&#x41;", b"\x00", b"\xff", b"]]>", b"<![CDATA[", b"<!--", b"-->",
    b"<?x?>", b"c:", b"xmlns:c=''", b"9" * 40, b"-1", b"NaN", b"true", b" ", b"\xe2\x80\xae", b"<c:idTag/>", b"<a/>" * 50,
]  # fmt: skip


def mutated(dice: random.Random) -> bytes:
    body = bytearray(dice.choice(SAMPLES))
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(body))
        match dice.randrange(5):
            case 0:
                del body[at : at + dice.randint(1, 40)]
            case 1:
                body[at:at] = dice.choice(WORDS)
            case 2:
                body[at] = dice.randrange(256)
            case 3:
                end = at + dice.randint(1, 80)
                body[at:at] = body[at:end]
            case _:
                start = body.find(b">", at) + 1
                end = body.find(b"<", start)
                if 0 < start <= end:
                    body[start:end] = dice.choice(WORDS)
        if not body:
            return b""
    return bytes(body)


async def test_mutated_messages_cost_one_fault_each() -> None:
    dice = random.Random(SEED)
    statuses: dict[int, int] = {}
    async with open_soap() as node:
        await node.boot()
        for n in range(1500):
            body = mutated(dice)
            link = node.soap.link("demo", "CP1")
            if link is not None:
                link.credit = 100
            answer = await node.post(body, identity="CP1", content_type=dice.choice(["", 'x; action="/Heartbeat"', "action="]))
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
            assert parse(answer.body).tag.endswith("Envelope"), (SEED, n, body)
        counters = node.node.listener.stats()
        assert (counters["contained"], SEED) == (0, SEED)
        assert set(statuses) <= {200, 400, 413, 500}, statuses
        assert statuses[200] > 20
        assert statuses[400] > 50
        await node.say("Heartbeat")


@pytest.mark.parametrize(
    "made_up", ["<n{}abcdefghijklmnop/>", "<a b{}abcdefghijkl='1'/>", "<a xmlns='urn:{}abcdefghij'/>", "<a>{}</a>"]
)
def test_names_that_a_sender_makes_up_are_not_kept(made_up: str) -> None:
    def once(n: int) -> None:
        parse(("<r>" + "".join(made_up.format(n * 2000 + k) for k in range(2000)) + "</r>").encode())

    for n in range(20):
        once(n)
    before = psutil.Process().memory_info().rss
    for n in range(20, 150):
        once(n)
    assert psutil.Process().memory_info().rss - before < 8 * 2**20


def test_there_are_samples_of_every_version() -> None:
    assert all(any(version.centre.namespace.encode() in sample for sample in SAMPLES) for version in VERSIONS.values())
