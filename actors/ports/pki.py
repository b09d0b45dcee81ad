"""What actors need of certificates from outside: a CA that signs, and judgements that take cryptography or the network."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import msgspec

from actors.model.rows import VaultRow

if TYPE_CHECKING:
    from actors.station.messages import OcspRequest


class AuthorityMaterial(msgspec.Struct, frozen=True, gc=False):
    """A tenant's own CA. `chain`: PEM, issuing first; `sealed`: the private keys as PEM, in the same order, under the
    deployment key."""

    chain: tuple[str, ...]
    sealed: tuple[VaultRow, ...]


class SigningRequest(msgspec.Struct, frozen=True, gc=False):
    """`id`: the same for the same wish, so that a repeated one gives the same certificate; `csr`: PEM, judged already."""

    id: str
    tenant: str
    station: str
    csr: str
    type: str
    at: datetime


class SigningRefused(Exception):
    """The CA will not sign this, now or later; the text says why. Anything else that `sign` raises is tried again."""


class StationAuthority(Protocol):
    """The CA behind stations' certificates: our own, or one outside (EST)."""

    async def sign(self, request: SigningRequest) -> str:
        """The signed chain as PEM, leaf first. Raises SigningRefused. Never blocks the loop."""
        ...


class ContractVerdict(msgspec.Struct, frozen=True, gc=False):
    """`status`: 2.x AuthorizeCertificateStatusEnum, but for what the token itself adds; `emaid` as the certificate has it."""

    status: str
    emaid: str | None = None


class Pki(Protocol):
    """What actors need of certificates that takes time: cryptography off the loop, and the world outside."""

    def signs(self, tenant: str, type: str) -> bool:
        """Is there a CA for certificates of this type?"""
        ...

    async def make_authority(self, tenant: str, name: str, at: datetime) -> AuthorityMaterial: ...
    async def judge_contract(
        self, tenant: str, certificate: str | None, chain: Sequence["OcspRequest"], at: datetime
    ) -> ContractVerdict: ...
    async def ocsp(self, request: "OcspRequest", at: datetime) -> bytes | None:
        """The responder's answer as it came (DER); None when there is none."""
        ...

    async def contract_certificate(self, tenant: str, schema: str, action: str, exi: str) -> str | None:
        """The answer of the tenant's contract certificate pool, base64; None when it has none, or there is no pool."""
        ...
