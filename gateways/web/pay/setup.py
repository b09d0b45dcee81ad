"""Hangs the pay pages into the app."""

from typing import Any

from quart_trio import QuartTrio

from gateways.web import limits
from gateways.web.env import WebEnv
from gateways.web.identity import Throttle
from gateways.web.pay import landing, visit
from gateways.web.pay.bell import Bell
from gateways.web.pay.guest import Guests, Page, Pay
from gateways.web.pay.token import Tokens
from gateways.web.services import Streams

PAGES: tuple[tuple[str, str, Page], ...] = (
    ("GET", "/pay/<string:tenant>/<string:code>", landing.landing),
    ("POST", "/pay/<string:tenant>/<string:code>", landing.order),
    ("GET", "/pay/<string:tenant>/s/<string:token>", visit.session_page),
    ("GET", "/pay/<string:tenant>/s/<string:token>/live", visit.live),
    ("POST", "/pay/<string:tenant>/s/<string:token>/stop", visit.stop),
    ("POST", "/pay/<string:tenant>/s/<string:token>/cancel", visit.cancel),
    ("GET", "/pay/<string:tenant>/s/<string:token>/receipt.pdf", visit.receipt_pdf),
    ("GET", "/pay/<string:tenant>/s/<string:token>/signed.txt", visit.signed_values),
)


def add_pay(app: QuartTrio, env: WebEnv, services: Any) -> Bell:
    """The bell has to be run as long as the app serves."""
    pay = Pay(
        env=env,
        services=services,
        tokens=Tokens(env.settings.pay_key),
        bell=Bell(services.feed),
        views=Throttle(limits.PAY_VIEWS, limits.PAY_WINDOW),
        views_of_code=Throttle(limits.PAY_VIEWS * limits.PAY_CODE_SHARE, limits.PAY_WINDOW),
        orders=Throttle(limits.PAY_ORDERS, limits.PAY_WINDOW),
        orders_of_code=Throttle(limits.PAY_ORDERS * limits.PAY_CODE_SHARE, limits.PAY_WINDOW),
        opens=Throttle(limits.PAY_OPENS, limits.PAY_OPENS_WINDOW),
        opens_of_code=Throttle(limits.PAY_OPENS_OF_CODE, limits.PAY_OPENS_WINDOW),
        origins=env.settings.payment_pages,
        streams=Streams(limits.PAY_STREAMS, limits.PAY_STREAMS_PER_TOKEN),
    )
    guests = Guests(pay)
    for method, rule, page in PAGES:
        app.add_url_rule(rule, f"pay.{method} {page.__name__}".replace(".", "_"), guests.guard(page), methods=[method])
    return pay.bell
