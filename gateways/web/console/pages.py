"""The pages and the orders behind their buttons."""

from typing import Any
from urllib.parse import urlencode

from quart import Response, flash, redirect, render_template, request

from actors.model.ids import STATION
from gateways.web import limits
from gateways.web.api.actors import OPERATIONS, carry_out, replay
from gateways.web.console import model
from gateways.web.console.session import Visit
from gateways.web.problems import Problem
from runtime.errors import ActorError
from runtime.store import DeadLetter


async def render(template: str, visit: Visit, **values: Any) -> Response:
    html = await render_template(template, visit=visit, operations=OPERATIONS, **values)
    return Response(html, content_type="text/html; charset=utf-8")


async def overview(visit: Visit) -> Response:
    return await render("console/overview.html", visit, page="overview", view=model.overview(visit))


async def tree(visit: Visit) -> Response:
    return await render("console/tree.html", visit, page="tree", tree=model.tree(visit))


async def actor_list(visit: Visit) -> Response:
    args = request.args
    found = model.actor_list(visit, args.get("kind", ""), args.get("q", ""), args.get("sort", "address"))
    kinds = sorted(visit.env.system.registry.kinds)
    return await render("console/actors.html", visit, page="actors", found=found, kinds=kinds, sorts=model.SORTS)


async def actor(visit: Visit) -> Response:
    address = visit.address(request.args.get("address", ""))
    found = model.actor(visit, address)
    return await render(
        "console/actor.html", visit, page="actors", address=str(address), actor=found, has_trace=address.kind == STATION
    )


async def order(visit: Visit, operation: str) -> Any:
    """restart, stop, suspend, resume, checkpoint: carried out, audited, and told on the actor's page."""
    form = await request.form
    address = visit.address(form.get("address", ""))
    if operation not in OPERATIONS:
        raise Problem("not-found", f"there is no operation {operation!r}")
    try:
        done = (await carry_out(visit.env.system.inspect, operation, address)).done
        await flash(f"{operation}: {'done' if done else 'ordered, not carried out yet'}", "good" if done else "warn")
    except Problem as problem:
        done = False
        await flash(problem.detail, "bad")
    visit.audit(f"console.{operation}", str(address), done=done)
    return redirect("/console/actor?" + urlencode({"address": str(address)}), 303)


async def trace(visit: Visit) -> Response:
    address = visit.address(request.args.get("address", ""))
    action = request.args.get("action", "")
    rows = await model.trace(visit, address, action)
    values = {"address": str(address), "station": address.id, "action": action, "rows": rows}
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
    message = model.pretty_frame(dead.body.decode("utf-8", "backslashreplace"))
    return await render("console/dead_letter.html", visit, page="dead", dead=dead, message=message)


async def settle(visit: Visit, dead_letter: str, verdict: str) -> Any:
    dead = await _dead_letter(visit, dead_letter)
    if verdict == "replay":
        try:
            answer = await replay(visit.env.system.inspect, dead)
            await flash(f"replayed: the actor answered {answer.answer}", "good")
        except Problem as problem:
            await flash(problem.detail or problem.title, "bad")
        except ActorError as error:
            await flash(f"not replayed: {error}", "bad")
    elif verdict == "discard":
        done = await visit.env.store.settle_dead_letter(dead.id, "discarded")
        await flash("discarded" if done else "it was settled already", "good" if done else "warn")
    else:
        raise Problem("not-found", f"there is no verdict {verdict!r}")
    visit.audit(f"console.{verdict}", f"dead letter {dead.id} of {dead.actor}")
    return redirect(f"/console/dead-letters/{dead.id}", 303)
