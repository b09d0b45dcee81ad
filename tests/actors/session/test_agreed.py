"""The tariff that a driver agreed to rates the session that the card pays, whatever is in force when the station begins."""

from typing import Any

import trio

from actors.limits import DomainLimits
from actors.model.ids import tenant_address
from actors.model.tariff import fingerprint
from actors.model.token import Agreed, IdToken, Site, TokenCard, TokenTerms, TokenVerdict
from actors.ports import TariffCard
from actors.session import messages as m
from actors.session.apply import apply
from actors.session.decide import decide
from actors.session.state import SessionState
from actors.station import messages as sm
from actors.tenant.messages import PutTariff, PutToken
from tests.actors.kit import STATION, T0, TARIFF, TENANT, House, at, event

LIMITS = DomainLimits()
TOKEN = IdToken("tok_p1", "p1…")
PLACE = m.Place("acme", "CP-1", 1, 1, "Europe/Berlin", "DE", "EUR")
SHOWN = TariffCard("acme", "standard", 1, T0, "shown", "EUR", TARIFF)
NEWER = TariffCard("acme", "standard", 2, T0, "newer", "EUR", TARIFF)
PAID = TokenVerdict("Accepted", payment="attempt:p1")


def told(state: SessionState, said: sm.TransactionEvent, judged: TokenVerdict | None, tariff: TariffCard | None) -> SessionState:
    message = m.Event(PLACE, said, judged, tariff, 42 if state.phase == "new" else 0, said.at)
    for fact in decide("s1", state, message, said.at, LIMITS).facts:
        state = apply(state, fact)
    return state


def test_a_plug_that_came_first_does_not_fix_the_price_of_a_driver_who_pays_by_card() -> None:
    plugged = event("Started", 0, 0, "CablePluggedIn", charging_state="EVConnected")
    state = told(SessionState(), plugged, None, NEWER)
    assert state.tariff == NEWER
    state = told(state, event("Updated", 1, 1, "RemoteStart", token=TOKEN), PAID, SHOWN)
    assert state.tariff == SHOWN


def test_a_start_that_comes_late_does_not_replace_what_was_agreed() -> None:
    state = told(SessionState(), event("Updated", 1, 1, "RemoteStart", token=TOKEN), PAID, SHOWN)
    state = told(state, event("Started", 0, 0, "CablePluggedIn"), None, NEWER)
    assert state.tariff == SHOWN


def test_any_other_token_is_rated_by_the_tariff_of_the_start() -> None:
    state = told(SessionState(), event("Updated", 1, 1, "Authorized", token=TOKEN), TokenVerdict("Accepted"), SHOWN)
    state = told(state, event("Started", 0, 0, "CablePluggedIn"), None, NEWER)
    assert state.tariff == NEWER


async def test_the_station_brings_the_version_that_was_in_force_at_the_click(autojump_clock: Any, nursery: trio.Nursery) -> None:
    house = House()
    await nursery.start(house.system.run)
    await house.furnish()
    token = house.token("CARD")
    sites = (Site(STATION, (1,)),)
    terms = TokenTerms(sites=sites, limit_minor=5000, agreed=Agreed("standard", at(0)))
    card = TokenCard(token.ref, "Central", "Accepted", token.masked, None, None, "attempt:p1", terms)
    await house.ask(tenant_address(TENANT), PutToken(card, house.env.vault.seal(TENANT, token.ref, "token", "CARD"), "t"))
    dearer = {**TARIFF, "elements": [{"price_components": [{"type": "ENERGY", "price": 0.99, "vat": 19.0, "step_size": 1}]}]}
    house.clock.advance(60)
    await house.ask(tenant_address(TENANT), PutTariff("standard", dearer, None, "owner"))
    assert house.env.snapshots.tariff(TENANT, "standard", at(2)).fingerprint == fingerprint(dearer)
    reply = await house.start("CARD", minutes=2)
    await house.stop(reply.number, minutes=62)
    (session,) = house.sessions()
    assert session.cost.incl.amount_minor == 595, "10 kWh at 0.50 and 19 % VAT"
