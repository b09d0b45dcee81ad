"""The keeper of a station's certificates through the real runtime: renewal by its timer, the book of what is installed."""

import json
from datetime import timedelta
from typing import Any

import pytest
import trio
from cryptography.x509 import ocsp

from actors.certificates import messages as c
from actors.certificates.actor import CertificatesActor
from actors.limits import DomainLimits
from actors.model import intents as i
from actors.model.certificate import hash_of
from actors.model.ids import CERTIFICATES, sibling_address, station_address
from actors.model.rows import BookRow
from actors.station import messages as m
from gateways.pki import issuing
from tests.actors.kit import STATION, T0, TENANT, FakeLine, House
from tests.kits import pki

HERE = station_address(TENANT, STATION)
KEEPER = sibling_address(TENANT, CERTIFICATES, STATION)
CA, _ = issuing.make_authority("Acme", TENANT, T0)
LIMITS = DomainLimits(renew_before=timedelta(minutes=30), renew_again=timedelta(minutes=5))


class Signs:
    def signs(self, tenant: str, type: str) -> bool:
        return type == "ChargingStationCertificate"


class Line(FakeLine):
    """A 2.0.1 station whose answer to each intent a function gives; None: it never answers."""

    def __init__(self, house: House, answer: Any = lambda intent: i.CommandResult("Accepted")) -> None:
        super().__init__(wire=self._render)
        self.protocol = "ocpp2.0.1"
        self.house = house
        self.answer = answer
        self.told: list[Any] = []
        self._rendered: Any = None

    def _render(self, intent: Any) -> m.WireCall:
        self._rendered = intent
        return m.WireCall(type(intent).__name__, b"{}")

    def call(self, command: str, wire: m.WireCall, timeout: float) -> None:
        self.told.append(self._rendered)
        outcome = self.answer(self._rendered)
        if outcome is not None:
            self.house.system.tell(HERE, m.CommandDone(command, 1, outcome))

    def of(self, kind: type) -> list[Any]:
        return [told for told in self.told if isinstance(told, kind)]


@pytest.fixture
async def house(nursery: trio.Nursery) -> House:
    house = House(limits=LIMITS, pki=Signs(), keepers={CERTIFICATES: CertificatesActor})
    await nursery.start(house.system.run)
    await house.furnish(boot=False)
    await house.station(m.Boot("V", "M", "SN-7"))
    return house


async def connect(house: House, **more: Any) -> Line:
    line = Line(house, **more)
    house.system.tell(HERE, m.Connected(line, "ocpp2.0.1", 1, "peer"))
    await trio.sleep(0.1)
    return line


def book(house: House) -> dict[str, dict[str, Any]]:
    return {row.key: row.body for row in house.rows.table(BookRow) if row.book == "certificate"}


async def certified(house: House) -> None:
    """The station asks, the CA signs for three hours (delivered by hand: the outbox has its own tests), the station accepts."""
    request, _ = pki.csr("SN-7")
    assert (await house.station(c.CsrReceived(request, "ChargingStationCertificate"))).status == "Accepted"
    (wish,) = [effect for effect, outcome, *_ in house.store.effects.values() if effect.topic == "certificate" and not outcome]
    body = json.loads(wish.body)
    chain = issuing.sign(CA, body["csr"], body["request"], STATION, house.clock.now(), timedelta(hours=3))
    await house.ask(KEEPER, c.CertificateIssued(body["request"], chain))
    await trio.sleep(1)


async def test_a_certificate_is_renewed_before_it_expires_and_until_there_is_another_one(
    autojump_clock: Any, house: House
) -> None:
    line = await connect(house)
    await certified(house)
    assert len(line.of(i.CertificateSigned)) == 1
    await trio.sleep(60 * 60)
    assert line.of(i.Trigger) == [], "there is time"
    await trio.sleep(60 * 60)
    assert line.of(i.Trigger)[0] == i.Trigger("SignChargingStationCertificate")
    asked = len(line.of(i.Trigger))
    await trio.sleep(10 * 60)
    assert len(line.of(i.Trigger)) > asked, "the station promised and did nothing: it is asked again"
    await certified(house)
    asked = len(line.of(i.Trigger))
    await trio.sleep(60 * 60)
    assert len(line.of(i.Trigger)) == asked
    assert sorted(body["status"] for key, body in book(house).items() if key.startswith("issued/")) == ["accepted", "replaced"]


async def test_a_station_cannot_keep_the_ca_busy_by_itself(autojump_clock: Any, house: House) -> None:
    first, second = (pki.csr("SN-7")[0] for _ in range(2))
    said = [(await house.station(c.CsrReceived(each, "ChargingStationCertificate"))).status for each in (first, second, first)]
    assert said == ["Accepted", "Rejected", "Accepted"]
    assert len(house.store.effects) == 1
    await trio.sleep(61)  # that CA seems to be gone: the station may have another key by now
    assert (await house.station(c.CsrReceived(second, "ChargingStationCertificate"))).status == "Accepted"


async def test_a_renewal_waits_for_a_station_that_is_away(autojump_clock: Any, house: House) -> None:
    line = await connect(house)
    await certified(house)
    house.system.tell(HERE, m.Disconnected(1))
    await trio.sleep(2.2 * 60 * 60)
    assert line.of(i.Trigger) == []
    again = await connect(house)
    await trio.sleep(1)
    assert again.of(i.Trigger) == [i.Trigger("SignChargingStationCertificate")], "once, however often it was due"


async def test_what_an_operator_installs_and_deletes_is_in_the_book_too(autojump_clock: Any, house: House) -> None:
    await connect(house)
    root = pki.Ca("root")
    not_after = T0 + timedelta(days=1)
    await house.ask(HERE, m.Command("c1", i.InstallCertificate("CSMSRootCertificate", root.pem), not_after, "op"))
    await trio.sleep(0.2)
    (installed,) = book(house).values()
    assert (installed["type"], installed["subject"]) == ("CSMSRootCertificate", "O=Test,CN=root")
    told = hash_of(root.certificate, root.certificate)
    assert installed["hash"]["serial_number"] == f"{root.certificate.serial_number:x}"
    upper = i.CertificateHash(
        told.algorithm, told.issuer_name_hash.upper(), told.issuer_key_hash.upper(), "0" + told.serial_number
    )
    await house.ask(HERE, m.Command("c2", i.DeleteCertificate(upper), not_after, "op"))
    await trio.sleep(0.2)
    assert book(house) == {}, "digits in any case, with or without leading zeros"


async def test_a_report_replaces_what_was_known_of_its_types(autojump_clock: Any, house: House) -> None:
    hashes = [i.CertificateHash("SHA256", "aa", "bb", f"{n:x}") for n in (1, 2, 3)]

    def said(*listed: tuple[str, i.CertificateHash]) -> i.CommandResult:
        entries = [
            {"type": kind, "hash": {name: getattr(told, name) for name in told.__struct_fields__}, "children": []}
            for kind, told in listed
        ]
        return i.CommandResult("Accepted" if listed else "NotFound", {"certificates": entries})

    answers = [
        said(("CSMSRootCertificate", hashes[0]), ("MORootCertificate", hashes[1])),
        said(("MORootCertificate", hashes[2])),
        said(),
    ]
    await connect(house, answer=lambda intent: answers.pop(0))
    not_after = T0 + timedelta(days=1)
    for n, (types, serials) in enumerate(
        (((), {"1", "2"}), (("MORootCertificate",), {"1", "3"}), (("CSMSRootCertificate",), {"3"}))
    ):
        await house.ask(HERE, m.Command(f"c{n}", i.GetInstalledCertificateIds(types), not_after, "op"))
        await trio.sleep(0.2)
        assert {body["hash"]["serial_number"] for body in book(house).values()} == serials


async def test_a_hash_is_that_of_the_standard() -> None:
    """By OpenSSL's own OCSP request for the same certificate."""
    root = pki.Ca("root")
    leaf = root.issue("leaf")
    request = ocsp.OCSPRequestBuilder().add_certificate(leaf.certificate, root.certificate, pki.hashes.SHA256()).build()
    told = hash_of(leaf.certificate, root.certificate)
    assert told.issuer_key_hash == request.issuer_key_hash.hex()
    assert told.issuer_name_hash == request.issuer_name_hash.hex()
    assert int(told.serial_number, 16) == request.serial_number


@pytest.mark.parametrize("key", ["ec", "rsa"])
async def test_the_hash_of_a_key_is_right_for_either_kind(key: str) -> None:
    root = pki.Ca("root")
    issuer = root.issue("sub", key=pki.rsa_key() if key == "rsa" else None)
    request = (
        ocsp.OCSPRequestBuilder().add_certificate(root.certificate, issuer.certificate, pki.hashes.SHA256()).build()
    )  # fmt: skip
    assert hash_of(root.certificate, issuer.certificate).issuer_key_hash == request.issuer_key_hash.hex()
