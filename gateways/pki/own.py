"""Our own CA for stations: one for each tenant, made at its first need, keys sealed under the deployment key.

The tenant's authority actor keeps what is sealed; the private key is opened in the thread that signs, and nowhere else.
"""

import trio

from actors.authority.messages import Ensure
from actors.model.certificate import BadCertificate
from actors.model.csr import BadCsr
from actors.model.decision import Refused
from actors.model.ids import authority_address
from actors.ports import AuthorityMaterial, SigningRefused, SigningRequest, Vault
from gateways.pki import issuing
from runtime.system import System

ASK_SECONDS = 20.0
KEY_KIND = "ca_key"


class OwnAuthority:
    """A StationAuthority."""

    def __init__(self, system: System, vault: Vault, threads: trio.CapacityLimiter) -> None:
        self._system = system
        self._vault = vault
        self._threads = threads

    async def sign(self, request: SigningRequest) -> str:
        material = await self._system.ask(authority_address(request.tenant), Ensure(), deadline=ASK_SECONDS)
        if isinstance(material, Refused):
            raise SigningRefused(material.detail)
        assert isinstance(material, AuthorityMaterial)
        return await trio.to_thread.run_sync(self._signed, material, request, limiter=self._threads)

    def _signed(self, material: AuthorityMaterial, request: SigningRequest) -> str:
        ca = issuing.Pair(material.chain[0], self._vault.open(material.sealed[0]))
        try:
            leaf = issuing.sign(ca, request.csr, request.id, request.station, request.at)
        except (BadCsr, BadCertificate) as bad:
            raise SigningRefused(str(bad)) from None
        return leaf + material.chain[0]


def seal(vault: Vault, tenant: str, pairs: tuple[issuing.Pair, ...]) -> AuthorityMaterial:
    """What of a fresh CA is kept. The keys lie in the authority's facts as ciphertext."""
    sealed = tuple(vault.seal(tenant, f"ca/{n}", KEY_KIND, pair.key) for n, pair in enumerate(pairs))
    return AuthorityMaterial(tuple(pair.certificate for pair in pairs), sealed)
