"""What the clock makes due: money becomes available, holds lapse, sessions expire, refunds settle, payouts arrive."""

from collections.abc import Callable
from heapq import heappop

from gateways.payments.sandbox import charging, checkout, disputes, payouts, refunds
from gateways.payments.sandbox.errors import Obj, Refusal
from gateways.payments.sandbox.methods import card_of
from gateways.payments.sandbox.money import mature
from gateways.payments.sandbox.world import World


def _lapse(world: World, intent: Obj) -> None:
    if intent["status"] == "requires_capture":
        charging.release(world, intent, "automatic", lapsed=True)


def _dispute(world: World, charge: Obj) -> None:
    if not charge["disputed"]:
        disputes.open_dispute(world, charge, None, card_of(charge).dispute or "fraudulent")


def _refund_fails(world: World, refund: Obj) -> None:
    if refund["status"] in ("succeeded", "pending"):
        refunds.fail(world, refund)


_WHAT: dict[str, Callable[[World, Obj], None]] = {
    "available": mature,
    "hold": _lapse,
    "session": checkout.close,
    "dispute": _dispute,
    "evidence_due": disputes.overdue,
    "refund_settles": refunds.settle,
    "refund_fails": _refund_fails,
    "payout": payouts.arrive,
}


def tick(world: World) -> int:
    """Do what is due by now; answers how much that was."""
    done = 0
    while world.due and world.due[0][0] <= world.clock.exact():
        _, _, what, identity = heappop(world.due)
        obj = world.objects.get(identity)
        if obj is not None:
            try:
                _WHAT[what](world, obj)
            except Refusal:
                continue  # its object went another way meanwhile
            done += 1
    return done


def recall(world: World, obj: Obj) -> None:
    """Put an object of the state file on the agenda again."""
    kind = obj["object"]
    if kind == "balance_transaction" and obj["status"] == "pending":
        world.later(obj["available_on"], "available", obj["id"])
    elif kind == "payment_intent" and obj["status"] == "requires_capture":
        charge = world.objects[obj["latest_charge"]]
        world.later(charge["payment_method_details"]["card"]["capture_before"], "hold", obj["id"])
    elif kind == "checkout.session" and obj["status"] == "open":
        world.later(obj["expires_at"], "session", obj["id"])
    elif kind == "dispute" and obj["status"] == "needs_response":
        world.later(obj["evidence_details"]["due_by"], "evidence_due", obj["id"])
    elif kind == "payout" and obj["status"] == "pending":
        world.later(obj["arrival_date"], "payout", obj["id"])
    elif kind == "refund" and obj["status"] == "pending":
        world.later(obj["created"] + refunds.SETTLES_AFTER, "refund_settles", obj["id"])
    elif kind == "refund" and obj["status"] == "succeeded" and _will_fail(world, obj):
        world.later(obj["created"] + refunds.FAILS_AFTER, "refund_fails", obj["id"])


def _will_fail(world: World, refund: Obj) -> bool:
    charge = world.objects[refund["charge"]]
    return refund["balance_transaction"] is not None and bool(charge["_card"]) and card_of(charge).refund == "fails"
