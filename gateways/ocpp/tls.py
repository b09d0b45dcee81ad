"""The TLS side of security profiles 2 and 3 (PROTOCOLS 2.3): one port for both, since a client certificate is asked for and not
demanded.

Nobody is asked as long as no tenant trusts a CA for stations: some present the certificate of their factory to whoever asks,
and would be turned away with it. OpenSSL verifies a client's chain to the CA of any tenant before anybody knows which tenant
it comes for; whether it is the right one, and the right station's, is admission's question (peer.py). Times are not checked
here: a station whose certificate has just expired may be let in to renew it (A00.FR.429).
"""

import ssl
from collections.abc import Sequence
from pathlib import Path

import structlog

from actors.ports import Snapshots

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:AES128-GCM-SHA256:AES256-GCM-SHA384"
"""What the specification wants offered: ECDHE with AES-GCM, and plain RSA key exchange for old stations where OpenSSL still
knows it."""
_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME, which the ssl module has no name for."""
_log = structlog.get_logger("ocpp")


def server_context(certificates: Sequence[tuple[Path, Path]]) -> ssl.SSLContext:
    """For (certificate chain, key) pairs: one RSA, one ECDSA, or either. TLS 1.2 at least, no compression."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_ciphers(_CIPHERS)
    for certificate, key in certificates:
        context.load_cert_chain(certificate, key)
    return context


class StationTls:
    """The context for the next connection. New certificate files are taken over when they change (`look`), trusted CAs at
    once; connections that are open keep what they have."""

    def __init__(self, certificates: Sequence[tuple[Path, Path]], snapshots: Snapshots) -> None:
        """Raises OSError or ssl.SSLError for files that cannot be used."""
        self._certificates = tuple(certificates)
        self._snapshots = snapshots
        self._stamps = self._stat()
        self._known: Sequence[object] = ()
        self._trusted: frozenset[str] = frozenset()
        self._context = self._made()

    def current(self) -> ssl.SSLContext:
        authorities = self._snapshots.authorities()
        if authorities is not self._known:
            trusted = frozenset(pem for card in authorities for use in ("station", "factory") for pem in card.anchors(use))
            added, removed = trusted - self._trusted, self._trusted - trusted
            self._known, self._trusted = authorities, trusted
            if removed:
                self._context = self._made()
            elif added:
                self._trust(self._context, added)
        return self._context

    def look(self) -> bool:
        """Have the files changed? Then new connections get the new ones; files that cannot be used are left aside, and the
        log says so. Costs a stat of each file."""
        try:
            stamps = self._stat()
            if stamps == self._stamps:
                return False
            self._context = self._made()
            self._stamps = stamps
        except (OSError, ssl.SSLError) as error:
            _log.warning("ocpp.tls_not_reloaded", detail=str(error), files=[str(path) for path, _ in self._certificates])
            return False
        _log.info("ocpp.tls_reloaded", files=[str(path) for path, _ in self._certificates])
        return True

    def _made(self) -> ssl.SSLContext:
        context = server_context(self._certificates)
        context.verify_flags |= _NO_CHECK_TIME | ssl.VERIFY_X509_PARTIAL_CHAIN
        if self._trusted:
            self._trust(context, self._trusted)
        return context

    @staticmethod
    def _trust(context: ssl.SSLContext, authorities: frozenset[str]) -> None:
        context.load_verify_locations(cadata="\n".join(sorted(authorities)))
        context.verify_mode = ssl.CERT_OPTIONAL

    def _stat(self) -> tuple[tuple[int, int, int], ...]:
        found = (path.stat() for pair in self._certificates for path in pair)
        return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in found)
