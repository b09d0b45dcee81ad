"""Hangs the console into the app: its paths, its cookie, its template filters."""

from datetime import timedelta
from typing import Any

from quart import redirect
from quart_trio import QuartTrio

from gateways.web import identity, limits
from gateways.web.console import live, model, pages, trace
from gateways.web.console.session import LOGIN, Page, Visits
from gateways.web.dispatch import Dispatcher
from gateways.web.env import WebEnv

READ_PAGES: dict[str, Page] = {
    "": pages.overview,
    "/tree": pages.tree_page,
    "/actors": pages.actor_list,
    "/actor": pages.actor,
    "/trace": pages.trace_page,
    "/trace/export": trace.export,
    "/station": pages.station_page,
    "/waits": pages.waits,
    "/timers": pages.timers,
    "/dead-letters": pages.dead_letters,
    "/dead-letters/<string:dead_letter>": pages.dead_letter,
    "/live/overview": live.live_overview,
    "/live/tree": live.live_tree,
    "/live/actors": live.live_actors,
    "/live/actor": live.live_actor,
    "/live/trace": live.live_trace,
    "/live/waits": live.live_waits,
    "/live/timers": live.live_timers,
}
ORDERS: dict[str, Page] = {
    "/actor/trace": pages.trace_actor,
    "/actor/<string:operation>": pages.order,
    "/dead-letters/<string:dead_letter>/<string:verdict>": pages.settle,
}


def add_console(app: QuartTrio, env: WebEnv, services: Any, dispatcher: Dispatcher) -> None:
    app.config["SESSION_COOKIE_NAME"] = "voltroupe_console"
    app.config["SESSION_COOKIE_PATH"] = "/console"
    app.config["SESSION_COOKIE_HTTPONLY"] = True
    app.config["SESSION_COOKIE_SAMESITE"] = "Strict"
    app.config["SESSION_COOKIE_SECURE"] = (env.settings.public_url or "").startswith("https://")
    app.config["PERMANENT_SESSION_LIFETIME"] = timedelta(seconds=limits.CONSOLE_SESSION_SECONDS)
    app.add_template_filter(model.pretty_frame, "frame")
    visits = Visits(env, services, dispatcher)
    app.add_url_rule(LOGIN, "console.login", visits.login, methods=["GET", "POST"])
    app.add_url_rule("/console/language/<string:code>", "console.language", visits.language, methods=["GET"])
    app.add_url_rule("/console/logout", "console.logout", visits.guard(visits.logout), methods=["POST"])
    for path, page in READ_PAGES.items():
        app.add_url_rule(f"/console{path}", f"console{path}", visits.guard(page), methods=["GET"])
    for path, order in ORDERS.items():
        app.add_url_rule(f"/console{path}", f"console.post{path}", visits.guard(order, identity.WRITE), methods=["POST"])

    async def slash() -> Any:
        return redirect("/console")

    app.add_url_rule("/console/", "console.slash", slash, methods=["GET"])
