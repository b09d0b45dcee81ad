"""The payments gateway of a node: the desk for the actors' wishes, the inbox of webhooks, and the services behind it; and what
the settings say of whose platform account is whose.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from actors.model.platforms import INSTALLATION, Platforms
from actors.ports import MerchantCard
from config.settings import Settings, variable_of
from config.stripe_settings import PlatformSettings, told
from gateways.payments.accounts import authorize_url
from gateways.payments.client import Clients, StripeKeys
from gateways.payments.desk import TOPIC, PaymentDesk
from gateways.payments.sweep import Sweep
from gateways.payments.watch import PlatformWatch
from gateways.payments.webhooks import WebhookReceiver
from gateways.payments.worker import InboxWorker
from gateways.web.env import CardPayments
from runtime.supervisor import ChildSpec
from runtime.system import System
from storage.database import Database
from storage.lookups import PostgresLookups
from storage.queries import PostgresQueries
from storage.stripe_inbox import PostgresStripeInbox

CHECKOUT_PAGES = "https://checkout.stripe.com"


@dataclass(frozen=True, kw_only=True)
class Payments:
    clients: Clients
    receiver: WebhookReceiver
    inbox: PostgresStripeInbox
    desk: PaymentDesk
    worker: InboxWorker
    sweep: Sweep
    watch: PlatformWatch

    def takes_cards(self, card: MerchantCard) -> bool:
        """For whom a page may offer payment: the brand has an account, its key is there and good, and the merchant is on it."""
        platform = self.clients.platforms.of(card.tenant)
        if platform is None or not card.open_on(platform):
            return False
        return self.watch.trouble(platform) is None

    def stats(self) -> Mapping[str, Any]:
        """Raw counters for the metrics."""
        return {
            "calls": dict(self.desk.stats()),
            "webhooks": dict(self.receiver.stats()),
            "events": dict(self.worker.stats()),
            "sweep": dict(self.sweep.stats()),
            "platforms": {"with_key": len(self.clients.accounts()), "in_trouble": len(self.clients.standing.troubles())},
        }


def stripe_keys(settings: Settings) -> list[StripeKeys]:
    """Of every platform account: the installation's first."""
    return [_keys(settings, setting, given) for setting, given in settings.stripe.platforms()]


def _keys(settings: Settings, setting: str, given: PlatformSettings) -> StripeKeys:
    owner = settings.stripe.tenant if given is settings.stripe else setting.split(".")[2]
    return StripeKeys(
        account=getattr(given, "account", INSTALLATION),
        tenant=owner,
        setting=setting,
        secret_key=told(given.secret_key),
        base=settings.stripe.api_base,
        webhook_secret=told(given.webhook_secret),
        connect_webhook_secret=told(given.connect_webhook_secret),
        client_id=given.client_id,
        live=given.live,
    )


def platforms_of(settings: Settings) -> Platforms:
    stripe = settings.stripe
    return Platforms(
        own={tenant: brand.account for tenant, brand in stripe.brands.items()},
        former={tenant: tuple(one.account for one in brand.former.values()) for tenant, brand in stripe.brands.items()},
        shared=stripe.shares,
        owner=stripe.tenant,
        installed=stripe.secret_key is not None,
        keyed=frozenset(keys.account for keys in stripe_keys(settings)[1:] if keys.secret_key),
    )


def card_payments(settings: Settings) -> Callable[[str], CardPayments]:
    """For onboarding over the admin API: by tenant."""
    platforms = platforms_of(settings)
    ways = {keys.account: _onboarding(keys) for keys in stripe_keys(settings)}

    def of(tenant: str) -> CardPayments:
        platform = platforms.of(tenant)
        if platform is None:
            own = f"{variable_of(f'stripe.brands.{tenant}.account')} and the keys of it (stripe.brands.{tenant})"
            return CardPayments(off=f"{tenant} takes no cards: set {own}, or CSMS_STRIPE__SHARED=true (stripe.shared)")
        return ways[platform]

    return of


def _onboarding(keys: StripeKeys) -> CardPayments:
    if not keys.secret_key:
        return CardPayments(off=f"card payments are off: set {keys.variable('secret_key')}")
    if keys.client_id is None:
        return CardPayments(client_id=keys.variable("client_id"))
    return CardPayments(authorise=partial(authorize_url, keys.client_id, base=keys.base))


def payment_pages(settings: Settings) -> tuple[str, ...]:
    """Origins of the provider's own pages, to which an order may lead: Stripe's, or those of a test server in its place."""
    return (CHECKOUT_PAGES,) if settings.stripe.api_base is None else (settings.stripe.api_base,)


def payments_of(
    settings: Settings, system: System, database: Database, lookups: PostgresLookups, exists: Callable[[str], bool]
) -> Payments:
    """It fulfils the actors' wishes from the system's outbox on. Worker and sweep run where there is a key: without one nothing
    can be fetched, and what came keeps waiting. `exists`: is there such a tenant?"""
    first, *others = stripe_keys(settings)
    clients, inbox = Clients(first, others, platforms_of(settings)), PostgresStripeInbox(database)
    worker = InboxWorker(inbox, clients, system, lookups, PostgresQueries(database))
    sweep = Sweep(inbox, clients, system, lookups, worker.nudge)
    watch = PlatformWatch(clients, system, lookups, exists)
    desk = PaymentDesk(clients)
    system.outbox.handle(TOPIC, desk.deliver)
    if clients.accounts():
        for name, run in (("webhooks", worker.run), ("payments sweep", sweep.run)):
            system.supervise(ChildSpec(name=name, run=run))
    if clients.accounts() or others:
        system.supervise(ChildSpec(name="payment keys", run=watch.run))
    receiver = WebhookReceiver(inbox, first, worker.nudge, others=others)
    return Payments(clients=clients, receiver=receiver, inbox=inbox, desk=desk, worker=worker, sweep=sweep, watch=watch)
