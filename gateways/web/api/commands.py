"""Commands to a station, in the words of any OCPP version. The answer comes in the caller's words."""

import secrets
from datetime import timedelta
from typing import Any, Literal

import msgspec

from actors.charging.rows import PROFILES
from actors.model.composite import Held
from actors.model.decision import Refused
from actors.model.ids import digest, station_address
from actors.model.intents import CommandFailure, CommandResult, GetChargingProfiles, Unsupported
from actors.station.messages import Command, Sent
from gateways.ocpp import vocabulary
from gateways.ocpp.mapping.answers import FROM_OWN_BOOK
from gateways.ocpp.v201.reports import charging_profiles
from gateways.web import identity, limits
from gateways.web.api.item_limits import too_many
from gateways.web.api.stations import known
from gateways.web.call import Call, ask, refusal
from gateways.web.idempotency import HEADER
from gateways.web.problems import FieldError, Problem
from gateways.web.table import Items, Query, Route, Scope

TAG = "Commands"


class CommandAnswer(msgspec.Struct, frozen=True):
    """`sent` is what went out in the station's own version as `sent_action`, `result` its answer in the caller's words; `lost`
    names the fields of the caller's that could not be carried. `version`: the words in which the caller was understood. A
    command that took several calls has them in `sent.calls`. Where the station's version cannot be asked, the answer is from
    our own book: nothing was sent, and `reported` holds the messages that a station would have sent later."""

    action: str
    protocol: str
    sent: dict[str, Any]
    result: dict[str, Any]
    translated: bool
    lost: list[str]
    sent_action: str
    version: str
    reported: list[dict[str, Any]] = []


class CommandView(msgspec.Struct, frozen=True):
    """An action of a vocabulary with the JSON schemas of its payload and its result."""

    action: str
    version: str
    request: dict[str, Any]
    response: dict[str, Any]


async def send_command(call: Call) -> CommandAnswer:
    action = call.path["action"]
    try:
        parsed = vocabulary.parse_command(action, call.body or {}, call.query["version"])
    except vocabulary.UnknownCommand as error:
        raise Problem("not-found", f"{error}; known are {', '.join(error.known)}") from None
    except vocabulary.InvalidCommand as error:
        fields = [FieldError(wrong.detail, pointer=wrong.pointer) for wrong in error.errors]
        raise Problem("invalid-body", f"this is no {action} payload", errors=fields) from None
    await known(call)
    beyond = await too_many(call.env.lookups, call.own, call.path["station"], parsed.intent)
    if beyond is not None:
        raise _not_carried(parsed, *beyond)
    command = Command(
        id=_command_id(call),
        intent=parsed.intent,
        not_after=call.env.now() + timedelta(seconds=limits.COMMAND_NOT_AFTER),
        who=call.principal.who,
    )
    to = station_address(call.own, call.path["station"])
    reply = await ask(call.env, to, command, limits.COMMAND_SECONDS, call.correlation)
    if isinstance(reply, Refused):
        raise refusal(reply, vocabulary.pointer(parsed, reply.field) if reply.field else None)
    if isinstance(reply, Unsupported):
        raise _not_carried(parsed, reply.detail, reply.field)
    if not isinstance(reply, Sent):
        raise Problem("internal-error", f"an unexpected answer: {type(reply).__name__}")
    failure = vocabulary.refusal(parsed, reply.outcome)
    if failure is not None:
        if isinstance(parsed.intent, GetChargingProfiles) and failure.reason == "unsupported" and failure.field is None:
            return await _by_our_own_book(call, parsed, parsed.intent, reply.protocol)
        raise _failed(parsed, failure)
    return CommandAnswer(
        action=action,
        protocol=reply.protocol,
        sent=vocabulary.show_wire(reply.wire),
        result=vocabulary.render_result(parsed, reply.outcome),
        translated=vocabulary.translated(parsed, reply.protocol, reply.wire),
        lost=vocabulary.lost(parsed, reply.wire.lost),
        sent_action=reply.wire.action,
        version=parsed.version,
    )


async def _by_our_own_book(
    call: Call, parsed: vocabulary.ParsedCommand, asked: GetChargingProfiles, protocol: str
) -> CommandAnswer:
    """1.x cannot be asked what profiles it holds; what it accepted stands in the book (PROTOCOLS 5.2)."""
    held = []
    cursor = None
    while True:
        page = await call.env.queries.book(call.own, call.path["station"], PROFILES, limits.PAGE_MAX, cursor)
        held += [msgspec.convert(row.body, Held) for row in page.items]
        cursor = page.next
        if cursor is None:
            break
    reported = charging_profiles(asked, held)
    reason, info = FROM_OWN_BOOK
    result = CommandResult("Accepted" if reported else "NoProfiles", {"reason": reason, "info": info})
    told = vocabulary.render_result(parsed, result)
    return CommandAnswer(parsed.action, protocol, {}, told, True, [], "", parsed.version, reported)


def _command_id(call: Call) -> str:
    """With an Idempotency-Key the actor itself knows the command again, whatever node gets the retry."""
    key = call.headers.get(HEADER)
    return "c" + (digest(call.principal.id, call.own, call.path["station"], key) if key else secrets.token_hex(12))


def _not_carried(parsed: vocabulary.ParsedCommand, detail: str, field: str | None) -> Problem:
    fields = [FieldError(detail, pointer=vocabulary.pointer(parsed, field))] if field else []
    return Problem("not-carried", detail, errors=fields)


def _failed(parsed: vocabulary.ParsedCommand, failure: CommandFailure) -> Problem:
    if failure.reason == "unsupported":
        return _not_carried(parsed, failure.detail or "the station's version cannot carry this", failure.field)
    if failure.reason == "offline":
        return Problem("station-offline", failure.detail or "the station is not connected")
    if failure.reason == "superseded":
        return Problem("conflict", failure.detail or "another command took this one's place")
    if failure.reason == "error":
        return Problem("station-error", failure.detail or failure.code, station_error=vocabulary.render_result(parsed, failure))
    detail = "the station did not answer in time" if failure.reason == "timeout" else "nobody can tell what became of it"
    return Problem("station-timeout", failure.detail or detail)


async def list_commands(call: Call) -> Items[CommandView]:
    known_commands = vocabulary.commands(call.query["version"])
    return Items([CommandView(info.action, info.version, info.request, info.response) for info in known_commands])


_VERSION = Query(
    "version", Literal["ocpp2.0.1", "ocpp1.6", "ocpp1.5"],
    "The vocabulary; without it the newest whose action the payload fits",
)  # fmt: skip
ROUTES = (
    Route(
        method="POST", path="/api/v1/tenants/{tenant}/stations/{station}/commands/{action}", handler=send_command, tag=TAG,
        scope=Scope.TENANT, right=identity.WRITE, summary="Send a command to a station",
        description="The body is the action's payload in the schema of any version, whatever the station speaks (see GET "
        "/api/v1/commands; what each version carries: /api/v1/docs/vocabulary). Waits for the station's answer, at most 30 s.",
        query=(_VERSION,), body=dict[str, Any], body_optional=True, answer=CommandAnswer,
        problems=("station-offline", "station-timeout", "station-error", "not-carried"),
    ),
    Route(
        method="GET", path="/api/v1/commands", handler=list_commands, tag=TAG, scope=Scope.OWN,
        summary="The vocabulary: every action with its schemas", query=(_VERSION,), answer=Items[CommandView],
    ),
)  # fmt: skip
