"""`csms migrate`, `doctor`, `audit` and `tenant create`: commands on a database, with or without a node that runs on it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import cyclopts
import httpx
import msgspec
import trio
from cyclopts import Parameter

from actors.model.decision import Refused
from actors.model.ids import tenant_address
from actors.ports import ApiToken
from actors.tenant.messages import Create
from config.data import DataDirectory, NodeFile, as_json
from config.doctor import examine, schema_of
from config.domain import COMMAND_PATIENCE, checkpoints_of, database_of, open_domain
from config.errors import EnvironmentFault, UserError
from config.finding import Finding
from config.options import Config, Data, Json, console, settings_for
from config.owner import ensure_owner, known_owner_token, token_key
from config.settings import Settings
from gateways.web import identity
from gateways.web.api.tenants import TenantBody, unknown_words
from storage.api_tokens import PostgresApiTokens
from storage.audit import audit as walk
from storage.database import Database
from storage.migrate import NEWEST
from storage.vault import Vault

ASK_SECONDS = 30.0
_MARKS = {"ok": "ok", "warning": "warning", "failed": "FAILED"}


def register(app: cyclopts.App) -> None:
    app.command(
        migrate, help_epilogue="Examples:\n\n    csms migrate --data ./data\n\n    CSMS_DATABASE__DSN=... csms migrate --json"
    )
    app.command(
        doctor, help_epilogue="Examples:\n\n    csms doctor --data ./data\n\n    csms doctor --config /etc/csms.toml --json"
    )
    app.command(audit, help_epilogue="Examples:\n\n    csms audit --data ./data\n\n    CSMS_DATABASE__DSN=... csms audit --json")
    tenant = cyclopts.App(name="tenant", help="Brands.")
    tenant.command(
        create,
        help_epilogue="Examples:\n\n    csms tenant create acme --currency EUR --country DE\n\n"
        "    csms tenant create acme --currency CHF --country CH --time-zone Europe/Zurich --unknown-stations inbox --json",
    )
    app.command(tenant)


def migrate(*, data: Data = None, config: Config = None, json: Json = False) -> int:
    """Bring the database's schema up to date, and make the platform owner's token on an empty one."""
    before, after = trio.run(_migrate, settings_for(config, data))
    if json:
        print(as_json({"before": before, "after": after}))
    elif before == after:
        print(f"the schema is up to date ({after})")
    else:
        print(f"the schema went from {before or 'nothing'} to {after}")
    return 0


async def _migrate(settings: Settings) -> tuple[str | None, str]:
    data = DataDirectory(settings.data_dir)
    async with database_of(settings, migrating=False, patience=COMMAND_PATIENCE) as database:
        before = await schema_of(database)
        async with database_of(settings, migrating=True) as migrated:
            Vault.at(data.key_file)
            await ensure_owner(settings, data, PostgresApiTokens(migrated))
        return before, NEWEST


def doctor(*, data: Data = None, config: Config = None, json: Json = False) -> int:
    """Is this machine, and its database, fit to run a node? A plain answer for each question."""
    findings = trio.run(_examine, settings_for(config, data))
    if json:
        print(as_json({"fit": _fit(findings), "findings": findings}))
    else:
        out = console()
        for finding in findings:
            remedy = f" -> {finding.remedy}" if finding.verdict != "ok" and finding.remedy else ""
            out.print(f"{_MARKS[finding.verdict]:8} {finding.check}: {finding.detail}{remedy}", markup=False)
    return 0 if _fit(findings) else 1


async def _examine(settings: Settings) -> list[Finding]:
    return [finding async for finding in examine(settings)]


def _fit(findings: list[Finding]) -> bool:
    return all(finding.verdict != "failed" for finding in findings)


def audit(*, data: Data = None, config: Config = None, json: Json = False) -> int:
    """Walk ledger, journals, letters, holds and chains, and say what does not add up. Silent when all is well."""
    found = trio.run(_audit, settings_for(config, data))
    if json:
        print(as_json({"findings": found}))
    else:
        for finding in found:
            print(f"{finding.tenant or '-'}: {finding.what}: {finding.subject}: {finding.detail}")
    return 1 if found else 0


async def _audit(settings: Settings) -> list[Any]:
    async with existing_database(settings) as database:
        data = DataDirectory(settings.data_dir)
        return await walk(database, checkpoints_of(data) if data.key_file.exists() else None)


@asynccontextmanager
async def existing_database(settings: Settings) -> AsyncIterator[Database]:
    """A database that is there and has our schema: what is only examined is not made on the way."""
    data = DataDirectory(settings.data_dir)
    if settings.dsn is None and not data.has_database:
        raise UserError(f"there is no database under {data.path}: name the node's --data, or set CSMS_DATABASE__DSN")
    async with database_of(settings, migrating=False, patience=COMMAND_PATIENCE) as database:
        found = await schema_of(database)
        if found != NEWEST:
            raise EnvironmentFault(f"the database has schema {found or 'nothing'}, this program needs {NEWEST}: csms migrate")
        yield database


# -- tenants -------------------------------------------------------------------------------------------------------


def create(
    id: Annotated[str, Parameter(help="The brand's id, as it stands in every URL: a-z, 0-9 and -.")],
    /,
    *,
    currency: Annotated[str, Parameter(help="ISO 4217, such as EUR.")],
    country: Annotated[str, Parameter(help="ISO 3166 alpha-2, such as DE.")],
    time_zone: Annotated[str, Parameter(help="IANA name, such as Europe/Berlin.")] = "UTC",
    name: Annotated[str, Parameter(help="What people read.")] = "",
    unknown_stations: Annotated[
        Literal["refuse", "inbox", "accept"], Parameter(help="What happens to a station nobody registered.")
    ] = "refuse",
    data: Data = None,
    config: Config = None,
    json: Json = False,
) -> int:
    """Provision a brand; prints the token of its first administrator, once."""
    body = {
        "id": id,
        "currency": currency.upper(),
        "country": country.upper(),
        "time_zone": time_zone,
        "name": name or id,
        "unknown_stations": unknown_stations,
    }
    _check(body)
    token = trio.run(_create, settings_for(config, data), body)
    if json:
        print(as_json({"tenant": id, "token": token}))
    else:
        print(f"tenant {id}\ntoken  {token}\nIt is shown only now: keep it.")
    return 0


def _check(body: dict[str, Any]) -> None:
    """The API's own rules, before anything is opened."""
    try:
        wanted = msgspec.convert(body, TenantBody)
    except msgspec.ValidationError as error:
        detail, _, place = str(error).partition(" - at ")
        field = place.strip("`").removeprefix("$.").replace("_", "-")
        raise UserError(
            f"{'ID' if field == 'id' else '--' + field}: {detail}, got {body.get(field.replace('-', '_'))!r}"
        ) from None
    for pointer, what in unknown_words(wanted):
        field = pointer.removeprefix("/")
        raise UserError(f"--{field.replace('_', '-')}: {body[field]!r} is {what}")


async def _create(settings: Settings, body: dict[str, Any]) -> str:
    """Through the node that runs on this data directory, so that it knows at once; else by ourselves."""
    data = DataDirectory(settings.data_dir)
    node, owner = data.running_node(), known_owner_token(settings, data)
    if node is not None and node.http and owner is not None:
        try:
            return await _create_by_node(node, owner, body)
        except httpx.TransportError:
            pass  # it is just starting or ending: the database is there either way, and the fence holds
    return await _create_directly(settings, body)


async def _create_by_node(node: NodeFile, owner: str, body: dict[str, Any]) -> str:
    headers = {"Authorization": f"Bearer {owner}"}
    async with httpx.AsyncClient(base_url=node.http, headers=headers, timeout=ASK_SECONDS, trust_env=False) as api:
        answer = await api.post("/api/v1/tenants", json=body)
    if answer.is_success:
        return str(answer.json()["token"])
    problem = answer.json()
    fields = "; ".join(f"{error.get('pointer', '')}: {error.get('detail', '')}" for error in problem.get("errors", ()))
    raise UserError(fields or problem.get("detail") or problem.get("title") or f"the node answered {answer.status_code}")


async def _create_directly(settings: Settings, body: dict[str, Any]) -> str:
    async with open_domain(settings, patience=COMMAND_PATIENCE) as domain:
        await ensure_owner(settings, domain.data, domain.api_tokens)
        message = Create(
            name=body["name"],
            currency=body["currency"],
            country=body["country"],
            time_zone=body["time_zone"],
            unknown_stations=body["unknown_stations"],
            who="command line",
        )
        reply = await domain.system.ask(tenant_address(body["id"]), message, deadline=ASK_SECONDS)
        if isinstance(reply, Refused):
            raise UserError(reply.detail)
        token = identity.new_token()
        row = ApiToken(
            id=identity.new_token_id(),
            tenant=body["id"],
            name="first administrator",
            role=identity.ADMIN,
            hash=identity.token_hash(token_key(domain.data), token),
            created_at=datetime.now(UTC),
        )
        await domain.api_tokens.create(row)
        return token
