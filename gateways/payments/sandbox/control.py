"""POST and GET /_control/...: what only a test server has. Bodies and answers are JSON; README.md beside lists them."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from gateways.payments.sandbox import accounts, disputes, limits, payouts, refunds
from gateways.payments.sandbox.app import Asked, Told
from gateways.payments.sandbox.calls import Call
from gateways.payments.sandbox.cards import CARDS
from gateways.payments.sandbox.dues import tick
from gateways.payments.sandbox.errors import Obj, Refusal, missing
from gateways.payments.sandbox.faults import HookRule, Rule
from gateways.payments.sandbox.money_report import report
from gateways.payments.sandbox.params import check
from gateways.payments.sandbox.routes import find
from gateways.payments.sandbox.world import API_VERSION, bare

if TYPE_CHECKING:
    from gateways.payments.sandbox.platform import Platform

PREFIX = "/_control/"


def control(platforms: Mapping[str, "Platform"], usual: str, asked: Asked) -> Told:
    """Of several platform accounts `platform` in body or query names the one that is meant."""
    handler = _HANDLERS.get((asked.method, asked.path.removeprefix(PREFIX)))
    if handler is None:
        known = ", ".join(f"{method} {PREFIX}{name}" for method, name in _HANDLERS)
        return Told(404, msgspec.json.encode({"error": {"message": f"Not there. There are: {known}"}}))
    try:
        given = msgspec.json.decode(asked.body, type=Obj) if asked.body else {}
        given |= dict(pair.partition("=")[::2] for pair in asked.query.split("&") if pair)
        sandbox = platforms[given.pop("platform", usual)]
        answer = handler(sandbox, given)
        tick(sandbox.world)
    except Refusal as refusal:
        return Told(refusal.status, msgspec.json.encode(refusal.body()))
    except (KeyError, TypeError, ValueError, msgspec.MsgspecError) as error:
        return Told(400, msgspec.json.encode({"error": {"message": f"{type(error).__name__}: {error}"}}))
    return Told(200, msgspec.json.encode(answer))


def _object(sandbox: "Platform", given: Obj, kind: str) -> Obj:
    if "id" not in given:
        raise missing("id")
    obj = sandbox.world.objects.get(given["id"])
    if obj is None or obj["object"] != kind:
        raise Refusal(f"No such {kind}: '{given['id']}'", status=404, param="id")
    return obj


def _state(sandbox: "Platform", given: Obj) -> Obj:
    world, hooks = sandbox.world, sandbox.deliverer
    return {
        "url": world.url, "now": world.now(), "ahead": world.clock.ahead, "api_version": API_VERSION, "platform": world.platform,
        "client_id": world.config.client_id, "objects": len(world.objects), "calls": sandbox.api.counted,
        "webhooks": {"waiting": hooks.waiting, "attempts": hooks.attempts, "taken": hooks.taken, "dropped": hooks.dropped,
                     "given_up": hooks.given_up, "paused": hooks.paused},
        "faults": [*sandbox.faults.rules, *sandbox.faults.hook_rules], "down": sandbox.faults.down,
    }  # fmt: skip


def _clock(sandbox: "Platform", given: Obj) -> Obj:
    seconds = float(given["advance"])
    if not 0 <= seconds <= limits.CLOCK_STEP_MOST:
        raise ValueError(f"advance: 0 to {limits.CLOCK_STEP_MOST} seconds; the clock never goes back")
    sandbox.world.clock.jump(seconds)
    return {"now": sandbox.world.now(), "due": tick(sandbox.world)}


def _faults(sandbox: "Platform", given: Obj) -> Obj:
    """{"calls": [rule, ...], "webhooks": [rule, ...], "down": bool, "clear": bool}"""
    if given.get("clear"):
        sandbox.faults.clear()
    rules = msgspec.convert(given.get("calls", []), list[Rule])
    sandbox.faults.add(rules, msgspec.convert(given.get("webhooks", []), list[HookRule]))
    if "down" in given:
        sandbox.faults.down = bool(given["down"])
    sandbox.deliverer.wake()
    return _state(sandbox, {})


def _webhooks(sandbox: "Platform", given: Obj) -> Obj:
    """Register {"url", "secret", "connect", "events"}, or {"paused": bool}."""
    if "paused" in given:
        sandbox.deliverer.paused = bool(given["paused"])
        sandbox.deliverer.wake()
    if "url" not in given:
        return _state(sandbox, {})
    return bare(sandbox.hook(given["url"], given["secret"], bool(given.get("connect")), tuple(given.get("events", ("*",)))))


def _keys(sandbox: "Platform", given: Obj) -> Obj:
    """{"secret_key"}: from now on only this one opens the account; the old one is revoked."""
    sandbox.world.secret_key = str(given["secret_key"])
    return {"platform": sandbox.world.platform}


def _redeliver(sandbox: "Platform", given: Obj) -> Obj:
    event = _object(sandbox, given, "event")
    connect = event["_account"] != sandbox.world.platform
    found = [one for one in sandbox.world.newest(sandbox.world.platform, "webhook_endpoint") if one["_connect"] == connect]
    for endpoint in found:
        sandbox.deliverer.again(event, endpoint["id"])
    return {"sent": len(found)}


def _calls(sandbox: "Platform", given: Obj) -> Obj:
    since, path = int(given.get("since", 0)), given.get("path", "")
    rows = [call for call in sandbox.api.calls if call["n"] > since and path in call["path"]]
    return {"calls": rows, "counted": sandbox.api.counted, "kept": len(sandbox.api.calls)}


def _money(sandbox: "Platform", given: Obj) -> Obj:
    return report(sandbox.world)


def _new_account(sandbox: "Platform", given: Obj) -> Obj:
    """{"country", "id", "done", "oauth"}: a connected account; `done` (usual): everything enabled."""
    made = accounts.new_account(
        sandbox.world, country=given.get("country", sandbox.world.config.country), identity=given.get("id"),
        done=given.get("done", True), made_by="oauth" if given.get("oauth") else "v1",
    )  # fmt: skip
    return bare(made)


def _change_account(sandbox: "Platform", given: Obj) -> Obj:
    account = _object(sandbox, given, "account")
    if given.get("complete"):
        accounts.complete(sandbox.world, account, emit=True)
    if "may_owe" in given:
        account["_may_owe"] = bool(given["may_owe"])
        sandbox.world.save(account)
    if given.keys() & {"charges_enabled", "payouts_enabled", "details_submitted", "capabilities", "due"}:
        accounts.change(sandbox.world, account, given)
    return bare(account)


def _deauthorize(sandbox: "Platform", given: Obj) -> Obj:
    accounts.disconnect(sandbox.world, _object(sandbox, given, "account"))
    return {"id": given["id"], "connected": False}


def _dispute(sandbox: "Platform", given: Obj) -> Obj:
    """Open one on {"id": charge, "amount", "reason"}."""
    charge = _object(sandbox, given, "charge")
    return bare(disputes.open_dispute(sandbox.world, charge, given.get("amount"), given.get("reason", "fraudulent")))


def _decide(sandbox: "Platform", given: Obj) -> Obj:
    dispute = _object(sandbox, given, "dispute")
    disputes.decide(sandbox.world, dispute, won=bool(given["won"]))
    return bare(dispute)


def _fail_refund(sandbox: "Platform", given: Obj) -> Obj:
    refund = _object(sandbox, given, "refund")
    refunds.fail(sandbox.world, refund)
    return bare(refund)


def _payout(sandbox: "Platform", given: Obj) -> Obj:
    """{"account", "currency"}: all that is available goes out, as by Stripe's schedule."""
    made = payouts.sweep(sandbox.world, given.get("account", sandbox.world.platform), given.get("currency"))
    return {"payouts": [bare(one) for one in made]}


def _pay_payout(sandbox: "Platform", given: Obj) -> Obj:
    payout = _object(sandbox, given, "payout")
    payouts.arrive(sandbox.world, payout)
    return bare(payout)


def _fail_payout(sandbox: "Platform", given: Obj) -> Obj:
    payout = _object(sandbox, given, "payout")
    payouts.fail(sandbox.world, payout)
    return bare(payout)


def _dashboard(sandbox: "Platform", given: Obj) -> Obj:
    """{"account", "path", "params"}: what a person does in Stripe's dashboard, past our client: no key, no journal of calls."""
    found = find("POST", given["path"])
    if found is None or found[0].kind is None:
        raise Refusal(f"Not played: POST {given['path']}", status=404)
    route, ids = found
    assert route.kind is not None
    params = check(route.kind, given.get("params", {}), json=True)
    world = sandbox.world
    return bare(route.handler(Call(world, given.get("account", world.platform), params, ids, given["path"])))


def _cards(sandbox: "Platform", given: Obj) -> Obj:
    return {"cards": list(CARDS)}


_HANDLERS: dict[tuple[str, str], Callable[["Platform", Obj], object]] = {
    ("GET", "state"): _state,
    ("POST", "clock"): _clock,
    ("POST", "faults"): _faults,
    ("POST", "webhooks"): _webhooks,
    ("POST", "keys"): _keys,
    ("POST", "redeliver"): _redeliver,
    ("GET", "calls"): _calls,
    ("GET", "money"): _money,
    ("GET", "cards"): _cards,
    ("POST", "dashboard"): _dashboard,
    ("POST", "accounts"): _new_account,
    ("POST", "accounts/change"): _change_account,
    ("POST", "accounts/deauthorize"): _deauthorize,
    ("POST", "disputes"): _dispute,
    ("POST", "disputes/decide"): _decide,
    ("POST", "refunds/fail"): _fail_refund,
    ("POST", "payouts"): _payout,
    ("POST", "payouts/pay"): _pay_payout,
    ("POST", "payouts/fail"): _fail_payout,
}
