"""The web gateway: one Quart app on trio, made from its environment and the table of routes, served by hypercorn.

`create_app(env)` gives the app (tests drive it directly), `serve` runs it until its `shutdown` event: then readiness says
no, event streams end so that their clients resume elsewhere, and open requests finish within a few seconds.
"""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import unquote

import structlog
import trio
from hypercorn.trio import serve as serve_hypercorn
from quart import Response, request
from quart_trio import QuartTrio
from quart_trio.wrappers import TrioRequest
from werkzeug.exceptions import HTTPException

from gateways.ocpp.soap.limits import BODY_BYTES
from gateways.web import limits
from gateways.web.api.routes import ROUTES
from gateways.web.connections import RoomConfig, bound_connections
from gateways.web.console import add_console
from gateways.web.dispatch import SLASH, Dispatcher, problem_response
from gateways.web.env import WebEnv
from gateways.web.header_lines import read_in_linear_time
from gateways.web.openapi import document
from gateways.web.pay import add_pay
from gateways.web.problems import of_http
from gateways.web.proxies import TrustedProxies
from gateways.web.services import Services
from gateways.web.soap import PREFIX as SOAP
from gateways.web.soap import add_soap
from gateways.web.table import Route
from gateways.web.webhooks import WebhookDoor

_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
}
VITAL = frozenset(("/healthz", "/readyz", "/metrics"))
"""Every node answers these, whatever surfaces it carries."""
_log = structlog.get_logger("web")


class WebRequest(TrioRequest):
    """Refuses a body that is larger than its route takes, before it is in memory."""

    def __init__(self, method: str, scheme: str, path: str, *args: Any, **kwargs: Any) -> None:
        if path.endswith("/stations/import"):
            kwargs["max_content_length"] = limits.IMPORT_BYTES
        elif path.startswith(SOAP):
            kwargs["max_content_length"] = BODY_BYTES
        super().__init__(method, scheme, path, *args, **kwargs)


class WebApp(QuartTrio):
    request_class = WebRequest
    services: Services
    webhooks: WebhookDoor | None = None
    proxies: TrustedProxies

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Keep a %2F in the path apart from a slash: it belongs to an id (see dispatch.SLASH)."""
        if scope["type"] == "http":
            scope = self.proxies.seen_through(scope)
            raw = scope.get("raw_path") or b""
            if b"%2f" in raw.lower():
                text = raw.decode("ascii", "replace").replace("%2F", SLASH).replace("%2f", SLASH)
                scope = {**scope, "path": unquote(text)}
            beside = self.webhooks is not None and self.webhooks.opens(scope)
            await self._answered(self.webhooks if beside else super().__call__, scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def _answered(self, app: Any, scope: Any, receive: Any, send: Any) -> None:
        """A refusal may come before the body's end (401, 413). Two things would then go wrong on a plain server: the client
        cannot hear an answer while it still talks, so the answer waits a moment for the rest of the body, which is dropped;
        and hypercorn, which closes such a connection, tells the app so from inside its own `send`: the app would
        cancel that very task, and the connection would stay open with nobody reading it. So news of the end of a
        connection does not reach an app that is sending its last bytes."""
        whole, last = trio.Event(), False

        async def received() -> Any:
            message = await receive()
            if message["type"] != "http.request" or not message.get("more_body"):
                whole.set()
            if message["type"] == "http.disconnect" and last:
                await trio.sleep_forever()
            return message

        async def sent(message: Any) -> None:
            nonlocal last
            if message["type"] == "http.response.start":
                with trio.move_on_after(limits.LINGER_SECONDS):
                    await whole.wait()
            last = message["type"] == "http.response.body" and not message.get("more_body")
            await send(message)

        await app(scope, received, sent)


def create_app(env: WebEnv) -> WebApp:
    app = WebApp(__name__, static_folder="static", static_url_path="/static", template_folder="templates")
    app.config["MAX_CONTENT_LENGTH"] = limits.BODY_BYTES
    app.config["RESPONSE_TIMEOUT"] = limits.REQUEST_SECONDS
    app.config["BODY_TIMEOUT"] = limits.REQUEST_SECONDS
    app.config["BACKGROUND_TASK_SHUTDOWN_TIMEOUT"] = None
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3600
    app.secret_key = env.settings.cookie_key
    services = Services(env)
    app.proxies = services.proxies
    services.routes = ROUTES
    services.document = document(ROUTES, env.versions.get("voltroupe", "0"), env.settings.public_url)
    services.fragment = partial(_fragment, app)
    app.services = services
    dispatcher = Dispatcher(env, services.identities, services.throttle, services.answers, services)
    surfaces = env.settings.surfaces
    for route in ROUTES:
        if "api" in surfaces or route.path in VITAL:
            app.add_url_rule(route.rule, route.name, _view(dispatcher, route), methods=[route.method])
    if "console" in surfaces:
        add_console(app, env, services, dispatcher)
    bell = add_pay(app, env, services) if "pay" in surfaces else None
    if env.soap is not None:
        add_soap(app, env.soap, env.settings, services)
    if env.webhooks is not None:
        app.webhooks = WebhookDoor(env.webhooks, services)
    absent = {f"{name}/" for name in ("console", "pay") if name not in surfaces}
    for template in app.jinja_env.list_templates(extensions=["html"]):
        if not template.startswith(tuple(absent)):
            app.jinja_env.get_template(template)  # compiled now, not while stations wait for the loop

    @app.before_serving
    async def start() -> None:
        app.nursery.start_soon(_forever, "event feed", services.feed.run)
        app.nursery.start_soon(_forever, "console pulse", services.pulse.run)
        if bell is not None:
            app.nursery.start_soon(_forever, "pay bell", bell.run)

    @app.after_request
    async def finish(response: Response) -> Response:
        for name, value in _SECURITY.items():
            response.headers.setdefault(name, value)
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    @app.errorhandler(HTTPException)
    async def http_error(error: HTTPException) -> Response:
        return problem_response(of_http(error), "")

    return app


async def _fragment(app: WebApp, template: str, **values: Any) -> str:
    return await app.jinja_env.get_template(template).render_async(**values)


def _view(dispatcher: Dispatcher, route: Route) -> Callable[..., Awaitable[Response]]:
    async def view(**path: str) -> Response:
        return await dispatcher.handle(route, path)

    return view


async def _forever(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """A background task of the app that outlives its own bugs: one must not take the HTTP server down."""
    while True:
        try:
            await run()
        except Exception:
            _log.exception("background task crashed", task=name)
            await trio.sleep(1.0)


async def serve(
    app: WebApp, host: str, port: int, *, shutdown: trio.Event | None = None, task_status: Any = trio.TASK_STATUS_IGNORED
) -> None:
    """Serve until `shutdown` is set (or the task is cancelled). Starts with the list of bound URLs; port 0 takes a free one."""
    read_in_linear_time()
    bound_connections()
    config = RoomConfig()
    config.room = app.services.room
    config.bind = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}"]
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    config.include_server_header = False
    config.graceful_timeout = limits.GRACEFUL_SECONDS
    config.max_app_queue_size = limits.APP_QUEUE
    config.keep_alive_timeout = limits.KEEP_ALIVE_SECONDS
    logging.getLogger("hypercorn.error").setLevel(logging.WARNING)
    stop = shutdown if shutdown is not None else trio.Event()

    async def trigger() -> None:
        await stop.wait()
        app.services.close()

    await serve_hypercorn(app, config, shutdown_trigger=trigger, task_status=task_status)
