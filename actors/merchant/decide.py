"""A merchant's terms and account: pure functions of state, message and time.

The account comes in one of three ways (MONEY 1.6): the provider makes one and its holder fills in a page (account_link,
accounts_v2), or the holder of an existing one lets us in (oauth). Either way the provider is asked through the outbox,
and its answer arrives as a message that settles the effect.
"""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from actors.limits import DomainLimits
from actors.merchant import facts as f
from actors.merchant import messages as m
from actors.merchant.rows import merchant_row
from actors.merchant.state import MerchantState, apply
from actors.merchant.turn import effect_of
from actors.model import psp
from actors.model.decision import AddressKey, Decision, Refused, Timer
from actors.model.feed import event
from actors.model.platforms import INSTALLATION
from actors.model.rows import BookRow
from actors.station.messages import Done

NO_HOME = Refused("conflict", "the brand has no account with the payment provider to which it could be connected")
TROUBLES_BOOK = "psp_platform"
"""Platform accounts that cannot be used, by their id: for `csms doctor`."""
UNKNOWN = Decision(reply=Refused("unknown", "there is no such merchant"))


def key(here: AddressKey, what: str, number: int) -> str:
    """Idempotency key of a call of this merchant."""
    return f"{what}:{here[0]}:{here[2]}:{number}"


def look(here: AddressKey, state: MerchantState, now: datetime) -> Decision:
    return Decision(reply=merchant_row(here, state, now) if state.terms is not None else None)


# -- terms


def put(
    here: AddressKey, state: MerchantState, message: m.PutMerchant, owner: AddressKey | None, now: datetime, limits: DomainLimits,
    home: str | None = INSTALLATION,
) -> Decision:  # fmt: skip
    """`owner`: the merchant that has `message.account` already, which may be this one. `home`: the brand's platform account, to
    which it is connected; None: it has none."""
    wrong = _wrong_terms(here, message, limits)
    if wrong is None and message.account is not None:
        wrong = NO_HOME if home is None else _wrong_account(here, state, message.account, owner)
    if wrong is not None:
        return Decision(reply=wrong)
    terms = f.Put(
        message.seller, message.who, now, message.commission_percent, message.commission_vat_percent, message.sells,
        message.partners, message.min_minor,
    )  # fmt: skip
    said = state.terms is not None and msgspec.structs.replace(state.terms, who=terms.who, at=now) == terms
    facts: list[Any] = [] if said else [terms]
    given: tuple[Timer, ...] = ()
    effects = []
    after = apply(state, terms)
    if message.account is not None and home is not None and (message.account, home) != (state.account, state.platform):
        number = state.number + 1
        told = f.AccountTold(psp.AccountSeen(message.account), now, number, home)
        begun = f.OnboardingBegun(number, "given", "", "", message.who, now)
        facts += [begun, told]
        after = apply(apply(after, begun), told)
        given = (Timer("transfer/account", now, m.TransferDue()), Timer("reconcile", now, m.ReconcileDue()))
        asked = psp.FetchAccount(key=key(here, "account", number), made_at=now, account=message.account, platform=home)
        effects.append(effect_of(asked))
    if not facts:
        return look(here, state, now)
    row = merchant_row(here, after, now)
    timers = (Timer("reconcile", now, m.ReconcileDue()),) if state.terms is None and here[2] == m.BRAND else given
    kind = "merchant.created" if state.terms is None else "merchant.changed"
    return Decision(facts=facts, effects=effects, rows=(row, event(here, kind, now, who=message.who)), timers=timers, reply=row)


def _wrong_terms(here: AddressKey, message: m.PutMerchant, limits: DomainLimits) -> Refused | None:
    if not message.seller.name.strip():
        return Refused("invalid", "the seller's name stands on every receipt", "seller.name")
    for field, most in (("commission_percent", 100), ("commission_vat_percent", 99)):
        if _percent(getattr(message, field), most) is None:
            return Refused("invalid", f"a decimal number of percent, 0 to {most}, as text", field)
    if message.min_minor is not None and message.min_minor < 0:
        return Refused("invalid", "an amount in minor units, not below 0", "min_minor")
    if len(message.partners) > limits.merchant_partners:
        return Refused("invalid", f"at most {limits.merchant_partners} partners", "partners")
    total = Decimal(0)
    for n, share in enumerate(message.partners):
        percent = _percent(share.percent, 100)
        if percent is None or not percent:
            return Refused("invalid", "a decimal number of percent, above 0 and at most 100, as text", f"partners.{n}.percent")
        if share.partner in (here[2], m.BRAND):
            return Refused("invalid", "a partner is another merchant of this tenant", f"partners.{n}.partner")
        total += percent
    if len({share.partner for share in message.partners}) < len(message.partners):
        return Refused("invalid", "each partner once", "partners")
    if total > 100:
        return Refused("invalid", f"together {total} percent; at most 100", "partners")
    return None


def _percent(text: str, most: int) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 <= value <= most else None


def _wrong_account(here: AddressKey, state: MerchantState, account: str, owner: AddressKey | None) -> Refused | None:
    if here[2] == m.BRAND:
        return Refused("invalid", "the brand's account is the one of the node's settings", "account")
    if owner is not None and owner != here:
        return Refused("conflict", "this account belongs to another merchant", "account")
    if state.account is not None and state.account != account:
        return Refused("conflict", f"it has {state.account}: disconnect that first", "account")
    return None


# -- the way to an account


def start(
    here: AddressKey, state: MerchantState, message: m.StartOnboarding, now: datetime, limits: DomainLimits,
    home: str | None = INSTALLATION,
) -> Decision:  # fmt: skip
    wrong = _wrong_start(here, state, message)
    if wrong is None and home is None:
        wrong = NO_HOME
    if wrong is None and state.account is not None and state.platform != home:
        wrong = Refused("conflict", f"{state.account} is connected to an account that the brand had before: disconnect it first")
    if wrong is not None:
        return Decision(reply=wrong)
    assert home is not None, "NO_HOME"
    number = state.number + 1
    oauth = message.method == "oauth"
    fact = f.OnboardingBegun(
        number, message.method, message.return_url, message.refresh_url, message.who, now, message.country,
        message.state_hash, now + limits.oauth_within if oauth else None,
    )  # fmt: skip
    after = apply(state, fact)
    rows = (merchant_row(here, after, now), event(here, "merchant.onboarding", now, method=message.method, who=message.who))
    if oauth:
        return Decision(facts=(fact,), rows=rows, reply=m.OnboardingAt(None, state.account))
    call = _link(here, after, now, home) if state.account is not None else _open(here, after, now, home)
    return Decision(facts=(fact,), effects=(effect_of(call),), rows=rows, later=_waits(number))


def _wrong_start(here: AddressKey, state: MerchantState, message: m.StartOnboarding) -> Refused | None:
    if state.terms is None:
        return Refused("unknown", "there is no such merchant")
    if here[2] == m.BRAND:
        return Refused("conflict", "the brand's account is the one of the node's settings: it needs no onboarding")
    if message.method == "oauth" and state.account is not None:
        return Refused("conflict", f"it has {state.account}: disconnect that first")
    if message.method == "oauth" and not message.state_hash:
        return Refused("invalid", "an OAuth flow has a one-time state", "state_hash")
    if message.method != "oauth" and state.account is None and not message.country:
        return Refused("invalid", "the country of the seller, as ISO 3166-1 alpha-2", "country")
    return None


def _waits(number: int) -> str:
    return f"onboarding:{number}"


def _open(here: AddressKey, state: MerchantState, now: datetime, home: str) -> psp.AnyCall:
    flow = state.flow
    assert flow is not None, "it has begun"
    return psp.OpenAccount(
        key=key(here, "open", flow.number), made_at=now, tenant=here[0], merchant=here[2],
        method="accounts_v2" if flow.method == "accounts_v2" else "account_link", country=flow.country, platform=home,
    )  # fmt: skip


def _link(here: AddressKey, state: MerchantState, now: datetime, home: str) -> psp.AnyCall:
    flow = state.flow
    assert flow is not None, "it has begun"
    return psp.LinkAccount(
        key=key(here, "link", flow.number), made_at=now, account=state.account, return_url=flow.return_url,
        refresh_url=flow.refresh_url, method="accounts_v2" if flow.method == "accounts_v2" else "account_link", platform=home,
    )  # fmt: skip


def finish_oauth(
    here: AddressKey, state: MerchantState, message: m.FinishOAuth, known: bool, now: datetime, home: str | None = INSTALLATION
) -> Decision:
    """`known`: the hash is the flow's (compared in constant time by the shell). The code is spent by the call."""
    flow = state.flow
    if flow is None or flow.method != "oauth" or not flow.state_hash or not known:
        return Decision(reply=Refused("wrong_state", "no onboarding of this merchant waits for that answer: start it again"))
    if flow.until is None or now > flow.until:
        return Decision(reply=Refused("wrong_state", "this onboarding has expired: start it again"))
    if home is None:
        return Decision(reply=NO_HOME)
    fact = f.CodeTaken(flow.number, message.who, now)
    call = psp.ConnectAccount(
        key=key(here, "connect", flow.number), made_at=now, tenant=here[0], merchant=here[2], code=message.code, platform=home,
    )  # fmt: skip
    return Decision(facts=(fact,), effects=(effect_of(call),), later=_waits(flow.number))


# -- what the provider says of it


def account_answered(
    here: AddressKey, state: MerchantState, answer: psp.PspAnswer, owner: AddressKey | None, now: datetime
) -> Decision:
    """The answer to a call of this module. `owner`: whose the account is already."""
    number = int(answer.call.key.rpartition(":")[2])
    waits, seen = _waits(number), answer.seen
    if isinstance(seen, psp.PspUnsure):
        return Decision(reply=Done())  # not settled: asked again with the same key
    settled = ((answer.effect, "done"),)
    if isinstance(seen, psp.PspRefused):
        refused = Refused("psp_refused", f"the payment provider refuses: {seen.code}{': ' if seen.detail else ''}{seen.detail}")
        fact = f.OnboardingFailed(number, seen.code, seen.detail, now)
        rows = (
            merchant_row(here, apply(state, fact), now),
            event(here, "merchant.refused", now, code=seen.code, detail=seen.detail),
        )
        return Decision(facts=(fact,), rows=rows, settled=settled, answers=((waits, refused),), reply=Done())
    if isinstance(seen, psp.LinkSeen):
        return Decision(settled=settled, answers=((waits, m.OnboardingAt(seen.url, state.account)),), reply=Done())
    assert isinstance(seen, psp.AccountSeen), f"no answer to {answer.call.key}: {type(seen).__name__}"
    if owner is not None and owner != here and seen.connected:
        fact = f.OnboardingFailed(number, "account_taken", seen.account, now)
        refused = Refused("conflict", "this account belongs to another merchant")
        rows = (merchant_row(here, apply(state, fact), now), event(here, "merchant.refused", now, code="account_taken"))
        return Decision(facts=(fact,), rows=rows, settled=settled, answers=((waits, refused),), reply=Done())
    ours = state.flow is not None and state.flow.number == number and state.account is None
    told = account_told(here, state, seen, now, answer.call.platform, number if ours else 0)
    after = state
    for one in told.facts:
        after = apply(after, one)
    if isinstance(answer.call, psp.OpenAccount) and ours:
        return msgspec.structs.replace(told, effects=(effect_of(_link(here, after, now, answer.call.platform)),), settled=settled)
    reply = merchant_row(here, after, now)
    return msgspec.structs.replace(told, settled=settled, answers=((waits, reply),))


def account_told(
    here: AddressKey, state: MerchantState, seen: psp.AccountSeen, now: datetime, platform: str = INSTALLATION, number: int = 0
) -> Decision:
    """`platform`: which platform account saw it so. Another one than it is connected to has nothing to say."""
    known = (seen.account, platform) != (state.account, state.platform) or seen == state.seen
    if not number and known:
        return Decision(reply=Done())
    fact = f.AccountTold(seen, now, number, platform)
    after = apply(state, fact)
    rows: list[Any] = [merchant_row(here, after, now)]
    timers: tuple[Timer, ...]
    if not seen.connected:
        rows.append(event(here, "merchant.disconnected", now, account=seen.account))
        timers = (Timer("lost", now, m.TellPayments(seen.account, platform=platform)), Timer("reconcile", None))
        return Decision(facts=(fact,), rows=rows, timers=timers, reply=Done())
    rows.append(event(here, "merchant.account", now, account=seen.account, onboarding=after.onboarding, due=list(seen.due)))
    timers = ()
    if state.account is None:
        timers = (Timer("transfer/account", now, m.TransferDue()), Timer("reconcile", now, m.ReconcileDue()))
    return Decision(facts=(fact,), rows=rows, timers=timers, reply=Done())


# -- the way back


def disconnect(here: AddressKey, state: MerchantState, message: m.Disconnect, open_holds: int, now: datetime) -> Decision:
    """Without the account no hold on it can be captured or released (MONEY 1.6): so it closes first, and is let go when the
    last hold has ended."""
    if state.terms is None:
        return UNKNOWN
    if here[2] == m.BRAND or state.account is None:
        return Decision(reply=Refused("conflict", "it has no connected account"))
    facts: list[Any] = [] if state.draining else [f.Draining(message.who, message.reason, now)]
    after = apply(state, facts[0]) if facts else state
    rows: list[Any] = []
    if facts:
        rows.append(event(here, "merchant.draining", now, who=message.who, reason=message.reason))
    if open_holds:
        detail = f"{open_holds} payments are open on it; no new one begins, ask again when they have ended"
        rows += [merchant_row(here, after, now)] if facts else []
        return Decision(facts=facts, rows=rows, reply=Refused("open_holds", detail))
    begun = f.DisconnectBegun(state.number + 1, now)
    call = psp.DisconnectAccount(
        key=key(here, "disconnect", begun.number), made_at=now, account=state.account, platform=state.platform
    )
    rows.append(merchant_row(here, apply(after, begun), now))
    return Decision(facts=[*facts, begun], effects=(effect_of(call),), rows=rows, later=_waits(begun.number))


# -- the brand's own account


def trouble(here: AddressKey, state: MerchantState, message: m.PlatformTrouble, now: datetime) -> Decision:
    """Told once when it begins, changes or ends: nothing begins on that account meanwhile, and what is open waits."""
    if state.troubles.get(message.platform) == message.trouble:
        return Decision(reply=Done())
    fact = f.PlatformTroubled(message.platform, message.trouble, now)
    told = event(
        here, "merchant.platform", now, platform=message.platform, trouble=message.trouble, setting=message.setting,
        payments=message.payments,
    )  # fmt: skip
    body = {"trouble": message.trouble, "setting": message.setting, "payments": message.payments, "at": now}
    row = BookRow(
        tenant=here[0], station="", book=TROUBLES_BOOK, key=message.platform, body=body, updated_at=now,
        deleted=message.trouble is None,
    )  # fmt: skip
    return Decision(facts=(fact,), rows=(told, row), reply=Done())
