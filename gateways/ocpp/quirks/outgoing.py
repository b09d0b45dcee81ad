"""What is not sent to a station that is known not to bear it, and what its answers show. Pure functions."""

from actors.model import intents as i
from actors.model.intents import AnyIntent, CommandFailure, CommandResult, Unsupported
from gateways.ocpp.quirks.registry import Rules

_PROFILES = frozenset({"SetChargingProfile"})
_REFUSED = frozenset({"Rejected", "NotSupported"})
_QUESTIONS = frozenset(
    {
        "GetConfiguration", "GetDiagnostics", "GetLog", "GetVariables", "GetBaseReport", "GetReport", "GetMonitoringReport",
        "GetCompositeSchedule", "GetChargingProfiles", "GetLocalListVersion", "GetTransactionStatus", "TriggerMessage",
        "ExtendedTriggerMessage", "GetDisplayMessages", "GetInstalledCertificateIds", "CustomerInformation",
    }
)  # fmt: skip
"""Actions that only ask: they can wait, and those who poll too hard break stations (quirk 4)."""


def is_question(action: str) -> bool:
    return action in _QUESTIONS


def refusal(rules: Rules, intent: AnyIntent) -> tuple[Unsupported | None, str]:
    """(why it is not sent to a station of this kind, the mark by which that is counted); (None, "") for all else."""
    if rules.avoid_triggers and isinstance(intent, i.Trigger) and rules.avoids(intent.message):
        return Unsupported(f"stations of this kind do not bear a triggered {intent.message}", "message"), "trigger_avoided"
    profile = getattr(intent, "profile", None)
    if rules.refused_purposes and profile is not None and profile.purpose in rules.refused_purposes:
        return Unsupported(f"stations of this kind refuse every {profile.purpose}", "profile.purpose"), "purpose_avoided"
    return None, ""


def refused_profile(action: str, outcome: CommandResult | CommandFailure) -> bool:
    """Whether this is the answer of a station that did not take a charging profile (quirk 27)."""
    if action not in _PROFILES:
        return False
    if isinstance(outcome, CommandFailure):
        return outcome.reason == "error"
    return outcome.status in _REFUSED
