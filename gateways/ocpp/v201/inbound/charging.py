"""Smart charging (block K): profiles, foreign limits, what EVs need and chose."""

import msgspec
from msgspec import UNSET

from actors.charging import messages as c
from actors.model.intents import ChargingProfile, ChargingSchedule, SchedulePeriod
from gateways.ocpp.dialect import Asker
from gateways.ocpp.v201.inbound.parts import decimal, maybe, maybe_evse, not_negative, when
from gateways.ocpp.v201.messages import charging as m


def profiles(x: m.ReportChargingProfiles, asker: Asker, flags: tuple[str, ...], payload: bytes) -> c.ProfilesPart:
    evse = not_negative(x.evse_id, "/evseId")
    found = tuple(profile(item) for item in x.charging_profile)
    return c.ProfilesPart(x.request_id, evse, x.charging_limit_source, x.tbc is True, found)


def limit(x: m.NotifyChargingLimit, asker: Asker, flags: tuple[str, ...], payload: bytes) -> c.LimitNotified:
    told = x.charging_schedule if isinstance(x.charging_schedule, list) else ()
    return c.LimitNotified(
        x.charging_limit.charging_limit_source,
        asker.now(),
        maybe_evse(x.evse_id, "/evseId"),
        maybe(x.charging_limit.is_grid_critical),
        tuple(map(schedule, told)),
    )


def cleared(x: m.ClearedChargingLimit, asker: Asker, flags: tuple[str, ...], payload: bytes) -> c.LimitCleared:
    return c.LimitCleared(x.charging_limit_source, asker.now(), maybe_evse(x.evse_id, "/evseId"))


def needs(x: m.NotifyEVChargingNeeds, asker: Asker, flags: tuple[str, ...], payload: bytes) -> c.ChargingNeeds:
    told = msgspec.to_builtins(x.charging_needs)
    return c.ChargingNeeds(not_negative(x.evse_id, "/evseId"), told, asker.now(), maybe(x.max_schedule_tuples))


def chosen(x: m.NotifyEVChargingSchedule, asker: Asker, flags: tuple[str, ...], payload: bytes) -> c.EvSchedule:
    evse = not_negative(x.evse_id, "/evseId")
    return c.EvSchedule(evse, when(x.time_base, asker), schedule(x.charging_schedule), asker.now())


def profile(x: m.ChargingProfile) -> ChargingProfile:
    return ChargingProfile(
        x.id,
        x.stack_level,
        x.charging_profile_purpose,
        x.charging_profile_kind,
        tuple(map(schedule, x.charging_schedule)),
        maybe(x.recurrency_kind),
        maybe(x.valid_from),
        maybe(x.valid_to),
        maybe(x.transaction_id),
    )


def schedule(x: m.ChargingSchedule) -> ChargingSchedule:
    tariff = x.sales_tariff
    return ChargingSchedule(
        x.charging_rate_unit,
        tuple(_period(period) for period in x.charging_schedule_period),
        x.id,
        maybe(x.start_schedule),
        maybe(x.duration),
        None if x.min_charging_rate is UNSET else decimal(x.min_charging_rate),
        None if tariff is UNSET else msgspec.to_builtins(tariff),
    )


def _period(x: m.ChargingSchedulePeriod) -> SchedulePeriod:
    return SchedulePeriod(x.start_period, decimal(x.limit), maybe(x.number_phases), maybe(x.phase_to_use))


def answered(x: c.NeedsReply) -> m.NotifyEVChargingNeedsResponse:
    """To both NotifyEVChargingNeeds and NotifyEVChargingSchedule, which knows no Processing."""
    return m.NotifyEVChargingNeedsResponse(status=x.status)  # type: ignore[arg-type]
