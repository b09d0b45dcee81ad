"""`expand[]`: ids replaced by the objects they name, as deep as Stripe allows."""

from gateways.payments.sandbox import limits
from gateways.payments.sandbox.calls import paged
from gateways.payments.sandbox.errors import Obj, Refusal
from gateways.payments.sandbox.world import World, bare

_FIELDS = frozenset(
    [
        "application_fee",
        "balance_transaction",
        "charge",
        "customer",
        "destination",
        "destination_payment",
        "destination_payment_refund",
        "failure_balance_transaction",
        "fee",
        "latest_charge",
        "originating_transaction",
        "payment_intent",
        "payment_method",
        "source",
        "source_transaction",
        "source_transfer",
        "source_transfer_reversal",
        "transfer",
        "transfer_reversal",
        "account",
    ]
)


def shown(world: World, obj: Obj, expand: list[str]) -> Obj:
    """`obj` as it is sent: without what is ours, expanded where asked."""
    out = bare(obj)
    for path in expand:
        parts = path.split(".")
        if len(parts) > limits.EXPAND_DEPTH + (parts[0] == "data"):
            raise Refusal(f"You cannot expand more than {limits.EXPAND_DEPTH} levels of a property.", param="expand")
        _expand(world, out, parts, path)
    return out


def _expand(world: World, at: Obj, parts: list[str], path: str) -> None:
    name, rest = parts[0], parts[1:]
    if name == "data" and isinstance(at.get("data"), list):
        for one in at["data"]:
            if rest:
                _expand(world, one, rest, path)
        return
    if name == "refunds" and at.get("object") == "charge":
        rows = [bare(one) for one in world.newest(_home(world, at), "refund") if one["charge"] == at["id"]]
        at["refunds"] = paged(rows[: limits.PAGE_USUAL], f"/v1/charges/{at['id']}/refunds")
    elif name == "line_items" and at.get("object") == "checkout.session":
        rows = [bare(one) for one in world.objects[at["id"]]["_lines"]]
        at["line_items"] = paged(rows, f"/v1/checkout/sessions/{at['id']}/line_items")
    elif name not in _FIELDS or name not in at:
        raise Refusal(f"This property cannot be expanded ({path}).", param="expand")
    value = at[name]
    if isinstance(value, str):
        found = world.objects.get(value)
        if found is None:
            raise Refusal(f"This property cannot be expanded ({path}).", param="expand")
        value = at[name] = bare(found)
    if rest and isinstance(value, dict):
        _expand(world, value, rest, path)


def _home(world: World, obj: Obj) -> str:
    return str(world.objects[obj["id"]]["_account"])
