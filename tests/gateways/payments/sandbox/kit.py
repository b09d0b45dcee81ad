"""The real stripe package against the sandbox, and a check of an answer against the package's own types."""

import builtins
import sys
import types
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

import h11
import stripe
import trio
from stripe._stripe_object import UntypedStripeObject

from gateways.payments.sandbox import Config, Sandbox, open_sandbox
from tests.kits.patience import PATIENCE

stripe.enable_telemetry = False
MERCHANT = "acct_1Merchant000000000"
OTHER = "acct_1Other00000000000000"
CONFIG = Config(merchants=(MERCHANT, OTHER))
ON = {"stripe_account": MERCHANT}


def client(sandbox: Sandbox, *, retries: int = 0, key: str | None = None) -> stripe.StripeClient:
    url = sandbox.url
    return stripe.StripeClient(
        key or sandbox.world.config.secret_key,
        http_client=stripe.HTTPXClient(timeout=PATIENCE),
        base_addresses={"api": url, "connect": url, "files": url, "meter_events": url},
        max_network_retries=retries,
        client_id=sandbox.world.config.client_id,
    )


@asynccontextmanager
async def sandboxed(config: Config = CONFIG, **more: Any) -> AsyncIterator[tuple[Sandbox, stripe.StripeClient]]:
    async with open_sandbox(config, **more) as sandbox:
        yield sandbox, client(sandbox)


def order(amount: int = 5000, fee: int | None = 250, **more: Any) -> dict[str, Any]:
    """Parameters of a Checkout Session as MONEY 1.1 opens it."""
    data: dict[str, Any] = {"capture_method": "manual", "metadata": {"attempt": "A1"}}
    if fee is not None:
        data["application_fee_amount"] = fee
    price = {"currency": "eur", "unit_amount": amount, "product_data": {"name": "Charging"}}
    return {
        "mode": "payment",
        "allowed_payment_method_types": ["card"],
        "line_items": [{"price_data": price, "quantity": 1}],
        "payment_intent_data": data,
        "payment_method_options": {"card": {"request_three_d_secure": "any"}},
        "wallet_options": {"link": {"display": "never"}},
        "customer_email": "a1@example.org",
        "success_url": "https://pay.example.org/done?s={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://pay.example.org/back",
    } | more


async def held(
    sandbox: Sandbox, api: stripe.StripeClient, card: str = "frictionless", amount: int = 5000, fee: int | None = 250, **more: Any
) -> stripe.PaymentIntent:
    """An intent whose money is held after the page was paid."""
    session = await api.v1.checkout.sessions.create_async(order(amount, fee, **more), ON)  # type: ignore[arg-type]
    assert session.url is not None
    outcome = await sandbox.driver.pay(session.url, card)
    assert outcome.paid, outcome.error
    paid = await api.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["payment_intent.latest_charge"]}, ON)
    assert isinstance(paid.payment_intent, stripe.PaymentIntent)
    return paid.payment_intent


def misfits(obj: Any, kind: Any = None, path: str = "") -> list[str]:
    """Where an answer is not what the package's types say: an unknown field, a missing one, a wrong type."""
    kind = kind or type(obj)
    known = get_type_hints(kind, localns=_Names(kind))
    given = obj.to_dict() if isinstance(obj, stripe.StripeObject) else obj
    out = [f"{path}.{name}: unknown" for name in given if name not in known]
    for name, hint in known.items():
        if get_origin(hint) is ClassVar or name.startswith("_"):
            continue
        if name not in given:
            if type(None) not in get_args(hint):
                out.append(f"{path}.{name}: missing")
        else:
            out += _misfit(given[name], hint, f"{path}.{name}")
    return out


class _Elsewhere:
    """Of a corner of the API that is not played (issuing, ...): nothing fits it."""


class _Names(dict[str, Any]):
    """What the annotations of a class may name: its module's names, and the package's, which it loads as they are wanted."""

    def __init__(self, kind: type) -> None:
        super().__init__(DisputeResource=stripe.Dispute, CardResource=stripe.Card)
        self._module = sys.modules[kind.__module__]

    def __missing__(self, name: str) -> Any:
        try:
            return getattr(self._module, name) if hasattr(self._module, name) else getattr(stripe, name)
        except AttributeError:
            if name in vars(builtins):
                raise KeyError(name) from None
            return _Elsewhere


def _misfit(value: Any, hint: Any, path: str) -> list[str]:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        tries = [_misfit(value, one, path) for one in get_args(hint)]
        return [] if [] in tries else min(tries, key=lambda one: (any(" is not " in text for text in one), len(one)))
    if origin is Literal:
        return [] if value in get_args(hint) else [f"{path}: {value!r} is not one of {get_args(hint)}"]
    if origin is list:
        if not isinstance(value, list):
            return [f"{path}: {value!r} is not a list"]
        return [text for n, one in enumerate(value) for text in _misfit(one, get_args(hint)[0], f"{path}[{n}]")]
    if origin is stripe.ListObject:
        return [text for one in value["data"] for text in _misfit(one, get_args(hint)[0], path)]
    if hint is UntypedStripeObject or origin in (UntypedStripeObject, dict):
        return [] if isinstance(value, dict) else [f"{path}: {value!r} is not a table"]
    if isinstance(hint, type) and issubclass(hint, stripe.StripeObject):
        return misfits(value, hint, path) if isinstance(value, dict) else [f"{path}: {value!r} is not {hint.__name__}"]
    if hint is Any:
        return []
    if isinstance(hint, type):
        wanted = (Decimal, str) if hint is Decimal else hint
        fits = isinstance(value, wanted) and not (hint is int and isinstance(value, bool))
        return [] if fits else [f"{path}: {value!r} is not {hint.__name__}"]
    return [f"{path}: cannot judge {hint}"]


class Inbox:
    """An endpoint for webhooks on raw sockets: verifies with the package, and answers as told."""

    def __init__(self, secret: str) -> None:
        self.secret, self.url = secret, ""
        self.bodies: list[tuple[bytes, str]] = []
        self.events: list[stripe.Event] = []
        self.refused: list[str] = []
        self.answers: list[int] = []
        """Statuses of the next answers; 200 when none is left."""
        self.failing = False
        self.failed = 0
        """Whether every one is answered 500 for now, and how many were."""

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]

    async def serve(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/hook"
        await trio.serve_listeners(self._one, listeners, task_status=task_status)  # type: ignore[arg-type]

    async def _one(self, stream: trio.SocketStream) -> None:
        async with stream:
            wire, body, signature = h11.Connection(h11.SERVER), b"", ""
            while True:
                event = wire.next_event()
                if event is h11.NEED_DATA:
                    wire.receive_data(await stream.receive_some(65536))
                elif isinstance(event, h11.Request):
                    signature = dict(event.headers).get(b"stripe-signature", b"").decode()
                elif isinstance(event, h11.Data):
                    body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    break
                else:
                    return
            if self.failing:
                status, self.failed = 500, self.failed + 1
            else:
                status = self.answers.pop(0) if self.answers else self._judge(body, signature)
            reply = wire.send(h11.Response(status_code=status, headers=[("Content-Length", "0"), ("Connection", "close")])) or b""
            await stream.send_all(reply + (wire.send(h11.EndOfMessage()) or b""))

    def _judge(self, body: bytes, signature: str) -> int:
        self.bodies.append((body, signature))
        try:
            self.events.append(stripe.Webhook.construct_event(body, signature, self.secret))
        except (ValueError, stripe.SignatureVerificationError) as error:
            self.refused.append(type(error).__name__)
            return 400
        return 200
