"""The settings of card payments: the installation's platform account with Stripe, and those of brands that have one of their own.

    [stripe]                    the installation's
    [stripe.brands.acme]        the tenant acme's own        CSMS_STRIPE__BRANDS__ACME__SECRET_KEY ...
    [stripe.brands.acme.former.2025]                         one that acme had before, as long as something is open on it

A secret stands in the environment or in a file that `..._file` names; in the TOML file it may, but need not. None is ever
written to the database, shown, or logged.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from config.section import Section

SECRETS = ("secret_key", "webhook_secret", "connect_webhook_secret")
SECRET_BYTES = 4096
"""More is no secret, but the wrong file."""
Account = Annotated[str, Field(pattern=r"^acct_[A-Za-z0-9]{1,64}$")]


class PlatformSettings(Section):
    """One platform account. `secret_key`: a secret or restricted key of it. `webhook_secret` is that of the endpoint for the
    account's own events, `connect_webhook_secret` that of the one for connected accounts; two, by a comma, while one replaces
    the other. `client_id` is for onboarding by OAuth. `live`: key and events are of live mode."""

    secret_key: SecretStr | None = None
    secret_key_file: Path | None = None
    webhook_secret: SecretStr | None = None
    webhook_secret_file: Path | None = None
    connect_webhook_secret: SecretStr | None = None
    connect_webhook_secret_file: Path | None = None
    client_id: str | None = None
    live: bool = False

    @model_validator(mode="before")
    @classmethod
    def _read_files(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        read = dict(given)
        for name in SECRETS:
            file = read.get(f"{name}_file")
            if file is not None and name in read:
                raise ValueError(f"{name} and {name}_file: one of them")
            if file is not None:
                read[name] = _secret_in(f"{name}_file", str(file))
        return read

    @model_validator(mode="after")
    def _key_of_the_mode(self) -> "PlatformSettings":
        key = told(self.secret_key) or ""
        if self.live and "_test_" in key:
            raise ValueError("live is set, but secret_key is a key of test mode")
        if not self.live and "_live_" in key:
            raise ValueError("secret_key is a key of live mode: set live there as well (CSMS_STRIPE__LIVE=true, say)")
        return self


class FormerSettings(PlatformSettings):
    """An account that a brand had before: what began on it is captured, refunded and compared there. `account`: its id."""

    account: Account


class BrandSettings(PlatformSettings):
    """A brand's own account. `account`: the id that Stripe's dashboard shows for it; payments remember it. `former`: by any
    name, those from before."""

    account: Account
    former: dict[str, FormerSettings] = Field(default_factory=dict)


class StripeSettings(PlatformSettings):
    """Card payments; without a key there are none. `api_base`: a test server instead of Stripe. `brands`: by tenant. `shared`:
    tenants without an account of their own are paid through this one; unset, they are as long as no brand has one, since from
    then on a brand that is missing was more likely forgotten than meant to be paid into another's account. `tenant`: the brand
    whose account this is: its payouts and corrections are this tenant's."""

    api_base: str | None = None
    tenant: str | None = None
    shared: bool | None = None
    brands: dict[str, BrandSettings] = Field(default_factory=dict)

    @field_validator("api_base")
    @classmethod
    def _absolute(cls, value: str | None) -> str | None:
        if value is not None and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).netloc):
            raise ValueError("reads https://host, without a path")
        return value.rstrip("/") if value is not None else None

    @model_validator(mode="after")
    def _apart(self) -> "StripeSettings":
        if self.api_base is not None and any(one.live for _, one in self.platforms()):
            raise ValueError("a live key belongs to Stripe alone: unset api_base")
        seen: dict[str, str] = {}
        for where, one in self.platforms():
            values = [getattr(one, "account", None), *(part for name in SECRETS for part in parts(getattr(one, name)))]
            for value in filter(None, values):
                other = seen.setdefault(value, where)
                if other != where:
                    raise ValueError(f"{where} has the account, the key or a webhook secret of {other}: each has its own")
        return self

    def platforms(self) -> Iterator[tuple[str, PlatformSettings]]:
        """(dotted name of the section, account): the installation's first."""
        yield "stripe", self
        for tenant, brand in self.brands.items():
            yield f"stripe.brands.{tenant}", brand
            for name, former in brand.former.items():
                yield f"stripe.brands.{tenant}.former.{name}", former

    @property
    def shares(self) -> bool:
        return not self.brands if self.shared is None else self.shared


def told(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def parts(secret: SecretStr | None) -> tuple[str, ...]:
    """One secret, or two by a comma."""
    return tuple(text for part in (told(secret) or "").split(",") if (text := part.strip()))


def _secret_in(name: str, file: str) -> str:
    try:
        with Path(file).open("rb") as opened:
            text = opened.read(SECRET_BYTES + 1).decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ValueError(f"{name} {file} cannot be read: {reason}") from None
    if not text.strip() or len(text) > SECRET_BYTES:
        raise ValueError(f"{name} {file} holds no secret")
    return text.strip()
