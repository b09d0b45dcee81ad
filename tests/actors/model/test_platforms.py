"""Whose platform account is whose: by tenant, and never another brand's."""

from actors.model.platforms import INSTALLATION, Platforms

OWN = Platforms(
    own={"acme": "acct_a", "beta": "acct_b"}, former={"acme": ("acct_old",)}, shared=False, keyed=frozenset(("acct_a",))
)


def test_a_tenant_is_paid_by_its_own_account_or_by_none() -> None:
    assert [OWN.of(tenant) for tenant in ("acme", "beta", "gamma")] == ["acct_a", "acct_b", None]


def test_the_installations_account_serves_whom_it_is_shared_with_or_its_owner() -> None:
    shared = Platforms(own={"acme": "acct_a"}, shared=True)
    assert (shared.of("acme"), shared.of("gamma")) == ("acct_a", INSTALLATION)
    owned = Platforms(own={"acme": "acct_a"}, shared=False, owner="gamma")
    assert (owned.of("gamma"), owned.of("delta")) == (INSTALLATION, None)
    assert (owned.tenant_of(INSTALLATION), shared.tenant_of(INSTALLATION)) == ("gamma", None)


def test_a_tenant_has_its_present_and_former_accounts_and_what_began_on_the_installations() -> None:
    assert [one for one in ("acct_a", "acct_b", "acct_old", INSTALLATION, "acct_x") if OWN.has("acme", one)] == [
        "acct_a", "acct_old", INSTALLATION,
    ]  # fmt: skip
    assert (OWN.tenant_of("acct_old"), OWN.tenant_of("acct_b"), OWN.tenant_of("acct_x")) == ("acme", "beta", None)
    assert OWN.all_of("acme") == ("acct_a", "acct_old")


def test_only_accounts_with_a_key_are_compared() -> None:
    assert OWN.compared("acme") == ("acct_a",)
    assert OWN.compared("beta") == (INSTALLATION,)
    assert [OWN.with_key(one) for one in ("acct_a", "acct_old", INSTALLATION)] == [True, False, False]
