"""The payments gateway of a node: the desk for the actors' wishes, the inbox of webhooks, and the services behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import SecretStr

from config.settings import Settings
from gateways.payments.accounts import authorize_url
from gateways.payments.client import Clients, StripeKeys
from gateways.payments.desk import TOPIC, PaymentDesk
from gateways.payments.sweep import Sweep
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

    def stats(self) -> Mapping[str, Any]:
        """Raw counters for the metrics."""
        return {
            "calls": dict(self.desk.stats()),
            "webhooks": dict(self.receiver.stats()),
            "events": dict(self.worker.stats()),
            "sweep": dict(self.sweep.stats()),
        }


def stripe_keys(settings: Settings) -> StripeKeys:
    given = settings.stripe
    return StripeKeys(
        secret_key=_told(given.secret_key),
        base=given.api_base,
        webhook_secret=_told(given.webhook_secret),
        connect_webhook_secret=_told(given.connect_webhook_secret),
        client_id=given.client_id,
        live=given.live,
        tenant=given.tenant,
    )


def card_payments(settings: Settings) -> CardPayments | None:
    """For onboarding over the admin API; None: card payments are off."""
    keys = stripe_keys(settings)
    if not keys.secret_key:
        return None
    if keys.client_id is None:
        return CardPayments()
    return CardPayments(authorise=partial(authorize_url, keys.client_id, base=keys.base))


def payment_pages(settings: Settings) -> tuple[str, ...]:
    """Origins of the provider's own pages, to which an order may lead: Stripe's, or those of a test server in its place."""
    return (CHECKOUT_PAGES,) if settings.stripe.api_base is None else (settings.stripe.api_base,)


def _told(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def payments_of(settings: Settings, system: System, database: Database, lookups: PostgresLookups) -> Payments:
    """It fulfils the actors' wishes from the system's outbox on. Worker and sweep run where there is a key: without one nothing
    can be fetched, and what came keeps waiting."""
    keys = stripe_keys(settings)
    clients, inbox = Clients(keys), PostgresStripeInbox(database)
    worker = InboxWorker(inbox, clients, system, lookups, PostgresQueries(database), keys.tenant)
    sweep = Sweep(inbox, clients, keys, system, lookups, worker.nudge)
    desk = PaymentDesk(clients)
    system.outbox.handle(TOPIC, desk.deliver)
    if keys.secret_key:
        for name, run in (("webhooks", worker.run), ("payments sweep", sweep.run)):
            system.supervise(ChildSpec(name=name, run=run))
    receiver = WebhookReceiver(inbox, keys, worker.nudge)
    return Payments(clients=clients, receiver=receiver, inbox=inbox, desk=desk, worker=worker, sweep=sweep)
