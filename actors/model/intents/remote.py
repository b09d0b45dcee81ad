"""Remote control of charging (OCPP 2.0.1 blocks E, F, G, and Reset of B)."""

from typing import Literal

from actors.model.intents.base import Intent
from actors.model.intents.charging import ChargingProfile


class RequestStart(Intent, frozen=True):
    """`id_token` is plain text (it must reach the station): redacted wherever it is shown. `token_type` as in OCPP 2.x
    IdTokenEnum; None (the caller spoke 1.6): what the text looks like. `additional_info`: (additionalIdToken, type)."""

    id_token: str
    evse: int | None = None
    remote_start_id: int = 0
    profile: ChargingProfile | None = None
    token_type: str | None = None
    additional_info: tuple[tuple[str, str], ...] = ()
    group: str | None = None
    group_type: str | None = None


class RequestStop(Intent, frozen=True):
    """`transaction_id` as the station knows it (1.6: the number as text)."""

    transaction_id: str


class GetTransactionStatus(Intent, frozen=True):
    """E14. Without `transaction_id`: are any messages queued at all?
    Result data: `messages_in_queue`, `ongoing` (None where not told)."""

    transaction_id: str | None = None


class ChangeAvailability(Intent, frozen=True):
    operative: bool
    evse: int | None = None
    connector: int | None = None


class Reset(Intent, frozen=True):
    """`type`: Immediate (1.6 Hard) or OnIdle (1.6 Soft)."""

    type: Literal["Immediate", "OnIdle"]
    evse: int | None = None


class UnlockConnector(Intent, frozen=True):
    evse: int
    connector: int = 1


class Trigger(Intent, frozen=True):
    """`message` in 2.x words (LogStatusNotification is 1.6 DiagnosticsStatusNotification). `extended`: the caller said 1.6
    ExtendedTriggerMessage."""

    message: str
    evse: int | None = None
    connector: int | None = None
    extended: bool = False
