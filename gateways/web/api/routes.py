"""The whole table of the admin API, in the order in which the document shows it."""

from gateways.web.api import (
    actors,
    books,
    campaigns,
    certificates,
    charging,
    commands,
    document,
    events,
    health,
    inspection,
    ledger,
    sessions,
    stations,
    tariffs,
    templates,
    tenants,
    tokens,
    vocabulary,
)
from gateways.web.table import Route

ROUTES: tuple[Route, ...] = (
    *tenants.ROUTES,
    *stations.ROUTES,
    *books.ROUTES,
    *commands.ROUTES,
    *charging.ROUTES,
    *templates.ROUTES,
    *campaigns.ROUTES,
    *tokens.ROUTES,
    *tariffs.ROUTES,
    *sessions.ROUTES,
    *ledger.ROUTES,
    *events.ROUTES,
    *actors.ROUTES,
    *inspection.ROUTES,
    *document.ROUTES,
    *certificates.ROUTES,
    *vocabulary.ROUTES,
    *health.ROUTES,
)
