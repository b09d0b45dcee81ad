"""The desk: where the actors' wishes for certificates arrive. It implements the Pki port and delivers requests to the CA.

    desk = Desk(system, vault, snapshots)
    system.outbox.handle(TOPIC, desk.deliver)

A request that the CA could not be asked about stays in the outbox and is tried again; one that it refuses comes back as
CertificateRefused. The answer is a message for the station's keeper of certificates, whose commit settles the request.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec
import trio

from actors.certificates.decide import TOPIC
from actors.certificates.messages import CertificateIssued, CertificateRefused
from actors.certificates.state import OUR_DOOR
from actors.ports import (
    AuthorityMaterial,
    ContractVerdict,
    SigningRefused,
    SigningRequest,
    Snapshots,
    StationAuthority,
    Vault,
)
from actors.station.messages import OcspRequest
from gateways.pki import issuing
from gateways.pki.contracts import ContractJudge
from gateways.pki.limits import THREADS
from gateways.pki.ocsp import Egress, Responders
from gateways.pki.own import OwnAuthority, seal
from gateways.pki.pool import ContractPool
from runtime.store import OutboxItem
from runtime.system import System

__all__ = ["TOPIC", "Desk"]


class Body(msgspec.Struct, frozen=True):
    """Of the effect `sign:...` (actors/certificates/decide.py)."""

    request: str
    csr: str
    type: str
    at: datetime


_body = msgspec.json.Decoder(Body).decode


class Desk:
    """`external` signs instead of our own CA where it is given (for every type of certificate); `pool` gives contract
    certificates to vehicles."""

    def __init__(
        self,
        system: System,
        vault: Vault,
        snapshots: Snapshots,
        egress: Egress,
        *,
        external: StationAuthority | None = None,
        pool: ContractPool | None = None,
    ) -> None:
        self._vault = vault
        self._threads = trio.CapacityLimiter(THREADS)
        self._external = external
        self._authority: StationAuthority = external or OwnAuthority(system, vault, self._threads)
        self._pool = pool
        self._responders = Responders(egress)
        self._contracts = ContractJudge(snapshots, self._responders, self._threads)

    def signs(self, tenant: str, type: str) -> bool:
        """Our own CA is for the stations' connection to us; certificates of ISO 15118 alone come from the PKI that vehicles
        trust."""
        return type in OUR_DOOR or self._external is not None

    async def deliver(self, item: OutboxItem) -> CertificateIssued | CertificateRefused:
        """Handler of the outbox: raises what is worth another try."""
        body = _body(item.effect.body)
        tenant, _, station = item.actor
        request = SigningRequest(f"{station}/{body.request}", tenant, station, body.csr, body.type, body.at)
        try:
            return CertificateIssued(body.request, await self._authority.sign(request))
        except SigningRefused as refused:
            return CertificateRefused(body.request, str(refused))

    async def make_authority(self, tenant: str, name: str, at: datetime) -> AuthorityMaterial:
        pairs = await trio.to_thread.run_sync(issuing.make_authority, name, tenant, at, limiter=self._threads)
        return seal(self._vault, tenant, pairs)

    async def judge_contract(
        self, tenant: str, certificate: str | None, chain: Sequence[OcspRequest], at: datetime
    ) -> ContractVerdict:
        return await self._contracts.judge(tenant, certificate, chain, at)

    async def ocsp(self, request: OcspRequest, at: datetime) -> bytes | None:
        return await self._responders.raw(request, at)

    async def contract_certificate(self, tenant: str, schema: str, action: str, exi: str) -> str | None:
        return await self._pool.answer(schema, action, exi) if self._pool is not None else None
