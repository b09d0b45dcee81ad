"""The gate through which every URL that somebody else named is called."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_address
from typing import Any

import pytest
import trio

from gateways import egress
from gateways.egress import EgressGate
from tests.gateways.ocpp.test_tls import certificate  # noqa: F401

LOOPBACK = ("127.0.0.0/8",)
PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1", "::1", "::", "fe80::1", "fec0::1", "fd00::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::1", "2001:db8::1", "2001:0:7f00:1::80ff:fffe",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:8.8.8.8", "64:ff9b::808:808"]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Seen: yes\r\n\r\nok"


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not EgressGate().allows(ip_address(address))
    host = f"[{address}]" if ":" in address else address
    problem = EgressGate().problem(f"http://{host}:80/x")
    assert problem is not None
    assert "egress.allow" in problem


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address: str) -> None:
    assert EgressGate().allows(ip_address(address))


def test_the_operator_may_allow_a_range_and_nothing_else_with_it() -> None:
    gate = EgressGate(("10.20.0.0/16", "fd00::/8"))
    assert gate.allows(ip_address("10.20.3.4"))
    assert gate.allows(ip_address("::ffff:10.20.3.4"))
    assert gate.allows(ip_address("fd12::1"))
    assert not gate.allows(ip_address("10.21.0.1"))
    with pytest.raises(ValueError, match="'10.0.0.0/99' is no range"):
        EgressGate(("10.0.0.0/99",))


@pytest.mark.parametrize(
    "url", ["ftp://a/", "file:///etc/passwd", "http:///x", "http://", "//a/b", "http://u:p@8.8.8.8/", "http://8.8.8.8:99999/",
            "http://8.8.8.8/a b", "http://8.8.8.8/\n", "gopher://8.8.8.8", "http://[::1", "http://8.8.8.8/" + "a" * 3000, "http://ä.example/"]
)  # fmt: skip
def test_a_url_in_another_form_is_refused(url: str) -> None:
    assert EgressGate().problem(url) is not None


class Names:
    """A resolver whose answers change with every question."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if not self.answers:
            raise OSError("unknown")
        return self.answers.pop(0)


@asynccontextmanager
async def server(
    answer: bytes = OK, *, tls: ssl.SSLContext | None = None, drip: float = 0.0
) -> AsyncIterator[tuple[int, list[bytes]]]:
    heard: list[bytes] = []

    async def serve(stream: trio.abc.Stream) -> None:
        try:
            if tls is not None:
                stream = trio.SSLStream(stream, tls, server_side=True)
            request = b""
            while b"\r\n\r\n" not in request:
                request += await stream.receive_some(65536)
            heard.append(request)
            for n in range(0, len(answer), 16 if drip else len(answer)):
                await stream.send_all(answer[n : n + (16 if drip else len(answer))])
                await trio.sleep(drip)
            await stream.aclose()
        except (trio.BrokenResourceError, trio.ClosedResourceError, ssl.SSLError):
            pass

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        yield listeners[0].socket.getsockname()[1], heard
        nursery.cancel_scope.cancel()


async def get(gate: EgressGate, url: str, *, seconds: float = 5, max_bytes: int = 1000) -> egress.EgressAnswer:
    return await gate.request("GET", url, headers={"X-Own": "1"}, seconds=seconds, max_bytes=max_bytes)


async def test_an_answer_comes_back_with_its_headers() -> None:
    async with server() as (port, heard):
        answer = await get(EgressGate(LOOPBACK), f"http://127.0.0.1:{port}/path?q=1")
        assert (answer.status, answer.body, answer.headers["x-seen"]) == (200, b"ok", "yes")
        assert heard[0].startswith(b"GET /path?q=1 HTTP/1.1\r\n")
        assert f"Host: 127.0.0.1:{port}".encode() in heard[0]


async def test_a_name_is_judged_by_what_it_resolves_to_and_the_judged_address_is_called() -> None:
    async with server() as (port, heard):
        names = Names(["127.0.0.1"], ["127.0.0.2"])
        with pytest.raises(egress.EgressRefused, match=r"evil.example \(127.0.0.1\)"):
            await get(EgressGate(resolve=names), f"http://evil.example:{port}/")
        assert heard == []
        rebinding = Names(["127.0.0.1"], ["10.0.0.1"])
        gate = EgressGate(LOOPBACK, resolve=rebinding)
        assert (await get(gate, f"http://station.example:{port}/")).status == 200
        assert rebinding.asked == ["station.example"]
        assert f"Host: station.example:{port}".encode() in heard[0]
        with pytest.raises(egress.EgressRefused):
            await get(gate, f"http://station.example:{port}/")
        with pytest.raises(egress.EgressUnreachable, match="nobody knows"):
            await get(gate, f"http://station.example:{port}/")


async def test_of_several_addresses_only_the_allowed_ones_are_tried() -> None:
    async with server() as (port, _):
        gate = EgressGate(LOOPBACK, resolve=Names(["10.0.0.1", "169.254.169.254", "127.0.0.9", "127.0.0.1"]))
        assert (await get(gate, f"http://station.example:{port}/")).status == 200


@pytest.mark.parametrize("host", ["0x7f000001", "2130706433", "127.1", "localhost"])
async def test_other_spellings_of_loopback_are_no_way_around(host: str) -> None:
    async with server() as (port, heard):
        with pytest.raises((egress.EgressRefused, egress.EgressUnreachable)):
            await get(EgressGate(), f"http://{host}:{port}/")
        assert heard == []


async def test_a_redirect_is_not_followed() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    async with server(moved) as (port, heard):
        answer = await get(EgressGate(LOOPBACK), f"http://127.0.0.1:{port}/")
        assert answer.status == 302
        assert len(heard) == 1


async def test_size_and_time_are_bounded_and_a_broken_answer_is_told_apart() -> None:
    gate = EgressGate(LOOPBACK)
    long = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"3e8\r\n" + b"x" * 1000 + b"\r\n1\r\ny\r\n0\r\n\r\n"
    async with server(long) as (port, _):
        with pytest.raises(egress.EgressTooLarge):
            await get(gate, f"http://127.0.0.1:{port}/")
        assert len((await get(gate, f"http://127.0.0.1:{port}/", max_bytes=1001)).body) == 1001
    async with server(OK, drip=1.0) as (port, _):
        with pytest.raises(egress.EgressTimeout) as late:
            await get(gate, f"http://127.0.0.1:{port}/", seconds=0.2)
        assert late.value.sent
    async with server(b"SSH-2.0-OpenSSH\r\n") as (port, _):
        with pytest.raises(egress.EgressBroken) as broken:
            await get(gate, f"http://127.0.0.1:{port}/")
        assert broken.value.sent
    with pytest.raises(egress.EgressUnreachable) as away:
        await get(gate, f"http://127.0.0.1:{port}/")
    assert not away.value.sent


async def test_tls_is_about_the_name_though_an_address_is_called(certificate: Any) -> None:  # noqa: F811
    chain, key = certificate
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(chain, key)
    trusting = ssl.create_default_context(cafile=str(chain))
    async with server(tls=own) as (port, _):
        gate = EgressGate(LOOPBACK, resolve=Names(["127.0.0.1"], ["127.0.0.1"]), tls=trusting)
        assert (await get(gate, f"https://localhost:{port}/")).status == 200
        with pytest.raises(egress.EgressUnreachable, match="CERTIFICATE"):
            await get(gate, f"https://other.example:{port}/")
        with pytest.raises(egress.EgressUnreachable, match="CERTIFICATE"):
            await get(EgressGate(LOOPBACK), f"https://127.0.0.1:{port}/")
