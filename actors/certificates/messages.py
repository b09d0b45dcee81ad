"""What the keeper of a station's certificates is told (OCPP 2.0.1 blocks A02-A03, M; 1.6 security extension)."""

from datetime import datetime

import msgspec

from actors.model.decision import AddressKey
from actors.model.intents import CertificateHash
from actors.model.token import TokenVerdict
from actors.station.messages import OcspRequest


class CsrReceived(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """SignCertificate: `csr` PEM; `type` ChargingStationCertificate, V2GCertificate or None. Reply: CsrReply at once; the
    signed chain follows as a CertificateSigned command. `serials`: the serial numbers that the station's last boot named,
    added by the station's actor on the way."""

    csr: str
    type: str | None = None
    serials: tuple[str, ...] = ()


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


class ContractPresented(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Authorize with a contract certificate (C07), forwarded by the station's actor with what it knows of the token.
    `refs`: references of the contract id, in every spelling. Reply: station.messages.AuthorizeReply."""

    verdict: TokenVerdict
    refs: tuple[str, ...]
    certificate: str | None = None
    chain: tuple[OcspRequest, ...] = ()


# -- what became of it (from the CA's desk, gateways/pki) ------------------------------------------------------------------


class CertificateIssued(msgspec.Struct, frozen=True, gc=False):
    """The CA signed request `request`. `chain`: PEM, leaf first. Reply: Done."""

    request: str
    chain: str


class CertificateRefused(msgspec.Struct, frozen=True, gc=False):
    """The CA will never sign request `request`. Reply: Done."""

    request: str
    detail: str


class RenewalDue(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="renewal_due"):
    """Durable timer: the certificate in use nears its end. As a letter from the station's actor (`at_once`): it has passed
    it, and the station was let in to renew it."""

    at_once: bool = False


class WatchRenewal(msgspec.Struct, frozen=True, gc=False, tag="watch_renewal"):
    """Letter from a campaign (`by`) that has the station ask for a new certificate of the type `use`: tell me under `id`
    (KeeperDone) what becomes of it."""

    id: str
    by: AddressKey
    use: str


# -- administration --------------------------------------------------------------------------------------------------------


class RenewNow(msgspec.Struct, frozen=True, gc=False):
    """Have the station ask for a new certificate. `type`: ChargingStationCertificate, V2GCertificate or Combined. Reply:
    Ordered or Refused."""

    who: str
    type: str = "ChargingStationCertificate"


class InstallRoot(msgspec.Struct, frozen=True, gc=False):
    """Have a root installed. `type`: 2.x InstallCertificateUse. Reply: Ordered or Refused."""

    type: str
    certificate: str
    who: str


class RemoveInstalled(msgspec.Struct, frozen=True, gc=False):
    """Have an installed certificate deleted. Reply: Ordered or Refused."""

    hash: CertificateHash
    who: str


class ReadInstalled(msgspec.Struct, frozen=True, gc=False):
    """Ask the station what it has installed. Reply: Ordered or Refused."""

    who: str


class RevokeIssued(msgspec.Struct, frozen=True, gc=False):
    """A certificate issued to this station is not accepted any more. Reply: Done or Refused."""

    fingerprint: str
    reason: str
    who: str


class RaiseProfile(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A higher security profile (A05). `protocol`: what the station speaks. 2.x: the network profile of `slot` is written with
    `url`, put first, and the station reset; 1.6: configuration key SecurityProfile. Reply: Ordered or Refused."""

    profile: int
    protocol: str
    who: str
    url: str | None = None
    slot: int = 1
    priority: str | None = None
    """What NetworkConfigurationPriority becomes, `slot` first: the others stay for when the new one fails."""
    interface: str = "Wired0"
    message_timeout: int = 30
    current: int = 0
    """The station's profile now."""


class Ordered(msgspec.Struct, frozen=True, gc=False):
    """`orders`: ids of what the station is going to be told."""

    orders: tuple[str, ...]
    until: datetime
