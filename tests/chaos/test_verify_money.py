"""The verifier of money sees what it is there to see: doubles, losses, differences between provider, API and books."""

import copy
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.verify_money import Asked, judge

OWNER, BRAND = "acct_1Owner", "acct_1Brand"


def _journal(id: str, book: str, **entries: int) -> dict[str, Any]:
    """Amounts by account, debits positive."""
    lines = [
        {"account": account.replace("_", "/", 1), "side": "debit" if minor > 0 else "credit", "amount_minor": abs(minor)}
        for account, minor in entries.items()
    ]
    return {"id": id, "book": book, "ref": "s1", "entries": lines}


def _eur(minor: int) -> dict[str, Any]:
    return {"amount_minor": minor, "currency": "EUR"}


API: dict[str, Any] = {
    "payments": [
        {
            "id": "p1", "state": "refunded_partial", "reason": None, "session": "s1", "account": OWNER, "captured": _eur(1234),
            "limit": _eur(4600), "fee": _eur(62), "provider_fee": _eur(44), "journals": ["j1", "j2", "j3", "j4"],
            "refunds": [{"id": "r1", "amount_minor": 500, "fee_minor": 0, "status": "succeeded"}],
        },
        {
            "id": "p2", "state": "released", "reason": "start_timeout", "session": None, "account": OWNER, "captured": _eur(0),
            "limit": _eur(4600), "fee": _eur(0), "provider_fee": None, "journals": [], "refunds": [],
        },
    ],
    "transfers": [
        {"id": "t1", "kind": "transfer", "state": "done", "transfer": "tr_1", "amount": _eur(800), "refs": [["s2", 800]]},
        {"id": "v1", "kind": "reversal", "state": "done", "transfer": "tr_1", "amount": _eur(211), "refs": [["w/c1", -211]]},
    ],
    "cdrs": [{"session": "s1", "total_cost": {"incl_vat": 12.34}}],
    "ledger/journals": [
        _journal("j1", "owner", **{f"1110_{OWNER}": 1172, "5010": 62, "4000": -1234}),
        _journal("j2", "brand", **{"1110_brand": 62, "4200": -62}),
        _journal("j3", "owner", **{"5000": 44, f"1110_{OWNER}": -44}),
        _journal("j4", "owner", **{"4000": 500, f"1100_{OWNER}": -500}),
        _journal("j5", "brand", **{"2200": 800, "1100_brand": -800}),
        _journal("j6", "owner", **{f"1100_{OWNER}": 800, "1250": -800}),
        _journal("j7", "brand", **{"1100_brand": 211, "2200": -211}),
        _journal("j8", "owner", **{"1250": 211, f"1100_{OWNER}": -211}),
    ],
}  # fmt: skip
INTENT = {
    "id": "pi_1", "charge": "ch_1", "held": 0, "captured": 1234, "refunded": 500, "fee": 62, "fee_refunded": 0,
    "metadata": {"attempt": "p1"},
}  # fmt: skip
MONEY: dict[str, Any] = {
    "consistent": True,
    "accounts": {
        OWNER: {
            "balance": {"eur": {"available": 1217, "pending": 0}},
            "intents": [
                INTENT,
                {**INTENT, "id": "pi_2", "charge": "ch_2", "captured": 0, "refunded": 0, "fee": 0, "metadata": {"attempt": "p2"}},
            ],
            "refunds": [{"id": "re_1", "charge": "ch_1", "amount": 500}],
            "transfers": [],
        },
        BRAND: {
            "balance": {"eur": {"available": -589, "pending": 62}},
            "intents": [],
            "refunds": [],
            "transfers": [{"id": "tr_1", "amount": 800, "reversed": 211}],
        },
    },
}


def _problems(damage: Callable[[dict[str, Any], dict[str, Any], Asked], Any]) -> list[str]:
    api, money = copy.deepcopy(API), copy.deepcopy(MONEY)
    asked = Asked(refunds={"p1": [500]}, sessions=["s2"], credits={"s2": 211})
    damage(api, money, asked)
    problems: list[str] = []
    judge(api, money, BRAND, asked, problems, Counter())
    return problems


def test_money_that_adds_up_is_no_problem() -> None:
    assert _problems(lambda api, money, asked: None) == []


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda api, money, asked: money.update(consistent=False), "do not add up"),
        (lambda api, money, asked: money["accounts"][OWNER]["intents"][1].update(held=5000), "held at the end"),
        (lambda api, money, asked: money["accounts"][OWNER]["intents"].append({**INTENT, "id": "pi_9"}), "2 holds"),
        (lambda api, money, asked: money["accounts"][OWNER]["intents"][0].update(captured=2468), "2468 captured"),
        (lambda api, money, asked: api["cdrs"][0]["total_cost"].update(incl_vat=12.35), "costs 1235"),
        (lambda api, money, asked: api["payments"].pop(), "holds of no payment"),
        (lambda api, money, asked: asked.refunds.update(p9=[1]), "payments that are lost"),
        (lambda api, money, asked: api["payments"][0].update(state="capture_uncertain"), "is capture_uncertain"),
        (lambda api, money, asked: money["accounts"][OWNER]["refunds"].append({"charge": "ch_1", "amount": 500}), "at the prov"),
        (lambda api, money, asked: asked.refunds["p1"].append(734), "asked were [500, 734]"),
        (lambda api, money, asked: api["payments"][0]["refunds"][0].update(status="asked"), "refunds are {'asked'}"),
        (lambda api, money, asked: money["accounts"][OWNER]["intents"][0].update(fee=124), "a fee of 124"),
        (lambda api, money, asked: api["payments"][0]["journals"].append("j1"), "not all there, once"),
        (lambda api, money, asked: api["ledger/journals"].pop(3), "not all there, once"),
        (lambda api, money, asked: api["ledger/journals"].append(api["ledger/journals"][0]), "a journal twice"),
        (lambda api, money, asked: api["ledger/journals"][4]["entries"].pop(), "does not balance"),
        (lambda api, money, asked: api["ledger/journals"].append({**api["ledger/journals"][0], "id": "j9"}), "the books say"),
        (lambda api, money, asked: money["accounts"][BRAND]["balance"]["eur"].update(pending=63), "the provider has -526"),
        (
            lambda api, money, asked: money["accounts"][BRAND]["transfers"].append({"id": "tr_2", "amount": 1}),
            "transfers ['tr_1'",
        ),
        (lambda api, money, asked: api["transfers"][0].update(state="waiting"), "were not made"),
        (lambda api, money, asked: asked.sessions.append("s3"), "ended: ['s2', 's3']"),
        (lambda api, money, asked: money["accounts"][BRAND]["transfers"][0].update(reversed=422), "422 taken back"),
        (lambda api, money, asked: asked.credits.update(s3=5), "reversals of 2"),
    ],
)
def test_every_kind_of_damage_to_money_is_named(damage: Any, word: str) -> None:
    assert any(word in problem for problem in _problems(damage))
