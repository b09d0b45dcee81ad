"""The settings of several platform accounts: by file, by environment and by files of secrets; what is wrong is named."""

import os
from pathlib import Path
from typing import Any

import pytest

from actors.model.platforms import INSTALLATION
from config.doctor_payments import accounts
from config.errors import UserError
from config.payments import card_payments, platforms_of, stripe_keys
from config.settings import load_settings

ACME = '[stripe.brands.acme]\naccount = "acct_1A"\nsecret_key = "rk_test_a"\n'
BETA = '[stripe.brands.beta]\naccount = "acct_1B"\nsecret_key = "rk_test_b"\n'


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("CSMS_"):
            monkeypatch.delenv(name)


def loaded(tmp_path: Path, text: str) -> Any:
    path = tmp_path / "csms.toml"
    path.write_text(text)
    return load_settings(path)


def test_a_brands_account_may_be_given_by_the_environment_beside_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSMS_STRIPE__BRANDS__ACME__SECRET_KEY", "rk_test_a")
    monkeypatch.setenv("CSMS_STRIPE__BRANDS__ACME__FORMER__2025__ACCOUNT", "acct_1Old")
    monkeypatch.setenv("CSMS_STRIPE__BRANDS__ACME__FORMER__2025__SECRET_KEY", "rk_test_old")
    settings = loaded(tmp_path, '[stripe.brands.acme]\naccount = "acct_1A"\nclient_id = "ca_1"\n' + BETA)
    keys = {one.account: one for one in stripe_keys(settings)}
    assert list(keys) == [INSTALLATION, "acct_1A", "acct_1Old", "acct_1B"]
    assert (keys["acct_1A"].secret_key, keys["acct_1A"].tenant, keys["acct_1A"].client_id) == ("rk_test_a", "acme", "ca_1")
    assert (keys["acct_1Old"].tenant, keys["acct_1Old"].setting) == ("acme", "stripe.brands.acme.former.2025")
    platforms = platforms_of(settings)
    assert platforms.all_of("acme") == ("acct_1A", "acct_1Old")
    assert platforms.keyed == {"acct_1A", "acct_1Old", "acct_1B"}


def test_secrets_are_read_from_files_and_never_shown(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("rk_test_of_the_file\n")
    settings = loaded(tmp_path, f'[stripe.brands.acme]\naccount = "acct_1A"\nsecret_key_file = "{secret}"\n')
    assert stripe_keys(settings)[1].secret_key == "rk_test_of_the_file"
    for shown in (settings, settings.stripe, stripe_keys(settings), settings.model_dump_json()):
        assert "rk_test" not in f"{shown!r}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[stripe.brands.acme]\nsecret_key = "rk_test_a"\n', ["stripe.brands.acme.account"]),
        ('[stripe.brands.acme]\naccount = "acme"\n', ["stripe.brands.acme.account", "acct_"]),
        (ACME + 'key = "x"\n', ["stripe.brands.acme.key", "secret_key"]),
        (ACME + ACME.replace("acme", "beta"), ["stripe.brands.acme", "stripe.brands.beta", "each has its own"]),
        (ACME + BETA.replace("rk_test_b", "rk_test_a"), ["stripe.brands.beta", "each has its own"]),
        (ACME + "live = true\n", ["stripe.brands.acme", "test mode"]),
        (ACME.replace("rk_test", "rk_live"), ["stripe.brands.acme", "live"]),
        (ACME + 'secret_key_file = "/dev/null"\n', ["secret_key_file", "one of them"]),
        ('[stripe.brands.acme]\naccount = "acct_1A"\nsecret_key_file = "/nowhere/key"\n', ["/nowhere/key", "No such file"]),
        ('[stripe.brands.acme]\naccount = "acct_1A"\nsecret_key_file = "/dev/null"\n', ["/dev/null", "no secret"]),
    ],
)
def test_what_is_wrong_with_a_brands_account_is_named(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        loaded(tmp_path, text)
    message = str(caught.value)
    assert [word for word in words if word not in message] == [], message
    assert "rk_" not in message


def test_a_misspelt_variable_of_a_brand_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSMS_STRIPE__BRANDS__ACME__SECRET", "rk_test_a")
    with pytest.raises(UserError, match="CSMS_STRIPE__BRANDS__ACME__SECRET") as caught:
        load_settings()
    assert "rk_test" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "of"),
    [
        ("", (INSTALLATION, INSTALLATION)),
        ("[stripe]\nsecret_key = 'sk_test_1'\n", (INSTALLATION, INSTALLATION)),
        ("[stripe]\nsecret_key = 'sk_test_1'\n" + ACME, ("acct_1A", None)),
        ("[stripe]\nsecret_key = 'sk_test_1'\nshared = true\n" + ACME, ("acct_1A", INSTALLATION)),
        ("[stripe]\nsecret_key = 'sk_test_1'\ntenant = 'beta'\n" + ACME, ("acct_1A", INSTALLATION)),
        ("[stripe]\nsecret_key = 'sk_test_1'\nshared = false\n", (None, None)),
    ],
)
def test_without_an_account_of_its_own_a_tenant_is_paid_into_anothers_only_if_somebody_said_so(
    tmp_path: Path, text: str, of: tuple[str | None, ...]
) -> None:
    platforms = platforms_of(loaded(tmp_path, text))
    assert (platforms.of("acme"), platforms.of("beta")) == of


def test_onboarding_goes_by_the_brands_own_client_id_and_says_what_is_missing(tmp_path: Path) -> None:
    text = ACME + 'client_id = "ca_acme"\n' + BETA + '[stripe.brands.gamma]\naccount = "acct_1C"\n'
    of = card_payments(loaded(tmp_path, text))
    authorise = of("acme").authorise
    assert authorise is not None
    assert "client_id=ca_acme" in authorise("state", "https://csms.test/back")
    assert (of("beta").authorise, of("beta").off) == (None, "")
    assert "CSMS_STRIPE__BRANDS__BETA__CLIENT_ID" in of("beta").client_id
    assert "CSMS_STRIPE__BRANDS__GAMMA__SECRET_KEY" in of("gamma").off
    assert "stripe.brands.delta" in of("delta").off


def test_doctor_has_a_line_for_each_account_and_names_what_is_unset(tmp_path: Path) -> None:
    public = '[http]\npublic_url = "https://csms.example.org"\n'
    webhooks = 'webhook_secret = "whsec_1"\nconnect_webhook_secret = "whsec_2"\n'
    former = '[stripe.brands.beta.former.2025]\naccount = "acct_1Old"\n'
    found = {one.check: one for one in accounts(loaded(tmp_path, public + ACME + webhooks + BETA + former))}
    assert list(found) == ["card payments", "card payments acme", "card payments beta", "card payments beta 2025"]
    assert [one.verdict for one in found.values()] == ["ok", "ok", "warning", "warning"]
    assert "https://csms.example.org/stripe/acme/webhook" in found["card payments acme"].detail
    assert "CSMS_STRIPE__BRANDS__BETA__WEBHOOK_SECRET" in found["card payments beta"].detail
    assert "CSMS_STRIPE__BRANDS__BETA__FORMER__2025__SECRET_KEY" in found["card payments beta 2025"].detail
    assert not [secret for secret in ("rk_test", "whsec") if secret in repr(found)]
