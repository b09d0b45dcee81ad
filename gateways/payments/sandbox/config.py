"""What a sandbox is told at its start."""

import msgspec

DAY = 86400


class Hook(msgspec.Struct, frozen=True):
    """A webhook endpoint. `connect`: gets what happens on connected accounts, else what happens on the brand's own. `livemode`
    of what it is sent is always false, unless a fault says otherwise."""

    url: str
    secret: str
    connect: bool = False
    events: tuple[str, ...] = ("*",)


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Fees are Stripe's on the whole charge: `fee_bp` hundredths of a percent (`foreign_fee_bp` for cards from outside the EEA)
    plus `fee_fixed` minor units; with the values here 12.34 EUR costs 0.44 and 50.00 EUR cost 1.00, as in MONEY 3.4.
    `available_after`: seconds until a charge's money is available. `rest_as_refund`: what a capture leaves of a hold
    is shown as Stripe shows it, as a refund of the charge that never moved money."""

    secret_key: str = "sk_test_voltroupe_sandbox"  # noqa: S105 - opens nothing but this sandbox
    client_id: str = "ca_voltroupe_sandbox"
    platform: str = "acct_1Platform000000000"
    country: str = "DE"
    currency: str = "eur"
    merchants: tuple[str, ...] = ()
    """Connected accounts that exist from the start, with everything enabled."""
    redirect_uris: tuple[str, ...] = ()
    """Where OAuth may lead back to; empty: anywhere."""
    hooks: tuple[Hook, ...] = ()
    fee_bp: int = 150
    foreign_fee_bp: int = 325
    fee_fixed: int = 25
    dispute_fee: int = 2_000
    available_after: int = 3 * DAY
    hold_kept: int = 7 * DAY
    hold_kept_off_session: int = 4 * DAY + 18 * 3600
    search_lag: float = 0.0
    """Seconds until a search finds what is new; Stripe says under a minute."""
    rest_as_refund: bool = True
    seed: int = 0
    """Of the dice of induced faults."""
    others: "tuple[Config, ...]" = ()
    """Further platform accounts on the same port, each with `platform`, `secret_key` and `client_id` of its own."""
