"""L03, L04: a local controller publishes firmware for the stations behind it."""

import pytest

from tests.protocol.conformance.kit import ACCEPTED, Csms, case

CHECKSUM = "d41d8cd98f00b204e9800998ecf8427e"


@case("L03_L04")
async def test_firmware_is_published_its_progress_kept_and_taken_back(csms: Csms) -> None:
    async with csms.station(answers={"PublishFirmware": ACCEPTED, "UnpublishFirmware": {"status": "Unpublished"}}) as station:
        payload = {"location": "https://example.com/fw-2.0.bin", "checksum": CHECKSUM, "requestId": 31, "retries": 2}
        told = await station.command("PublishFirmware", payload)
        assert told["result"] == ACCEPTED
        assert station.said("PublishFirmware") == [payload]
        for status in ("DownloadScheduled", "Downloading", "Downloaded", "ChecksumVerified"):
            assert await station.call("PublishFirmwareStatusNotification", {"status": status, "requestId": 31}) == {}
        published = {"status": "Published", "requestId": 31, "location": ["http://10.0.0.1/fw-2.0.bin"]}
        assert await station.call("PublishFirmwareStatusNotification", published) == {}
        book = await csms.until(
            lambda: station.book("firmware"), lambda rows: any(row["status"] == "Published" for row in rows.values())
        )
        assert [row["request_id"] for row in book.values()][-1] == 31
        told = await station.command("UnpublishFirmware", {"checksum": CHECKSUM})
        assert told["result"]["status"] == "Unpublished"
        assert station.said("UnpublishFirmware") == [{"checksum": CHECKSUM}]


@case("L03_L04")
@pytest.mark.parametrize("status", ["InvalidChecksum", "DownloadFailed", "PublishFailed"])
async def test_a_publication_that_failed_is_kept_as_such(csms: Csms, status: str) -> None:
    async with csms.station(answers={"PublishFirmware": ACCEPTED}) as station:
        await station.command("PublishFirmware", {"location": "https://example.com/x", "checksum": CHECKSUM, "requestId": 32})
        assert await station.call("PublishFirmwareStatusNotification", {"status": status, "requestId": 32}) == {}
        await csms.until(lambda: station.book("firmware"), lambda rows: [row["status"] for row in rows.values()][-1] == status)
