"""The one way into the admin API: every request of every route passes `Dispatcher.handle`.

authenticate -> tenant scope -> right -> parameters -> body -> idempotency -> handler -> answer. A handler therefore
never asks who calls or whether the tenant is theirs. What is refused for scope or right, and everything that
writes, leaves a row in the audit log.
"""

import re
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from quart import Response, request
from quart.wrappers import Request
from werkzeug.exceptions import HTTPException

from actors.ports import InvalidCursor
from gateways.web import identity, limits
from gateways.web.call import Call, audit, fault
from gateways.web.env import WebEnv
from gateways.web.idempotency import HEADER, Answers, Stored
from gateways.web.identity import Identities, Principal, Throttle
from gateways.web.problems import MEDIA_TYPE, FieldError, Problem, of_http, wrong_field, wrong_parameter
from gateways.web.table import Answer, Route, Scope
from gateways.web.validate import decode_body
from runtime.address import Address
from runtime.errors import ActorError
from runtime.store import StoreAway

CORRELATION = "X-Correlation-Id"
SLASH = "\ue02f"
"""Stands for a %2F of the raw path while the router splits at slashes: station identities may contain them."""

SECRET_PATH = frozenset(("uid",))
"""Path parameters that no log shows."""

ANYONE = Principal("anonymous", None, "none")

_encode = msgspec.json.Encoder(decimal_format="number").encode
_correlation_form = re.compile(r"[\w.:-]{1,64}").fullmatch
_control_characters = re.compile(r"[\x00-\x1f\x7f]").search
_log = structlog.get_logger("web")


class Dispatcher:
    def __init__(self, env: WebEnv, identities: Identities, throttle: Throttle, answers: Answers, services: Any) -> None:
        self._env = env
        self._identities = identities
        self._throttle = throttle
        self._answers = answers
        self._services = services

    async def handle(self, route: Route, path: Mapping[str, str]) -> Response:
        """The answer to the current request; nothing but cancellation escapes."""
        given = request.headers.get(CORRELATION, "")
        correlation = given if _correlation_form(given) else "w" + secrets.token_hex(8)
        started = self._services.clock()
        try:
            response = await self._answer(route, path, correlation)
        except Problem as problem:
            response = problem_response(problem, correlation)
        except (ActorError, StoreAway) as error:
            response = problem_response(fault(error), correlation)
        except InvalidCursor as error:
            response = problem_response(wrong_parameter("cursor", str(error)), correlation)
        except HTTPException as error:
            response = problem_response(of_http(error), correlation)
        except Exception:
            _log.exception("request failed", route=route.name, correlation=correlation)
            response = problem_response(Problem("internal-error", "the log has it under this correlation"), correlation)
        response.headers[CORRELATION] = correlation
        if request.method == "HEAD" and route.stream:
            response = Response(b"", 200, {CORRELATION: correlation}, content_type=route.answer_media)
        self._services.metrics.observe(route.method, route.path, response.status_code, self._services.clock() - started)
        return response

    async def _answer(self, route: Route, raw_path: Mapping[str, str], correlation: str) -> Response:
        path = {name: value.replace(SLASH, "/") for name, value in raw_path.items()}
        principal = ANYONE if route.scope is Scope.PUBLIC else await self.authenticate(request)
        tenant = self.authorise(route, principal, path, request.args)
        for name, value in path.items():
            if _control_characters(value):
                raise wrong_parameter(name, "control characters are not allowed")
        query = _parameters(route, request.args)
        raw = await _body(route, request)
        body = _typed(route, raw)
        call = Call(
            env=self._env,
            principal=principal,
            tenant=tenant,
            path=path,
            query=query,
            body=body,
            headers=request.headers,
            correlation=correlation,
            services=self._services,
        )
        key = request.headers.get(HEADER) if route.method == "POST" else None
        if key is None:
            return await self._run(route, call)
        return await self._once(route, call, (principal.id, f"{route.method} {request.full_path}", key), raw)

    async def _once(self, route: Route, call: Call, key: tuple[str, str, str], raw: bytes) -> Response:
        stored = self._answers.begin(key, raw)
        if stored is not None:
            headers = {**stored.headers, "Idempotent-Replayed": "true"}
            return Response(stored.body, stored.status, headers, content_type=stored.media)
        try:
            try:
                response = await self._run(route, call)
            except Problem as problem:
                response = problem_response(problem, call.correlation)
            body = await response.get_data(as_text=False)
            headers = {name: value for name, value in response.headers.items() if name in ("Location", "Retry-After")}
            self._answers.finish(key, Stored(response.status_code, response.content_type or "", headers, body))
            return response
        finally:
            self._answers.abandon(key)

    async def _run(self, route: Route, call: Call) -> Response:
        status = 500
        try:
            response = respond(route, await route.handler(call))
            status = response.status_code
            return response
        except Problem as problem:
            status = problem.status
            raise
        finally:
            if route.right != identity.READ:
                call.audit(route.name, _subject(route, call), status=status)

    # -- the choke point -----------------------------------------------------------------------------------------

    async def authenticate(self, request: Request) -> Principal:
        """Bearer token to principal. Raises 401, and 429 for an address that keeps guessing."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        token = token.strip()
        address = request.remote_addr or ""
        if scheme.lower() != "bearer" or not token:
            raise Problem("unauthenticated", "send 'Authorization: Bearer <token>'")
        return await self.recognise(token, address)

    async def recognise(self, token: str, address: str) -> Principal:
        """A token to its principal; failures count against the address, tokens once known pass regardless."""
        known = self._identities.known(token)
        if known is not None:
            return known
        now = self._services.clock()
        wait = self._throttle.retry_after(address, now)
        if wait is not None and not self._identities.once_known(token):
            raise Problem("too-many-requests", "too many failed authentications from this address", retry_after=wait)
        principal = await self._identities.find(token)
        if principal is None:
            self._throttle.failed(address, now)
            self._services.metrics.refused("unauthenticated")
            raise Problem("unauthenticated", "this token is not known, expired or revoked")
        return principal

    def authorise(self, route: Route, principal: Principal, path: Mapping[str, str], query: Mapping[str, str]) -> str | None:
        """The tenant this request is about, if the principal may. Another tenant's is 404, a missing right 403."""
        if route.scope is Scope.PUBLIC:
            return None
        tenant = self._tenant_of(route, principal, path, query)
        if tenant is not None and not principal.reaches(tenant):
            self._refused(principal, route, "another tenant", tenant)
            raise Problem("not-found", "there is no such thing here")
        if not principal.may(identity.PLATFORM if route.scope is Scope.PLATFORM else route.right):
            self._refused(principal, route, "missing right", tenant)
            raise Problem("forbidden", f"your role {principal.role!r} may not do this")
        if route.scope is Scope.TENANT and self._env.snapshots.tenant(tenant or "") is None:
            raise Problem("not-found", f"there is no tenant {tenant!r}")
        return tenant

    def _tenant_of(self, route: Route, principal: Principal, path: Mapping[str, str], query: Mapping[str, str]) -> str | None:
        if route.scope is Scope.TENANT:
            return path["tenant"]
        if route.scope is Scope.ADDRESS:
            try:
                return Address.parse(query.get("address", "")).tenant
            except ValueError as error:
                raise wrong_parameter("address", str(error)) from None
        if route.scope is Scope.OWN:
            return query.get("tenant") or principal.tenant
        return None

    def _refused(self, principal: Principal, route: Route, why: str, tenant: str | None) -> None:
        self._services.metrics.refused(why)
        detail = {"refused": why, "route": f"{route.method} {route.path}"}
        audit(self._env, principal, principal.tenant, f"{route.name}.refused", tenant or route.path, detail)


def _subject(route: Route, call: Call) -> str:
    """The path as the audit log keeps it: a token's UID is personal data and stays out."""
    values = {name: "***" if name in SECRET_PATH else value for name, value in call.path.items()}
    address = call.query.get("address")
    return route.path.format(**values) + (f"?address={address}" if address else "")


def _parameters(route: Route, args: Any) -> dict[str, Any]:
    """Every declared parameter, typed. Unknown ones are an error: a misspelt filter must not return everything."""
    known = {query.name: query for query in route.query}
    names = ", ".join(sorted(known)) or "none"
    errors = [FieldError(f"unknown parameter; known are {names}", parameter=name) for name in args if name not in known]
    values: dict[str, Any] = {}
    for query in route.query:
        text = args.get(query.name)
        if text is None or text == "":
            if query.required:
                errors.append(FieldError("this parameter is required", parameter=query.name))
            values[query.name] = query.default
            continue
        if _control_characters(text) or len(text) > limits.QUERY_VALUE_CHARS:
            errors.append(FieldError("too long, or control characters", parameter=query.name))
            continue
        try:
            values[query.name] = msgspec.convert(text, query.type, strict=False)
        except msgspec.ValidationError as error:
            errors.append(FieldError(str(error), parameter=query.name))
    if not 1 <= values.get("limit", 1) <= limits.PAGE_MAX:
        errors.append(FieldError(f"from 1 to {limits.PAGE_MAX}", parameter="limit"))
    if errors:
        raise Problem("invalid-parameter", errors=errors)
    return values


async def _body(route: Route, request: Request) -> bytes:
    """The raw body, read whole within the route's limit (see app.ApiRequest)."""
    if not route.writes:
        return b""
    raw = await request.get_data(as_text=False)
    assert isinstance(raw, bytes)
    if raw and route.body is not None:
        media = (request.content_type or route.body_media).partition(";")[0].strip().lower()
        accepted = (route.body_media,) if route.body_media != "application/json" else ("application/json", "")
        if media not in accepted and not (media.endswith("+json") and route.body_media == "application/json"):
            raise Problem("unsupported-media-type", f"send {route.body_media}")
    return raw


def _typed(route: Route, raw: bytes) -> Any:
    if route.body is None:
        return None
    if not raw.strip():
        if route.body_optional:
            return None
        raise wrong_field("", "a body is required")
    if route.body is bytes:
        return raw
    return decode_body(route.body, raw)


def respond(route: Route, result: Any) -> Response:
    if isinstance(result, Response):
        return result
    answer = result if isinstance(result, Answer) else Answer(result)
    status = answer.status or route.status
    if answer.body is None and status in (204, 303):
        return Response(b"", status, dict(answer.headers))
    if route.answer_media != "application/json":
        return Response(answer.body, status, dict(answer.headers), content_type=route.answer_media)
    return Response(_encode(answer.body), status, dict(answer.headers), content_type="application/json")


def problem_response(problem: Problem, correlation: str) -> Response:
    headers: dict[str, str] = {}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="voltroupe"'
    return Response(_encode(problem.body(correlation)), problem.status, headers, content_type=MEDIA_TYPE)
