"""Campaigns whose work a keeper of the station's books knows the end of: local lists, certificates."""

from datetime import timedelta
from typing import Any

import pytest
import trio

from actors.campaign import messages as campaign
from actors.certificates.messages import CertificateIssued, CertificateRefused, CsrReceived
from actors.limits import DomainLimits
from actors.locallist.messages import PutList
from actors.model import intents as i
from actors.model.campaign import CertificateWork, Definition, LocalListWork, RenewalWork
from actors.model.ids import CERTIFICATES, LOCAL_LIST, campaign_address, sibling_address, station_address
from actors.station import messages as m
from gateways.pki import issuing
from tests.actors.kit import STATION, T0, TENANT, FakeLine, House
from tests.kits import pki

ADDRESS = station_address(TENANT, STATION)
CAMPAIGN = campaign_address(TENANT, "c1")
LIST = sibling_address(TENANT, LOCAL_LIST, STATION)
KEEPER = sibling_address(TENANT, CERTIFICATES, STATION)
LEAF = "ChargingStationCertificate"
CA, _ = issuing.make_authority("Acme", TENANT, T0)
ROOT = pki.Ca("V2G root").pem


class Signs:
    def signs(self, tenant: str, type: str) -> bool:
        return True


class Line(FakeLine):
    """Answers with `status`, and keeps what it was told."""

    def __init__(self, house: House, status: str = "Accepted") -> None:
        super().__init__(wire=self._render)
        self.house, self.status, self.protocol = house, status, "ocpp2.0.1"
        self.told: list[Any] = []

    def _render(self, intent: Any) -> m.WireCall:
        self.told.append(intent)
        return m.WireCall(type(intent).__name__, b"{}")

    def call(self, command: str, wire: m.WireCall, timeout: float) -> None:
        self.house.system.tell(ADDRESS, m.CommandDone(command, 1, i.CommandResult(self.status)))


@pytest.fixture
async def house(nursery: trio.Nursery) -> House:
    house = House(limits=DomainLimits(list_failures=1, list_retry=timedelta(seconds=1)), pki=Signs())
    await nursery.start(house.system.run)
    await house.furnish(boot=False)
    await house.station(m.Boot("V", "M", "SN-7"))
    await trio.sleep(10)
    return house


async def connect(house: House, status: str = "Accepted") -> Line:
    line = Line(house, status)
    house.system.tell(ADDRESS, m.Connected(line, "ocpp2.0.1", 1, ""))
    await trio.sleep(1)
    return line


async def begin(house: House, work: Any, **more: Any) -> None:
    given = Definition(name="x", work=work, stations=(STATION,), **more)
    await house.ask(CAMPAIGN, campaign.Create(given, "op"))
    await house.ask(CAMPAIGN, campaign.Control("start", "op"))
    await trio.sleep(20)


async def told(house: House) -> tuple[str, str]:
    (item,) = (await house.ask(CAMPAIGN, campaign.LookStations(10))).items
    return item["state"], item["detail"]


async def test_a_list_is_done_when_the_station_is_in_step(autojump_clock: Any, house: House) -> None:
    refs = tuple(house.token(uid).ref for uid in ("GOOD", "FREE"))
    await begin(house, LocalListWork(refs))
    assert (await told(house))[0] == "running"
    line = await connect(house)
    await trio.sleep(20)
    assert await told(house) == ("done", "in step, version 1")
    (sent,) = [intent for intent in line.told if isinstance(intent, i.SendLocalList)]
    assert sorted(entry.id_token for entry in sent.entries) == ["FREE", "GOOD"]


async def test_a_list_that_a_station_goes_on_refusing_has_failed(autojump_clock: Any, house: House) -> None:
    await connect(house, "Failed")
    await begin(house, LocalListWork((house.token("GOOD").ref,)))
    for _ in range(5):
        house.clock.advance(10)
        await trio.sleep(10)
    assert await told(house) == ("failed", "2 steps failed; the last: Failed")


async def test_a_list_that_an_operator_replaces_meanwhile_has_failed(autojump_clock: Any, house: House) -> None:
    await begin(house, LocalListWork((house.token("GOOD").ref,)))
    await house.ask(LIST, PutList((house.token("FREE").ref,), "op"))
    await trio.sleep(5)
    assert await told(house) == ("failed", "somebody else changed the list")


async def test_a_root_is_installed_and_stands_in_the_book_of_the_station(autojump_clock: Any, house: House) -> None:
    line = await connect(house)
    await begin(house, CertificateWork("V2GRootCertificate", ROOT))
    assert await told(house) == ("done", "Accepted")
    assert i.InstallCertificate("V2GRootCertificate", ROOT) in line.told
    page = await house.queries.book(TENANT, STATION, "certificate", 10, None)
    assert any("V2G root" in str(row.body) for row in page.items)


async def test_a_renewal_is_done_when_the_station_accepts_the_new_certificate(autojump_clock: Any, house: House) -> None:
    line = await connect(house)
    await begin(house, RenewalWork())
    assert i.Trigger("SignChargingStationCertificate") in line.told
    assert await told(house) == ("running", "Accepted")
    request, _ = pki.csr("SN-7", None)
    await house.station(CsrReceived(request, LEAF))
    chain = issuing.sign(CA, request, "r1", STATION, house.clock.now(), timedelta(days=90))
    await house.ask(KEEPER, CertificateIssued("r1", chain))
    await trio.sleep(5)
    state, detail = await told(house)
    assert state == "done"
    assert detail.endswith(": accepted")


async def test_a_renewal_whose_request_the_ca_refuses_has_failed(autojump_clock: Any, house: House) -> None:
    await connect(house)
    await begin(house, RenewalWork())
    await house.station(CsrReceived(pki.csr("SN-7", None)[0], LEAF))
    await house.ask(KEEPER, CertificateRefused("r1", "no"))
    await trio.sleep(5)
    assert await told(house) == ("failed", "the request was refused: no")


async def test_a_station_that_does_not_know_the_trigger_has_failed(autojump_clock: Any, house: House) -> None:
    await connect(house, "NotImplemented")
    await begin(house, RenewalWork())
    assert await told(house) == ("failed", "NotImplemented")
