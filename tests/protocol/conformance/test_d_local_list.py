"""Block D, the local list: sent by hand, kept by us, and asked for."""

from typing import Any

import pytest

from tests.protocol.conformance.charging import id_token
from tests.protocol.conformance.kit import ACCEPTED, TAG, Csms, Station, case

A, B, C = "04LOCALA", "04LOCALB", "04LOCALC"


def entry(uid: str, **info: Any) -> dict[str, Any]:
    return {"idToken": id_token(uid), "idTokenInfo": {"status": "Accepted", **info}}


async def _sent(station: Station, version: int, kind: str, entries: list[dict[str, Any]] | None) -> None:
    payload = {"versionNumber": version, "updateType": kind}
    if entries is not None:
        payload["localAuthorizationList"] = entries
    told = await station.command("SendLocalList", payload)
    assert told["result"]["status"] == "Accepted"
    assert station.said("SendLocalList")[-1] == payload


async def _held(csms: Csms, station: Station, version: int, *tokens: str) -> None:
    """Our own book: version and tokens of the station's list."""
    told = await csms.until(lambda: station.get("local-list"), lambda told: told["version"] == version)
    assert told["held"] == len(tokens)
    shown = {row["token"] for row in await station.get("local-list/entries")}
    known = [await csms.get(f"/tenants/conf/tokens/ISO14443/{uid}") for uid in tokens]
    assert shown == {row["uid"] for row in known}


async def _tokens(csms: Csms) -> None:
    for uid in (A, B, C):
        await csms.put_token(uid)


@case("TC_D_01")
async def test_a_full_list_is_sent_and_in_our_book(csms: Csms) -> None:
    await _tokens(csms)
    async with csms.station(answers={"SendLocalList": ACCEPTED}) as station:
        group = {"idToken": "LOCAL-G", "type": "Central"}
        expires = "2100-01-01T00:00:00Z"
        await _sent(station, 1, "Full", [entry(A, groupIdToken=group), entry(B, cacheExpiryDateTime=expires)])
        await _held(csms, station, 1, A, B)


@case("TC_D_02")
async def test_a_differential_list_adds_and_changes(csms: Csms) -> None:
    await _tokens(csms)
    async with csms.station(answers={"SendLocalList": ACCEPTED}) as station:
        await _sent(station, 1, "Full", [entry(A)])
        await _sent(station, 2, "Differential", [entry(A, status="Blocked"), entry(B)])
        await _held(csms, station, 2, A, B)


@case("TC_D_03")
async def test_a_differential_list_removes_whom_it_names_without_a_status(csms: Csms) -> None:
    await _tokens(csms)
    async with csms.station(answers={"SendLocalList": ACCEPTED}) as station:
        await _sent(station, 1, "Full", [entry(A), entry(B)])
        await _sent(station, 2, "Differential", [{"idToken": id_token(A)}])
        await _held(csms, station, 2, B)


@case("TC_D_04")
async def test_a_full_list_without_entries_empties_it(csms: Csms) -> None:
    await _tokens(csms)
    async with csms.station(answers={"SendLocalList": ACCEPTED}) as station:
        await _sent(station, 1, "Full", [entry(A), entry(B)])
        await _sent(station, 2, "Full", None)
        await _held(csms, station, 2)


@case("TC_D_01", "TC_D_02", "TC_D_03", "TC_D_04")
async def test_a_list_that_we_keep_goes_out_in_steps_with_rising_versions(csms: Csms) -> None:
    """First all of it, then what changed: a token more, one blocked, one gone; at last nothing is left."""
    await _tokens(csms)
    async with csms.station(answers={"SendLocalList": ACCEPTED}) as station:

        async def kept(*tokens: str) -> dict[str, Any]:
            sent = len(station.said("SendLocalList"))
            body = {"tokens": [{"uid": uid, "type": "ISO14443"} for uid in tokens]}
            answer = await csms.api.put(f"{station.path}/local-list", json=body)
            assert answer.is_success, answer.text
            await station.hears("SendLocalList", sent + 1)
            told = await csms.until(
                lambda: station.get("local-list"), lambda told: (told["state"], told["held"]) == ("kept", len(tokens))
            )  # fmt: skip
            last = station.said("SendLocalList")[-1]
            assert told["version"] == last["versionNumber"]
            return last

        last = await kept(A, B)
        assert last == {"versionNumber": 1, "updateType": "Full", "localAuthorizationList": [entry(A), entry(B)]}
        await csms.put_token(B, status="Blocked")
        last = await kept(A, B, C)
        assert (last["versionNumber"], last["updateType"]) == (2, "Differential")
        assert last["localAuthorizationList"] == [entry(B, status="Blocked"), entry(C)]
        last = await kept(B, C)
        assert last == {"versionNumber": 3, "updateType": "Differential", "localAuthorizationList": [{"idToken": id_token(A)}]}
        answer = await csms.api.delete(f"{station.path}/local-list")
        assert answer.is_success, answer.text
        await csms.until(lambda: station.get("local-list"), lambda told: told["held"] == 0 and told["state"] == "kept")
        versions = [sent["versionNumber"] for sent in station.said("SendLocalList")]
        assert versions == sorted(set(versions)), "a version is never used twice"


@case("TC_D_02")
async def test_a_version_that_does_not_fit_is_followed_by_the_whole_list(csms: Csms) -> None:
    await _tokens(csms)
    answers = iter(["Accepted", "VersionMismatch"])

    def status(payload: dict[str, Any]) -> dict[str, Any]:
        return {"status": next(answers, "Accepted")}

    async with csms.station(answers={"SendLocalList": status}) as station:
        for tokens in ([A], [A, B]):
            body = {"tokens": [{"uid": uid, "type": "ISO14443"} for uid in tokens]}
            assert (await csms.api.put(f"{station.path}/local-list", json=body)).is_success
            await csms.until(lambda: station.get("local-list"), lambda told: told["state"] in ("kept", "failing"))
            await station.hears("SendLocalList", len(tokens))
        assert station.said("SendLocalList")[1]["updateType"] == "Differential"
        told = await csms.until(lambda: station.get("local-list"), lambda told: told["outcome"] == "VersionMismatch")
        assert (told["held"], told["failures"]) == (1, 1)


@case("TC_D_08", "TC_D_09")
@pytest.mark.parametrize("version", [4711, 0])
async def test_the_version_of_the_list_is_asked(csms: Csms, version: int) -> None:
    async with csms.station(answers={"GetLocalListVersion": {"versionNumber": version}}) as station:
        asked = len(station.said("GetLocalListVersion"))
        told = await station.command("GetLocalListVersion")
        assert told["result"] == {"versionNumber": version}
        assert station.said("GetLocalListVersion")[asked:] == [{}]


@case("TC_D_09")
async def test_a_station_without_a_list_gets_the_whole_of_ours(csms: Csms) -> None:
    await csms.put_token(TAG)
    async with csms.station(answers={"SendLocalList": ACCEPTED, "GetLocalListVersion": {"versionNumber": 0}}) as station:
        body = {"tokens": [{"uid": TAG, "type": "ISO14443"}]}
        assert (await csms.api.put(f"{station.path}/local-list", json=body)).is_success
        first = await station.hears("SendLocalList")
        assert (first["versionNumber"], first["updateType"]) == (1, "Full")
        await csms.until(lambda: station.get("local-list"), lambda told: told["held"] == 1)
        await station.command("GetLocalListVersion")
        again = await station.hears("SendLocalList", 2)
        assert again["updateType"] == "Full", "it says that it has none"
