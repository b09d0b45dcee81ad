"""Induced faults: which call shall go wrong, and how. They are asked for through the control API and used up one by one."""

import random
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Literal

import msgspec

from gateways.payments.sandbox import limits

What = Literal["error_before", "error_after", "rate_limit", "drop_before", "drop_after", "hang_before", "hang_after", "delay"]


class Rule(msgspec.Struct, forbid_unknown_fields=True):
    """`call`: pattern of `METHOD /path`, e.g. `POST /v1/payment_intents/*/capture`. `before`: nothing was done; `after`: it was
    done, and only the answer is lost. `times`: how often (null: always). `chance`: of each matching call. `skip`: matching calls
    left alone first. `seconds`: of a delay. `sticky`: the 500 of error_after is what the idempotency key answers from then on, as
    Stripe documents it; otherwise a retry with the key gets the true answer."""

    call: str
    what: What
    times: int | None = 1
    chance: float = 1.0
    skip: int = 0
    seconds: float = 1.0
    status: int = 500
    sticky: bool = True
    account: str | None = None
    met: int = 0


WebhookWhat = Literal["duplicate", "reorder", "delay", "drop", "wrong_mode", "bad_signature", "not_utf8", "wrong_account"]


class HookRule(msgspec.Struct, forbid_unknown_fields=True):
    """`event`: pattern of the event's type. `reorder`: it waits until another webhook has overtaken it. `drop`: it is never sent,
    and shows among the events that were not delivered. `wrong_mode`: livemode true, properly signed."""

    event: str
    what: WebhookWhat
    times: int | None = 1
    chance: float = 1.0
    seconds: float = 1.0
    met: int = 0


class Faults:
    def __init__(self, seed: int = 0) -> None:
        self.rules: list[Rule] = []
        self.hook_rules: list[HookRule] = []
        self.down = False
        self._dice = random.Random(seed)  # noqa: S311 - a run can be repeated

    def add(self, rules: Iterable[Rule], hook_rules: Iterable[HookRule] = ()) -> None:
        self.rules += rules
        self.hook_rules += hook_rules
        if len(self.rules) + len(self.hook_rules) > limits.RULES_MOST:
            raise ValueError(f"more than {limits.RULES_MOST} rules: clear some first")

    def clear(self) -> None:
        self.rules, self.hook_rules, self.down = [], [], False

    def meet(self, method: str, path: str, account: str) -> Rule | None:
        """The rule for this call, counted as used."""
        for rule in self.rules:
            if (rule.account is None or rule.account == account) and fnmatchcase(f"{method} {path}", rule.call):
                if rule.skip > 0:
                    rule.skip -= 1
                    continue
                if rule.chance < 1 and self._dice.random() >= rule.chance:
                    continue
                self._use(rule)
                return rule
        return None

    def meet_event(self, kind: str) -> HookRule | None:
        for rule in self.hook_rules:
            if fnmatchcase(kind, rule.event) and (rule.chance >= 1 or self._dice.random() < rule.chance):
                self._use(rule)
                return rule
        return None

    def _use(self, rule: Rule | HookRule) -> None:
        rule.met += 1
        if rule.times is not None:
            rule.times -= 1
            if rule.times <= 0:
                if isinstance(rule, Rule):
                    self.rules.remove(rule)
                else:
                    self.hook_rules.remove(rule)
