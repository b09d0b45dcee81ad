"""A call of the API from its headers to its answer: key, version, account, idempotency, parameters, handler, fault.

Everything between the faults is one step without waiting, so a call is done whole or not at all, and what it did is in the
state file before its answer leaves.
"""

import hashlib
import hmac
import secrets
from collections import deque
from urllib.parse import parse_qs

import msgspec

from gateways.payments.sandbox import forms, limits
from gateways.payments.sandbox.accounts import connected
from gateways.payments.sandbox.calls import Call
from gateways.payments.sandbox.dues import tick
from gateways.payments.sandbox.errors import OAuthRefusal, Obj, Refusal, unplayed
from gateways.payments.sandbox.expanding import shown
from gateways.payments.sandbox.faults import Faults, Rule
from gateways.payments.sandbox.params import check, leaves
from gateways.payments.sandbox.routes import Route, find
from gateways.payments.sandbox.world import API_VERSION, Answer, Request, World


class Asked(msgspec.Struct, frozen=True):
    """An HTTP request. `headers`: names in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


class Told(msgspec.Struct, frozen=True):
    """Its answer. `delay`: seconds until it leaves; `hang`: it never does; `drop`: the connection is closed instead."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0
    hang: bool = False
    drop: bool = False


class Api:
    def __init__(self, world: World, faults: Faults) -> None:
        self.world, self.faults = world, faults
        self.calls: deque[Obj] = deque(maxlen=limits.CALLS_MOST)
        self.counted = 0
        self._busy: dict[tuple[str, str], float] = {}
        """Keys whose first call is slow to answer, and until when."""

    def answer(self, asked: Asked) -> Told:
        account = asked.headers.get("stripe-account") or self.world.platform
        rule = self.faults.meet(asked.method, asked.path, account)
        before = rule is not None and rule.what not in ("error_after", "drop_after", "hang_after", "delay")
        if before:
            assert rule is not None
            told = _instead(rule)
        else:
            told = self._done(asked, account, rule)
        self._note(asked, account, told, rule)
        return told

    def _done(self, asked: Asked, account: str, rule: Rule | None) -> Told:
        self.world.request = Request("req_" + secrets.token_hex(8), asked.headers.get("idempotency-key"))
        try:
            tick(self.world)
            told = self._replayed(asked, account, rule)
            tick(self.world)
        except (Refusal, OAuthRefusal) as refusal:
            told = Told(refusal.status, _json(refusal.body()))
        finally:
            request, self.world.request = self.world.request, Request()
        headers = [("Request-Id", request.id or ""), ("Stripe-Version", API_VERSION), *told.headers]
        if request.key:
            headers.append(("Idempotency-Key", request.key))
        told = msgspec.structs.replace(told, headers=tuple(headers))
        return _after(rule, told) if rule is not None else told

    def _replayed(self, asked: Asked, account: str, rule: Rule | None) -> Told:
        """The call's answer, or the one that its idempotency key stands for."""
        self._authorised(asked)
        found = find(asked.method, asked.path)
        if found is None:
            raise Refusal(
                f"Unrecognized request URL ({asked.method}: {asked.path}): not Stripe's, or not played by the sandbox.",
                status=404,
            )
        route, ids = found
        if account != self.world.platform:
            if route.platform:
                raise Refusal(f"{asked.path} is called for the platform: leave the Stripe-Account header out.")
            connected(self.world, account)
        key = asked.headers.get("idempotency-key") if asked.method == "POST" else None
        if key is None:
            return Told(*self._result(route, ids, asked, account))
        if len(key) > limits.KEY_LENGTH_MOST:
            raise Refusal("Idempotency keys have at most 255 characters.", kind="idempotency_error")
        digest = _digest(asked)
        self._not_busy(account, key)
        old = self.world.answers.get((account, key))
        if old is not None and old.at + limits.KEY_KEPT > self.world.now():
            if old.call != digest:
                raise Refusal(
                    "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using"
                    f" a key other than '{key}' if you meant to execute a different request.",
                    kind="idempotency_error",
                )
            return Told(old.status, old.body, (("Idempotent-Replayed", "true"),))
        told = Told(*self._kept(route, ids, asked, account))
        if rule is not None and rule.what == "error_after" and rule.sticky:
            stored = _instead(rule)
        else:
            stored = told
        if rule is not None and rule.what == "delay":
            self._busy[account, key] = self.world.clock.exact() + rule.seconds
        self._remember(account, key, Answer(self.world.now(), digest, stored.status, stored.body))
        return told

    def _not_busy(self, account: str, key: str) -> None:
        """While the first call with a key is under way, another one with it is a conflict."""
        now = self.world.clock.exact()
        self._busy = {pair: until for pair, until in self._busy.items() if until > now}
        if (account, key) in self._busy:
            raise Refusal(
                f"There is currently another in-progress request using this Idempotent Key '{key}'.",
                code="idempotency_key_in_use", kind="idempotency_error", status=409,
            )  # fmt: skip

    def _kept(self, route: Route, ids: dict[str, str], asked: Asked, account: str) -> tuple[int, bytes]:
        """Refusals of the work are answers to remember; those of its parameters are not (the work never began)."""
        params = self._params(route, asked)
        try:
            return 200, self._run(route, ids, asked, account, params)
        except (Refusal, OAuthRefusal) as refusal:
            if route.json:  # v2 does failed work again
                raise
            return refusal.status, _json(refusal.body())

    def _result(self, route: Route, ids: dict[str, str], asked: Asked, account: str) -> tuple[int, bytes]:
        return 200, self._run(route, ids, asked, account, self._params(route, asked))

    def _run(self, route: Route, ids: dict[str, str], asked: Asked, account: str, params: Obj) -> bytes:
        expand = params.pop("expand", [])
        obj = route.handler(Call(self.world, account, params, ids, asked.path))
        return _json(shown(self.world, obj, expand))

    def _remember(self, account: str, key: str, answer: Answer) -> None:
        answers = self.world.answers
        answers.pop((account, key), None)
        answers[account, key] = answer
        while len(answers) > limits.KEYS_MOST:
            answers.pop(next(iter(answers)))
        self.world.dirty_answers.append((account, key))

    def _authorised(self, asked: Asked) -> None:
        kind, _, given = asked.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not given:
            raise Refusal("You did not provide an API key: use the Authorization header, as in 'Bearer sk_test_...'.", status=401)
        if not hmac.compare_digest(given.encode(), self.world.secret_key.encode()):
            raise Refusal(f"Invalid API Key provided: {given[:8]}***", status=401)
        version = asked.headers.get("stripe-version", API_VERSION)
        if version != API_VERSION:
            raise Refusal(f"Invalid Stripe API version: {version}. The sandbox speaks {API_VERSION} only.")

    def _params(self, route: Route, asked: Asked) -> Obj:
        kind = asked.headers.get("content-type", "")
        file = None
        if asked.method in ("GET", "DELETE"):
            raw = forms.form(asked.query)
        elif route.json:
            raw = forms.json(asked.body)
        elif kind.startswith("multipart/form-data"):
            raw, file = forms.multipart(kind, asked.body)
        else:
            try:
                raw = forms.form(asked.body.decode("utf-8"))
            except UnicodeDecodeError:
                raise Refusal("The body is not UTF-8.") from None
        if route.kind is None:
            return raw
        if file is not None:
            raw["file"] = "attached"
        params = check(route.kind, raw, json=route.json)
        for leaf in leaves(params) if route.played is not None else ():
            if not _plays(route.played, leaf):
                raise unplayed(leaf)
        if file is not None:
            params["file"] = file
        return params

    def _note(self, asked: Asked, account: str, told: Told, rule: Rule | None) -> None:
        """Into the journal of calls, which says what was asked in words that a grep finds."""
        self.counted += 1
        text = asked.body[: limits.CALL_BYTES_MOST].decode("utf-8", "replace")
        self.calls.append(
            {
                "n": self.counted, "at": self.world.clock.exact(), "method": asked.method, "path": asked.path,
                "query": asked.query[: limits.CALL_BYTES_MOST], "account": account,
                "key": asked.headers.get("idempotency-key"), "params": _readable(text, asked), "status": told.status,
                "replayed": ("Idempotent-Replayed", "true") in told.headers, "fault": rule.what if rule is not None else None,
            }
        )  # fmt: skip


def _digest(asked: Asked) -> str:
    """What makes two calls the same: path and parameters. The boundary of a form with a file is new in every call."""
    _, _, boundary = asked.headers.get("content-type", "").partition("boundary=")
    body = asked.body.replace(boundary.encode("latin-1"), b"") if boundary else asked.body
    return hashlib.sha256(f"{asked.method} {asked.path}\n".encode() + body).hexdigest()


def _readable(text: str, asked: Asked) -> object:
    kind = asked.headers.get("content-type", "")
    if kind.startswith("multipart/"):
        return "(a file)"
    if kind.startswith("application/json"):
        return text
    return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}


def _plays(played: frozenset[str] | None, leaf: str) -> bool:
    parts = leaf.split(".")
    return played is None or any(".".join(parts[:n]) in played for n in range(1, len(parts) + 1))


def _json(obj: object) -> bytes:
    return msgspec.json.encode(obj)


def _instead(rule: Rule) -> Told:
    if rule.what.startswith("drop"):
        return Told(0, b"", drop=True)
    if rule.what.startswith("hang"):
        return Told(0, b"", hang=True)
    if rule.what == "rate_limit":
        refusal = Refusal(
            "Request rate limit exceeded. See https://docs.stripe.com/rate-limits.",
            code="rate_limit",
        )
        return Told(429, _json(refusal.body()))
    broken = Refusal("Sorry! There was an error while talking to one of our backends.", kind="api_error")
    return Told(rule.status, _json(broken.body()))


def _after(rule: Rule, told: Told) -> Told:
    """It was done; what becomes of the answer?"""
    if rule.what == "delay":
        return msgspec.structs.replace(told, delay=rule.seconds)
    return msgspec.structs.replace(_instead(rule), headers=told.headers)
