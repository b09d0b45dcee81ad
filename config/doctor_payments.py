"""Are cards taken, and into whose account? What the settings say, and what a node has met with the keys that they name.

Nobody has to take cards: a node without a key is as fit as one with it. Half of it set is a mistake, and a payment that is open
on an account without a key is money that cannot be charged or released.
"""

from collections.abc import AsyncIterator, Iterator

from actors.merchant.decide import TROUBLES_BOOK
from actors.model.platforms import INSTALLATION
from config.finding import Finding
from config.payments import platforms_of, stripe_keys
from config.settings import Settings, variable_of
from config.stripe_settings import PlatformSettings
from gateways.payments.client import StripeKeys
from gateways.payments.standing import WRONG_ACCOUNT
from storage.database import Database
from storage.lookups import PostgresLookups

CHECK = "card payments"
NAMED = 5
"""Tenants that one finding names."""
_TROUBLES = "SELECT tenant, key, body->>'trouble' AS trouble FROM book WHERE station = '' AND book = $1 ORDER BY tenant, key"
_TENANTS = "SELECT tenant FROM tenant WHERE NOT deleted ORDER BY tenant"


def accounts(settings: Settings) -> Iterator[Finding]:
    """One finding for each platform account, by what is set of it."""
    stripe = settings.stripe
    for setting, given in stripe.platforms():
        if given is not stripe:
            yield _account(settings, setting, given)
        elif stripe.secret_key is None and stripe.brands:
            yield Finding(CHECK, "ok", "by the accounts of brands alone: no CSMS_STRIPE__SECRET_KEY")
        elif stripe.secret_key is None:
            yield Finding(CHECK, "ok", "off: no CSMS_STRIPE__SECRET_KEY; all else works")
        else:
            yield _account(settings, setting, given)


def _account(settings: Settings, setting: str, given: PlatformSettings) -> Finding:
    base, public, words = settings.stripe.api_base, settings.http.public_url, setting.split(".")
    check = " ".join((CHECK, *words[2:3], *words[4:]))
    where = f"a test server at {base}" if base else "Stripe, live mode" if given.live else "Stripe, test mode"
    if given is not settings.stripe:
        where = f"{getattr(given, 'account', '')} at {where}"
    if given.secret_key is None:
        detail = f"{where}, but unset: {variable_of(f'{setting}.secret_key')}"
        return Finding(check, "warning", detail, "set it: without it nothing is offered, and what is open there waits")
    wanted = (
        (variable_of(f"{setting}.webhook_secret"), given.webhook_secret),
        (variable_of(f"{setting}.connect_webhook_secret"), given.connect_webhook_secret),
        ("CSMS_HTTP__PUBLIC_URL", public),
    )
    unset = [variable for variable, value in wanted if not value]
    if unset:
        remedy = "set them: without webhooks payments are found late, without the URL pages and QR codes lead to this host alone"
        return Finding(check, "warning", f"{where}, but unset: {', '.join(unset)}", remedy)
    path = "/stripe/webhook" if given is settings.stripe else f"/stripe/{words[2]}/webhook"
    return Finding(check, "ok", f"{where}; webhooks to {public}{path} and .../connect")


async def in_database(settings: Settings, database: Database) -> AsyncIterator[Finding]:
    """What only the database knows: tenants without an account, open payments on an account without a key, refused keys."""
    platforms, keys = platforms_of(settings), {one.account: one for one in stripe_keys(settings)}
    if not platforms.installed and not keys.keys() - {INSTALLATION} and not await _any_open(database):
        return
    tenants = [str(record["tenant"]) for record in await database.fetch(_TENANTS)]
    if unknown := sorted(platforms.own.keys() - tenants):
        detail = f"stripe.brands names {_list(unknown)}: no such tenant"
        yield Finding(CHECK, "warning", detail, "csms tenant create, or mend the name")
    if without := [tenant for tenant in tenants if platforms.of(tenant) is None]:
        remedy = "give each a section in stripe.brands, or share the installation's account: CSMS_STRIPE__SHARED=true"
        yield Finding(CHECK, "warning", f"no cards for {_list(without)}: no account of their own, and none is shared", remedy)
    for one in await PostgresLookups(database).open_by_platform():
        if not platforms.with_key(one.platform) or not platforms.has(one.tenant, one.platform):
            where = one.platform or "the installation's account"
            detail = f"{one.payments} payments of {one.tenant} are open on {where}, for which there is no key"
            yield Finding(f"{CHECK} {one.tenant}", "failed", detail, f"set {_setting(keys, one.tenant, one.platform)}")
    for record in await database.fetch(_TROUBLES, TROUBLES_BOOK):
        account = str(record["key"])
        if platforms.with_key(account) and platforms.has(record["tenant"], account):
            wrong = record["trouble"] == WRONG_ACCOUNT
            told = "is that of another account" if wrong else "is refused"
            detail = f"the key of {account or 'the installation'} {told}: the node takes no cards on it"
            yield Finding(f"{CHECK} {record['tenant']}", "failed", detail, f"set {_setting(keys, record['tenant'], account)}")


async def _any_open(database: Database) -> bool:
    return bool(await PostgresLookups(database).open_by_platform())


def _setting(keys: dict[str, StripeKeys], tenant: str, platform: str) -> str:
    known = keys.get(platform)
    return f"stripe.brands.{tenant}.former (account {platform}, its key)" if known is None else known.variable("secret_key")


def _list(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
