"""Judging a contract certificate (OCPP 2.0.1 C07): its chain to a root of the tenant, its time, and what responders say.

Either the vehicle's certificates came along, or only their hashes, where the station has validated the chain itself and asks
about revocation. What cannot be verified in time is CertChainError: a driver is never let in on an assumption.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

import trio
from cryptography import x509

from actors.model import certificate as c
from actors.ports import ContractVerdict, Snapshots
from actors.station.messages import OcspRequest
from gateways.pki.limits import CONTRACT_SECONDS
from gateways.pki.ocsp import REVOKED, Responders, question

CHAIN_ERROR = ContractVerdict("CertChainError")


class ContractJudge:
    def __init__(self, snapshots: Snapshots, responders: Responders, threads: trio.CapacityLimiter) -> None:
        self._snapshots = snapshots
        self._responders = responders
        self._threads = threads

    async def judge(self, tenant: str, certificate: str | None, chain: Sequence[OcspRequest], at: datetime) -> ContractVerdict:
        with trio.move_on_after(CONTRACT_SECONDS):
            if certificate is not None:
                return await self._judge_certificate(tenant, certificate, at)
            return await self._judge_hashes(tenant, chain, at)
        return CHAIN_ERROR

    def _anchors(self, tenant: str) -> tuple[list[x509.Certificate], frozenset[str]]:
        card = self._snapshots.authority(tenant)
        if card is None:
            return [], frozenset()
        pems = (*card.anchors("contract"), *card.anchors("v2g"))
        return [c.read_one(pem) for pem in pems], card.revoked

    async def _judge_certificate(self, tenant: str, pem: str, at: datetime) -> ContractVerdict:
        anchors, revoked = self._anchors(tenant)
        try:
            found = await trio.to_thread.run_sync(_path, pem, anchors, limiter=self._threads)
        except c.BadCertificate:
            return CHAIN_ERROR
        if found is None:
            return CHAIN_ERROR
        path, emaid = found
        if c.expired(path, at):
            return ContractVerdict("CertificateExpired", emaid)
        if any(c.fingerprint(each) in revoked for each in path):
            return ContractVerdict("CertificateRevoked", emaid)
        asked = [question(each, issuer) for each, issuer in pairwise(path)]
        status = await self._ask([each for each in asked if each is not None], path[1:], at)
        return ContractVerdict(status, emaid)

    async def _judge_hashes(self, tenant: str, chain: Sequence[OcspRequest], at: datetime) -> ContractVerdict:
        anchors, _ = self._anchors(tenant)
        if not chain or not anchors:
            return CHAIN_ERROR
        return ContractVerdict(await self._ask(chain, anchors, at))

    async def _ask(self, asked: Sequence[OcspRequest], issuers: Sequence[x509.Certificate], at: datetime) -> str:
        """All at once; one revoked is enough, and one silent responder is too many."""
        told: list[str | None] = [None] * len(asked)

        async def ask(n: int, each: OcspRequest) -> None:
            told[n] = await self._responders.status(each, issuers, at)

        async with trio.open_nursery() as nursery:
            for n, each in enumerate(asked):
                nursery.start_soon(ask, n, each)
        if REVOKED in told:
            return "CertificateRevoked"
        return "CertChainError" if None in told else "Accepted"


def _path(pem: str, anchors: Sequence[x509.Certificate]) -> tuple[tuple[x509.Certificate, ...], str | None] | None:
    chain = c.read_chain(pem)
    path = c.path_to(chain[0], chain[1:], anchors)
    if path is None or c.is_ca(chain[0]):
        return None
    return path, c.card_of(chain[0]).common_name
