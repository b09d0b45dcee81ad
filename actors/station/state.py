"""A station's state and how facts change it. What lives (its line, routes, waiting commands' payloads) is not here."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.limits import DomainLimits
from actors.model.decision import AddressKey
from actors.model.device import Variable
from actors.model.intents import AnyIntent
from actors.model.rows import VaultRow
from actors.station import facts as f
from actors.station.messages import Boot

LIMITS = DomainLimits()


class OpenCommand(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Committed, perhaps sent, not settled. `by`: it is the order of this actor."""

    id: str
    intent: str
    not_after: datetime
    token_ref: str | None = None
    evse: int | None = None
    by: AddressKey | None = None
    request_id: int | None = None


class OpenOrder(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """It waits for the station; `name` of its intent."""

    id: str
    name: str
    not_after: datetime
    by: AddressKey
    intent: AnyIntent | None = None
    sealed: VaultRow | None = None


class FirmwareWatch(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Who ordered the firmware update that is under way, and wants to hear how it goes."""

    order: str
    by: AddressKey
    request_id: int | None = None


class CustomerReport(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """How far a customer report has come: `seqs` that are in the vault, `last` once the station named it."""

    request_id: int
    seqs: tuple[int, ...] = ()
    last: int | None = None
    cut: bool = False

    @property
    def complete(self) -> bool:
        return self.last is not None and len(self.seqs) > self.last


Identity = tuple[str, str, str | None, str | None, str]
"""(vendor, model, serial, firmware, protocol)."""


def identity_of(boot: Boot, protocol: str) -> Identity:
    return (boot.vendor, boot.model, boot.serial, boot.firmware, protocol)


class StationState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`codes`: the permanent code of EVSE n is `codes[n - 1]`, also of EVSEs that were taken away again.
    `boot_status` is the last answer to a boot; it survives reconnects, which need no new boot (quirk 5)."""

    registered: bool = False
    evses: int = 0
    profile: int = 0
    secret: bytes | None = None
    next_secret: bytes | None = None
    next_secret_by: str = ""
    """The command that tells it to the station."""
    next_profile: int = 0
    next_profile_by: str = ""
    serial: str | None = None
    """As registered; else the one of the last boot counts."""
    versions: tuple[str, ...] = ()
    tariff: str | None = None
    merchant: str | None = None
    """Who sells here; None: whoever the tenant's settings name."""
    location: dict[str, Any] = {}
    codes: tuple[str, ...] = ()
    boot: Boot | None = None
    boot_status: str | None = None
    booted_at: datetime | None = None
    accepted_as: Identity | None = None
    """What the station was when a boot of it was last accepted."""
    greeted: bool = False
    """The siblings were told of a first boot."""
    greeting: bool = False
    """They will be: a timer is set."""
    boots_wanted: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()
    """Kinds of siblings that hear of every boot, and of the answers of siblings.ALSO."""
    status: f.StatusTold | None = None
    firmware: str | None = None
    log: str | None = None
    variables: tuple[Variable, ...] = ()
    """What a station kept before there was a keeper of its device model: handed over when it next wakes."""
    commands: tuple[OpenCommand, ...] = ()
    settled: tuple[tuple[str, str], ...] = ()
    """(id, outcome) of recent commands: a repeated id is never sent again."""
    unattributed: tuple[datetime, str] | None = None
    """Natural key of the last meter message that belonged to nobody."""
    callback: str | None = None
    """Where a station that listens itself is called."""
    orders: tuple[OpenOrder, ...] = ()
    next_request: int = 1
    """No request id from here on was ever used for this station."""
    last_security: tuple[str, datetime, str | None] | None = None
    security_events: int = 0
    firmware_statuses: int = 0
    update: FirmwareWatch | None = None
    log_statuses: int = 0
    """How many there were: the next one's number in its book."""
    customer: tuple[CustomerReport, ...] = ()


def _registered(state: StationState, fact: f.Registered) -> StationState:
    return replace(
        state,
        registered=True,
        evses=fact.evses,
        profile=fact.profile,
        secret=fact.secret,
        versions=fact.versions,
        tariff=fact.tariff,
        merchant=fact.merchant,
        location=fact.location,
        codes=fact.codes,
        serial=fact.serial,
        next_secret=None,
        next_secret_by="",
        next_profile=0,
        next_profile_by="",
    )


def _unregistered(state: StationState, fact: f.Unregistered) -> StationState:
    """A station that comes back under the same name keeps its codes (they are printed) and boots anew; a request id is
    never used twice for it."""
    return StationState(codes=state.codes, settled=state.settled, next_request=state.next_request)


def _secret_changed(state: StationState, fact: f.SecretChanged) -> StationState:
    return replace(state, secret=fact.secret, next_secret=None, next_secret_by="")


def _secret_pending(state: StationState, fact: f.SecretPending) -> StationState:
    return replace(state, next_secret=fact.secret, next_secret_by=fact.command)


def _secret_dropped(state: StationState, fact: f.SecretDropped) -> StationState:
    return replace(state, next_secret=None, next_secret_by="")


def _profile_sought(state: StationState, fact: f.ProfileSought) -> StationState:
    return replace(state, next_profile=fact.profile, next_profile_by=fact.command)


def _profile_dropped(state: StationState, fact: f.ProfileDropped) -> StationState:
    return replace(state, next_profile=0, next_profile_by="")


def _profile_reached(state: StationState, fact: f.ProfileReached) -> StationState:
    """Profile 3 knows no password."""
    secret = state.secret if fact.profile < 3 else None
    state = replace(state, profile=fact.profile, secret=secret, next_profile=0, next_profile_by="")
    return state if fact.profile < 3 else replace(state, next_secret=None, next_secret_by="")


def _booted(state: StationState, fact: f.Booted) -> StationState:
    return replace(
        state,
        boot=fact.boot,
        boot_status=fact.status,
        booted_at=fact.at,
        accepted_as=identity_of(fact.boot, fact.protocol) if fact.status == "Accepted" else state.accepted_as,
        greeting=fact.greeting or state.greeting,
    )


def _greeted(state: StationState, fact: f.Greeted) -> StationState:
    return replace(state, greeted=True, greeting=False, boots_wanted=())


def _boots_wanted(state: StationState, fact: f.BootsWanted) -> StationState:
    if fact.standing:
        rest = tuple(kind for kind in state.standing if kind != fact.kind)
        return replace(state, standing=(*rest, fact.kind) if fact.wanted else rest)
    others = tuple(kind for kind in state.boots_wanted if kind != fact.kind)
    return replace(state, boots_wanted=(*others, fact.kind) if fact.wanted else others)


def _status_told(state: StationState, fact: f.StatusTold) -> StationState:
    return state if fact.late else replace(state, status=fact)


FIRMWARE_ENDS = frozenset(
    {
        "Installed", "DownloadFailed", "InstallationFailed", "InstallVerificationFailed", "InvalidSignature",
        "InvalidCertificate", "RevokedCertificate",
    }
)  # fmt: skip
"""Statuses after which an update is over (L01, 2.x words)."""


def is_of(watch: FirmwareWatch | None, request_id: int | None) -> bool:
    """Is a status with this request id one of the watched update? 1.6 without its security extension has no such ids."""
    return watch is not None and (None in (request_id, watch.request_id) or request_id == watch.request_id)


def _firmware_told(state: StationState, fact: f.FirmwareTold) -> StationState:
    update = None if fact.status in FIRMWARE_ENDS and is_of(state.update, fact.request_id) else state.update
    return replace(state, firmware=fact.status, firmware_statuses=state.firmware_statuses + 1, update=update)


def _firmware_requested(state: StationState, fact: f.FirmwareRequested) -> StationState:
    """An update that somebody else ordered takes the place of the watched one; a refused one is none."""
    update = state.update
    if update is not None and fact.update and (update.order == fact.order) is not fact.status.startswith("Accepted"):
        update = None
    return replace(state, firmware_statuses=state.firmware_statuses + 1, update=update)


def _log_told(state: StationState, fact: f.LogTold) -> StationState:
    return replace(state, log=fact.status, log_statuses=state.log_statuses + 1)


def _log_requested(state: StationState, fact: f.LogRequested) -> StationState:
    return replace(state, log_statuses=state.log_statuses + 1)


def _firmware_entry(state: StationState, fact: f.PublishTold) -> StationState:
    return replace(state, firmware_statuses=state.firmware_statuses + 1)


def _security_told(state: StationState, fact: f.SecurityTold) -> StationState:
    last = (fact.event, fact.at, fact.tech_info)
    return replace(state, last_security=last, security_events=state.security_events + 1)


def _customer_told(state: StationState, fact: f.CustomerTold) -> StationState:
    known = next((r for r in state.customer if r.request_id == fact.request_id), CustomerReport(fact.request_id))
    report = replace(
        known,
        seqs=tuple(sorted({*known.seqs, fact.seq})) if fact.kept else known.seqs,
        last=known.last if fact.more else fact.seq,
        cut=known.cut or not fact.kept,
    )
    others = tuple(r for r in state.customer if r.request_id != fact.request_id)
    return replace(state, customer=(*others, report)[-LIMITS.customer_reports :])


def _variables_told(state: StationState, fact: f.VariablesTold) -> StationState:
    known = {variable.place: variable for variable in state.variables}
    known.update((variable.place, variable) for variable in fact.variables)
    return replace(state, variables=tuple(known.values()))


def _variables_handed_over(state: StationState, fact: f.VariablesHandedOver) -> StationState:
    return replace(state, variables=())


def _command_issued(state: StationState, fact: f.CommandIssued) -> StationState:
    command = OpenCommand(fact.id, fact.intent, fact.not_after, fact.token_ref, fact.evse, None, fact.request_id)
    return replace(state, commands=(*state.commands, command), next_request=_after(state, fact.request_id))


def _after(state: StationState, used: int | None) -> int:
    if used is None or used > LIMITS.followed_request:
        return state.next_request
    return max(state.next_request, used + 1)


def _order_accepted(state: StationState, fact: f.OrderAccepted) -> StationState:
    order = OpenOrder(fact.id, fact.name, fact.not_after, fact.by, fact.intent, fact.sealed)
    return replace(state, orders=(*state.orders, order))


def _order_sent(state: StationState, fact: f.OrderSent) -> StationState:
    for order in state.orders:
        if order.id == fact.id:
            command = OpenCommand(
                order.id, order.name, order.not_after, fact.token_ref, fact.evse, order.by, fact.request_id
            )  # fmt: skip
            watch = FirmwareWatch(order.id, order.by, fact.request_id) if order.name == "UpdateFirmware" else state.update
            return replace(
                state,
                orders=tuple(other for other in state.orders if other.id != fact.id),
                commands=(*state.commands, command),
                next_request=_after(state, fact.request_id),
                update=watch,
            )
    return state


def _order_dropped(state: StationState, fact: f.OrderDropped) -> StationState:
    settled = (*state.settled, (fact.id, fact.reason))[-LIMITS.recent_commands :]
    return replace(state, orders=tuple(order for order in state.orders if order.id != fact.id), settled=settled)


def _command_settled(state: StationState, fact: f.CommandSettled) -> StationState:
    commands = tuple(command for command in state.commands if command.id != fact.id)
    settled = (*state.settled, (fact.id, fact.status or fact.outcome))[-LIMITS.recent_commands :]
    refused = state.update is not None and state.update.order == fact.id and fact.outcome == "failed"
    return replace(state, commands=commands, settled=settled, update=None if refused else state.update)


def _callback_told(state: StationState, fact: f.CallbackTold) -> StationState:
    return replace(state, callback=fact.address)


def _unattributed(state: StationState, fact: f.Unattributed) -> StationState:
    return replace(state, unattributed=(fact.readings[0].at, fact.content)) if fact.readings else state


_APPLY: dict[type, Callable[[StationState, Any], StationState]] = {
    f.Registered: _registered,
    f.Unregistered: _unregistered,
    f.SecretChanged: _secret_changed,
    f.SecretPending: _secret_pending,
    f.SecretDropped: _secret_dropped,
    f.ProfileSought: _profile_sought,
    f.ProfileDropped: _profile_dropped,
    f.ProfileReached: _profile_reached,
    f.Booted: _booted,
    f.Greeted: _greeted,
    f.BootsWanted: _boots_wanted,
    f.StatusTold: _status_told,
    f.FirmwareTold: _firmware_told,
    f.LogTold: _log_told,
    f.FirmwareRequested: _firmware_requested,
    f.LogRequested: _log_requested,
    f.PublishTold: _firmware_entry,
    f.SecurityTold: _security_told,
    f.CustomerTold: _customer_told,
    f.VariablesTold: _variables_told,
    f.VariablesHandedOver: _variables_handed_over,
    f.CommandIssued: _command_issued,
    f.OrderAccepted: _order_accepted,
    f.OrderSent: _order_sent,
    f.OrderDropped: _order_dropped,
    f.CommandSettled: _command_settled,
    f.CallbackTold: _callback_told,
    f.Unattributed: _unattributed,
}


def apply(state: StationState, fact: Any) -> StationState:
    return _APPLY[type(fact)](state, fact)
