"""What others write to an attempt lies in rows until it is read: each kind of letter and timer is read as it was written."""

import base64
from typing import Any

import msgspec
import pytest

from actors.model.intents import CommandFailure
from actors.payment import messages as m
from actors.payment.actor import PaymentActor
from actors.payment.minting import LENGTH, new_text
from actors.station.letters import OrderEnded
from tests.actors.kit import T0
from tests.actors.payment.bench import OPEN, began, cost, ended, kinds
from tests.actors.payment.test_topups import AUTO, opening

LETTERS: list[Any] = [
    OPEN,
    opening(AUTO),
    m.RefundPayment("r1", "wallet", "closing", 500),
    m.EvseClaimed(T0),
    m.EvseRefused("claimed", T0),
    began(),
    ended(),
    m.CostTold("s1", 9000, T0, cost(900), kinds(900)),
    m.AccountLost("acct_1", T0),
    OrderEnded("a1:start", "CP-1", CommandFailure("timeout")),
    m.LookDue(3),
    m.StartDue(),
    m.GuardDue(),
    m.AgainDue("capture:3"),
    m.RetryDue(2),
    m.WatchDue(),
]


@pytest.mark.parametrize("letter", LETTERS, ids=lambda letter: type(letter).__name__)
def test_a_letter_is_read_as_it_was_written(letter: Any) -> None:
    assert msgspec.json.decode(msgspec.json.encode(letter), type=PaymentActor.durable_type) == letter


def test_a_one_time_token_fits_into_an_idtag_and_is_chance_all_through() -> None:
    text = new_text(lambda n: bytes(range(n)))
    assert len(text) == LENGTH == 20
    assert text == base64.b32encode(bytes(range(13))).decode()[:20]
    assert text == text.upper().strip()
