"""A driver's own page of one payment: waiting, charging, stopping, the end of it, and the receipt for as long as it is kept.

What the browser brings back from the payment provider proves nothing. Coming back only makes us ask the provider again
(LookAgain); what the page shows is always what is written down.
"""

from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import structlog
import trio
from quart import Response, redirect, request

from actors.model.decision import Refused
from actors.model.ids import payment_address, session_address
from actors.model.rows import PaymentRow, SessionRow
from actors.payment.messages import CancelAttempt, LookAgain, StopCharging
from actors.payment.phases import PAGE_OPEN
from actors.session.messages import Look
from gateways.web import limits
from gateways.web.api.events import sse, stream_response
from gateways.web.pay.guest import HEADERS, Guest
from gateways.web.pay.place import seller_of
from gateways.web.pay.receipt import Receipt, billed, receipt_of
from gateways.web.pay.receipt_pdf import pdf
from gateways.web.pay.stages import STAGES, Stage, failure_of, stage_of
from gateways.web.problems import Problem
from runtime.errors import ActorError
from runtime.store import StoreAway

_log = structlog.get_logger("web.pay")
_encode = msgspec.json.encode


class Visit(msgspec.Struct, frozen=True):
    row: PaymentRow
    session: SessionRow | None
    stage: Stage
    token: str


async def _visit(guest: Guest, token: str, *, again: bool = False) -> Visit | None:
    """None: not a token of ours, or nobody ever opened the attempt."""
    attempt = guest.pay.tokens.attempt(guest.tenant.tenant, token)
    if attempt is None:
        return None
    row = await guest.env.queries.payment(guest.tenant.tenant, attempt)
    if row is not None and again and row.state in PAGE_OPEN:
        row = await _looked(guest, attempt) or row
    if row is None or row.purpose != "session":
        return None
    session = await _session(guest, row)
    stage = stage_of(row, session)
    if stage.name == "charging" and guest.stopping:
        stage = STAGES["stopping"]  # the order to the station is committed; until it has stopped the page says so
    return Visit(row, session, stage, token)


async def _looked(guest: Guest, attempt: str) -> PaymentRow | None:
    """What the provider has now. It may be slow, or away: then what is written down is shown, and the page goes on asking."""
    try:
        reply = await guest.ask(payment_address(guest.tenant.tenant, attempt), LookAgain(), limits.PAY_LOOK_SECONDS)
    except ActorError:
        return None
    return reply if isinstance(reply, PaymentRow) else None


async def _session(guest: Guest, row: PaymentRow) -> SessionRow | None:
    """While it runs, as its actor has it in memory: the row is written some seconds late."""
    if row.session is None:
        return None
    tenant = guest.tenant.tenant
    found: SessionRow | None = await guest.env.queries.session(tenant, row.session)
    if found is not None and found.ended_at is not None:
        return found
    try:
        live = await guest.ask(session_address(tenant, row.session), Look(), limits.LOOK_SECONDS)
    except (ActorError, StoreAway):
        return found
    return live if isinstance(live, SessionRow) else found


async def _no_such(guest: Guest) -> Response:
    text = "Please check the address: it must be copied whole. A receipt can be opened for as long as the law keeps it."
    return await guest.trouble("We do not know this page", text, 404)


async def session_page(guest: Guest, token: str) -> Response:
    visit = await _visit(guest, token, again="back" in request.args)
    if visit is None:
        return await _no_such(guest)
    return await _shown(guest, visit)


async def _shown(guest: Guest, visit: Visit, notice: str = "", status: int = 200) -> Response:
    receipt = await receipt_of(guest, visit.row, visit.session) if visit.stage.paid else None
    merchant = guest.env.snapshots.merchant(guest.tenant.tenant, visit.row.merchant)
    return await guest.page(
        "visit",
        status,
        seller=seller_of(guest.env, merchant) if merchant is not None else None,
        visit=visit,
        row=visit.row,
        stage=visit.stage,
        values=values_of(guest, visit),
        receipt=receipt,
        billed=billed,
        failure=failure_of(visit.row),
        left="left" in request.args and visit.stage.name == "paying",
        notice=notice,
        refresh=limits.PAY_REFRESH_SECONDS,
    )


def values_of(guest: Guest, visit: Visit) -> dict[str, str]:
    """What moves while one looks, as the page writes it."""
    t, session, row = guest.t, visit.session, visit.row
    if session is None or session.started_at is None:
        return {}
    end = session.ended_at or guest.now
    found = {"energy": t.kwh(session.energy_wh or 0, 2), "time": t.span(max(0.0, (end - session.started_at).total_seconds()))}
    cost = row.cost or session.cost
    if cost is not None:
        found["cost"] = t.money(cost.incl)
    return found


async def live(guest: Guest, token: str) -> Response:
    """Server-sent events: {stage, values} now, whenever something happens, and every few seconds."""
    visit = await _visit(guest, token)
    if visit is None:
        return await _no_such(guest)
    if request.method == "HEAD":
        return Response(b"", 200, HEADERS, content_type="text/event-stream")
    streams, attempt = guest.pay.streams, visit.row.id
    if streams.full(attempt):
        raise Problem("too-many-requests", "too many live pages are open", retry_after=30)

    async def chunks() -> AsyncGenerator[bytes, None]:
        with streams.held(attempt):
            yield b"retry: 3000\n\n"
            last, until, subjects = b"", trio.current_time() + limits.PAY_STREAM_SECONDS, _subjects(visit)
            while not guest.pay.services.closing.is_set() and trio.current_time() < until:
                with guest.pay.bell.listening(guest.tenant.tenant, subjects) as rung:
                    await guest.pay.bell.ready(limits.PAY_TICK_SECONDS)
                    now = await _now(guest, token)
                    if now is not None:
                        data = _encode({"stage": now.stage.name, "values": values_of(guest, now)})
                        yield sse(data, event="now") if data != last else b": alive\n\n"
                        last = data
                        if not now.stage.busy:
                            return
                        if subjects != (subjects := _subjects(now)):
                            continue  # a session has begun, to which nobody listened while we looked
                    with trio.move_on_after(limits.PAY_TICK_SECONDS):
                        await rung.wait()

    return stream_response(chunks())


def _subjects(visit: Visit) -> list[str]:
    """Whose events move this page."""
    return [visit.row.id, *([visit.row.session] if visit.row.session else [])]


async def _now(guest: Guest, token: str) -> Visit | None:
    """A stream outlives a database that is away."""
    try:
        return await _visit(guest, token)
    except (ActorError, StoreAway):
        return None
    except Exception:
        _log.exception("live pay page failed")
        return None


# -- what the driver does ------------------------------------------------------------------------------------------


async def stop(guest: Guest, token: str) -> Response:
    return await _ordered(guest, token, StopCharging(), "The station could not be asked to stop. Please try again.")


async def cancel(guest: Guest, token: str) -> Response:
    return await _ordered(guest, token, CancelAttempt(), "This can no longer be cancelled.")


async def _ordered(guest: Guest, token: str, message: Any, problem: str) -> Response:
    visit = await _visit(guest, token)
    if visit is None:
        return await _no_such(guest)
    reply = await guest.ask(payment_address(guest.tenant.tenant, visit.row.id), message, limits.ASK_SECONDS)
    if isinstance(reply, Refused):
        visit = await _visit(guest, token) or visit
        return await _shown(guest, visit, problem if visit.stage.busy else "", 409 if visit.stage.busy else 200)
    query = "?stopping=1" if isinstance(message, StopCharging) else ""
    response = redirect(guest.link(f"s/{token}{query}"), 303)
    response.headers.update(HEADERS)
    return response  # type: ignore[return-value]


# -- what the driver keeps -----------------------------------------------------------------------------------------


async def receipt_pdf(guest: Guest, token: str) -> Response:
    visit, receipt = await _receipt(guest, token)
    if visit is None or receipt is None:
        return await _no_such(guest)
    body = await trio.to_thread.run_sync(pdf, receipt, guest.t)
    headers = {**HEADERS, "Content-Disposition": f'inline; filename="{receipt.file_name}.pdf"'}
    return Response(body, 200, headers, content_type="application/pdf")


async def signed_values(guest: Guest, token: str) -> Response:
    """The meter's signed records, byte for byte as the station sent them, one a paragraph."""
    visit, receipt = await _receipt(guest, token)
    if visit is None or receipt is None or not receipt.signed:
        return await _no_such(guest)
    body = "\n\n".join(receipt.signed) + "\n"
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{receipt.file_name}-signed.txt"'}
    return Response(body, 200, headers, content_type="text/plain; charset=utf-8")


async def _receipt(guest: Guest, token: str) -> tuple[Visit | None, Receipt | None]:
    visit = await _visit(guest, token)
    if visit is None or not visit.stage.paid:
        return visit, None
    return visit, await receipt_of(guest, visit.row, visit.session)
