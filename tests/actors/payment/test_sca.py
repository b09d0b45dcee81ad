"""The 3-D Secure gate: every row of the table of MONEY 1.3, and what no row names."""

import pytest

from actors.model.psp import CardProof
from actors.payment.sca import EEA, TABLE, Policy, judge, judge_mandate, policy_of

DEFAULT = Policy()
WEAK = ("exempted", "data_share_only", "not_supported", "processing_error", "failed", None)


def card(country: str | None, result: str | None = None, wallet: str | None = None, token: bool | None = None) -> CardProof:
    return CardProof(country, result, wallet, token)


@pytest.mark.parametrize("wallet", [None, "link", "apple_pay", "google_pay", "samsung_pay"])
@pytest.mark.parametrize("country", ["DE", "GB", "NO"])
def test_european_and_authenticated_is_accepted_whatever_the_wallet(country: str, wallet: str | None) -> None:
    verdict = judge(card(country, "authenticated", wallet), DEFAULT, 4000)
    assert verdict.accepted
    assert verdict.rule == "authenticated"


@pytest.mark.parametrize("wallet", [None, "link", "google_pay"])
def test_european_and_attempted_is_accepted_where_the_tenant_allows_it(wallet: str | None) -> None:
    assert judge(card("FR", "attempt_acknowledged", wallet), Policy(allow_attempted=True), 4000).accepted
    refused = judge(card("FR", "attempt_acknowledged", wallet), Policy(allow_attempted=False), 4000)
    assert not refused.accepted
    assert "sca_allow_attempted" in refused.detail


@pytest.mark.parametrize(("wallet", "token"), [("apple_pay", None), ("apple_pay", True), ("google_pay", True)])
def test_a_european_wallet_with_a_device_token_brings_its_own_proof(wallet: str, token: bool | None) -> None:
    verdict = judge(card("IT", None, wallet, token), DEFAULT, 4000)
    assert verdict.accepted
    assert verdict.rule == "wallet SCA"


@pytest.mark.parametrize(("wallet", "token"), [("google_pay", False), ("google_pay", None), ("apple_pay", False)])
def test_a_wallet_with_a_plain_card_number_proves_nothing(wallet: str, token: bool | None) -> None:
    assert not judge(card("IT", None, wallet, token), DEFAULT, 4000).accepted


@pytest.mark.parametrize("wallet", [None, "link"])
@pytest.mark.parametrize("result", WEAK)
def test_a_european_card_without_proof_is_cancelled(result: str | None, wallet: str | None) -> None:
    verdict = judge(card("ES", result, wallet), DEFAULT, 1)
    assert not verdict.accepted
    assert verdict.rule == "no proof"


@pytest.mark.parametrize("result", [one for one in WEAK if one is not None])
def test_a_wallet_does_not_heal_a_failed_authentication(result: str) -> None:
    assert not judge(card("ES", result, "apple_pay", True), DEFAULT, 1).accepted


@pytest.mark.parametrize("result", ["authenticated", "attempt_acknowledged"])
@pytest.mark.parametrize("wallet", [None, "apple_pay", "link"])
def test_elsewhere_what_was_authenticated_is_accepted(result: str, wallet: str | None) -> None:
    strict = Policy(allow_attempted=False, outside="refuse", outside_hold_minor=0)
    assert judge(card("US", result, wallet), strict, 100_000).accepted


@pytest.mark.parametrize("result", ["not_supported", None])
@pytest.mark.parametrize("wallet", [None, "link", "google_pay"])
def test_elsewhere_without_proof_is_the_tenants_policy_up_to_a_small_hold(result: str | None, wallet: str | None) -> None:
    proof = card("US", result, wallet)
    assert judge(proof, Policy(outside_hold_minor=5000), 5000).accepted
    assert not judge(proof, Policy(outside_hold_minor=5000), 5001).accepted
    assert not judge(proof, Policy(outside="refuse"), 1).accepted


@pytest.mark.parametrize("result", ["exempted", "data_share_only", "processing_error", "failed", "made_up_next_year"])
@pytest.mark.parametrize("country", ["US", "DE"])
def test_what_no_row_names_is_refused(country: str, result: str) -> None:
    assert not judge(card(country, result, "amazon_pay"), DEFAULT, 1).accepted


def test_a_card_of_an_untold_country_counts_as_european() -> None:
    assert judge(card(None, "authenticated"), DEFAULT, 1).rule == "authenticated"
    assert not judge(card(None, None), DEFAULT, 1).accepted
    assert not judge(card("de", None), DEFAULT, 1).accepted


def test_a_charge_under_a_mandate_needs_no_proof_but_the_mandate() -> None:
    assert judge_mandate("2026-01").accepted
    assert not judge_mandate(None).accepted
    assert not judge_mandate("").accepted


def test_the_table_has_every_row_of_the_law_and_thirty_countries_and_two_more() -> None:
    assert [rule.name for rule in TABLE if rule.european] == ["authenticated", "attempted", "wallet SCA", "no proof"]
    assert [rule.name for rule in TABLE if not rule.european] == ["authenticated elsewhere", "policy elsewhere"]
    assert {"IS", "LI", "NO", "GB", "GI", "RE"} <= EEA
    assert not {"CH", "US", "TR", "UA", "RS"} & EEA


def test_settings_that_cannot_be_understood_make_the_gate_stricter() -> None:
    assert policy_of({}) == Policy(True, "accept", 5000)
    assert policy_of({"sca_allow_attempted": False, "sca_outside_eea": "refuse", "sca_outside_eea_hold_minor": 100}) == Policy(
        False, "refuse", 100
    )
    odd = {"sca_allow_attempted": "yes", "sca_outside_eea": "maybe", "sca_outside_eea_hold_minor": "5000"}
    assert policy_of(odd) == Policy(False, "refuse", 0)
