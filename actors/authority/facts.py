"""What is remembered of a tenant's certificate authority. Private keys only sealed. Every type has a golden file."""

from datetime import datetime

import msgspec

from actors.ports import AuthorityMaterial


class Founded(msgspec.Struct, frozen=True, gc=False, tag="founded"):
    material: AuthorityMaterial
    at: datetime


class OtherTrusted(msgspec.Struct, frozen=True, gc=False, tag="other_trusted"):
    use: str
    fingerprint: str
    certificate: str
    subject: str
    not_after: datetime
    who: str
    at: datetime


class OtherDistrusted(msgspec.Struct, frozen=True, gc=False, tag="other_distrusted"):
    use: str
    fingerprint: str
    who: str
    at: datetime


class Revoked(msgspec.Struct, frozen=True, gc=False, tag="revoked"):
    fingerprint: str
    serial: str
    station: str
    reason: str
    until: datetime
    who: str
    at: datetime


AuthorityFact = Founded | OtherTrusted | OtherDistrusted | Revoked
