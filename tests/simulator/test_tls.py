"""Security profiles 2 and 3: a station trusts the root it was given, shows its certificate, and changes to a newer one."""

import ssl
from pathlib import Path

import pytest
import trio

from gateways.simulator.fleet import Fleet, Plan
from gateways.simulator.memory import Model, Tls
from tests.simulator.ca import Authority
from tests.simulator.central import central_system

ONE = (Model("Vendor", "One", "1.0", 22_000, 1),)


def written(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    found = Authority()
    written(tmp_path / "root.pem", found.pem)
    return found


def server(authority: Authority, home: Path, *, mutual: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(home / "root.pem"))
    context.load_cert_chain(written(home / "server.pem", authority.issue("server", "127.0.0.1")))
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def test_an_unknown_root_is_not_trusted_and_a_known_one_is(authority: Authority, tmp_path: Path) -> None:
    async with central_system("ocpp2.0.1", server(authority, tmp_path, mutual=False)) as central:
        for ca, expected in ((None, 0), (tmp_path / "root.pem", 1)):
            plan = Plan(url=central.url, protocols=("ocpp2.0.1",), models=ONE, scenario="boot\n", tls=Tls(ca), password="secret")
            fleet = Fleet(plan)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(fleet.start)
                with trio.fail_after(60):
                    while not fleet.stats.counts["boots" if expected else "lost"]:
                        await trio.sleep(0.01)
                await fleet.finish(60)
            assert len(central.actions("BootNotification")) == expected
        assert fleet.stations[0].security_profile == 2


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])
async def test_a_station_shows_its_certificate_and_comes_back_with_the_one_that_was_signed_for_it(
    authority: Authority, tmp_path: Path, protocol: str
) -> None:
    own = written(tmp_path / "client.pem", authority.issue("FACTORY"))
    async with central_system(protocol, server(authority, tmp_path, mutual=True)) as central, trio.open_nursery() as nursery:
        fleet = Fleet(Plan(url=central.url, protocols=(protocol,), models=ONE, scenario="boot\n", prefix="T",
                           tls=Tls(tmp_path / "root.pem", own), backoff_most=0.1))  # fmt: skip
        nursery.start_soon(fleet.start)
        await central.heard_of("StatusNotification")
        assert fleet.stations[0].security_profile == 3
        central.rules["SignCertificate"] = lambda _: {"status": "Accepted"}
        if protocol == "ocpp1.6":
            await central.command("T00001", "ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
        else:
            await central.command("T00001", "TriggerMessage", {"requestedMessage": "SignChargingStationCertificate"})
        csr = (await central.heard_of("SignCertificate"))[0]["csr"]
        signed = {"certificateChain": authority.sign(csr)}
        assert await central.command("T00001", "CertificateSigned", signed) == {"status": "Accepted"}
        with trio.fail_after(60):
            while len(central.peers) < 2:
                await trio.sleep(0.01)
        assert central.peers == ["FACTORY", "T00001"]
        await fleet.stations[0].online()
        await fleet.finish(60)
