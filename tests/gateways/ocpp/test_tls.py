"""Security profile 2: the same listener over TLS, with a certificate made here."""

import ssl
import subprocess
from pathlib import Path

import pytest
import trio

from gateways.ocpp.tls import server_context
from tests.gateways.ocpp import wire
from tests.gateways.ocpp.node import TAG, basic, connect, open_node, upgrade


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    chain, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", chain],
        check=True, capture_output=True,
    )  # fmt: skip
    return chain, key


def _client(chain: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(chain))


async def test_profile_2_over_tls(certificate: tuple[Path, Path]) -> None:
    async with open_node(tls=server_context([certificate])) as node:
        await node.register("CP2", profile=2)
        with trio.fail_after(60):
            client = _client(certificate[0])
            assert node.url.startswith("wss://")
            station = await connect(node, "CP2", tls=client)
            assert (await station.boot())["status"] == "Accepted"
            big = "x" * 60_000
            for n in range(20):
                await station.send(f'[2,"{n}","DataTransfer",{{"vendorId":"v","data":"{big}"}}]')
            for n in range(20):
                assert (await station.message())[1] == str(n)
            assert (await station.call("Authorize", {"idTag": TAG}))["idTagInfo"]["status"] == "Accepted"
            _, response = await upgrade(node, "CP2", tls=client, auth=basic("CP2", b"wrong"))
            assert response.status == 401
            await station.stream.send_all(wire.close(1000, b"done"))
            assert await station.closed() == (1000, "done")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_old_tls_and_plain_text_are_refused_and_cost_nothing(certificate: tuple[Path, Path]) -> None:
    async with open_node(tls=server_context([certificate])) as node:
        with trio.fail_after(60):
            plain = await trio.open_tcp_stream("127.0.0.1", node.port)
            await plain.send_all(wire.upgrade())
            await wire.read_all(plain)
            old = _client(certificate[0])
            old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            old.maximum_version = ssl.TLSVersion.TLSv1_1
            with pytest.raises((trio.BrokenResourceError, ssl.SSLError)):
                await upgrade(node, tls=old)
            station = await connect(node, tls=_client(certificate[0]))
            assert (await station.boot())["status"] == "Accepted"


def test_the_ciphers_that_the_specification_wants_are_offered(certificate: tuple[Path, Path]) -> None:
    context = server_context([certificate])
    names = {cipher["name"] for cipher in context.get_ciphers()}
    assert {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "AES128-GCM-SHA256", "AES256-GCM-SHA384"} <= names
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert not any("RC4" in name or "3DES" in name or "CBC" in name for name in names)
