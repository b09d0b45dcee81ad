"""The SOAP service behind the HTTP listener: routes, sizes, and that stations there are no callers of the admin API."""

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import msgspec
import trio

from gateways.egress import EgressGate
from gateways.ocpp.listener import Endpoint, Listener
from gateways.ocpp.soap import limits
from gateways.ocpp.soap.service import SoapService
from gateways.web.app import create_app, serve
from tests.gateways.ocpp.soap.kit import BOOT, message
from tests.gateways.web.rig import Rig, running
from tests.kits.patience import http_client

PASSWORD = "correct-horse-9876"
MEDIA = {"Content-Type": 'application/soap+xml; charset=utf-8; action="/BootNotification"'}


@asynccontextmanager
async def serving_soap(public_url: str | None = None) -> AsyncIterator[tuple[Rig, str]]:
    async with running() as rig, trio.open_nursery() as nursery:
        listener = Listener(rig.system, rig.cards, rig.vault, rig.sink)
        rig.stats = listener.stats  # type: ignore[attr-defined]
        soap = SoapService(listener.hub, listener.admission, EgressGate(("127.0.0.0/8",)))
        settings = msgspec.structs.replace(rig.env.settings, public_url=public_url)
        app = create_app(msgspec.structs.replace(rig.env, soap=soap, settings=settings, ocpp_stats=soap.stats))
        listening = Endpoint("127.0.0.1", 0)
        await nursery.start(partial(listener.serve, [listening]))
        shutdown = trio.Event()
        urls = await nursery.start(partial(serve, app, "127.0.0.1", 0, shutdown=shutdown))
        acme = await rig.tenant()
        for station in ("CP1", "odd/one"):
            body = {"evses": 1, "auth": {"profile": 1, "password": PASSWORD}, "versions": ["ocpp1.5"]}
            answer = await acme.put(f"/api/v1/tenants/acme/stations/{station.replace('/', '%2F')}", json=body)
            assert answer.status_code == 201, answer.text
        yield rig, urls[0]
        shutdown.set()
        nursery.cancel_scope.cancel()


async def post(url: str, path: str, body: bytes, user: str = "CP1", **headers: str) -> httpx.Response:
    async with http_client(auth=(user, PASSWORD)) as client:
        return await client.post(url + path, content=body, headers={**MEDIA, **headers})


def boot(identity: str = "CP1", **options: Any) -> bytes:
    return message("BootNotification", BOOT, identity=identity, **options)


async def test_a_station_posts_to_its_tenant_or_to_its_own_url() -> None:
    async with serving_soap() as (_, url):
        for path, user in (("/soap/acme", "CP1"), ("/soap/acme/CP1", "CP1"), ("/soap/acme/odd%2Fone", "odd/one")):
            answer = await post(url, path, boot(user), user)
            assert answer.status_code == 200, answer.text
            assert b"<cs:status>Accepted</cs:status>" in answer.content
            assert answer.headers["content-type"].startswith("application/soap+xml")
        assert (await post(url, "/soap/nobody", boot())).status_code == 400
        packed = {"Content-Encoding": "gzip", "Accept-Encoding": "gzip"}
        answer = await post(url, "/soap/acme", gzip.compress(boot()), **packed)
        assert answer.status_code == 200
        assert answer.headers["content-encoding"] == "gzip"


async def test_a_body_that_is_too_large_is_refused_with_a_fault() -> None:
    async with serving_soap() as (_, url):
        answer = await post(url, "/soap/acme", b" " * (limits.BODY_BYTES + 1))
        assert answer.status_code == 413
        assert b"ProtocolError" in answer.content


async def test_the_description_is_served_and_everything_else_is_not() -> None:
    async with serving_soap() as (_, url), http_client(base_url=url) as client:
        for query, namespace in (("wsdl", "2012/06"), ("wsdl=1.2", "2010/08"), ("WSDL=1.6", "2015/10")):
            answer = await client.get(f"/soap/acme?{query}")
            assert answer.status_code == 200
            assert f'targetNamespace="urn://Ocpp/Cs/{namespace}/"' in answer.text
            assert f'location="{url}/soap/acme"' in answer.text
        assert (await client.get("/soap/acme?wsdl=9")).status_code == 404
        assert "?wsdl=1.5" in (await client.get("/soap/acme/CP1")).text
        assert (await client.delete("/soap/acme")).status_code == 405


async def test_the_description_names_the_public_url() -> None:
    async with serving_soap("https://charge.example.com") as (_, url), http_client(base_url=url) as client:
        assert 'location="https://charge.example.com/soap/acme"' in (await client.get("/soap/acme?wsdl")).text


async def test_stations_are_counted_and_need_no_bearer_token() -> None:
    async with serving_soap() as (_, url), http_client(base_url=url) as client:
        await post(url, "/soap/acme", boot())
        metrics = (await client.get("/metrics")).text
        assert "voltroupe_ocpp_soap_stations 1.0" in metrics
        assert 'route="/soap/{tenant}",status="200"' in metrics


async def test_a_node_without_stations_has_no_soap() -> None:
    async with running() as rig:
        assert (await rig.anyone.post("/soap/acme", content=boot())).status_code == 404
