"""What a station actor is told, and what it answers. Canonical: no OCPP version speaks here.

The gateway asks the station actor for every inbound message. The station admits from memory (boot accepted?
EVSE known?) and answers itself, or *forwards* to the owner: connector statuses to the EVSE actor, transaction
messages to the session actor. Messages marked volatile are never encoded.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from actors.model.intents import AnyIntent, CommandFailure, CommandResult, MessageText, Unsupported
from actors.model.meter import Reading
from actors.model.token import IdToken, TokenNotes, TokenVerdict


class Line(Protocol):
    """The live connection of a station, as its actor sees it (volatile; implemented by the OCPP listener)."""

    @property
    def generation(self) -> int: ...
    @property
    def protocol(self) -> str: ...
    def render(self, intent: AnyIntent) -> "WireCall | Unsupported":
        """Encode in the station's own dialect, without sending."""
        ...

    def call(self, command: str, wire: "WireCall", timeout: float) -> None:
        """Queue a CALL behind the one outstanding; the line later tells the station CommandDone. Never blocks."""
        ...

    def close(self, code: int, reason: str) -> None: ...
    def learn(self, boot: "Boot") -> None:
        """What the station said at its last boot, for a connection on which none may come."""
        ...


class WireCall(msgspec.Struct, frozen=True):
    """A CALL ready to send: `payload` is the JSON object exactly as it will go out; `lost` names what the
    station's version could not carry. `more`: CALLs that follow in order and belong to the same command, whose one outcome
    the line makes of all answers (SetVariables below 2.x)."""

    action: str
    payload: bytes
    lost: tuple[str, ...] = ()
    more: tuple["WireCall", ...] = ()


# -- connection (volatile) -------------------------------------------------------------------------------------


class Connected(msgspec.Struct, frozen=True, gc=False):
    """A socket passed authentication. A higher generation replaces a lower one; the station closes the old line. `profile`:
    the security profile in which it came; `secret`: "current" or "next", the password that it showed; `renew`: its
    certificate has expired or is the factory's, so it is let in to get another one and no more (A00.FR.429, .806)."""

    line: Any
    protocol: str
    generation: int
    peer: str
    profile: int | None = None
    secret: str = ""
    renew: bool = False


class Disconnected(msgspec.Struct, frozen=True, gc=False):
    """A socket closed. It acts only if `generation` is the current one (quirk 1)."""

    generation: int
    code: int = 1006
    reason: str = ""


# -- inbound from the station -----------------------------------------------------------------------------------


class Boot(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """BootNotification. Reply: BootReply."""

    vendor: str
    model: str
    serial: str | None = None
    firmware: str | None = None
    iccid: str | None = None
    imsi: str | None = None
    box_serial: str | None = None
    meter_type: str | None = None
    meter_serial: str | None = None
    reason: str = "Unknown"


class BootReply(msgspec.Struct, frozen=True, gc=False):
    """`status` Accepted, Pending or Rejected; `interval` seconds."""

    status: str
    interval: int
    at: datetime


class Heartbeat(msgspec.Struct, frozen=True, gc=False):
    """Reply: the current time (datetime). Does not wait for a commit."""


class OcspRequest(msgspec.Struct, frozen=True, gc=False):
    """OCSPRequestDataType: what identifies a certificate to its issuer's OCSP responder; hex strings."""

    algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str
    responder_url: str


class Authorize(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Reply: TokenVerdict, from memory; AuthorizeReply where a contract certificate came along (C07): its PEM
    `certificate`, or the `chain` as hashes. `spellings`: how else the contract id may be written, as references."""

    token: IdToken
    certificate: str | None = None
    chain: tuple[OcspRequest, ...] = ()
    spellings: tuple[str, ...] = ()


class AuthorizeReply(msgspec.Struct, frozen=True, gc=False):
    """`certificate_status`: 2.x AuthorizeCertificateStatusEnum (Accepted, CertificateExpired, ContractCancelled ...); None
    where no certificate came."""

    verdict: TokenVerdict
    certificate_status: str | None = None
    notes: TokenNotes | None = None


class ConnectorStatus(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """StatusNotification of one connector. Reply: Done. `status` in 2.x words (Available, Occupied, Reserved,
    Unavailable, Faulted), `detail` what the station really said (Preparing, Charging, SuspendedEV ...).
    `evse` 0: the station itself."""

    evse: int
    connector: int
    status: str
    detail: str
    error: str = "NoError"
    info: str | None = None
    vendor_id: str | None = None
    vendor_error: str | None = None
    at: datetime | None = None


class TransactionStart(msgspec.Struct, frozen=True, gc=False):
    """1.6 StartTransaction. Reply: StartReply, always (PROTOCOLS 2.5)."""

    evse: int
    connector: int
    token: IdToken
    meter_start_wh: int
    at: datetime
    reservation: int | None = None
    flags: tuple[str, ...] = ()
    """What the gateway repaired or doubts ("clock", "id_tag_serial" ...)."""


class StartReply(msgspec.Struct, frozen=True, gc=False):
    number: int
    verdict: TokenVerdict


class TransactionMeter(msgspec.Struct, frozen=True, gc=False):
    """MeterValues. `number` is the transaction's, None when the station sent none. Reply: Done."""

    evse: int
    connector: int
    number: int | None
    readings: tuple[Reading, ...]
    content: str
    """Hash of the payload as received: the same timestamp with other content is flagged."""
    flags: tuple[str, ...] = ()


class TransactionStop(msgspec.Struct, frozen=True, gc=False):
    """1.6 StopTransaction. Reply: StopReply, always."""

    number: int
    meter_stop_wh: int
    at: datetime
    reason: str = "Local"
    token: IdToken | None = None
    readings: tuple[Reading, ...] = ()
    flags: tuple[str, ...] = ()


class StopReply(msgspec.Struct, frozen=True, gc=False):
    verdict: TokenVerdict | None


class TransactionEvent(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """2.x TransactionEvent (block E). Natural key: (station, transaction_id, seq). Reply: TransactionReply, always.

    `type`: Started, Updated, Ended. `trigger`, `charging_state`, `stopped_reason`: 2.x words; `stopped_reason` None on
    Ended means Local. `evse` is None until the station knows it. `content`: hash of the payload as received, so that the
    same key with other content is flagged."""

    type: str
    transaction_id: str
    seq: int
    at: datetime
    trigger: str
    content: str
    offline: bool = False
    evse: int | None = None
    connector: int | None = None
    token: IdToken | None = None
    charging_state: str | None = None
    stopped_reason: str | None = None
    remote_start_id: int | None = None
    reservation: int | None = None
    time_spent_charging: int | None = None
    cable_max_current: int | None = None
    phases_used: int | None = None
    readings: tuple[Reading, ...] = ()
    flags: tuple[str, ...] = ()


class TransactionReply(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`verdict` where the event carried a token; `total_cost` in major units, taxes included (None: unknown, 0: free);
    `priority` -9 to 9; `message` for the driver; `notes` with an accepted token."""

    verdict: TokenVerdict | None = None
    total_cost: Decimal | None = None
    priority: int | None = None
    message: MessageText | None = None
    notes: TokenNotes | None = None


class SecurityEvent(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """SecurityEventNotification (A04; 1.6 security extension). Reply: Done."""

    type: str
    at: datetime
    tech_info: str | None = None


class PublishFirmwareStatus(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """L03. Reply: Done."""

    status: str
    request_id: int | None = None
    locations: tuple[str, ...] = ()


class CustomerReportPart(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """NotifyCustomerInformation (N09): text in parts, `seq` from 0, the last with `more` False. Personal: it is kept
    sealed. Reply: Done."""

    request_id: int
    seq: int
    more: bool
    data: str
    at: datetime


class DataTransferred(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """DataTransfer from the station. Reply: DataReply."""

    vendor_id: str
    message_id: str | None = None
    data: Any = None


class DataReply(msgspec.Struct, frozen=True, gc=False):
    """`status`: Accepted, Rejected, UnknownMessageId, UnknownVendorId."""

    status: str
    data: Any = None


class FirmwareStatus(msgspec.Struct, frozen=True, gc=False):
    """Reply: Done."""

    status: str
    request_id: int | None = None


class LogStatus(msgspec.Struct, frozen=True, gc=False):
    """1.6 DiagnosticsStatusNotification; `status` in 2.x words (UploadFailure). Reply: Done."""

    status: str
    request_id: int | None = None


class Unreadable(msgspec.Struct, frozen=True, gc=False):
    """A transaction message that crashed its actor and became a dead letter: quarantine what it concerns, so
    that the gateway can answer the station neutrally. Reply by `kind`: StartReply ("start"), StopReply ("stop"),
    TransactionReply ("event", with its `transaction_id`; `with_token`: a verdict is owed), else Done."""

    kind: str
    dead_letter: str
    evse: int | None
    number: int | None
    at: datetime
    transaction_id: str | None = None
    with_token: bool = False


class Done(msgspec.Struct, frozen=True, gc=False):
    """It is durable; there is nothing more to say."""


class NotAdmitted(msgspec.Struct, frozen=True, gc=False):
    """The station may not send this now (boot not accepted, EVSE unknown ...). The dialect answers the
    protocol's error `code` (SecurityError, PropertyConstraintViolation ...)."""

    code: str
    detail: str


class RouteKnown(msgspec.Struct, frozen=True, gc=False):
    """Signal from a session after the commit of its start: this transaction number is mine. Lost, it is looked up; so
    the station's table of routes is only a cache."""

    number: int
    session: str
    evse: int
    connector: int
    transaction_id: str = ""


# -- commands to the station ------------------------------------------------------------------------------------


class Command(msgspec.Struct, frozen=True, gc=False):
    """An operator's (or the system's) intent. Reply: Sent with CommandResult or CommandFailure, after the station
    answered; Refused when it is away. `id` is the caller's idempotency key or a fresh one."""

    id: str
    intent: AnyIntent
    not_after: datetime
    who: str = ""


class PreparedCommand(msgspec.Struct, frozen=True, gc=False):
    """Volatile: a Command with what the line rendered."""

    command: Command
    wire: WireCall


class CommandDone(msgspec.Struct, frozen=True, gc=False):
    """The line's report on a CALL."""

    id: str
    generation: int
    outcome: CommandResult | CommandFailure


class Sent(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`request_id`: the one that was filled in where the intent had none."""

    protocol: str
    wire: WireCall
    outcome: CommandResult | CommandFailure
    request_id: int | None = None


# -- administration -------------------------------------------------------------------------------------------


class Register(msgspec.Struct, frozen=True, gc=False):
    """Create or change a station. Reply: Registered or Refused. `secret` is already hashed. `serial`:
    the number that its client certificate names, where it is known before the first boot; kept with the secret."""

    evses: int
    profile: int
    secret: bytes | None
    keep_secret: bool
    versions: tuple[str, ...]
    tariff: str | None
    location: Mapping[str, Any]
    who: str = ""
    serial: str | None = None
    merchant: str | None = None


class Registered(msgspec.Struct, frozen=True, gc=False):
    created: bool
    evse_codes: tuple[str, ...]


class Unregister(msgspec.Struct, frozen=True, gc=False):
    """Reply: Done, or Refused (code "active") while a session is open. Closes the connection."""

    who: str = ""


class Callback(msgspec.Struct, frozen=True, gc=False):
    """Where the station, which proved who it is, listens (SOAP); None: it did not say. Reply: CallbackKnown, once it is
    durable, or NotAdmitted."""

    address: str | None


class CallbackKnown(msgspec.Struct, frozen=True, gc=False):
    """Where it is to be called: what it said, or else what it said last; None: never anything."""

    address: str | None


class Look(msgspec.Struct, frozen=True, gc=False):
    """Reply: LiveStation, from memory."""


class UnregisteredEvse(msgspec.Struct, frozen=True, gc=False):
    """What the station told of an EVSE that it was not registered with; words as in ConnectorStatus."""

    id: int
    status: str
    detail: str
    error: str
    at: datetime


class LiveStation(msgspec.Struct, frozen=True, gc=False):
    """`boot` as in StationRow; `commands` those under way, `orders` those that wait."""

    online: bool
    protocol: str | None
    since: datetime | None
    generation: int
    boot: dict[str, Any] | None
    last_seen: datetime | None
    commands: tuple[str, ...]
    unregistered: tuple[UnregisteredEvse, ...] = ()
    orders: tuple[str, ...] = ()
