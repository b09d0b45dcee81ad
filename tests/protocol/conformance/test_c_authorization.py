"""Block C, authorisation: tokens and what we say of them, groups, the cache, master passes, contract certificates."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx
import pytest
import trio
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp

from tests.kits import pki
from tests.protocol.conformance.charging import FIRST_WH, LAST_WH, PRICE, Charge, billed, id_token
from tests.protocol.conformance.kit import ACCEPTED, TAG, TENANT, Csms, Station, case, now

MASTER_GROUP = "MASTERPASS"


async def authorize(station: Station, token: dict[str, Any], **more: Any) -> dict[str, Any]:
    return await station.call("Authorize", {"idToken": token, **more})


async def status_of(station: Station, token: dict[str, Any]) -> str:
    status: str = (await authorize(station, token))["idTokenInfo"]["status"]
    return status


# -- one token


@case("TC_C_02")
async def test_who_is_not_known_or_not_valid_does_not_charge(csms: Csms) -> None:
    await csms.put_token("04INVALID", status="Invalid")
    async with csms.station() as station:
        assert await status_of(station, id_token("04NEVERSEEN")) == "Unknown"
        assert await status_of(station, id_token("04INVALID")) == "Invalid"
        assert await status_of(station, id_token(TAG.lower())) == "Accepted", "upper and lower case are the same token"
        assert await station.sessions() == []
        await station.status(1, "Available")


@case("TC_C_06")
@pytest.mark.parametrize(
    "status", ["Blocked", "NoCredit", "ConcurrentTx", "NotAtThisTime", "NotAllowedTypeEVSE", "NotAtThisLocation"]
)
async def test_a_restricted_token_is_told_its_restriction_wherever_it_is_named(csms: Csms, status: str) -> None:
    uid = f"04{status.upper()}"
    await csms.put_token(uid, status=status, group="FLEET-R")
    async with csms.station() as station:
        info = (await authorize(station, id_token(uid)))["idTokenInfo"]
        assert info["status"] == status
        assert info["groupIdToken"] == {"idToken": "FLEET-R", "type": "Central"}
        charge = Charge(station)
        answer = await charge.tells("Started", "Authorized", 0, evse=1, token=uid, state="EVConnected", wh=FIRST_WH)
        assert answer["idTokenInfo"]["status"] == status
        ended = await charge.tells("Ended", "Deauthorized", 1, wh=FIRST_WH, state="EVConnected", reason="DeAuthorized")
        assert ended["totalCost"] == 0
        session = await charge.settled()
        assert (session["phase"], session["cdr"]) == ("waived", None)


@case("TC_C_06")
async def test_a_token_of_some_evses_is_told_which_and_refused_on_the_others(csms: Csms) -> None:
    """C01.FR.18-22: the list goes with Accepted; where it may use no EVSE, it is not at its location and there is no list."""
    async with csms.station() as station, csms.station() as elsewhere:
        sites = [{"station": station.identity, "evses": [2]}]
        more = {"languages": ["fr", "en-GB"], "priority": 4}
        await csms.put_token("04SITES", sites=sites, **more)
        shown = await csms.get(f"/tenants/{TENANT}/tokens/ISO14443/04SITES")
        assert {name: shown[name] for name in ("sites", *more)} == {"sites": sites, **more}
        told = {"status": "Accepted", "evseId": [2], "language1": "fr", "language2": "en-GB", "chargingPriority": 4}
        assert (await authorize(station, id_token("04SITES")))["idTokenInfo"] == told
        assert (await authorize(elsewhere, id_token("04SITES")))["idTokenInfo"] == {"status": "NotAtThisLocation"}
        wrong, right = Charge(station), Charge(station)
        answer = await wrong.tells("Started", "Authorized", 0, evse=1, token="04SITES", state="EVConnected", wh=FIRST_WH)
        assert answer["idTokenInfo"] == {"status": "NotAllowedTypeEVSE"}
        assert "chargingPriority" not in answer
        await wrong.tells("Ended", "Deauthorized", 1, wh=FIRST_WH, state="EVConnected", reason="DeAuthorized")
        assert (await wrong.settled())["phase"] == "waived"
        answer = await right.tells("Started", "Authorized", 2, evse=2, token="04SITES", state="Charging", wh=FIRST_WH)
        assert answer["idTokenInfo"] == told
        assert answer["chargingPriority"] == 4
        await right.tells("Ended", "StopAuthorized", 40, token="04SITES", wh=LAST_WH, state="EVConnected", reason="Local")
        await billed(right, token="04SITES")


@case("TC_C_06")
async def test_a_station_of_1_6_hears_that_the_place_is_wrong_in_its_own_words(csms: Csms) -> None:
    async with csms.station("ocpp1.6") as station:
        await csms.put_token("04SITES6", sites=[{"station": station.identity, "evses": [2]}], languages=["de"])
        await csms.put_token("04SITES7", sites=[{"station": "ELSEWHERE"}])
        assert (await station.call("Authorize", {"idTag": "04SITES6"}))["idTagInfo"]["status"] == "Accepted"
        assert (await station.call("Authorize", {"idTag": "04SITES7"}))["idTagInfo"]["status"] != "Accepted"
        for connector, accepted in ((1, False), (2, True)):
            start = {"connectorId": connector, "idTag": "04SITES6", "meterStart": FIRST_WH, "timestamp": now(-60)}
            answer = await station.call("StartTransaction", start)
            assert (answer["idTagInfo"]["status"] == "Accepted") is accepted


@case("TC_C_06")
async def test_a_driver_reads_the_tariff_in_his_own_language(csms: Csms) -> None:
    tariff = {
        "country_code": "DE", "party_id": "CON", "id": "WORDS", "currency": "EUR", "last_updated": "2026-01-01T00:00:00Z",
        "elements": [{"price_components": [{"type": "ENERGY", "price": 0.5, "vat": 19.0, "step_size": 1}]}],
        "tariff_alt_text": [{"language": "de", "text": "50 ct/kWh netto"}, {"language": "fr", "text": "50 ct/kWh hors TVA"}],
    }  # fmt: skip
    assert (await csms.api.put(f"/tenants/{TENANT}/tariffs/WORDS", json=tariff)).is_success
    for uid, languages, text in (
        ("04FRENCH", ["fr-CH", "de"], "50 ct/kWh hors TVA"), ("04SWEDISH", ["sv"], "50 ct/kWh netto"),
    ):  # fmt: skip
        await csms.put_token(uid, languages=languages)
        async with csms.station(tariff="WORDS") as station:
            answer = await Charge(station).tells("Started", "Authorized", 0, evse=1, token=uid, state="Charging", wh=FIRST_WH)
            assert answer["updatedPersonalMessage"]["content"] == text


@case("TC_C_07")
@pytest.mark.parametrize("body", [{"status": "Expired"}, {"status": "Accepted", "expires": "2026-01-01T00:00:00Z"}])
async def test_an_expired_token_is_expired_by_its_word_or_its_date(csms: Csms, body: dict[str, str]) -> None:
    uid = f"04EXPIRED{len(body)}"
    await csms.put_token(uid, **body)
    async with csms.station() as station:
        info = (await authorize(station, id_token(uid)))["idTokenInfo"]
        assert info["status"] == "Expired"
        if "expires" in body:
            assert datetime.fromisoformat(info["cacheExpiryDateTime"]) == datetime.fromisoformat(body["expires"])


@case("TC_C_02")
async def test_who_charges_without_a_token_is_accepted_and_a_key_code_is_nowhere_to_be_read(csms: Csms) -> None:
    code = "913374"
    await csms.put_token(code, "KeyCode")
    async with csms.station() as station:
        assert await status_of(station, {"idToken": "", "type": "NoAuthorization"}) == "Accepted"
        assert await status_of(station, id_token(code, "KeyCode")) == "Accepted"
        assert await status_of(station, id_token("000000", "KeyCode")) == "Unknown"
        charge = Charge(station)
        await charge.tells("Started", "Authorized", 0, evse=1, token=id_token(code, "KeyCode"), state="Charging", wh=FIRST_WH)
        session = await charge.session()
        assert code not in str(session)
        frames = await csms.until(
            lambda: station.get("messages", limit=100), lambda rows: any("KeyCode" in row["body"] for row in rows)
        )
        assert code not in str(frames)


# -- the cache


@case("TC_C_37", "TC_C_38")
@pytest.mark.parametrize("status", ["Accepted", "Rejected"])
async def test_the_cache_of_a_station_is_cleared(csms: Csms, status: str) -> None:
    async with csms.station(answers={"ClearCache": {"status": status}}) as station:
        told = await station.command("ClearCache")
        assert told["result"]["status"] == status
        assert station.said("ClearCache") == [{}]


@case("TC_C_08")
@pytest.mark.parametrize("offline", [False, True])
async def test_a_token_that_the_station_knew_from_its_cache_is_checked_again(csms: Csms, offline: bool) -> None:
    """How long it may be kept is in the first answer; the event is answered without an Authorize before it (C12.FR.03)."""
    until = now(86_400)[:19] + "Z"
    uid = "04CACHED"
    await csms.put_token(uid, expires=until)
    async with csms.station() as station:
        info = (await authorize(station, id_token(uid)))["idTokenInfo"]
        assert info["status"] == "Accepted"
        assert datetime.fromisoformat(info["cacheExpiryDateTime"]) == datetime.fromisoformat(until)
        charge = Charge(station)
        answer = await charge.tells(
            "Started", "Authorized", 0, evse=1, token=uid, state="Charging", wh=FIRST_WH, offline=offline
        )  # fmt: skip
        assert answer["idTokenInfo"]["status"] == "Accepted"
        ended = await charge.tells("Ended", "StopAuthorized", 40, token=uid, wh=LAST_WH, state="EVConnected", reason="Local")
        assert ended["idTokenInfo"]["status"] == "Accepted"
        assert ended["totalCost"] == PRICE
        session = await billed(charge, token=uid)
        assert session["transaction"]["offline"] is offline


@case("TC_C_20")
async def test_a_token_that_was_blocked_since_it_was_cached_is_refused_with_the_event(csms: Csms) -> None:
    uid = "04LATERBLOCKED"
    await csms.put_token(uid)
    async with csms.station() as station:
        assert await status_of(station, id_token(uid)) == "Accepted"
        await csms.put_token(uid, status="Blocked")
        charge = Charge(station)
        answer = await charge.tells("Started", "Authorized", 0, evse=1, token=uid, state="EVConnected", wh=FIRST_WH)
        assert answer["idTokenInfo"]["status"] == "Blocked"
        assert await status_of(station, id_token(uid)) == "Blocked"
        await charge.tells("Ended", "Deauthorized", 1, wh=FIRST_WH + 100, state="EVConnected", reason="DeAuthorized")
        session = await charge.settled("quarantined")
        assert "token_not_accepted" in session["anomalies"]


# -- groups


@case("TC_C_39")
async def test_a_transaction_of_one_is_ended_by_another_of_the_group(csms: Csms) -> None:
    for uid in ("04GROUPA", "04GROUPB"):
        await csms.put_token(uid, group="FAMILY-1")
    async with csms.station() as station:
        group = {"idToken": "FAMILY-1", "type": "Central"}
        assert (await authorize(station, id_token("04GROUPA")))["idTokenInfo"]["groupIdToken"] == group
        charge = Charge(station)
        began = await charge.tells("Started", "Authorized", 0, evse=1, token="04GROUPA", state="Charging", wh=FIRST_WH)
        assert began["idTokenInfo"] == {"status": "Accepted", "groupIdToken": group}
        assert (await authorize(station, id_token("04GROUPB")))["idTokenInfo"]["groupIdToken"] == group
        ended = await charge.tells(
            "Ended", "StopAuthorized", 40, token="04GROUPB", wh=LAST_WH, state="EVConnected", reason="Local"
        )
        assert ended["idTokenInfo"] == {"status": "Accepted", "groupIdToken": group}
        assert ended["totalCost"] == PRICE
        await billed(charge, token="04GROUPA")


@case("TC_C_39")
async def test_a_transaction_ended_by_a_stranger_is_billed_to_who_began_it_and_says_so(csms: Csms) -> None:
    await csms.put_token("04GROUPC", group="FAMILY-2")
    await csms.put_token("04STRANGER", group="FAMILY-3")
    async with csms.station() as station:
        charge = Charge(station)
        await charge.tells("Started", "Authorized", 0, evse=1, token="04GROUPC", state="Charging", wh=FIRST_WH)
        await charge.tells("Ended", "StopAuthorized", 40, token="04STRANGER", wh=LAST_WH, state="EVConnected", reason="Local")
        session = await charge.settled()
        assert session["anomalies"] == ["stopped_by_other_token"]
        known = await csms.get(f"/tenants/{TENANT}/tokens/ISO14443/04GROUPC")
        assert session["token_ref"] == known["ref"]


async def _listed(csms: Csms, station: Station, *tokens: str) -> dict[str, dict[str, Any]]:
    """Keep the station's local list; what the station was sent of each token, at last."""
    body = {"tokens": [{"uid": uid, "type": "ISO14443"} for uid in tokens]}
    answer = await csms.api.put(f"{station.path}/local-list", json=body)
    assert answer.is_success, answer.text
    await csms.until(lambda: station.get("local-list"), lambda told: told["held"] == len(tokens) and told["state"] == "kept")
    return {
        entry["idToken"]["idToken"]: entry["idTokenInfo"]
        for sent in station.said("SendLocalList")
        for entry in sent["localAuthorizationList"]
    }


@case("TC_C_40")
async def test_a_local_list_tells_the_groups_so_that_one_of_the_group_may_stop(csms: Csms) -> None:
    for uid in ("04LISTA", "04LISTB"):
        await csms.put_token(uid, group="CREW-1")
    async with csms.station(answers={"SendLocalList": ACCEPTED}) as station:
        told = await _listed(csms, station, "04LISTA", "04LISTB")
        group = {"idToken": "CREW-1", "type": "Central"}
        assert told == {uid: {"status": "Accepted", "groupIdToken": group} for uid in ("04LISTA", "04LISTB")}
        charge = Charge(station)
        began = await charge.tells("Started", "Authorized", 0, evse=1, token="04LISTA", state="Charging", wh=FIRST_WH)
        assert began["idTokenInfo"] == {"status": "Accepted", "groupIdToken": group}
        ended = await charge.tells(
            "Ended", "StopAuthorized", 40, token="04LISTB", wh=LAST_WH, state="EVConnected", reason="Local"
        )
        assert ended["idTokenInfo"] == {"status": "Accepted", "groupIdToken": group}
        await billed(charge, token="04LISTA")


@case("TC_C_40")
async def test_a_local_list_tells_where_a_token_may_charge_at_that_station(csms: Csms) -> None:
    async with csms.station(answers={"SendLocalList": ACCEPTED}) as station:
        await csms.put_token("04LISTE", sites=[{"station": station.identity, "evses": [1]}], languages=["nl"], priority=-2)
        await csms.put_token("04LISTF", sites=[{"station": "ELSEWHERE"}], languages=["nl"])
        told = await _listed(csms, station, "04LISTE", "04LISTF")
        assert told["04LISTE"] == {"status": "Accepted", "evseId": [1], "language1": "nl", "chargingPriority": -2}
        assert told["04LISTF"] == {"status": "NotAtThisLocation"}


@case("TC_C_43")
async def test_a_blocked_token_is_blocked_in_the_list_and_asked_about_whatever_its_group(csms: Csms) -> None:
    await csms.put_token("04LISTC", group="CREW-2")
    await csms.put_token("04LISTD", status="Blocked", group="CREW-2")
    async with csms.station(answers={"SendLocalList": ACCEPTED}) as station:
        told = await _listed(csms, station, "04LISTC", "04LISTD")
        assert (told["04LISTC"]["status"], told["04LISTD"]["status"]) == ("Accepted", "Blocked")
        assert told["04LISTC"]["groupIdToken"] == told["04LISTD"]["groupIdToken"]
        charge = Charge(station)
        await charge.tells("Started", "Authorized", 0, evse=1, token="04LISTC", state="Charging", wh=FIRST_WH)
        info = (await authorize(station, id_token("04LISTD")))["idTokenInfo"]
        assert info == {"status": "Blocked", "groupIdToken": {"idToken": "CREW-2", "type": "Central"}}
        assert (await charge.session())["state"] == "active", "the station goes on charging"
        await charge.tells("Ended", "StopAuthorized", 40, token="04LISTC", wh=LAST_WH, state="EVConnected", reason="Local")
        await billed(charge, token="04LISTC")


# -- master passes


def _stored(payload: dict[str, Any]) -> dict[str, Any]:
    return {
        "setVariableResult": [
            {"attributeStatus": "Accepted", "component": one["component"], "variable": one["variable"]}
            for one in payload["setVariableData"]
        ]
    }


@case("TC_C_47", "TC_C_48", "TC_C_49")
@pytest.mark.parametrize(
    ("ends", "ui"), [((1, 2), True), ((2,), True), ((1, 2), False)], ids=["all", "one of them", "without UI"]
)
async def test_a_master_pass_ends_what_others_began_and_pays_nothing(csms: Csms, ends: tuple[int, ...], ui: bool) -> None:
    await csms.put_token("04MASTER", group=MASTER_GROUP)
    await csms.put_token("04DRIVER2")
    async with csms.station(answers={"SetVariables": _stored}) as station:
        named = {"component": {"name": "AuthCtrlr"}, "variable": {"name": "MasterPassGroupId"}}
        told = await station.command("SetVariables", {"setVariableData": [{**named, "attributeValue": MASTER_GROUP}]})
        assert told["result"]["setVariableResult"][0]["attributeStatus"] == "Accepted"
        drivers = {1: TAG, 2: "04DRIVER2"}
        charges = {evse: Charge(station) for evse in drivers}
        for evse, uid in drivers.items():
            await charges[evse].tells("Started", "Authorized", 0, evse=evse, token=uid, state="Charging", wh=FIRST_WH)
        info = (await authorize(station, id_token("04MASTER")))["idTokenInfo"]
        assert info == {"status": "Accepted", "groupIdToken": {"idToken": MASTER_GROUP, "type": "Central"}}
        for evse in ends:
            named_again = {"token": "04MASTER"} if ui else {}
            answer = await charges[evse].tells(
                "Ended", "StopAuthorized", 40, wh=LAST_WH, state="EVConnected", reason="MasterPass", **named_again
            )  # fmt: skip
            assert answer["totalCost"] == PRICE
            if ui:
                assert answer["idTokenInfo"]["groupIdToken"]["idToken"] == MASTER_GROUP
            session = await billed(charges[evse], token=drivers[evse])
            assert session["stop_reason"] == "MasterPass"
        for evse in set(drivers) - set(ends):
            assert (await charges[evse].session())["state"] == "active"


# -- contract certificates (ISO 15118)

EMAID = "DECON" + "C12345678"


@asynccontextmanager
async def responding(ca: pki.Ca) -> AsyncIterator[pki.Responder]:
    """An OCSP responder in a thread of its own."""
    responder, scopes = pki.Responder(ca), []
    up = threading.Event()

    async def serve() -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(responder.serve)
            scopes.append((trio.lowlevel.current_trio_token(), nursery.cancel_scope))
            up.set()

    serving = asyncio.create_task(asyncio.to_thread(trio.run, serve))
    assert await asyncio.to_thread(up.wait, 60)
    try:
        yield responder
    finally:
        (token, scope) = scopes[0]
        token.run_sync_soon(scope.cancel)
        await serving


@asynccontextmanager
async def contracts(csms: Csms) -> AsyncIterator[tuple[pki.Ca, pki.Ca, pki.Responder]]:
    """A mobility operator's root that the tenant trusts, its sub-CA and the sub-CA's responder."""
    root = pki.Ca("MO root of conformance")
    sub = pki.Ca("MO sub of conformance", root)
    answer = await csms.api.post(f"/tenants/{TENANT}/authority/trusted", json={"use": "contract", "certificate": root.pem})
    assert answer.is_success, answer.text
    async with responding(sub) as responder:
        yield root, sub, responder
    removed: httpx.Response = await csms.api.delete(
        f"/tenants/{TENANT}/authority/trusted/contract/{answer.json()['fingerprint']}"
    )
    assert removed.is_success, removed.text


def _hashes(leaf: pki.Leaf, issuer: pki.Ca, url: str) -> list[dict[str, str]]:
    """What a station says of a chain that it has validated itself."""
    asked = ocsp.OCSPRequestBuilder().add_certificate(leaf.certificate, issuer.certificate, hashes.SHA256()).build()
    return [
        {
            "hashAlgorithm": "SHA256", "issuerNameHash": asked.issuer_name_hash.hex(),
            "issuerKeyHash": asked.issuer_key_hash.hex(), "serialNumber": f"{asked.serial_number:x}", "responderURL": url,
        }
    ]  # fmt: skip


def _contract(sub: pki.Ca, responder: pki.Responder, common: str = EMAID, **more: Any) -> pki.Leaf:
    leaf = sub.issue(common, ocsp=responder.url, **more)
    responder.issued[leaf.certificate.serial_number] = leaf.certificate
    return leaf


@case("TC_C_50")
async def test_a_contract_that_the_station_validated_is_accepted_when_its_responder_says_good(csms: Csms) -> None:
    await csms.put_token(EMAID, "eMAID")
    async with contracts(csms) as (_, sub, responder), csms.station() as station:
        leaf = _contract(sub, responder)
        answer = await authorize(station, id_token(EMAID, "eMAID"), iso15118CertificateHashData=_hashes(leaf, sub, responder.url))
        assert (answer["idTokenInfo"]["status"], answer["certificateStatus"]) == ("Accepted", "Accepted")
        assert responder.asked == [leaf.certificate.serial_number]
        charge = Charge(station)
        token = id_token(EMAID, "eMAID")
        began = await charge.tells("Started", "Authorized", 0, evse=1, token=token, state="Charging", wh=FIRST_WH)
        assert began["idTokenInfo"]["status"] == "Accepted"
        ended = await charge.tells("Ended", "StopAuthorized", 40, token=token, wh=LAST_WH, state="EVConnected", reason="Local")
        assert ended["totalCost"] == PRICE
        session = await charge.settled()
        assert session["cdr"]


@case("TC_C_51")
async def test_a_contract_that_was_revoked_or_cancelled_is_refused_and_says_which(csms: Csms) -> None:
    await csms.put_token(EMAID, "eMAID")
    await csms.put_token("DECONC00000001", "eMAID", status="Blocked")
    async with contracts(csms) as (_, sub, responder), csms.station() as station:
        revoked, blocked = _contract(sub, responder), _contract(sub, responder, "DECONC00000001")
        responder.says[revoked.certificate.serial_number] = "revoked"
        for emaid, leaf, token, certificate in (
            (EMAID, revoked, "Invalid", "CertificateRevoked"),
            ("DECONC00000001", blocked, "Blocked", "ContractCancelled"),
            ("DECONC00000002", blocked, "Unknown", "ContractCancelled"),
        ):
            chain = _hashes(leaf, sub, responder.url)
            answer = await authorize(station, id_token(emaid, "eMAID"), iso15118CertificateHashData=chain)
            assert (answer["idTokenInfo"]["status"], answer["certificateStatus"]) == (token, certificate)


@case("TC_C_52")
async def test_a_contract_that_the_station_cannot_validate_is_validated_here(csms: Csms) -> None:
    await csms.put_token(EMAID, "eMAID")
    async with contracts(csms) as (_, sub, responder), csms.station() as station:
        leaf = _contract(sub, responder)
        answer = await authorize(station, id_token(EMAID, "eMAID"), certificate=leaf.pem + sub.pem)
        assert (answer["idTokenInfo"]["status"], answer["certificateStatus"]) == ("Accepted", "Accepted")
        assert responder.asked == [leaf.certificate.serial_number]
        stranger = pki.Ca("a stranger").issue(EMAID)
        answer = await authorize(station, id_token(EMAID, "eMAID"), certificate=stranger.pem)
        assert (answer["idTokenInfo"]["status"], answer["certificateStatus"]) == ("Invalid", "CertChainError")
        old = _contract(sub, responder, days=1, since=pki.timedelta(days=3))
        answer = await authorize(station, id_token(EMAID, "eMAID"), certificate=old.pem + sub.pem)
        assert (answer["idTokenInfo"]["status"], answer["certificateStatus"]) == ("Expired", "CertificateExpired")
