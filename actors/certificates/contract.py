"""Contract certificates: what a driver's Authorize with one is answered (OCPP 2.0.1 C07), and what ISO 15118 asks of the centre.

The port does what takes time; here its verdict meets what is known of the token. Whatever goes wrong outside is an answer,
and within the time that the vehicle has (ISO 15118: 5 s).
"""

import base64
from datetime import datetime

import msgspec

from actors.certificates import messages as m
from actors.model.emaid import spellings
from actors.model.token import TokenVerdict
from actors.ports import Pki, Vault
from actors.station.messages import AuthorizeReply, OcspRequest

_TOKEN_STATUS = {
    "CertificateExpired": "Expired",
    "CertificateRevoked": "Invalid",
    "CertChainError": "Invalid",
    "SignatureError": "Invalid",
    "NoCertificateAvailable": "Invalid",
    "ContractCancelled": "Invalid",
}
"""Certificate status -> status of the token in the same answer (C07.FR.13-17)."""
_CANCELLED = frozenset({"Blocked", "Expired", "Invalid", "Unknown"})


async def judge(pki: Pki | None, vault: Vault, tenant: str, told: m.ContractPresented, now: datetime) -> AuthorizeReply:
    if pki is None:
        return _answer(told.verdict, "NoCertificateAvailable")
    found = await pki.judge_contract(tenant, told.certificate, told.chain, now)
    if found.status == "Accepted" and found.emaid is not None:
        named = {vault.token(tenant, spelling).ref for spelling in spellings(found.emaid)}
        if not named & set(told.refs):
            return _answer(told.verdict, "CertChainError")  # a good certificate, but of another contract
    return _answer(told.verdict, found.status)


def _answer(verdict: TokenVerdict, certificate: str) -> AuthorizeReply:
    """A sound chain of a token that may not charge: the contract was cancelled. Else both say the same."""
    if certificate == "Accepted":
        return AuthorizeReply(verdict, "ContractCancelled" if verdict.status in _CANCELLED else "Accepted")
    status = _TOKEN_STATUS.get(certificate, "Invalid")
    return AuthorizeReply(msgspec.structs.replace(verdict, status=status), certificate)


async def ocsp(pki: Pki | None, request: OcspRequest, now: datetime) -> m.OcspReply:
    answer = await pki.ocsp(request, now) if pki is not None else None
    return m.OcspReply("Failed") if answer is None else m.OcspReply("Accepted", base64.b64encode(answer).decode())


async def contract_certificate(pki: Pki | None, tenant: str, asked: m.ContractAsked) -> m.ContractReply:
    """Without a contract certificate pool: Failed, which is the truth."""
    exi = None
    if pki is not None:
        exi = await pki.contract_certificate(tenant, asked.schema_version, asked.action, asked.exi)
    return m.ContractReply("Failed", "") if exi is None else m.ContractReply("Accepted", exi)
