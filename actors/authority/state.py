"""A tenant's certificate authority: its own CA, others that it trusts, and what was revoked and has not expired."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.authority import facts as f
from actors.ports import AuthorityMaterial


class AuthorityState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    material: AuthorityMaterial | None = None
    trusted: tuple[f.OtherTrusted, ...] = ()
    revoked: tuple[f.Revoked, ...] = ()


def _founded(state: AuthorityState, fact: f.Founded) -> AuthorityState:
    return replace(state, material=fact.material)


def _trusted(state: AuthorityState, fact: f.OtherTrusted) -> AuthorityState:
    return replace(state, trusted=(*_without(state, fact.use, fact.fingerprint), fact))


def _distrusted(state: AuthorityState, fact: f.OtherDistrusted) -> AuthorityState:
    return replace(state, trusted=_without(state, fact.use, fact.fingerprint))


def _without(state: AuthorityState, use: str, fingerprint: str) -> tuple[f.OtherTrusted, ...]:
    return tuple(known for known in state.trusted if (known.use, known.fingerprint) != (use, fingerprint))


def _revoked(state: AuthorityState, fact: f.Revoked) -> AuthorityState:
    """What has expired meanwhile is refused without being listed."""
    others = tuple(known for known in state.revoked if known.fingerprint != fact.fingerprint and known.until > fact.at)
    return replace(state, revoked=(*others, fact))


_APPLY: dict[type, Callable[[AuthorityState, Any], AuthorityState]] = {
    f.Founded: _founded,
    f.OtherTrusted: _trusted,
    f.OtherDistrusted: _distrusted,
    f.Revoked: _revoked,
}


def apply(state: AuthorityState, fact: Any) -> AuthorityState:
    return _APPLY[type(fact)](state, fact)
