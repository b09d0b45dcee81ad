"""Who gets in: every refusal before the upgrade, and which station and version a request means."""

import base64

import pytest
import trio

from gateways.ocpp.admission import Failures, choose_protocol, read_basic, read_path
from tests.gateways.ocpp.node import PASSWORD, TENANT, basic, connect, open_node, small_limits, upgrade


async def test_a_station_with_its_password_gets_in_and_its_subprotocol_is_confirmed() -> None:
    async with open_node() as node:
        _, response = await upgrade(node)
        assert (response.status, response.headers["sec-websocket-protocol"]) == (101, "ocpp1.6")


@pytest.mark.parametrize(
    ("path", "auth", "status"),
    [
        ("/ocpp/demo/NOBODY", basic("NOBODY"), 404),
        ("/ocpp/nobody/CP1", basic("CP1"), 404),
        ("/ocpp/demo/", basic("CP1"), 404),
        ("/ocpp/demo", basic("CP1"), 404),
        ("/ocpp/", basic("CP1"), 404),
        ("/", basic("CP1"), 404),
        ("/ocpp/demo/CP1%00", basic("CP1"), 404),
        ("/ocpp/demo/CP1%FF", basic("CP1"), 404),
        ("/ocpp/demo/" + "x" * 300, basic("x"), 404),
        ("/ocpp/demo/CP1", "", 401),
        ("/ocpp/demo/CP1", basic("CP1", b"wrong"), 401),
        ("/ocpp/demo/CP1", basic("CP2"), 401),
        ("/ocpp/demo/CP1", "Authorization: Basic !!!\r\n", 401),
        ("/ocpp/demo/CP1", "Authorization: Bearer x\r\n", 401),
        ("/ocpp/demo/CP1", "Authorization: Basic " + base64.b64encode(b"CP1").decode() + "\r\n", 401),
    ],
)  # fmt: skip
async def test_refused_before_the_upgrade(path: str, auth: str, status: int) -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            _, response = await upgrade(node, path=path, auth=auth)
            assert response.status == status
            stats = node.listener.stats()
            assert stats["refused_unknown" if status == 404 else "refused_password"] == 1
            assert stats["accepted"] == 0


async def test_guessing_is_limited_per_address_and_identity_and_the_others_of_the_address_get_in() -> None:
    async with open_node(limits=small_limits(failures_per_pair=3)) as node:
        await node.register("CP2")
        answers = []
        for _ in range(5):
            _, response = await upgrade(node, auth=basic("CP1", b"guess"))
            answers.append(response.status)
        assert answers == [401, 401, 401, 429, 429]
        assert (await upgrade(node, "CP2"))[1].status == 101
        assert node.listener.stats()["refused_limit"] == 2


async def test_one_address_that_tries_many_identities_is_limited() -> None:
    async with open_node(limits=small_limits(failures_per_address=4)) as node:
        answers = [(await upgrade(node, f"X{n}"))[1].status for n in range(6)]
        assert answers == [404, 404, 404, 404, 429, 429]


def test_failures_refill_and_are_bounded() -> None:
    failures = Failures(2, 1.0, 3)
    for _ in range(2):
        failures.count("a", 0.0)
    assert failures.exhausted("a", 0.5)
    assert not failures.exhausted("a", 1.5)
    for n in range(10):
        failures.count(n, 0.0)
    assert len(failures._buckets) == 3


# -- unknown stations ----------------------------------------------------------------------------------------------------


async def test_an_unknown_station_is_refused_and_lands_in_the_inbox_where_the_tenant_wants_that() -> None:
    async with open_node(ready=False) as node:
        await node.create_tenant(unknown="inbox")
        for _ in range(2):
            assert (await upgrade(node, "NEW-1"))[1].status == 404
        page = await node.queries.inbox(TENANT, 10, None)
        (row,) = page.items
        assert (row.station, row.attempts, row.protocol, row.peer) == ("NEW-1", 2, "ocpp1.6", "127.0.0.1")


async def test_an_unknown_station_is_registered_where_the_tenant_accepts_all() -> None:
    async with open_node(ready=False) as node:
        await node.create_tenant(unknown="accept")
        with trio.fail_after(60):
            station = await connect(node, "NEW-1", auth=basic("NEW-1", b"my own password"))
            assert (await station.boot())["status"] == "Accepted"
            assert (await upgrade(node, "NEW-1", auth=basic("NEW-1", b"another")))[1].status == 401
            assert (await connect(node, "NEW-2", auth="")) is not None


async def test_who_makes_up_identities_is_not_registered_without_end() -> None:
    async with open_node(ready=False, limits=small_limits(enrolments_per_address=3)) as node:
        await node.create_tenant(unknown="accept")
        answers = [(await upgrade(node, f"MADE-UP-{n}", auth=""))[1].status for n in range(6)]
        assert answers == [101] * 3 + [429] * 3
        assert (await upgrade(node, "MADE-UP-1", auth=""))[1].status == 101, "who is registered gets in"


# -- passwords -----------------------------------------------------------------------------------------------------------


async def test_an_authorization_key_may_be_any_bytes_and_may_be_sent_as_hex() -> None:
    key = bytes(range(200, 220))
    async with open_node() as node:
        await node.register("KEY", password=key)
        assert (await upgrade(node, auth=basic("KEY", key), path="/ocpp/demo/KEY"))[1].status == 101
        assert (await upgrade(node, auth=basic("KEY", key.hex().encode()), path="/ocpp/demo/KEY"))[1].status == 101
        assert (await upgrade(node, auth=basic("KEY", key[:-1]), path="/ocpp/demo/KEY"))[1].status == 401


async def test_profile_0_needs_no_password_and_profile_2_needs_tls() -> None:
    async with open_node() as node:
        await node.register("OPEN", profile=0)
        await node.register("TLS", profile=2)
        await node.register("MTLS", profile=3)
        assert (await upgrade(node, "OPEN", auth=""))[1].status == 101
        assert (await upgrade(node, "TLS"))[1].status == 401
        assert (await upgrade(node, "MTLS"))[1].status == 401
    async with open_node(behind_tls=True) as node:
        await node.register("TLS", profile=2)
        assert (await upgrade(node, "TLS"))[1].status == 101


def test_basic_is_read_as_bytes() -> None:
    assert read_basic(b"Basic " + base64.b64encode(b"cp:a:b\xff")) == ("cp", b"a:b\xff")
    assert read_basic(b"basic " + base64.b64encode(b"cp:")) == ("cp", b"")
    assert read_basic(None) is None


# -- identities (quirk 7) ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/ocpp/demo/CP1", ("demo", "CP1")),
        ("/ocpp/demo/CP%201", ("demo", "CP 1")),
        ("/ocpp/demo/EU/DE/CP1", ("demo", "EU/DE/CP1")),
        ("/ocpp/demo/EU%2FDE%2FCP1", ("demo", "EU/DE/CP1")),
        ("/ocpp/demo/CP1/", ("demo", "CP1")),
        ("/ocpp/demo//CP1", ("demo", "CP1")),
        ("//ocpp/demo/CP1", ("demo", "CP1")),
        ("/ocpp/demo/CP1?token=x", ("demo", "CP1")),
        ("/ocpp/demo/%E2%82%AC", ("demo", "€")),
        ("/ocpp/demo/a+b@c;d", ("demo", "a+b@c;d")),
        ("/OCPP/demo/CP1", None),
        ("/other/demo/CP1", None),
    ],
)  # fmt: skip
def test_quirk_07_identities_are_percent_decoded_and_may_hold_slashes(path: str, place: object) -> None:
    assert read_path(path) == place


async def test_quirk_07_slashes_spaces_and_the_case_of_an_identity() -> None:
    async with open_node() as node:
        await node.register("EU/DE 1")
        assert (await upgrade(node, "EU/DE 1", path="/ocpp/demo/EU/DE%201"))[1].status == 101
        assert (await upgrade(node, "cp1"))[1].status == 101
        assert node.listener.link("demo", "CP1") is not None


# -- versions ------------------------------------------------------------------------------------------------------------


def test_the_clients_order_of_preference_decides() -> None:
    assert choose_protocol(("ocpp2.1", "ocpp2.0.1", "ocpp1.6"), ("ocpp1.6",)) == ("ocpp1.6", "ocpp1.6")
    assert choose_protocol(("ocpp1.6",), ("ocpp2.0.1",)) == (None, None)
    assert choose_protocol(("OCPP1.6",), ("1.6",)) == ("ocpp1.6", "OCPP1.6")


async def test_quirk_07_without_a_subprotocol_the_stations_version_is_spoken_where_the_tenant_allows_it() -> None:
    async with open_node() as node:
        station, response = await upgrade(node, subprotocols=None)
        assert response.status == 101
        assert "sec-websocket-protocol" not in response.headers
        assert (await station.boot())["status"] == "Accepted"
    async with open_node(ready=False) as node:
        await node.create_tenant(require_subprotocol=True)
        await node.register("CP1")
        station, response = await upgrade(node, subprotocols=None)
        assert response.status == 101
        assert (await station.closed())[0] == 1002


async def test_no_common_subprotocol_completes_the_handshake_without_one_and_closes() -> None:
    async with open_node() as node:
        with trio.fail_after(60):
            station, response = await upgrade(node, subprotocols="ocpp9.9, mqtt")
            assert response.status == 101
            assert "sec-websocket-protocol" not in response.headers
            assert await station.closed() == (1002, "no common subprotocol")
            assert node.listener.link("demo", "CP1") is None


async def test_a_password_is_never_in_the_trace() -> None:
    async with open_node() as node:
        station = await connect(node)
        await station.boot()
        assert PASSWORD.decode() not in repr(node.rows.__dict__)
