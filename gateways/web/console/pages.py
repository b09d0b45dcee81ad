"""The pages and the orders behind their buttons."""

from typing import Any
from urllib.parse import urlencode

from quart import Response, flash, redirect, render_template, request

from actors.model.ids import STATION
from gateways.web import limits
from gateways.web.api.actors import OPERATIONS, carry_out, replay
from gateways.web.census import LABELS, SORTS, WORDS
from gateways.web.console import model, station, trace, tree
from gateways.web.console.session import Visit
from gateways.web.problems import Problem
from gateways.web.veil import veiled_body
from runtime.address import Address
from runtime.errors import ActorError
from runtime.store import DeadLetter

_TRACED_SECONDS = 60.0


async def render(template: str, visit: Visit, **values: Any) -> Response:
    html = await render_template(template, visit=visit, t=visit.t, operations=OPERATIONS, **values)
    return Response(html, content_type="text/html; charset=utf-8")


async def overview(visit: Visit) -> Response:
    return await render("console/overview.html", visit, page="overview", view=await model.overview(visit))


async def tree_page(visit: Visit) -> Response:
    drawn = await tree.drawn(visit, tree.wanted(visit, *tree.asked(request.args)))
    return await render("console/tree.html", visit, page="tree", tree=drawn)


async def actor_list(visit: Visit) -> Response:
    found = await model.actor_list(visit, request.args)
    choices = {"kinds": sorted(visit.env.system.registry.kinds), "statuses": model.STATUSES, "sorts": SORTS, "labels": LABELS}
    return await render("console/actors.html", visit, page="actors", found=found, words=WORDS, **choices)


async def actor(visit: Visit) -> Response:
    address = visit.address(request.args.get("address", ""))
    values = await actor_values(visit, address)
    return await render("console/actor.html", visit, page="actors", has_trace=address.kind == STATION, **values)


async def actor_values(visit: Visit, address: Address) -> dict[str, Any]:
    return {
        "address": str(address),
        "actor": model.actor(visit, address),
        "below": await model.below(visit, address),
        "stored": await model.stored(visit, address),
    }


async def waits(visit: Visit) -> Response:
    return await render("console/waits.html", visit, page="waits", waits=model.waits(visit))


async def timers(visit: Visit) -> Response:
    cursor = request.args.get("cursor")
    return await render("console/timers.html", visit, page="timers", timers=await model.timers(visit, cursor), cursor=cursor)


async def station_page(visit: Visit) -> Response:
    return await render("console/station.html", visit, page="actors", **await station.page(visit))


async def trace_actor(visit: Visit) -> Any:
    """Note what an actor handles for a minute: types and times."""
    form = await request.form
    address = visit.address(form.get("address", ""))
    if visit.env.system.inspect.trace(address, _TRACED_SECONDS):
        await flash(visit.t("traced for {time}", time=visit.t.duration(_TRACED_SECONDS)), "good")
    else:
        await flash(visit.t("it is not active"), "warn")
    visit.audit("console.trace", str(address))
    return redirect("/console/actor?" + urlencode({"address": str(address)}), 303)


async def order(visit: Visit, operation: str) -> Any:
    """restart, suspend, resume, checkpoint, drain, stop: carried out, audited, and told on the actor's page."""
    form = await request.form
    address = visit.address(form.get("address", ""))
    if operation not in OPERATIONS:
        raise Problem("not-found", f"there is no operation {operation!r}")
    try:
        done = (await carry_out(visit.env.system.inspect, operation, address)).done
        outcome = visit.t("done") if done else visit.t("ordered, not carried out yet")
        await flash(f"{visit.t(operation)}: {outcome}", "good" if done else "warn")
    except Problem as problem:
        done = False
        await flash(problem.detail, "bad")
    visit.audit(f"console.{operation}", str(address), done=done)
    return redirect("/console/actor?" + urlencode({"address": str(address)}), 303)


async def trace_page(visit: Visit) -> Response:
    address = visit.address(request.args.get("address", ""))
    wanted = trace.filter_of(request.args)
    frames = await trace.frames(visit, address, wanted)
    values = {"address": str(address), "station": address.id, "filter": wanted, "frames": frames, "minutes": trace.MINUTES}
    return await render("console/trace.html", visit, page="actors", **values)


async def dead_letters(visit: Visit) -> Response:
    state = request.args.get("state", "open")
    wanted = state if state in ("open", "replayed", "discarded") else None
    rows, following = await visit.env.store.dead_letters(
        visit.tenant, wanted, limits.CONSOLE_TRACE_ROWS, request.args.get("cursor")
    )
    return await render("console/dead_letters.html", visit, page="dead", rows=rows, state=state, following=following)


async def _dead_letter(visit: Visit, dead_letter: str) -> DeadLetter:
    dead = await visit.env.store.dead_letter(dead_letter)
    if dead is None or not visit.principal.reaches(dead.actor.tenant):
        raise Problem("not-found", f"there is no dead letter {dead_letter!r}")
    return dead


async def dead_letter(visit: Visit, dead_letter: str) -> Response:
    dead = await _dead_letter(visit, dead_letter)
    message = model.pretty(veiled_body(dead.body))
    return await render("console/dead_letter.html", visit, page="dead", dead=dead, message=message)


async def settle(visit: Visit, dead_letter: str, verdict: str) -> Any:
    dead = await _dead_letter(visit, dead_letter)
    if verdict == "replay":
        try:
            answer = await replay(visit.env.system.inspect, dead)
            await flash(visit.t("replayed: the actor answered {answer}", answer=answer.answer), "good")
        except Problem as problem:
            await flash(problem.detail or problem.title, "bad")
        except ActorError as error:
            await flash(visit.t("not replayed: {error}", error=error), "bad")
    elif verdict == "discard":
        done = await visit.env.store.settle_dead_letter(dead.id, "discarded")
        await flash(visit.t("discarded") if done else visit.t("it was settled already"), "good" if done else "warn")
    else:
        raise Problem("not-found", f"there is no verdict {verdict!r}")
    visit.audit(f"console.{verdict}", f"dead letter {dead.id} of {dead.actor}")
    return redirect(f"/console/dead-letters/{dead.id}", 303)
