"""What a webhook is about. Pure: the bytes of an event to the few ids that are kept of it, and to the object to be fetched.

An event is never believed: it says that something changed, and what is true now is asked of the provider. So only where to
look is kept of it, by ids and by our own marks in the metadata.
"""

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from actors.model.platforms import INSTALLATION
from actors.ports import PspEvent
from gateways.payments.limits import SUBJECT_BYTES

Kind = Literal["checkout", "intent", "charge", "refund", "dispute", "transfer", "payout", "account", "gone"]
_MARKS = ("tenant", "attempt", "merchant")
_IDS = ("id", "object", "payment_intent", "charge", "account")


class _Data(msgspec.Struct, frozen=True):
    object: dict[str, Any]


class _Event(msgspec.Struct, frozen=True):
    id: str
    type: str
    created: int
    livemode: bool
    data: _Data
    object: Literal["event"] = "event"
    api_version: str | None = None
    account: str | None = None


_decode = msgspec.json.Decoder(_Event).decode


def parse(body: bytes, endpoint: str, platform: str = INSTALLATION) -> PspEvent:
    """Raises ValueError for what is no snapshot event."""
    try:
        event = _decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:  # the latter: nested too deep
        raise ValueError("not an event") from error
    if not event.id or len(event.id) > SUBJECT_BYTES or "\0" in f"{event.id}{event.type}{event.account}{event.api_version}":
        raise ValueError("not an event's id")
    return kept(
        event.id, endpoint, event.account, event.type, event.created, event.api_version, event.livemode, event.data.object,
        platform,
    )  # fmt: skip


def kept(
    id: str,
    endpoint: str,
    account: str | None,
    type: str,
    created: int,
    api_version: str | None,
    livemode: bool,
    changed: dict[str, Any],
    platform: str = INSTALLATION,
) -> PspEvent:
    """`changed`: the object in the event; of it ids and marks are taken. `platform`: to whose endpoint it came."""
    metadata = changed.get("metadata")
    marks = metadata if isinstance(metadata, dict) else {}
    found = {name: _id(changed.get(name)) for name in _IDS} | {name: marks.get(name) for name in _MARKS}
    subject = {name: text for name, text in found.items() if _is_short_text(text)}
    at = datetime.fromtimestamp(min(max(created, 0), 4_000_000_000), UTC)
    return PspEvent(id, endpoint, account, type, at, api_version, livemode, subject, platform)


def _id(value: Any) -> Any:
    return value.get("id") if isinstance(value, dict) else value


def _is_short_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= SUBJECT_BYTES and "\0" not in value


class Target(msgspec.Struct, frozen=True, gc=False):
    """The object to fetch: many events are about the same one, and it is fetched once for all of them. `lines`: of a payout
    that was reconciled. `platform`: the platform account on which it is asked for."""

    kind: Kind
    account: str | None
    id: str
    lines: bool = False
    platform: str = INSTALLATION


def target_of(event: PspEvent) -> Target | None:
    """None: an event that concerns nobody here."""
    target = _target_of(event)
    return target and msgspec.structs.replace(target, platform=event.platform)


def _target_of(event: PspEvent) -> Target | None:
    subject, type, account = event.subject, event.type, event.account
    id = subject.get("id", "")
    if type.startswith("checkout.session."):
        return Target("checkout", account, id)
    if type.startswith("payment_intent."):
        return Target("intent", account, id)
    if type.startswith("charge.dispute."):
        return Target("dispute", account, id)
    if type.startswith(("refund.", "charge.refund.")):
        return Target("refund", account, id)
    if type.startswith("charge."):
        intent = subject.get("payment_intent")
        return None if intent is None else Target("intent", account, intent)
    if type.startswith("application_fee."):
        # Ours, on our account, for a charge on another's: what changed is that charge.
        charge, theirs = subject.get("charge"), subject.get("account")
        return None if charge is None or theirs is None else Target("charge", theirs, charge)
    if type.startswith("transfer."):
        return Target("transfer", account, id)
    if type.startswith("payout."):
        return Target("payout", account, id, type == "payout.reconciliation_completed")
    if account is None:
        return None
    if type == "account.application.deauthorized":
        return Target("gone", account, account)
    return Target("account", account, account) if type in ("account.updated", "capability.updated") else None
