"""What config hands to the actors: the ports they read, the randomness and the bounds. One value for the node.

The switchboard is the only thing here that the actors write: it holds live connections, which outlive an
incarnation of their station actor but not the process.
"""

import secrets
from collections.abc import Callable

import msgspec

from actors.limits import DomainLimits
from actors.model.platforms import Platforms
from actors.ports import Lookups, Numbers, Pki, Sink, Snapshots, Vault
from actors.station.switchboard import Switchboard


class ActorEnv(msgspec.Struct, frozen=True, kw_only=True):
    """`token_bytes` is the injected source of secrets (EVSE codes): `secrets.token_bytes` in production."""

    snapshots: Snapshots
    numbers: Numbers
    lookups: Lookups
    vault: Vault
    sink: Sink
    platforms: Platforms = Platforms()
    """By which accounts with the payment provider the tenants are paid."""
    pki: Pki | None = None
    """None: no certificate is signed or validated here."""
    token_bytes: Callable[[int], bytes] = secrets.token_bytes
    limits: DomainLimits = DomainLimits()
    switchboard: Switchboard = msgspec.field(default_factory=Switchboard)
