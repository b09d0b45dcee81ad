"""What the standard asks of a command beyond its schema (PROTOCOLS 3.5): each rule raises Refuse with the intent's field."""

from collections.abc import Iterable

from actors.model import intents as i
from gateways.ocpp.mapping.engine import Refuse

MAX_SCHEDULES = 3
MAX_SEVERITY = 9


def _profile(profile: i.ChargingProfile, at: str) -> None:
    if profile.kind == "Recurring" and profile.recurrency_kind is None:
        raise Refuse("is needed by a recurring profile", f"{at}.recurrency_kind")
    for n, schedule in enumerate(profile.schedules):
        if not schedule.periods:
            raise Refuse("must have at least one period", f"{at}.schedules[{n}].periods")


def starts_16(x: i.RequestStart) -> None:
    if x.token_type == "NoAuthorization":  # noqa: S105
        raise Refuse("a remote start of OCPP 1.x needs an idTag", "token_type")
    _starts(x)


def _starts(x: i.RequestStart) -> None:
    if x.profile is None:
        return
    if x.profile.purpose != "TxProfile":
        raise Refuse("must be TxProfile in a remote start", "profile.purpose")
    if x.profile.transaction_id is not None:
        raise Refuse("the transaction does not exist yet", "profile.transaction_id")
    _profile(x.profile, "profile")


def profile_16(x: i.SetChargingProfile) -> None:
    _profile(x.profile, "profile")
    if x.profile.purpose == "ChargingStationMaxProfile" and x.evse:
        raise Refuse("must be 0 for a profile of the whole station", "evse")
    if x.profile.purpose == "TxProfile" and not x.evse:
        raise Refuse("must be 1 or greater for a TxProfile", "evse")


def starts(x: i.RequestStart) -> None:
    """F01, F02, K01."""
    _starts(x)
    if x.profile is not None:
        _schedules(x.profile, "profile")


def profile(x: i.SetChargingProfile) -> None:
    """K01.FR.03, .06, .16, .19, .20, .22."""
    profile_16(x)
    is_transactions = x.profile.purpose == "TxProfile"
    if is_transactions and x.profile.transaction_id is None:
        raise Refuse("a TxProfile names its transaction (K01.FR.03)", "profile.transaction_id")
    if not is_transactions and x.profile.transaction_id is not None:
        raise Refuse("only a TxProfile names a transaction", "profile.transaction_id")
    _schedules(x.profile, "profile")


def _schedules(profile: i.ChargingProfile, at: str) -> None:
    if len(profile.schedules) > MAX_SCHEDULES:
        raise Refuse(f"has at most {MAX_SCHEDULES} schedules", f"{at}.schedules")
    for n, schedule in enumerate(profile.schedules):
        before = -1
        for k, period in enumerate(schedule.periods):
            where = f"{at}.schedules[{n}].periods[{k}]"
            if k == 0 and period.start_period != 0:
                raise Refuse("the first period starts at 0", f"{where}.start_period")
            if period.start_period <= before:
                raise Refuse("periods are in the order of their start", f"{where}.start_period")
            before = period.start_period
            if period.phase_to_use is not None and period.number_phases != 1:
                raise Refuse("a phase can be chosen with numberPhases 1 only (K01.FR.19)", f"{where}.phase_to_use")


def one_customer(x: i.CustomerInformation) -> None:
    """N09, N10: exactly one identification."""
    said = [name for name in ("id_token", "customer_identifier", "certificate") if getattr(x, name) is not None]
    if len(said) != 1:
        field = said[1] if said else "id_token"
        raise Refuse("name exactly one of idToken, customerIdentifier and customerCertificate (N09)", field)


def no_duplicates_set(x: i.SetVariables) -> None:
    """B05.FR.13."""
    if not x.settings:
        raise Refuse("name at least one variable", "settings")
    _unique(((setting.ref, setting.attribute) for setting in x.settings), "settings")


def no_duplicates_get(x: i.GetVariables) -> None:
    attributes = [*x.attributes, *("Actual" for _ in x.refs[len(x.attributes) :])]
    _unique(zip(x.refs, attributes, strict=False), "refs")


def _unique(asked: Iterable[tuple[i.VariableRef, str]], field: str) -> None:
    seen = set()
    for n, (ref, attribute) in enumerate(asked):
        place = (
            ref.component.lower(), (ref.component_instance or "").lower(), ref.variable.lower(),
            (ref.variable_instance or "").lower(), ref.evse, ref.connector, attribute,
        )  # fmt: skip
        if place in seen:
            raise Refuse("the same variable is named twice (B05.FR.13)", f"{field}[{n}]")
        seen.add(place)


def whole_list(x: i.SendLocalList) -> None:
    """D01: a full list says what each token is."""
    for n, entry in enumerate(x.entries):
        if x.update_type == "Full" and entry.status is None:
            raise Refuse("is needed in a full list", f"entries[{n}].status")


def ids_or_criteria(x: i.GetChargingProfiles) -> None:
    """K09."""
    if x.ids and (x.purpose is not None or x.stack_level is not None or x.sources):
        raise Refuse("name ids or criteria, not both (K09)", "ids")


def whose_connector(x: i.ChangeAvailability | i.Trigger) -> None:
    if x.connector is not None and not x.evse:
        raise Refuse("a connector is one of an EVSE: name that as well", "evse")


def connector_of(x: i.Trigger) -> None:
    """F06.FR.13."""
    whose_connector(x)
    if x.message == "StatusNotification" and not x.evse:
        raise Refuse("the connector whose status is wanted must be named (F06.FR.13)", "evse")


def severity(x: i.SetMonitoringLevel) -> None:
    if not 0 <= x.severity <= MAX_SEVERITY:
        raise Refuse("must be from 0 to 9", "severity")


def severities(x: i.SetVariableMonitoring) -> None:
    for n, monitor in enumerate(x.monitors):
        if not 0 <= monitor.severity <= MAX_SEVERITY:
            raise Refuse("must be from 0 to 9", f"monitors[{n}].severity")


def signed_whole(x: i.UpdateFirmware) -> None:
    """L01.FR.11."""
    if (x.signing_certificate is None) != (x.signature is None):
        missing = "signature" if x.signature is None else "signing_certificate"
        raise Refuse("a secure update has a signing certificate and a signature (L01.FR.11)", missing)


def security_profile(x: i.SetNetworkProfile) -> None:
    if not 0 <= x.profile.security_profile <= 3:
        raise Refuse("must be from 0 to 3", "profile.security_profile")
