"""The rise to a higher security profile (OCPP 2.0.1 A05, B09, B10; 1.6 SecurityProfile). Pure functions.

2.x: a network profile with the higher security profile is written, put first, and the station reset. 1.6: one configuration
key, after which the station reconnects by itself. Meanwhile both profiles are good, and when the station comes in the higher
one, only that is (actors/station/credentials.py). A step that the station refuses ends the rise.
"""

from datetime import datetime
from typing import Any

import msgspec

from actors.certificates import facts as f
from actors.certificates import messages as m
from actors.certificates.decide import decided, give
from actors.certificates.rows import Here, event
from actors.certificates.state import CertificatesState, apply, in_use
from actors.limits import DomainLimits
from actors.model import intents as i
from actors.model.decision import Decision, Refused
from actors.station.letters import OrderEnded

_PRIORITY = i.VariableRef("OCPPCommCtrlr", "NetworkConfigurationPriority")
_KEY = i.VariableRef("SecurityCtrlr", "SecurityProfile", key_1_6="SecurityProfile")
_PASSED = frozenset({"Accepted", "RebootRequired", "Scheduled"})


def decide_raise(here: Here, state: CertificatesState, message: m.RaiseProfile, now: datetime, limits: DomainLimits) -> Decision:
    if not message.protocol:
        message = msgspec.structs.replace(message, protocol=state.protocol)
    refused = _refusal(state, message, now)
    if refused is not None:
        return Decision(reply=refused)
    plan: dict[str, Any] = {
        "slot": message.slot,
        "priority": message.priority,
        "url": message.url,
        "protocol": message.protocol,
        "who": message.who,
    }
    if message.protocol == "ocpp1.6":
        step = "key"
        intent: i.AnyIntent = i.SetVariable(_KEY, str(message.profile))
    else:
        step = "network"
        profile = i.NetworkProfile(
            message.url or "", message.profile, message.interface, message.message_timeout,
            "OCPP20" if message.protocol == "ocpp2.0.1" else "OCPP21",
        )  # fmt: skip
        intent = i.SetNetworkProfile(message.slot, profile)
    return _step(here, state, message.profile, step, intent, plan, now, limits)


def _refusal(state: CertificatesState, message: m.RaiseProfile, now: datetime) -> Refused | None:
    if message.profile not in (1, 2, 3):
        return Refused("invalid", "a security profile is 1, 2 or 3", "profile")
    if message.profile <= message.current:
        return Refused("state", f"the station has security profile {message.current}: it can only rise", "profile")
    if not message.protocol:
        return Refused("offline", "the station has never been here: nobody knows which version it speaks")
    if message.protocol != "ocpp1.6" and not message.url:
        return Refused("invalid", "the URL where the station is to connect then, wss://...", "url")
    if message.profile == 3:
        leaf = in_use(state)
        if leaf is None or leaf.not_after <= now:
            return Refused("state", "profile 3 needs a certificate: have the station renew its own first", "profile")
    if state.rise is not None:
        return Refused("conflict", f"the station is on its way to security profile {state.rise.goal} already")
    return None


def _step(
    here: Here, state: CertificatesState, goal: int, step: str, intent: i.AnyIntent, plan: dict[str, Any], now: datetime,
    limits: DomainLimits,
) -> Decision:  # fmt: skip
    order = f"certificates:profile:{state.number + 1}"
    fact = f.ProfileStep(goal, step, now, order, plan=plan)
    return give(here, state, "profile", {"goal": goal, "step": step}, intent, now, limits, facts=(fact,))


def decide_stepped(
    here: Here, state: CertificatesState, ended: OrderEnded, facts: list[Any], now: datetime, limits: DomainLimits
) -> Decision:
    """The end of one step: the next one, or the end of the rise. `facts`: of the order's end."""
    rise = state.rise
    if rise is None or rise.order != ended.id:
        return decided(here, state, facts, now)
    status = ended.outcome.status if isinstance(ended.outcome, i.CommandResult) else ended.outcome.reason
    if isinstance(ended.outcome, i.CommandResult) and not status and ended.outcome.variables:
        status = ended.outcome.variables[0].status
    if status not in _PASSED:
        return _ended(here, state, rise.goal, "failed", f"{rise.step}: {status}", facts, now)
    priority = str(rise.plan.get("priority") or rise.plan.get("slot", 1))
    if rise.step == "network":
        return _next(here, state, facts, "priority", i.SetVariable(_PRIORITY, priority), now, limits)
    if rise.step == "priority":
        return _next(here, state, facts, "reset", i.Reset("OnIdle"), now, limits)
    return _ended(here, state, rise.goal, "done", "", facts, now)


def _next(
    here: Here, state: CertificatesState, facts: list[Any], step: str, intent: i.AnyIntent, now: datetime, limits: DomainLimits
) -> Decision:
    rise = state.rise
    assert rise is not None
    after = state
    for fact in facts:
        after = apply(after, fact)
    decision = _step(here, after, rise.goal, step, intent, rise.plan, now, limits)
    if not decision.facts:
        return _ended(here, state, rise.goal, "failed", f"{step}: too many orders", facts, now)
    return msgspec.structs.replace(decision, facts=[*facts, *decision.facts], reply=None)


def _ended(here: Here, state: CertificatesState, goal: int, step: str, detail: str, facts: list[Any], now: datetime) -> Decision:
    """Done: the station has been told, and comes when it comes."""
    line = event(here, "station.profile", now, goal=goal, step=step, detail=detail)
    return decided(here, state, [*facts, f.ProfileStep(goal, step, now, detail=detail)], now, rows=(line,))
