"""The payment provider's webhooks over a real socket: the very bytes reach the receiver; the answer says no more than it must."""

from datetime import UTC, datetime
from typing import Literal

import msgspec
import pytest

from actors.ports import PspEvent
from gateways.web import limits
from gateways.web.app import WebApp, create_app
from gateways.web.env import WebEnv
from storage.memory_inbox import MemoryPspInbox
from tests.gateways.web import rig
from tests.gateways.web.rig import running, serving
from tests.kits.patience import http_client


class Taken:
    def __init__(self) -> None:
        self.came: list[tuple[str, bytes, str | None]] = []
        self.tenants: list[str | None] = []
        self.status = 200

    async def take(
        self, endpoint: Literal["account", "connect"], body: bytes, signature: str | None, tenant: str | None = None
    ) -> int:
        self.came.append((endpoint, body, signature))
        self.tenants.append(tenant)
        return self.status


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Taken:
    found = Taken()

    def create(env: WebEnv) -> WebApp:
        return create_app(msgspec.structs.replace(env, webhooks=found))

    monkeypatch.setattr(rig, "create_app", create)
    return found


async def test_both_endpoints_hand_on_the_bytes_and_the_signature_as_they_came(taken: Taken) -> None:
    body = b'{ "id" : "evt_1",\n"text":"K\xc3\xb6ln" }\xff'
    async with serving() as (_, url), http_client(base_url=url) as client:
        for path in ("/stripe/webhook", "/stripe/webhook/connect"):
            answer = await client.post(path, content=body, headers={"stripe-signature": "t=1,v1=ab"})
            assert (answer.status_code, answer.text) == (200, "ok\n")
    assert taken.came == [("account", body, "t=1,v1=ab"), ("connect", body, "t=1,v1=ab")]
    assert taken.tenants == [None, None]


async def test_a_brand_has_two_endpoints_of_its_own(taken: Taken) -> None:
    async with serving() as (_, url), http_client(base_url=url) as client:
        for path in ("/stripe/acme/webhook", "/stripe/acme/webhook/connect", "/stripe/webhook/webhook"):
            assert (await client.post(path, content=b"{}")).status_code == 200
        for path in ("/stripe/ACME/webhook", "/stripe/a/b/webhook", "/stripe/acme/webhook/other", "/stripe//webhook"):
            assert (await client.post(path, content=b"{}")).status_code == 404
        metrics = (await client.get("/metrics")).text
    assert [(endpoint, tenant) for (endpoint, *_), tenant in zip(taken.came, taken.tenants, strict=True)] == [
        ("account", "acme"), ("connect", "acme"), ("account", "webhook"),
    ]  # fmt: skip
    assert "/stripe/{tenant}/webhook" in metrics
    assert "/stripe/acme" not in metrics


@pytest.mark.parametrize("status", [400, 503])
async def test_a_refusal_is_told_by_its_status_alone(taken: Taken, status: int) -> None:
    taken.status = status
    async with serving() as (_, url), http_client(base_url=url) as client:
        answer = await client.post("/stripe/webhook", content=b"{}")
    assert answer.status_code == status
    assert len(answer.content) < 40


async def test_a_body_that_is_too_long_is_refused_before_anybody_looks(taken: Taken) -> None:
    async with serving() as (_, url), http_client(base_url=url) as client:
        answer = await client.post("/stripe/webhook", content=b"x" * (limits.WEBHOOK_BYTES + 1))
        assert answer.status_code == 413
        assert (await client.get("/stripe/webhook")).status_code == 405
    assert taken.came == []


async def test_a_node_without_payments_has_no_such_address() -> None:
    async with serving() as (_, url), http_client(base_url=url) as client:
        assert (await client.post("/stripe/webhook", content=b"{}")).status_code == 404


async def test_an_operator_sees_what_was_given_up_and_has_it_tried_again() -> None:
    inbox = MemoryPspInbox()
    told = PspEvent("evt_1", "connect", "acct_1", "payout.paid", datetime.now(UTC), None, False, {"id": "po_1"})
    await inbox.put(told)
    await inbox.park([("", "evt_1")], "ActorCrashed: a bug")
    async with running() as node:
        assert (await node.owner.get("/api/v1/webhooks")).status_code == 404
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rig, "create_app", lambda env: create_app(msgspec.structs.replace(env, psp_inbox=inbox)))
        async with running() as node:
            found = (await node.owner.get("/api/v1/webhooks")).json()
            assert (found["parked"], found["waiting"]) == (1, 0)
            assert found["items"][0] | {"received_at": "", "created": ""} == {
                "id": "evt_1", "type": "payout.paid", "state": "parked", "endpoint": "connect", "account": "acct_1",
                "platform": "", "attempt": 0, "received_at": "", "created": "", "subject": {"id": "po_1"},
                "error": "ActorCrashed: a bug",
            }  # fmt: skip
            tenant = await node.tenant()
            assert (await tenant.get("/api/v1/webhooks")).status_code == 403
            assert (await node.owner.post("/api/v1/webhooks/evt_1/retry", json={})).json()["state"] == "waiting"
            assert (await node.owner.post("/api/v1/webhooks/evt_1/retry", json={})).status_code == 404
            assert node.audited("retry_webhook")
    assert await inbox.counts() == {"waiting": 1, "parked": 0}
