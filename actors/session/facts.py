"""What is remembered of a session. Facts are the journal: they outlive protocols, and hold no token UID.

`Metered` is bulk: it is stored with the meter data and takes part in recovery like any other fact. Every type
has a golden file in tests/actors/golden; changing one means a new version and an upcaster.
"""

from datetime import datetime
from typing import ClassVar

import msgspec

from actors.model.meter import Reading
from actors.model.money import Cost
from actors.model.rating import KindNet
from actors.model.token import Funds, IdToken, TokenVerdict
from actors.ports import MerchantCard, TariffCard
from actors.session.messages import Place


class Started(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="started"):
    """The natural key of a start is (station, connector, token, meter_start_wh, at); `generation` counts equal keys
    whose session had stopped. `tariff` is the version in force, frozen for the whole session."""

    place: Place
    token: IdToken
    verdict: TokenVerdict
    tariff: TariffCard | None
    number: int
    meter_start_wh: int
    at: datetime
    received: datetime
    generation: int = 0
    reservation: int | None = None
    flags: tuple[str, ...] = ()
    merchant: MerchantCard | None = None
    """Who sells, where a wallet pays."""


class Metered(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="metered"):
    """One MeterValues (or the transactionData of a stop). `content` hashes the payload as received."""

    bulk: ClassVar[bool] = True

    readings: tuple[Reading, ...]
    content: str
    received: datetime
    flags: tuple[str, ...] = ()


class ChargingChanged(msgspec.Struct, frozen=True, gc=False, tag="charging_changed"):
    """`state`: OCPP 2.x ChargingStateEnum; `at` by the station's clock, `received` by ours."""

    state: str
    at: datetime
    received: datetime


class Ended(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="ended"):
    """The station's stop. `energy_wh` is None where the start could not be read. `flags` inform; what forbids a bill
    follows as Quarantined in the same turn."""

    meter_stop_wh: int
    at: datetime
    received: datetime
    reason: str
    energy_wh: int | None
    token: IdToken | None = None
    verdict: TokenVerdict | None = None
    flags: tuple[str, ...] = ()


class Rated(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="rated"):
    """Cost under the frozen tariff (None: a free token, at zero)."""

    cost: Cost
    energy_wh: int
    tariff: str | None
    """Fingerprint of the tariff version."""
    at: datetime
    kinds: tuple[KindNet, ...] = ()
    """Only where another actor posts the journal (a card payment, at its capture)."""


class Booked(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="booked"):
    """The CDR and, unless the cost is zero, its journal."""

    cdr: str
    at: datetime
    journal: str | None = None


class Unpriced(msgspec.Struct, frozen=True, gc=False, tag="unpriced"):
    """Ended without a tariff: never "free", it waits for an operator to name one."""

    at: datetime


class Quarantined(msgspec.Struct, frozen=True, gc=False, tag="quarantined"):
    """Anomalies that keep a session from being billed until an operator resolves it."""

    anomalies: tuple[str, ...]
    at: datetime


class Flagged(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="flagged"):
    """Something an operator should see that changes neither phase nor bill: `overdue`, `superseded` ..."""

    flag: str
    at: datetime
    detail: str = ""


class StopContradicted(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="stop_contradicted"):
    """Another stop of an ended session with other content: kept, flagged, never billed again."""

    meter_stop_wh: int
    at: datetime
    received: datetime
    reason: str
    token: IdToken | None = None


class StrayStopped(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="stray_stopped"):
    """A stop of no known session (quirks 14, 19). `number` is what the station claimed."""

    place: Place
    number: int
    meter_stop_wh: int
    at: datetime
    received: datetime
    reason: str
    token: IdToken | None = None
    flags: tuple[str, ...] = ()


class StopMatched(msgspec.Struct, frozen=True, gc=False, tag="stop_matched"):
    """The stop that this address would have kept as a stray one ended `session`."""

    session: str
    at: datetime


class Repeated(msgspec.Struct, frozen=True, gc=False, tag="repeated"):
    """Of the last session that is found by its key: `session` is the latest start with this key beyond it."""

    session: str
    at: datetime


class Unread(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="unread"):
    """A message of this session crashed its actor and lies in the dead letters."""

    dead_letter: str
    kind: str
    at: datetime
    place: Place | None = None
    number: int | None = None
    transaction_id: str = ""


class EventTold(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="event_told"):
    """An event of a 2.x transaction (`kind`: Started, Updated, Ended); its readings follow as EventMetered of the same `seq`.
    `place`, `number` and `tariff` come with the first event, `place` again where it names the EVSE, `tariff` again with
    Started (the version then in force)."""

    seq: int
    kind: str
    at: datetime
    received: datetime
    trigger: str
    content: str
    transaction_id: str = ""
    place: Place | None = None
    number: int = 0
    tariff: TariffCard | None = None
    token: IdToken | None = None
    verdict: TokenVerdict | None = None
    charging_state: str | None = None
    stopped_reason: str | None = None
    remote_start_id: int | None = None
    reservation: int | None = None
    time_spent_charging: int | None = None
    cable_max_current: int | None = None
    phases_used: int | None = None
    offline: bool = False
    flags: tuple[str, ...] = ()
    generation: int = 0
    merchant: MerchantCard | None = None


class EventMetered(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="event_metered"):
    """The readings of a 2.x event. Alone it is an event that said nothing else: Updated, MeterValuePeriodic or -Clock."""

    bulk: ClassVar[bool] = True

    seq: int
    at: datetime
    received: datetime
    content: str
    readings: tuple[Reading, ...]
    flags: tuple[str, ...] = ()


class EventContradicted(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="event_contradicted"):
    """Another event under a number that the session knows with other content: kept, flagged, never billed."""

    seq: int
    kind: str
    at: datetime
    received: datetime
    trigger: str
    content: str
    token: IdToken | None = None
    charging_state: str | None = None
    told: tuple[Reading, ...] = ()


class Concluded(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="concluded"):
    """The end of a 2.x transaction: Ended came and nothing is missing, or was waited for any longer (flag "gap").

    `billed_from`: when the vehicle first asked for energy, since a transaction may begin long before. `summed`: the
    energy is the sum of intervals. Registers and energy are None where nobody can tell."""

    started_at: datetime
    at: datetime
    received: datetime
    reason: str
    billed_from: datetime
    meter_start_wh: int | None = None
    meter_stop_wh: int | None = None
    energy_wh: int | None = None
    summed: bool = False
    flags: tuple[str, ...] = ()


class Resolved(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="resolved"):
    """An operator's decision. What is given replaces what was recorded."""

    action: str
    reason: str
    who: str
    at: datetime
    energy_wh: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    tariff: TariffCard | None = None


class Waived(msgspec.Struct, frozen=True, gc=False, tag="waived"):
    """Nothing will be billed for this session."""

    reason: str
    at: datetime


class Credited(msgspec.Struct, frozen=True, gc=False, tag="credited"):
    """All of its bill was taken back: `cdr` is the credit CDR, `journal` the one that reverses."""

    cdr: str
    journal: str
    reason: str
    who: str
    at: datetime


class PayerTold(msgspec.Struct, frozen=True, omit_defaults=True, tag="payer_told"):
    """The payment attempt or wallet that pays was told: `what` is began, or the outcome (SessionEnded). `n` counts outcomes."""

    payment: str
    what: str
    n: int
    at: datetime
    accepted: bool = True
    funds: Funds | None = None


class Funded(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="funded"):
    """A wallet holds something for a session that began without; or (`funds` None) it has nothing, for `reason`."""

    at: datetime
    funds: Funds | None = None
    reason: str = ""


class StopOrdered(msgspec.Struct, frozen=True, gc=False, tag="stop_ordered"):
    """The station was ordered to end the transaction. `reason`: cost_limit, token_not_accepted or no_credit."""

    order: str
    reason: str
    at: datetime


class StopAnswered(msgspec.Struct, frozen=True, gc=False, tag="stop_answered"):
    """What became of that order: the station's own word, or why it got none."""

    order: str
    status: str
    at: datetime


SessionFact = (
    Started | Metered | ChargingChanged | Ended | Rated | Booked | Unpriced | Quarantined | Flagged
    | StopContradicted | StrayStopped | StopMatched | Repeated | Unread | Resolved | Waived | Credited
    | EventTold | EventMetered | EventContradicted | Concluded
    | PayerTold | Funded | StopOrdered | StopAnswered
)  # fmt: skip
