"""What an operator says in 1.6 words, those of the security extension among them, and what the station answers."""

from typing import Any

from tests.gateways.ocpp.said_201 import AT, HASH, LATER, SIGNER
from tests.protocol.test_ocpp_client import COMMANDS

SAID_16: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    **COMMANDS,
    "CertificateSigned": ({"certificateChain": "-----BEGIN CERTIFICATE-----"}, {"status": "Rejected"}),
    "DeleteCertificate": ({"certificateHashData": HASH}, {"status": "NotFound"}),
    "ExtendedTriggerMessage": ({"requestedMessage": "SignChargePointCertificate"}, {"status": "NotImplemented"}),
    "GetInstalledCertificateIds": (
        {"certificateType": "CentralSystemRootCertificate"}, {"status": "Accepted", "certificateHashData": [HASH]},
    ),
    "GetLog": (
        {"logType": "SecurityLog", "requestId": 5, "retries": 1, "retryInterval": 60, "log": {
            "remoteLocation": "https://example.com/up", "oldestTimestamp": AT, "latestTimestamp": LATER}},
        {"status": "AcceptedCanceled", "filename": "log.zip"},
    ),
    "InstallCertificate": (
        {"certificateType": "ManufacturerRootCertificate", "certificate": "-----BEGIN"}, {"status": "Failed"},
    ),
    "SignedUpdateFirmware": (
        {"requestId": 6, "retries": 1, "retryInterval": 60, "firmware": {
            "location": "https://example.com/fw", "retrieveDateTime": AT, "installDateTime": LATER,
            "signingCertificate": SIGNER, "signature": "c2ln"}},
        {"status": "InvalidCertificate"},
    ),
}  # fmt: skip
