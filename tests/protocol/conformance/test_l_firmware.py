"""Block L, firmware: secure updates, from the offer to the last word of the station."""

import base64
from typing import Any

import pytest

from tests.kits import pki
from tests.protocol.conformance.kit import ACCEPTED, TAG, TENANT, Csms, Station, case, now

MAKER = pki.Ca("maker of the firmware")
SIGNER = MAKER.issue("firmware signing")
SIGNATURE = base64.b64encode(b"a signature over the file").decode()
TOKEN = {"idToken": TAG, "type": "ISO14443"}


def whole(seconds: float = 0) -> str:
    """Commands name whole seconds."""
    return now(seconds)[:19] + "Z"


def offer(request_id: int, retrieve: float = 0, install: float | None = None, signer: pki.Leaf = SIGNER) -> dict[str, Any]:
    firmware = {
        "location": "https://firmware.example/one-2.0.bin", "retrieveDateTime": whole(retrieve),
        "signingCertificate": signer.pem, "signature": SIGNATURE,
    }  # fmt: skip
    if install is not None:
        firmware["installDateTime"] = whole(install)
    return {"requestId": request_id, "firmware": firmware, "retries": 2, "retryInterval": 60}


async def update(station: Station, payload: dict[str, Any], status: str = "Accepted") -> None:
    """Offered through the API, and heard by the station as it was meant."""
    told = await station.command("UpdateFirmware", payload)
    assert told["result"]["status"] == status
    assert told["sent"]["requestId"] == payload["requestId"]
    heard = station.said("UpdateFirmware")[-1]
    assert heard["firmware"]["signingCertificate"].strip() == payload["firmware"]["signingCertificate"].strip()
    firmware = {**heard["firmware"], "signingCertificate": payload["firmware"]["signingCertificate"]}
    assert {**heard, "firmware": firmware} == payload


async def tells(station: Station, request_id: int, *statuses: str) -> None:
    for status in statuses:
        assert await station.call("FirmwareStatusNotification", {"status": status, "requestId": request_id}) == {}


async def history(station: Station, count: int) -> list[tuple[str, int | None]]:
    """(status, requestId) of every step, once there are `count`."""
    book = await station.csms.until(lambda: station.book("firmware"), lambda rows: len(rows) >= count)
    return [(row["status"], row["request_id"]) for _, row in sorted(book.items())]


async def security(station: Station, *types: str) -> None:
    """The station reports these events, and they are kept as critical ones."""
    for type in types:
        assert await station.call("SecurityEventNotification", {"type": type, "timestamp": now()}) == {}
    book = await station.csms.until(lambda: station.book("security"), lambda rows: len(rows) >= len(types))
    assert [(row["type"], row["critical"]) for _, row in sorted(book.items())] == [(type, True) for type in types]


DOWNLOAD = ("Downloading", "Downloaded")


@case("TC_L_01")
async def test_firmware_is_installed_and_the_station_comes_back_with_it(csms: Csms) -> None:
    async with csms.station(answers={"UpdateFirmware": ACCEPTED}) as station:
        await update(station, offer(101))
        await tells(station, 101, *DOWNLOAD, "SignatureVerified", "Installing", "InstallRebooting")
        identity = station.identity
    async with csms.connected(identity) as again:
        assert (await again.boot(reason="FirmwareUpdate", firmwareVersion="2.0"))["status"] == "Accepted"
        await security(again, "FirmwareUpdated")
        await tells(again, 101, "Installed")
        told = [status for status, _ in await history(again, 7)]
        assert told == ["Accepted", *DOWNLOAD, "SignatureVerified", "Installing", "InstallRebooting", "Installed"]
        assert (await again.get())["boot"]["firmware"] == "2.0"
        await again.hears("GetBaseReport"), "other firmware has another device model"


@case("TC_L_02", "TC_L_03")
@pytest.mark.parametrize(
    ("retrieve", "install", "scheduled"),
    [(0, 3600, [*DOWNLOAD, "SignatureVerified", "InstallScheduled"]), (3600, None, ["DownloadScheduled", *DOWNLOAD])],
    ids=["install later", "download later"],
)
async def test_an_update_waits_for_its_time(csms: Csms, retrieve: float, install: float | None, scheduled: list[str]) -> None:
    async with csms.station(answers={"UpdateFirmware": ACCEPTED}) as station:
        await update(station, offer(102, retrieve, install))
        await tells(station, 102, *scheduled, "Installing", "Installed")
        assert [status for status, _ in await history(station, len(scheduled) + 3)] == [
            "Accepted", *scheduled, "Installing", "Installed",
        ]  # fmt: skip


@case("TC_L_04", "TC_L_05")
@pytest.mark.parametrize("status", ["RevokedCertificate", "InvalidCertificate"])
async def test_a_signing_certificate_that_the_station_does_not_take(csms: Csms, status: str) -> None:
    async with csms.station(answers={"UpdateFirmware": {"status": status}}) as station:
        await update(station, offer(103), status)
        await security(station, "InvalidFirmwareSigningCertificate")
        assert await history(station, 1) == [(status, 103)]


@case("TC_L_05")
async def test_firmware_that_cannot_be_right_is_not_even_offered(csms: Csms) -> None:
    async with csms.station(answers={"UpdateFirmware": ACCEPTED}) as station:
        expired = MAKER.issue("old", days=1, since=pki.timedelta(days=3))
        answer = await station.try_command("UpdateFirmware", offer(104, signer=expired))
        assert answer.is_client_error, answer.text
        assert answer.json()["errors"][0]["pointer"] == "/firmware/signingCertificate"
        half = offer(104)
        del half["firmware"]["signature"]
        answer = await station.try_command("UpdateFirmware", half)
        assert answer.json()["errors"][0]["pointer"] == "/firmware/signature"
        assert not station.said("UpdateFirmware")


FAILURES = {
    "TC_L_06": [*DOWNLOAD, "InvalidSignature"],
    "TC_L_07": ["Downloading", "DownloadFailed"],
    "TC_L_08": [*DOWNLOAD, "SignatureVerified", "Installing", "InstallVerificationFailed"],
    "TC_L_09": [*DOWNLOAD, "SignatureVerified", "Installing", "InstallationFailed"],
}


@case(*FAILURES)
@pytest.mark.parametrize("id", FAILURES)
async def test_an_update_that_fails_is_known_by_what_failed(csms: Csms, id: str) -> None:
    async with csms.station(answers={"UpdateFirmware": ACCEPTED}) as station:
        await update(station, offer(105))
        await tells(station, 105, *FAILURES[id])
        if id == "TC_L_06":
            await security(station, "InvalidFirmwareSignature")
        assert await history(station, len(FAILURES[id]) + 1) == [("Accepted", 105), *((told, 105) for told in FAILURES[id])]
        assert (await station.get())["boot"]["firmware"] == "1.0"


@case("TC_L_10", "TC_L_11")
@pytest.mark.parametrize("status", ["AcceptedCanceled", "Rejected"])
async def test_a_second_update_takes_the_place_of_the_first_where_the_station_can(csms: Csms, status: str) -> None:
    def answer(payload: dict[str, Any]) -> dict[str, Any]:
        return {"status": "Accepted" if payload["requestId"] == 106 else status}

    async with csms.station(answers={"UpdateFirmware": answer}) as station:
        await update(station, offer(106))
        await tells(station, 106, "Downloading")
        await update(station, offer(107), status)
        goes_on = 107 if status == "AcceptedCanceled" else 106
        await tells(station, goes_on, "Downloaded", "SignatureVerified", "Installing", "Installed")
        assert await history(station, 7) == [
            ("Accepted", 106), ("Downloading", 106), (status, 107),
            *((told, goes_on) for told in ("Downloaded", "SignatureVerified", "Installing", "Installed")),
        ]  # fmt: skip


@case("TC_L_13")
async def test_an_update_that_waits_for_a_transaction_leaves_it_alone(csms: Csms) -> None:
    """The free EVSE takes nobody meanwhile: AllowNewSessionsPendingFirmwareUpdate is false."""
    async with csms.station(answers={"UpdateFirmware": ACCEPTED}) as station:
        for evse, status in ((1, "Occupied"), (2, "Available")):
            await station.status(evse, status)
        meter = [{"timestamp": now(), "sampledValue": [{"value": 1000.0, "context": "Transaction.Begin"}]}]
        place = {"id": 1, "connectorId": 1}
        await station.event("Started", "tx-l13", 0, "Authorized", idToken=TOKEN, evse=place, meterValue=meter)
        await update(station, offer(108))
        await tells(station, 108, *DOWNLOAD, "SignatureVerified", "InstallScheduled")
        await station.status(2, "Unavailable")
        assert (await station.session())["state"] == "active"
        end = [{"timestamp": now(), "sampledValue": [{"value": 3000.0, "context": "Transaction.End"}]}]
        info = {"stoppedReason": "Local"}
        answer = await station.event("Ended", "tx-l13", 1, "StopAuthorized", idToken=TOKEN, info=info, meterValue=end)
        assert answer["totalCost"] == 1.19
        await station.status(1, "Unavailable")
        await tells(station, 108, "Installing", "Installed")
        for evse in (1, 2):
            await station.status(evse, "Available")
        assert [status for status, _ in await history(station, 7)][-2:] == ["Installing", "Installed"]
        session = await station.session()
        assert (session["state"], session["energy_wh"]) == ("ended", 2000)
        shown = await csms.until(station.get, lambda row: {evse["status"] for evse in row["evses"]} == {"Available"})
        assert len(shown["evses"]) == 2


@case("TC_L_05")
async def test_where_makers_are_known_no_other_signs_firmware(csms: Csms) -> None:
    path = f"/tenants/{TENANT}/authority/trusted"
    other = pki.Ca("the only maker")
    assert (await csms.api.post(path, json={"use": "manufacturer", "certificate": other.pem})).status_code == 201
    try:
        async with csms.station(answers={"UpdateFirmware": ACCEPTED}) as station:
            answer = await station.try_command("UpdateFirmware", offer(109))
            assert answer.json()["errors"][0]["pointer"] == "/firmware/signingCertificate"
            assert not station.said("UpdateFirmware")
            await update(station, offer(110, signer=other.issue("their signer")))
    finally:
        for row in (await csms.get(f"/tenants/{TENANT}/authority"))["trusted"]:
            if row["use"] == "manufacturer":
                await csms.api.delete(f"{path}/manufacturer/{row['fingerprint']}")


@case("L02_firmware that is not signed")
async def test_firmware_without_a_signature_is_offered_as_it_is(csms: Csms) -> None:
    async with csms.station(answers={"UpdateFirmware": ACCEPTED}) as station:
        firmware = {"location": "https://firmware.example/plain.bin", "retrieveDateTime": whole()}
        payload = {"requestId": 111, "firmware": firmware}
        told = await station.command("UpdateFirmware", payload)
        assert told["result"] == ACCEPTED
        assert station.said("UpdateFirmware") == [payload]
        await tells(station, 111, *DOWNLOAD, "Installing", "Installed")
        assert [status for status, _ in await history(station, 5)] == ["Accepted", *DOWNLOAD, "Installing", "Installed"]


@case("L01_progress of nothing that we know")
async def test_idle_names_no_request_and_an_unknown_request_is_kept_as_it_is(csms: Csms) -> None:
    async with csms.station() as station:
        assert await station.call("FirmwareStatusNotification", {"status": "Idle"}) == {}
        await tells(station, 999, "Installed")
        assert await history(station, 2) == [("Idle", None), ("Installed", 999)]
