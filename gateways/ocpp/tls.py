"""The TLS side of security profile 2 (PROTOCOLS 2.3)."""

import ssl
from collections.abc import Sequence
from pathlib import Path

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:AES128-GCM-SHA256:AES256-GCM-SHA384"
"""What the specification wants offered: ECDHE with AES-GCM, and plain RSA key exchange for old stations where OpenSSL still
knows it."""


def server_context(certificates: Sequence[tuple[Path, Path]]) -> ssl.SSLContext:
    """For (certificate chain, key) pairs: one RSA, one ECDSA, or either. TLS 1.2 at least, no compression."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_ciphers(_CIPHERS)
    for certificate, key in certificates:
        context.load_cert_chain(certificate, key)
    return context
