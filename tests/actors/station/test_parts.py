"""The small parts of a station: secrets, routes, the switchboard, remote starts."""

import random
from datetime import timedelta

import pytest

from actors.model.decision import AddressKey
from actors.ports import NumberedSession
from actors.station.auth import PASSWORD_LENGTH, hash_secret, new_password, verify_secret
from actors.station.routing import PendingStart, Routes
from actors.station.switchboard import Connection, Switchboard
from tests.actors.kit import T0, FakeLine

STATION: AddressKey = ("acme", "station", "CP-1")


def test_a_generated_password_fits_every_version_and_is_never_the_same() -> None:
    dice = random.Random(5)
    made = {new_password(dice.randbytes) for _ in range(200)}
    assert len(made) == 200
    assert {len(password) for password in made} == {PASSWORD_LENGTH}
    assert all(16 <= len(password.encode()) <= 20 for password in made)
    assert not set("".join(made)) & set("0O1Il")


def test_only_the_right_password_verifies_and_equal_passwords_look_different() -> None:
    dice = random.Random(5)
    stored = hash_secret(b"correct horse battery", dice.randbytes)
    assert verify_secret(stored, b"correct horse battery")
    assert not verify_secret(stored, b"correct horse battery ")
    assert not verify_secret(stored, b"")
    assert hash_secret(b"correct horse battery", dice.randbytes) != stored
    assert b"correct" not in stored


@pytest.mark.parametrize("stored", [None, b"", b"\x01short", b"\x02" + bytes(64), bytes(65)])
def test_what_is_no_stored_secret_verifies_nothing(stored: bytes | None) -> None:
    assert not verify_secret(stored, b"")
    assert not verify_secret(stored, b"anything")


def route(number: int) -> NumberedSession:
    return NumberedSession(number, f"s{number}", "CP-1", 1, 1, True)


def test_routes_are_bounded_and_the_oldest_go_first() -> None:
    routes = Routes(3)
    for number in (1, 2, 3, 1, 4):
        routes.learn(route(number))
    assert [n for n in (1, 2, 3, 4) if routes.get(n)] == [1, 3, 4]
    assert routes.needs_lookup(2), "what was forgotten is looked up again"


def test_an_unknown_number_is_looked_up_once_and_a_wrong_one_never() -> None:
    routes = Routes(2)
    assert routes.needs_lookup(7)
    routes.learn_foreign(7)
    assert not routes.needs_lookup(7)
    assert not routes.needs_lookup(0)
    assert not routes.needs_lookup(-1)
    routes.learn(route(7))
    assert routes.get(7) is not None


def test_an_old_generation_never_unplugs_the_new_one() -> None:
    board = Switchboard()
    board.plug(STATION, Connection(FakeLine(1), "ocpp1.6", 1, "", T0))
    board.plug(STATION, Connection(FakeLine(2), "ocpp1.6", 2, "", T0))
    assert not board.unplug(STATION, 1)
    assert len(board) == 1
    assert board.unplug(STATION, 2)
    assert board.get(STATION) is None
    assert not board.unplug(STATION, 2)


def test_a_remote_start_explains_a_start_by_token_evse_and_time() -> None:
    pending = PendingStart("ref", 1, T0 + timedelta(seconds=60))
    assert pending.explains("ref", 1, T0)
    assert not pending.explains("other", 1, T0)
    assert not pending.explains("ref", 2, T0)
    assert not pending.explains("ref", 1, T0 + timedelta(seconds=61))
    assert PendingStart("ref", None, T0).explains("ref", 7, T0)
