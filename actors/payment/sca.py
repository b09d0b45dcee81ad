"""The gate of strong customer authentication: may a session start on this hold? (MONEY 1.3)

Asking for 3-D Secure does not guarantee it: a provider that cannot start it may take the card without. So the proof is looked
at after the authorisation and before any start; refusing costs nothing, since nothing was captured. The table below is that
of MONEY 1.3, row by row; what no row names is refused. A card whose country is not told counts as European.
"""

from typing import Any, Literal

import msgspec

from actors.model.psp import CardProof

EEA: frozenset[str] = frozenset(
    """
    AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK
    AX GF GI GP MF MQ RE YT GB
    """.split()  # noqa: SIM905
)
"""Where payers must be authenticated: the European Economic Area with its parts that have codes of their own, the United
Kingdom and Gibraltar."""

ATTEMPTED = "sca_allow_attempted"
OUTSIDE = "sca_outside_eea"
OUTSIDE_HOLD = "sca_outside_eea_hold_minor"
"""Keys of a tenant's settings."""


class Policy(msgspec.Struct, frozen=True, gc=False):
    """What a tenant may decide. `allow_attempted`: the issuer could not be reached and vouches for it all the same.
    `outside`: cards from elsewhere without 3-D Secure are accepted up to a hold of `outside_hold_minor`, or refused."""

    allow_attempted: bool = True
    outside: Literal["accept", "refuse"] = "accept"
    outside_hold_minor: int = 5000


def policy_of(settings: dict[str, Any]) -> Policy:
    """Of a tenant's settings; what is missing or cannot be understood is the default, or what is stricter."""
    default = Policy()
    attempted = settings.get(ATTEMPTED, default.allow_attempted)
    hold = settings.get(OUTSIDE_HOLD, default.outside_hold_minor)
    return Policy(
        allow_attempted=attempted is True,
        outside="accept" if settings.get(OUTSIDE, default.outside) == "accept" else "refuse",
        outside_hold_minor=hold if isinstance(hold, int) and not isinstance(hold, bool) and hold >= 0 else 0,
    )


Condition = Literal["always", "allow_attempted", "outside_policy", "never"]


class Rule(msgspec.Struct, frozen=True, gc=False):
    """A row. `results` of three_d_secure, None: there is none; `wallets`: which ones, empty: whatever the wallet."""

    name: str
    european: bool
    results: tuple[str | None, ...]
    accepts: Condition
    wallets: tuple[str | None, ...] = ()


TABLE: tuple[Rule, ...] = (
    Rule("authenticated", True, ("authenticated",), "always"),
    Rule("attempted", True, ("attempt_acknowledged",), "allow_attempted"),
    Rule("wallet SCA", True, (None,), "always", ("apple_pay", "google_pay")),
    Rule(
        "no proof", True,
        ("exempted", "data_share_only", "not_supported", "processing_error", "failed", None), "never", (None, "link"),
    ),
    Rule("authenticated elsewhere", False, ("authenticated", "attempt_acknowledged"), "always"),
    Rule("policy elsewhere", False, ("not_supported", None), "outside_policy"),
)  # fmt: skip

MANDATE = "mandate"
UNNAMED = "no rule"


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """`rule`: name of the row that decided; `detail`: why, for an operator."""

    accepted: bool
    rule: str
    detail: str = ""


def judge(proof: CardProof, policy: Policy, hold_minor: int) -> Verdict:
    """The verdict on a hold of `hold_minor` minor units that a driver made in person."""
    european = proof.country is None or proof.country.upper() in EEA
    for rule in TABLE:
        if rule.european == european and proof.result in rule.results and _fits(rule, proof):
            return _verdict(rule, proof, policy, hold_minor)
    return Verdict(False, UNNAMED, f"{_said(proof)}: no rule accepts that")


def judge_mandate(mandate: str | None) -> Verdict:
    """Off-session: the payee initiates it, which the law leaves out of strong authentication where the mandate itself was
    given under it. Without a stored mandate it is refused."""
    if mandate:
        return Verdict(True, MANDATE, f"charged under mandate {mandate}")
    return Verdict(False, MANDATE, "a saved card is charged only under a stored mandate")


def _fits(rule: Rule, proof: CardProof) -> bool:
    if rule.wallets and proof.wallet not in rule.wallets:
        return False
    # Google Pay may hand out a plain card number, which proves nothing; Apple Pay never does.
    return rule.name != "wallet SCA" or proof.device_token is True or (proof.wallet == "apple_pay" and proof.device_token is None)


def _verdict(rule: Rule, proof: CardProof, policy: Policy, hold_minor: int) -> Verdict:
    said = _said(proof)
    match rule.accepts:
        case "always":
            return Verdict(True, rule.name, said)
        case "allow_attempted":
            why = said if policy.allow_attempted else f"{said}: {ATTEMPTED} is off"
            return Verdict(policy.allow_attempted, rule.name, why)
        case "outside_policy":
            if policy.outside != "accept":
                return Verdict(False, rule.name, f"{said}: {OUTSIDE} is {policy.outside}")
            if hold_minor > policy.outside_hold_minor:
                return Verdict(False, rule.name, f"{said}: a hold of {hold_minor} is over {OUTSIDE_HOLD}")
            return Verdict(True, rule.name, said)
        case "never":
            return Verdict(False, rule.name, f"{said}: not authenticated")


def _said(proof: CardProof) -> str:
    said = f"3-D Secure {proof.result or 'not done'}, card of {proof.country or 'an untold country'}"
    return said if proof.wallet is None else f"{said}, by {proof.wallet}"
