"""Webhooks: every event to every endpoint that wants it, signed as Stripe signs, at least once, in no promised order."""

import hashlib
import hmac
import time
from heapq import heapify, heappop, heappush

import httpx
import msgspec
import trio

from gateways.payments.sandbox import limits
from gateways.payments.sandbox.errors import Obj
from gateways.payments.sandbox.faults import Faults
from gateways.payments.sandbox.world import World, bare


def sign(payload: bytes, secret: str, at: int) -> str:
    """The value of Stripe-Signature: HMAC-SHA256 of `timestamp.payload`. `at` is the machine's time, whatever the sandbox's clock
    says, since the receiver compares it with its own."""
    mac = hmac.new(secret.encode(), str(at).encode() + b"." + payload, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


class Delivery(msgspec.Struct):
    event: str
    endpoint: str
    attempts: int = 0
    fault: str | None = None
    held: bool = False


class Deliverer:
    """`queue` holds (time, n, delivery). `attempts` counts what was sent, `taken` what was answered with 2xx."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world, self._faults = world, faults
        self._queue: list[tuple[float, int, Delivery]] = []
        self._held: list[Delivery] = []
        self._busy = 0
        self._n = 0
        self._wake = trio.Event()
        self.attempts = self.taken = self.dropped = self.given_up = 0
        self.paused = False
        world.happened = self.happened

    def happened(self, event: Obj) -> None:
        connect = event["_account"] != self._world.platform
        holder = self._world.objects[event["_account"]]
        if not holder["_connected"] and event["type"] != "account.application.deauthorized":
            return  # who has left is not heard of any more
        for endpoint in self._world.newest(self._world.platform, "webhook_endpoint"):
            if endpoint["status"] == "enabled" and endpoint["_connect"] == connect and _wants(endpoint, event["type"]):
                event["pending_webhooks"] += 1
                self._enter(event, endpoint["id"])

    def _enter(self, event: Obj, endpoint: str) -> None:
        delivery = Delivery(event["id"], endpoint)
        rule = self._faults.meet_event(event["type"])
        wait = 0.0
        if rule is not None:
            if rule.what == "drop":
                self.dropped += 1
                return
            if rule.what == "duplicate":
                self._push(Delivery(event["id"], endpoint), rule.seconds)
            elif rule.what == "reorder":
                delivery.held = True
                self._held.append(delivery)
                self._push(delivery, limits.HELD_MOST)
                return
            elif rule.what == "delay":
                wait = rule.seconds
            else:
                delivery.fault = rule.what
        self._push(delivery, wait)

    def _push(self, delivery: Delivery, wait: float) -> None:
        if len(self._queue) >= limits.DELIVERIES_MOST:
            self.dropped += 1
            return
        self._n += 1
        heappush(self._queue, (time.monotonic() + wait, self._n, delivery))
        self._wake.set()

    def again(self, event: Obj, endpoint: str) -> None:
        """Sent once more, whatever became of it before."""
        self._push(Delivery(event["id"], endpoint), 0.0)

    @property
    def waiting(self) -> int:
        return len(self._queue) + self._busy

    async def run(self) -> None:
        async with httpx.AsyncClient(timeout=limits.DELIVERY_TIMEOUT, trust_env=False) as client, trio.open_nursery() as nursery:
            slots = trio.Semaphore(limits.SENDERS)
            while True:
                await slots.acquire()
                delivery = await self._next()
                nursery.start_soon(self._send, client, delivery, slots)

    async def _next(self) -> Delivery:
        while True:
            self._wake = trio.Event()
            wait = 3600.0
            if self._queue and not self.paused:
                wait = self._queue[0][0] - time.monotonic()
                if wait <= 0:
                    delivery = heappop(self._queue)[2]
                    if delivery.held:  # nothing came to overtake it
                        self._held = [one for one in self._held if one is not delivery]
                        delivery.held = False
                    self._busy += 1
                    return delivery
            with trio.move_on_after(wait):
                await self._wake.wait()

    def wake(self) -> None:
        self._wake.set()

    async def _send(self, client: httpx.AsyncClient, delivery: Delivery, slots: trio.Semaphore) -> None:
        try:
            done = self._faults.down or await self._post(client, delivery)
            if self._faults.down or not done:
                self._later(delivery)
            self._overtaken()
        finally:
            self._busy -= 1
            slots.release()

    def _overtaken(self) -> None:
        """Those that waited for another one to go first go now, and not a second time when their wait would have ended."""
        held, self._held = self._held, []
        if not held:
            return
        self._queue = [entry for entry in self._queue if not any(entry[2] is one for one in held)]
        heapify(self._queue)
        for one in held:
            one.held = False
            self._push(one, 0.0)

    async def _post(self, client: httpx.AsyncClient, delivery: Delivery) -> bool:
        event = self._world.objects.get(delivery.event)
        endpoint = self._world.objects.get(delivery.endpoint)
        if event is None or endpoint is None or endpoint["status"] != "enabled":
            return True
        payload, header = _letter(event, endpoint, delivery.fault)
        delivery.fault = None  # the next attempt is a good one
        delivery.attempts += 1
        self.attempts += 1
        headers = {"Stripe-Signature": header, "Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0"}
        try:
            answer = await client.post(endpoint["url"], content=payload, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
        if not 200 <= answer.status_code < 300:
            return False
        self.taken += 1
        done = event.setdefault("_taken", [])
        if delivery.endpoint not in done:
            done.append(delivery.endpoint)
            event["pending_webhooks"] = max(0, event["pending_webhooks"] - 1)
            self._world.save(event)
        return True

    def _later(self, delivery: Delivery) -> None:
        if delivery.attempts > len(limits.RETRIES):
            self.given_up += 1
            return
        self._push(delivery, limits.RETRIES[max(0, delivery.attempts - 1)])


def _wants(endpoint: Obj, kind: str) -> bool:
    return any(one in ("*", kind) for one in endpoint["enabled_events"])


def _letter(event: Obj, endpoint: Obj, fault: str | None) -> tuple[bytes, str]:
    """The body and its signature, spoiled if that was asked for."""
    shown = bare(event)
    if fault == "wrong_mode":
        shown["livemode"] = True
    elif fault == "wrong_account":
        shown["account"] = "acct_1NobodyKnowsMe00"
    payload = msgspec.json.encode(shown)
    if fault == "not_utf8":
        payload = payload.replace(b'"object"', b'"\xff\xfebject"', 1)
    secret = endpoint["_secret"] if fault != "bad_signature" else "whsec_somebody_elses"
    return payload, sign(payload, secret, int(time.time()))
