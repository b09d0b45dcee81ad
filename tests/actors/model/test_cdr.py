"""The CDR object: every required field, sums that add up, no UID."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from actors.model.cdr import CdrParty, SessionFacts, build_cdr, cdr_id, party_of
from actors.model.countries import ALPHA_3, alpha3
from actors.model.meter import Reading, Sample
from actors.model.rating import rate
from actors.model.tariff import Tariff
from actors.model.tariff_parse import parse_tariff
from actors.model.token import IdToken
from actors.model.usage import Usage, usage_of
from tests.actors.model.strategies import ZONES, tariffs, usages

START = datetime(2026, 6, 1, 10, 0, 0, 250_000, tzinfo=UTC)
END = START + timedelta(minutes=95)
PARTY = CdrParty("DE", "ABC")
TOKEN = IdToken("t_0123456789abcdef", "04A2…81", "ISO14443")

# Annex G1, required fields: (type, most characters). None: an object with fields of its own.
CDR: dict[str, Any] = {
    "country_code": 2, "party_id": 3, "id": 39, "start_date_time": 25, "end_date_time": 25, "auth_method": 20,
    "currency": 3, "last_updated": 25,
    "cdr_token": {"country_code": 2, "party_id": 3, "uid": 36, "type": 11, "contract_id": 36},
    "cdr_location": {
        "id": 36, "address": 45, "city": 45, "country": 3, "evse_uid": 36, "evse_id": 48, "connector_id": 36,
        "connector_standard": 40, "connector_format": 6, "connector_power_type": 20,
        "coordinates": {"latitude": 10, "longitude": 11},
    },
    "total_cost": {"excl_vat": float, "incl_vat": float},
    "total_energy": float, "total_time": float,
}  # fmt: skip

TARIFF = parse_tariff(
    {
        "id": "day",
        "currency": "EUR",
        "elements": [
            {
                "price_components": [
                    {"type": "ENERGY", "price": 0.5, "vat": 19, "step_size": 1},
                    {"type": "FLAT", "price": 1, "vat": 19, "step_size": 1},
                    {"type": "PARKING_TIME", "price": 6, "vat": 19, "step_size": 1},
                ]
            }
        ],
    }
)


def facts(**given: Any) -> SessionFacts:
    values: dict[str, Any] = {
        "session": "s1", "station": "CP-1", "evse": 1, "connector": 1, "start": START, "end": END, "token": TOKEN,
        "country": "DE",
    }  # fmt: skip
    return SessionFacts(**{**values, **given})


def cdr(**given: Any) -> dict[str, Any]:
    usage = usage_of([], [(START + timedelta(minutes=65), "SuspendedEV")], START, END, 1000, 21_917)
    rated = rate(TARIFF, usage, time_zone="Europe/Berlin")
    return build_cdr(id=cdr_id("s1"), party=PARTY, facts=facts(**given), tariff=TARIFF, rated=rated, at=END)


def check(body: dict[str, Any], schema: dict[str, Any]) -> None:
    for field, rule in schema.items():
        value = body[field]
        if isinstance(rule, dict):
            check(value, rule)
        elif rule is float:
            assert isinstance(value, int | float), field
            assert not isinstance(value, bool), field
        else:
            assert isinstance(value, str), field
            assert 1 <= len(value) <= rule, field


def test_every_required_field_is_there_even_where_the_operator_said_nothing() -> None:
    check(cdr(), CDR)
    check(cdr(token=None, country="", station="A" * 60), CDR)


def test_what_the_operator_said_of_the_location_is_carried() -> None:
    location = {
        "id": "LOC1", "name": "Gent Zuid", "address": "Laan 3A", "city": "Gent", "postal_code": "9000", "country": "BE",
        "coordinates": {"latitude": "51.047599", "longitude": "3.729944"}, "evse_id": ["BE*BEC*E1", "BE*BEC*E2"],
        "connector_standard": "IEC_62196_T2_COMBO", "connector_format": "CABLE", "connector_power_type": "DC",
    }  # fmt: skip
    found = cdr(location=location, evse=2)["cdr_location"]
    assert (found["country"], found["evse_id"], found["connector_power_type"]) == ("BEL", "BE*BEC*E2", "DC")
    assert found["coordinates"] == {"latitude": "51.047599", "longitude": "3.729944"}
    check(cdr(location={"coordinates": "nowhere", "evse_id": [], "country": 7}), CDR)


def test_the_token_appears_by_its_reference_only() -> None:
    body = cdr()
    assert body["cdr_token"]["uid"] == body["cdr_token"]["contract_id"] == TOKEN.ref
    assert body["cdr_token"]["type"] == "RFID"


def test_totals_and_periods_agree() -> None:
    body = cdr()
    assert body["total_cost"] == {"excl_vat": 14.46, "incl_vat": 17.21}
    assert body["total_energy"] == 20.917
    assert body["total_energy_cost"] == {"excl_vat": 10.4585, "incl_vat": 12.4456}
    assert body["total_fixed_cost"] == {"excl_vat": 1, "incl_vat": 1.19}
    assert body["total_parking_cost"] == {"excl_vat": 3, "incl_vat": 3.57}
    assert (body["total_time"], body["total_parking_time"]) == (1.5833, 0.5)
    assert [p["dimensions"] for p in body["charging_periods"]] == [
        [{"type": "ENERGY", "volume": 20.917}, {"type": "TIME", "volume": 1.0833}],
        [{"type": "PARKING_TIME", "volume": 0.5}],
    ]
    assert body["start_date_time"] == "2026-06-01T10:00:00.250Z"
    assert body["charging_periods"][0]["tariff_id"] == "day"
    assert body["tariffs"][0]["country_code"] == "DE"


def test_anomalies_are_remarked_and_a_credit_names_its_original() -> None:
    body = cdr(anomalies=("clock_ahead",), credit_of="cs0", meter_serial="M1")
    assert body["remark"] == "noted: clock_ahead"
    assert (body["credit"], body["credit_reference_id"], body["meter_id"]) == (True, "cs0", "M1")


def test_signed_records_are_kept_byte_for_byte() -> None:
    ocmf = 'OCMF|{"FV":"1.0"}|{"SD":"304402"}'
    wrapped = json.dumps({"signedMeterData": "abc", "encodingMethod": "EDL", "publicKey": "KEY"})
    readings = (
        Reading(START, (Sample(None, raw=ocmf, signed=True, context="Transaction.Begin"),)),
        Reading(END, (Sample(None, raw=ocmf + " ", signed=True, context="Transaction.End"),)),
    )
    signed = cdr(readings=readings)["signed_data"]
    assert signed["encoding_method"] == "OCMF"
    assert [v["nature"] for v in signed["signed_values"]] == ["Start", "End"]
    assert signed["signed_values"][1]["signed_data"] == ocmf + " "
    other = cdr(readings=(Reading(END, (Sample(None, raw=wrapped, signed=True),)),))["signed_data"]
    assert (other["encoding_method"], other["public_key"]) == ("EDL", "KEY")
    assert other["signed_values"][0]["signed_data"] == "abc"
    assert "signed_data" not in cdr()


def test_of_many_signed_records_those_of_begin_and_end_are_kept() -> None:
    def signed(context: str) -> Reading:
        return Reading(END, (Sample(None, raw=context, signed=True, context=context),))

    middle = [signed("Sample.Periodic")] * 200
    values = cdr(readings=(signed("Transaction.Begin"), *middle, signed("Transaction.End")))["signed_data"]["signed_values"]
    assert len(values) == 64
    assert [v["nature"] for v in values[:3]] == ["Start", "End", "Intermediate"]


@given(tariffs(), usages(), ZONES)
def test_every_cdr_is_json_whose_periods_add_up_to_its_totals(tariff: Tariff, usage: Usage, zone: str) -> None:
    rated = rate(tariff, usage, time_zone=zone)
    given = facts(start=usage.periods[0].start, end=usage.periods[-1].end)
    body = json.loads(json.dumps(build_cdr(id="c1", party=PARTY, facts=given, tariff=tariff, rated=rated, at=END)))
    check(body, CDR)
    volumes = [(d["type"], Decimal(str(d["volume"]))) for p in body["charging_periods"] for d in p["dimensions"]]
    energy = sum((volume for kind, volume in volumes if kind == "ENERGY"), Decimal(0))
    hours = sum((volume for kind, volume in volumes if kind != "ENERGY"), Decimal(0))
    assert energy == Decimal(str(body["total_energy"]))
    assert hours == Decimal(str(body["total_time"]))
    assert parse_tariff(body["tariffs"][0]).fingerprint


@pytest.mark.parametrize(
    ("settings", "country", "tenant", "expected"),
    [
        ({}, "DE", "acme", ("DE", "ACM")),
        ({"party_id": "xyz", "country_code": "nl"}, "DE", "acme", ("NL", "XYZ")),
        ({}, "", "a", ("XX", "AXX")),
    ],
)
def test_a_tenant_has_a_party_id(settings: dict[str, Any], country: str, tenant: str, expected: tuple[str, str]) -> None:
    party = party_of(settings, country, tenant)
    assert (party.country, party.party) == expected


@pytest.mark.parametrize(
    ("given", "latitude", "longitude"),
    [
        ({"latitude": "53.5", "longitude": "9.9"}, "53.500000", "9.900000"),
        ({"latitude": "-0.123456789", "longitude": "-179.99999999"}, "-0.123457", "-180.000000"),
        ({"latitude": 7, "longitude": 7.25}, "7.000000", "7.250000"),
        ({"latitude": "91", "longitude": "181"}, "0.000000", "0.000000"),
        ({"latitude": "NaN", "longitude": "1e99999999"}, "0.000000", "0.000000"),
        ({"latitude": True, "longitude": None}, "0.000000", "0.000000"),
        ({"latitude": "north", "longitude": "1e-99999999"}, "0.000000", "0.000000"),
    ],
)
def test_coordinates_have_the_six_decimals_where_ocpi_wants_five_to_seven(given: Any, latitude: str, longitude: str) -> None:
    found = cdr(location={"coordinates": given})["cdr_location"]["coordinates"]
    assert found == {"latitude": latitude, "longitude": longitude}
    assert re.fullmatch(r"-?[0-9]{1,2}\.[0-9]{5,7}", latitude)
    assert re.fullmatch(r"-?[0-9]{1,3}\.[0-9]{5,7}", longitude)


@pytest.mark.parametrize("station", ["CS-0001", "x/y z", "A" * 60, "Ü"])
def test_an_evse_without_a_name_of_its_own_gets_one_in_the_form_of_emi3(station: str) -> None:
    found = cdr(station=station, evse=2)["cdr_location"]
    assert re.fullmatch(r"[A-Z]{2}\*[A-Z0-9]{3}\*E[A-Z0-9][A-Z0-9*]{0,30}", found["evse_id"])
    assert found["evse_id"].endswith("*2")


def test_countries_have_three_letters_in_a_location() -> None:
    assert (alpha3("de"), alpha3("DEU"), alpha3("")) == ("DEU", "DEU", "XXX")
    assert alpha3("XK") == "XKX"
    assert len(ALPHA_3) == 249 + 1
    assert all(len(two) == 2 and len(three) == 3 for two, three in ALPHA_3.items())


def test_ids_fit_into_ocpi() -> None:
    session = "s" + "0" * 24
    assert len(cdr_id(session)) <= 39
    assert len(cdr_id(session, 12)) <= 39
