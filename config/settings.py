"""Every setting of a node, from one TOML file and from the environment.

A section of the file is a table, an environment variable is `CSMS_<SECTION>__<KEY>`; the environment wins over
the file, the command line over both. An unknown key is an error that names the nearest known one, since a
misspelt setting that is silently ignored is found only in production. Secrets are `SecretStr`: a repr or a log line of
the settings never shows them.
"""

import difflib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from config.errors import UserError
from config.section import Section
from config.stripe_settings import BrandSettings, FormerSettings, StripeSettings
from gateways.egress import parse_networks

PREFIX = "CSMS_"
CONFIG_VARIABLE = "CSMS_CONFIG"
BRANDS = ("stripe", "brands")
"""The one setting that is a section for each tenant."""


class DatabaseSettings(Section):
    """Where facts live. Without a DSN an embedded PostgreSQL runs under the data directory. `unpaid_days`: so long are payment
    attempts kept that came to nothing (no money, no session); the payment provider may tell of one for 30 days."""

    dsn: SecretStr | None = None
    unpaid_days: int = Field(default=90, ge=35, le=3_650)

    @field_validator("dsn")
    @classmethod
    def _postgres_only(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and urlsplit(value.get_secret_value()).scheme not in ("postgresql", "postgres"):
            raise ValueError("a DSN reads postgresql://user:password@host:5432/database")
        return value


class OcppSettings(Section):
    """The listener for stations. TLS opens beside the plain port, and only when a certificate is given: one with an RSA key,
    one with an elliptic curve key, or (so that every station finds a cipher suite) both. Renewed files are taken over while
    the node runs. Security profile 3 needs nothing more: which client certificates are good is each tenant's affair."""

    host: str = "0.0.0.0"  # noqa: S104 - stations come from outside; this is the contract's default
    port: int = Field(default=9000, ge=0, le=65535)
    tls_port: int = Field(default=9443, ge=0, le=65535)
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_certificate_2: Path | None = None
    tls_key_2: Path | None = None
    behind_tls: bool = False
    """A load balancer in front ends TLS: security profile 2 is met on the plain port."""
    strict: bool = False
    """Frames that break the schema are refused, never mended: for conformance tests."""
    quirks: Path | None = None
    """A TOML file of an operator's own quirks of stations, laid over ours (gateways/ocpp/quirks)."""

    @model_validator(mode="after")
    def _certificate_with_key(self) -> "OcppSettings":
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        if (self.tls_certificate_2 is None) != (self.tls_key_2 is None):
            raise ValueError("tls_certificate_2 and tls_key_2 go together")
        if self.tls_certificate is None and self.tls_certificate_2 is not None:
            raise ValueError("tls_certificate_2 is beside tls_certificate: set that first")
        return self

    @property
    def tls_pairs(self) -> list[tuple[Path, Path]]:
        """(certificate chain, key) files."""
        pairs = ((self.tls_certificate, self.tls_key), (self.tls_certificate_2, self.tls_key_2))
        return [(certificate, key) for certificate, key in pairs if certificate is not None and key is not None]


class HttpSettings(Section):
    """The listener for people and machines. `public_url` is what QR codes and links carry. Behind a reverse proxy, name its
    network in `trusted_proxies` (`["10.0.0.0/24"]`): limits go by the address that it tells then, else by its own."""

    host: str = "0.0.0.0"  # noqa: S104 - as above
    port: int = Field(default=8080, ge=0, le=65535)
    public_url: str | None = None
    connections: int = Field(default=10_000, ge=16)
    connections_per_address: int = Field(default=2_000, ge=0)
    """0: no bound. Stations that speak SOAP, and everybody behind a proxy, may share one address."""
    trusted_proxies: tuple[str, ...] = ()

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        parse_networks(value)
        return value

    @field_validator("public_url")
    @classmethod
    def _absolute(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("a public URL reads https://charge.example.com")
        return value.rstrip("/")


class EgressSettings(Section):
    """Whom a URL that somebody else named (a SOAP station's address, say) may lead to: public addresses, and the ranges in
    `allow`, `["10.20.0.0/16"]` for stations in a private network."""

    allow: tuple[str, ...] = ()

    @field_validator("allow")
    @classmethod
    def _ranges(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        parse_networks(value)
        return value


class LogSettings(Section):
    """`auto` is colourful lines on a terminal and JSON elsewhere."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class PkiSettings(Section):
    """Certificates. Stations' requests are signed by a CA of our own for each tenant, or by an external one that speaks EST
    (RFC 7030): `est_url` up to and with `/.well-known/est` or its label. `contract_pool_url`: where vehicles get contract
    certificates; without it such requests are answered Failed."""

    est_url: str | None = None
    est_user: str = ""
    est_password: SecretStr | None = None
    contract_pool_url: str | None = None
    contract_pool_token: SecretStr | None = None

    @field_validator("est_url", "contract_pool_url")
    @classmethod
    def _https(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("reads https://host/path")
        return value


class Settings(BaseSettings):
    """All of it. Frozen: a running node does not change its mind."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    data_dir: Path = Path("data")
    owner_token: SecretStr | None = None
    database: DatabaseSettings = DatabaseSettings()
    ocpp: OcppSettings = OcppSettings()
    http: HttpSettings = HttpSettings()
    egress: EgressSettings = EgressSettings()
    pki: PkiSettings = PkiSettings()
    stripe: StripeSettings = StripeSettings()
    log: LogSettings = LogSettings()

    @field_validator("owner_token")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 16:
            raise ValueError("the platform owner's token needs at least 16 characters")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        sources: list[PydanticBaseSettingsSource] = [init_settings, env_settings]
        if settings_cls.model_config.get("toml_file"):
            sources.append(TomlConfigSettingsSource(settings_cls))
        return tuple(sources)

    @property
    def dsn(self) -> str | None:
        return self.database.dsn.get_secret_value() if self.database.dsn else None


def load_settings(config: Path | None = None, **overrides: Any) -> Settings:
    """Read file and environment; `overrides` (from the command line) win when they are not None.

    Raises UserError, one line that names the setting, what is wrong with it and what was probably meant.
    """
    if config is None and os.environ.get(CONFIG_VARIABLE):
        config = Path(os.environ[CONFIG_VARIABLE])
    if config is not None and not config.is_file():
        raise UserError(f"configuration file {config} does not exist (--config or {CONFIG_VARIABLE})")
    _refuse_unknown_variables()

    class Bound(Settings):
        model_config = SettingsConfigDict(toml_file=config)

    given = {key: value for key, value in overrides.items() if value is not None}
    try:
        return Bound(**given)
    except ValidationError as error:
        raise UserError("; ".join(_explain(problem, config) for problem in error.errors())) from None
    except SettingsError as error:
        raise UserError(f"cannot read the settings: {error}") from None
    except ValueError as error:  # tomllib's syntax error
        raise UserError(f"{config} is not valid TOML: {error}") from None


def known_settings() -> Iterator[str]:
    """Dotted names of every setting: `data_dir`, `ocpp.port` ... Those of brands are read by `_of_brand`."""
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Section):
            for key in section.model_fields:
                if (name, key) != BRANDS:
                    yield f"{name}.{key}"
        else:
            yield name


def _of_brand(variable: str) -> bool:
    """Is it `CSMS_STRIPE__BRANDS__<TENANT>__<KEY>`, or `...__FORMER__<NAME>__<KEY>`?"""
    match variable.removeprefix(PREFIX).lower().split("__"):
        case ["stripe", "brands", _, key]:
            return key in BrandSettings.model_fields
        case ["stripe", "brands", _, "former", _, key]:
            return key in FormerSettings.model_fields
    return False


def variable_of(setting: str) -> str:
    """`ocpp.port` -> `CSMS_OCPP__PORT`."""
    return PREFIX + setting.replace(".", "__").upper()


def _refuse_unknown_variables() -> None:
    known = {variable_of(name) for name in known_settings()} | {CONFIG_VARIABLE}
    for variable in sorted(os.environ):
        if variable.upper().startswith(PREFIX) and variable.upper() not in known and not _of_brand(variable.upper()):
            raise UserError(f"unknown setting {variable} in the environment{_nearest(variable.upper(), known)}")


def _explain(problem: Any, config: Path | None) -> str:
    setting = ".".join(str(part) for part in problem["loc"])
    variable = variable_of(setting)
    source = f"in the environment ({variable})" if variable in os.environ else f"in {config}" if config else f"({variable})"
    if problem["type"] == "extra_forbidden":
        return f"unknown setting {setting} {source}{_nearest(setting, set(known_settings()))}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"setting {setting} {source}: {message[:1].lower()}{message[1:]}"


def _nearest(name: str, known: set[str]) -> str:
    key = name.rpartition(".")[2]
    elsewhere = [other for other in sorted(known) if "." in name and other.rpartition(".")[2] == key]
    close = elsewhere or difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f": did you mean {close[0]}?" if close else f": known are {', '.join(sorted(known))}"
