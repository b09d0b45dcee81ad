"""What is remembered of a station. No secret in clear, no idTag, no command payload: a command is kept as what it was
(its intent's and its action's name), never in a form that could be sent again, nor as a hash: an idTag of four bytes
could be guessed from one.

Every type has a golden file in tests/actors/golden.
"""

from datetime import datetime
from typing import Any, ClassVar

import msgspec

from actors.model.device import Variable
from actors.model.intents import AnyIntent
from actors.model.meter import Reading
from actors.model.rows import VaultRow
from actors.station.messages import Boot


class Registered(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="registered"):
    """Settings as given; `secret` is a hash (auth.py), `codes` the permanent codes of all EVSEs so far."""

    evses: int
    profile: int
    secret: bytes | None
    versions: tuple[str, ...]
    tariff: str | None
    location: dict[str, Any]
    codes: tuple[str, ...]
    who: str
    at: datetime
    serial: str | None = None
    merchant: str | None = None


class Unregistered(msgspec.Struct, frozen=True, gc=False, tag="unregistered"):
    who: str
    at: datetime


class SecretChanged(msgspec.Struct, frozen=True, gc=False, tag="secret_changed"):
    """The station accepted a new password: from now on only that one is valid (A01.FR.03)."""

    secret: bytes
    at: datetime


class SecretPending(msgspec.Struct, frozen=True, gc=False, tag="secret_pending"):
    """The station is about to be told a new password (its hash) by this command: until it is settled both are valid."""

    secret: bytes
    command: str
    at: datetime


class SecretDropped(msgspec.Struct, frozen=True, gc=False, tag="secret_dropped"):
    """It did not take the new password: the old one stays (A01.FR.04)."""

    at: datetime


class ProfileSought(msgspec.Struct, frozen=True, gc=False, tag="profile_sought"):
    """The station is about to be told to come in a higher security profile: both are good until it does."""

    profile: int
    command: str
    at: datetime


class ProfileDropped(msgspec.Struct, frozen=True, gc=False, tag="profile_dropped"):
    at: datetime


class ProfileReached(msgspec.Struct, frozen=True, gc=False, tag="profile_reached"):
    """It came in the higher profile: a lower one is refused from now on (A05.FR.07)."""

    profile: int
    at: datetime


class Booted(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="booted"):
    """`status` is what was answered: Accepted, Pending or Rejected. `greeting`: the siblings will be told of it."""

    boot: Boot
    status: str
    at: datetime
    protocol: str = ""
    greeting: bool = False


class Greeted(msgspec.Struct, frozen=True, gc=False, tag="greeted"):
    """The siblings were told of a boot."""

    at: datetime


class BootsWanted(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="boots_wanted"):
    """A sibling of this kind wants to hear of the next boot (or does not, after all); `standing`: of every boot."""

    kind: str
    wanted: bool = True
    standing: bool = False


class StatusTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="status_told"):
    """The status of the station as a whole (1.6 connector 0)."""

    status: str
    detail: str
    at: datetime
    received: datetime
    error: str = "NoError"
    info: str | None = None
    vendor_id: str | None = None
    vendor_error: str | None = None
    late: bool = False


class FirmwareTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="firmware_told"):
    status: str
    at: datetime
    request_id: int | None = None


class LogTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="log_told"):
    status: str
    at: datetime
    request_id: int | None = None


class FirmwareRequested(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="firmware_requested"):
    """The station's answer to UpdateFirmware (`update`, with the command's or order's id), PublishFirmware or
    UnpublishFirmware."""

    status: str
    at: datetime
    request_id: int | None = None
    order: str = ""
    update: bool = False


class LogRequested(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="log_requested"):
    """The station's answer to GetLog."""

    status: str
    at: datetime
    request_id: int | None = None


class PublishTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="publish_told"):
    """How a local controller gets on with publishing firmware (L03)."""

    status: str
    at: datetime
    request_id: int | None = None
    locations: tuple[str, ...] = ()


class SecurityTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="security_told"):
    """A security event (A04). `at` by the station's clock; `critical` by the standard's table."""

    event: str
    at: datetime
    received: datetime
    critical: bool = False
    tech_info: str | None = None


class CustomerTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="customer_told"):
    """A part of a customer report came (N09). Its text lies in the vault; `kept` False: beyond the bound."""

    request_id: int
    seq: int
    more: bool
    at: datetime
    kept: bool = True


class VariablesTold(msgspec.Struct, frozen=True, gc=False, tag="variables_told"):
    """Of version 1, when a station kept its variables itself. Read, and never written any more."""

    variables: tuple[Variable, ...]
    at: datetime


class VariablesHandedOver(msgspec.Struct, frozen=True, gc=False, tag="variables_handed_over"):
    """They are with the keeper of the device model now (actors/device)."""

    at: datetime


class CommandIssued(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="command_issued"):
    """Committed before the CALL is sent. `token_ref` of a RequestStart."""

    id: str
    intent: str
    action: str
    not_after: datetime
    who: str
    at: datetime
    token_ref: str | None = None
    evse: int | None = None
    request_id: int | None = None


class OrderAccepted(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="order_accepted"):
    """One of our own actors wants this sent before `not_after`. `name` of the intent, which itself lies here in plain only
    where it names nobody and holds no secret."""

    id: str
    name: str
    not_after: datetime
    by: tuple[str, str, str]
    at: datetime
    intent: AnyIntent | None = None
    sealed: VaultRow | None = None


class OrderSent(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="order_sent"):
    """Committed before the CALL is sent; settled by CommandSettled, like a command."""

    id: str
    action: str
    at: datetime
    token_ref: str | None = None
    evse: int | None = None
    request_id: int | None = None


class OrderDropped(msgspec.Struct, frozen=True, gc=False, tag="order_dropped"):
    """It was never sent. `reason`: withdrawn, or that of the failure which was told (timeout, unsupported, error)."""

    id: str
    reason: str
    at: datetime


class CommandSettled(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="command_settled"):
    """`outcome` done, failed or unknown; `status` the station's word, or the reason why there is none."""

    id: str
    outcome: str
    status: str
    at: datetime


class CallbackTold(msgspec.Struct, frozen=True, gc=False, tag="callback_told"):
    """Where a station that listens itself (SOAP) is to be called: the address that it named last."""

    address: str
    at: datetime


class Unattributed(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="unattributed"):
    """Meter values of the station as a whole, or of an EVSE it does not have: kept, never lost (quirk 22)."""

    bulk: ClassVar[bool] = True

    evse: int
    connector: int
    number: int | None
    readings: tuple[Reading, ...]
    content: str
    received: datetime
    flags: tuple[str, ...] = ()


StationFact = (
    Registered | Unregistered | SecretChanged | SecretPending | SecretDropped | ProfileSought | ProfileDropped
    | ProfileReached | Booted | Greeted | BootsWanted | StatusTold | FirmwareTold | LogTold
    | FirmwareRequested | LogRequested | PublishTold | SecurityTold | CustomerTold | VariablesTold
    | VariablesHandedOver | CommandIssued
    | OrderAccepted | OrderSent | OrderDropped
    | CommandSettled | CallbackTold | Unattributed
)  # fmt: skip
