"""The real server's edges: bodies that are refused before their end, connections that must not linger."""

from contextlib import suppress
from urllib.parse import urlsplit

import pytest
import trio

from tests.gateways.web.rig import OWNER, serving
from tests.kits.patience import PATIENCE, http_client

STATIONS = "/api/v1/tenants/acme/stations"


async def test_refused_large_bodies_leave_the_connection_usable_or_closed_never_stuck() -> None:
    async with serving() as (rig, url):
        await rig.tenant()
        headers = {"Authorization": f"Bearer {OWNER}", "content-type": "text/csv"}
        async with http_client(base_url=url, headers=headers) as client:
            for path, size, status in (("/import", 9_000_000, 413), ("/B1", 1_800_000, 413), ("/B1", 10, 415), ("/B1", 10, 415)):
                method = "POST" if path == "/import" else "PUT"
                assert (await client.request(method, STATIONS + path, content=b"x" * size)).status_code == status


@pytest.mark.parametrize(("token", "status"), [(OWNER, b"413"), ("guess", b"401")])
async def test_a_client_that_never_finishes_its_body_is_answered_and_closed(token: str, status: bytes) -> None:
    async with serving() as (rig, url):
        await rig.tenant()
        place = urlsplit(url)
        stream = await trio.open_tcp_stream(place.hostname or "", place.port or 0)
        head = (
            f"PUT {STATIONS}/B1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\nContent-Length: 50000000\r\n\r\n"
        )
        received = b""
        with trio.fail_after(PATIENCE):
            with suppress(trio.BrokenResourceError):  # it may be answered and closed before we have said so much
                await stream.send_all(head.encode() + b"x" * 400_000)
            while True:
                try:
                    part = await stream.receive_some(65536)
                except trio.BrokenResourceError:
                    break
                if not part:
                    break
                received += part
        assert received.startswith(b"HTTP/1.1 " + status)
        assert b"application/problem+json" in received
