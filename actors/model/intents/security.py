"""Certificates (OCPP 2.0.1 blocks A and M; 1.6 security extension)."""

import msgspec

from actors.model.intents.base import Intent


class CertificateHash(msgspec.Struct, frozen=True, omit_defaults=True):
    """CertificateHashDataType: hex strings, the serial number without leading zeros. `algorithm`: SHA256, SHA384, SHA512."""

    algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str


class CertificateSigned(Intent, frozen=True):
    """`chain`: PEM, leaf first. `type`: ChargingStationCertificate, V2GCertificate, or None for a combined one."""

    chain: str
    type: str | None = "ChargingStationCertificate"


class InstallCertificate(Intent, frozen=True):
    """`type`: CSMSRootCertificate, ManufacturerRootCertificate, V2GRootCertificate, MORootCertificate."""

    type: str
    certificate: str


class DeleteCertificate(Intent, frozen=True):
    """`type`, where known: below 2.x certificates of ISO 15118 are deleted by another way than the others."""

    hash: CertificateHash
    type: str | None = None


class GetInstalledCertificateIds(Intent, frozen=True):
    """Empty `types`: all. Result data: `certificates`: [{type, hash, children: [hash]}]."""

    types: tuple[str, ...] = ()
