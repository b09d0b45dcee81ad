"""What the keeper of a station's certificates is told (OCPP 2.0.1 blocks A02-A03, M; 1.6 security extension)."""

import msgspec

from actors.station.messages import OcspRequest


class CsrReceived(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """SignCertificate: `csr` PEM; `type` ChargingStationCertificate, V2GCertificate or None. Reply: CsrReply at once; the
    signed chain follows as a CertificateSigned command."""

    csr: str
    type: str | None = None


class CsrReply(msgspec.Struct, frozen=True, gc=False):
    """`status`: Accepted or Rejected."""

    status: str
    detail: str = ""


class OcspAsked(msgspec.Struct, frozen=True, gc=False):
    """GetCertificateStatus (M06). Reply: OcspReply."""

    request: OcspRequest


class OcspReply(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`status`: Accepted or Failed; `result`: base64 of the DER answer."""

    status: str
    result: str | None = None


class ContractAsked(msgspec.Struct, frozen=True, gc=False):
    """Get15118EVCertificate (M01, M02). `action`: Install or Update. Reply: ContractReply."""

    schema_version: str
    action: str
    exi: str


class ContractReply(msgspec.Struct, frozen=True, gc=False):
    """`status`: Accepted or Failed; `exi` base64 ("" on failure)."""

    status: str
    exi: str
