"""Certificates (blocks A02-A03 and M): what stations ask for themselves and for EVs."""

from msgspec import UNSET

from actors.certificates import messages as c
from gateways.ocpp.dialect import Asker
from gateways.ocpp.v201.inbound.parts import maybe
from gateways.ocpp.v201.inbound.tokens import ocsp_request
from gateways.ocpp.v201.messages import base
from gateways.ocpp.v201.messages import security as m

_REASON = "InvalidCSR"
_INFO_CHARACTERS = 512


def csr(x: m.SignCertificate, asker: Asker, flags: tuple[str, ...], payload: bytes) -> c.CsrReceived:
    return c.CsrReceived(x.csr, maybe(x.certificate_type))


def ocsp(x: m.GetCertificateStatus, asker: Asker, flags: tuple[str, ...], payload: bytes) -> c.OcspAsked:
    return c.OcspAsked(ocsp_request(x.ocsp_request_data))


def contract(x: m.Get15118EVCertificate, asker: Asker, flags: tuple[str, ...], payload: bytes) -> c.ContractAsked:
    return c.ContractAsked(x.iso15118_schema_version, x.action, x.exi_request)


def signing(x: c.CsrReply) -> base.StatusResponse:
    info = base.StatusInfo(reason_code=_REASON, additional_info=x.detail[:_INFO_CHARACTERS]) if x.detail else UNSET
    return base.StatusResponse(status=x.status, status_info=info)  # type: ignore[arg-type]


def revocation(x: c.OcspReply) -> m.GetCertificateStatusResponse:
    result = UNSET if x.result is None else x.result
    return m.GetCertificateStatusResponse(status=x.status, ocsp_result=result)  # type: ignore[arg-type]


def contracted(x: c.ContractReply) -> m.Get15118EVCertificateResponse:
    return m.Get15118EVCertificateResponse(status=x.status, exi_response=x.exi)  # type: ignore[arg-type]
