"""Every bound and threshold of the model room, by name.

Thresholds of plausibility are chosen wide: a session that a real station could have produced is billed, one
that no station could have produced waits for an operator (DESIGN 3, quirks 20-24).
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

# -- tariffs and rating -------------------------------------------------------------------------------------------

MAX_ELEMENTS = 100
MAX_COMPONENTS = 12
"""Per element; a fifth can only repeat a dimension."""
MAX_PRICE = Decimal(1_000_000)
MAX_AMOUNT = Decimal(1_000_000_000)
"""Of any other number in a tariff: what is rated must fit into 64-bit minor units."""
MAX_PROBLEMS = 100
"""Wrong fields named in one answer."""
MAX_TEXT = 512
TARIFF_CACHE = 1024
"""Parsed tariffs kept in memory, by fingerprint."""
MAX_RATED_SPAN = timedelta(days=120)
"""A usage longer than this is refused by `rate`: its clock boundaries are counted per day."""
ENERGY_QUANTUM = Decimal("1e-9")
"""kWh. Energy interpolated at a boundary is rounded to this, so that all sums stay exact (stated rounding)."""
NOMINAL_VOLTAGE = Decimal(230)
"""Where a tariff asks for current and the station told only power."""
MAX_PREVIEW_PERIODS = 1000
MAX_PLAIN_DATA = 512
"""Characters of the readable part of a signed value (OCPI SignedValue.plain_data)."""
MAX_SIGNED_VALUES = 64
"""Signed records in a CDR; those of begin and end come first."""
CDR_DECIMALS = 4
"""OCPI numbers in a CDR (PROTOCOLS 6.4)."""

# -- holds on a card (hold.py) --------------------------------------------------------------------------------------

METER_INTERVAL_S = 60
"""How often a running session tells its register, where nothing else is known."""
COMMAND_LATENCY_S = 30
"""From our wish to stop until power is off."""
HOLD_OCCUPANCY_S = 1800
"""How long a stopped vehicle may be charged for its place, unless the tenant says otherwise."""
HOLD_TYPICAL_KWH = 60
HOLD_TYPICAL_S = 8 * 3600
"""A usual charge: a car's battery, or a night at a small EVSE."""
HOLD_LEAST_PART = 10
"""A hold must be good for a tenth of a usual charge at least, or nobody is served by it."""

# -- plausibility -------------------------------------------------------------------------------------------------

EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
"""Before OCPP existed: a clock that was never set (quirk 20)."""
CLOCK_SKEW = timedelta(minutes=10)
"""A station's clock may run ahead of ours by this much without a word."""
CLOCK_FUTURE = timedelta(hours=26)
"""Ahead by more than any time zone mistake explains (UTC+14 read as UTC-12): quarantine."""
CLOCK_STEP = timedelta(seconds=10)
"""A stop may be dated before its start by this much: the boot reply, in whole seconds, has set the station's clock between
them. Such a session took no time; by more it waits for a person."""
MAX_SESSION = timedelta(days=60)
"""Longer sessions are looked at by a person before they are billed."""
METER_SLACK_WH = 10
"""A stop register below the start by at most this is rounding of the station (quirk 23): no energy."""
ASSUMED_MAX_POWER_W = 450_000
"""Where the EVSE's maximum power is unknown: a big DC charger."""
POWER_TOLERANCE = Decimal("1.25")
"""Meters, clocks and start-up are allowed this much over nominal power times duration."""
ENERGY_SLACK_WH = 1_000
"""What may have flowed within rounded timestamps, whatever power times duration says."""
UNKNOWN_POWER_SLACK_WH = 150_000
"""The same where the EVSE's power is unknown: a full battery. Clocks lie more often than registers do, so without
a nameplate a session that fits into a vehicle is not doubted for its duration."""
ZERO_START_ENERGY_WH = 200_000
"""More than a passenger vehicle holds: with a start register of exactly 0 this is a lifetime register (quirk 21)."""
MAX_ENERGY_WH = 2_000_000
"""More than any vehicle's battery holds."""
MAX_READING = Decimal(10) ** 15
"""In base units. A sample beyond it is kept as it came and reckoned as this much: absurd still, but rows hold 64 bits."""
REGISTER_SLACK_WH = 100
"""A sample may lie outside start and stop register by this much."""

# -- device model ---------------------------------------------------------------------------------------------------

MAX_KEY_VALUE = 2500
"""Characters of a value kept in a device model (2.x ValueSize limit)."""

# -- smart charging -------------------------------------------------------------------------------------------------

COMPOSITE_PERIODS = 2000
"""Periods of a composite schedule; the rest is left out."""
