"""What the keeper of a tenant's certificate authority is told."""

from datetime import datetime

import msgspec

from actors.ports import AuthorityMaterial

USES = ("station", "factory", "contract", "v2g", "manufacturer")
"""What another CA may be trusted for: client certificates of stations, those with which they leave the factory, contract
certificates (MO roots), certificates of ISO 15118 (V2G roots), signatures of firmware."""


class Ensure(msgspec.Struct, frozen=True, gc=False):
    """The tenant's own CA, made at the first need. Reply: AuthorityMaterial, or Refused."""


class Made(msgspec.Struct, frozen=True, gc=False):
    """Volatile: a CA that was just made, unless there was one all along."""

    material: AuthorityMaterial | None


class Trust(msgspec.Struct, frozen=True, gc=False):
    """Trust another CA for one of `USES`. `certificate`: PEM. Reply: Trusted or Refused."""

    use: str
    certificate: str
    who: str


class Distrust(msgspec.Struct, frozen=True, gc=False):
    """Reply: Done or Refused (unknown)."""

    use: str
    fingerprint: str
    who: str


class Revoke(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="revoke"):
    """Letter from a station's keeper of certificates, or asked by the API: this certificate is not accepted any more.
    `until`: when it expires, and need not be remembered. Reply: Done."""

    fingerprint: str
    until: datetime
    who: str
    serial: str = ""
    station: str = ""
    reason: str = ""


class Trusted(msgspec.Struct, frozen=True, gc=False):
    fingerprint: str
    created: bool
