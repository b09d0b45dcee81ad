"""Personal data behind references: what is stored is ciphertext, what the domain sees is a pseudonym.

One secret of 32 bytes, made on site and kept in a file beside the data (never in the database or its backups),
is the root of all keys:

    deployment secret -> key of a tenant -> keys for wrapping, pseudonyms and the blind index
    data key: random, one a value, stored wrapped in `vault_key`, apart from the cells

A cell is XChaCha20-Poly1305 over the value with its place (tenant, kind, reference) as associated data, so a
ciphertext copied to another row or tenant does not open. The key is always chosen by what the row says, never
by trial: Poly1305 does not commit to its key (MONEY 4.3).

**What erasure means.** Deleting a subject's rows of `vault_key` makes the cells unreadable for everyone, in
the live database at once and in backups as soon as those of `vault_key` have expired. The pseudonym itself
stays in facts and journals: it is a keyed hash, so nobody can turn it back; but whoever holds the deployment
secret *and* already knows a UID can still compute its pseudonym and recognise it. That is pseudonymous, not
anonymous, and only destroying the tenant's key makes it anonymous.
"""

import contextlib
import hashlib
import hmac
import os
import stat
import tempfile
import unicodedata
from functools import lru_cache
from pathlib import Path

import nacl.exceptions
import nacl.secret
import nacl.utils

from actors.model.rows import VaultRow
from actors.model.token import IdToken, TokenType

SECRET_BYTES = 32
_FORMAT = 1
"""First byte of every cell and wrapped key."""
_NONCE = 24
_HEADER = 5
"""Format byte and key id (4 bytes)."""


class VaultError(Exception):
    """A sealed value does not open: erased, moved to another place, tampered with, or sealed under another key."""


class KeyFileError(Exception):
    """The deployment key file cannot be used; the text says why and what to do."""


class Vault:
    """The Vault port. Synchronous and free of I/O; a reference costs about 2 us, a sealed value 50."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SECRET_BYTES:
            raise ValueError(f"the deployment secret has {SECRET_BYTES} bytes, got {len(secret)}")
        self._secret = secret
        # Keys of a tenant are derived once; an installation has few tenants, an attacker's tenant names are bounded.
        self._keys = lru_cache(maxsize=4096)(self._derive)

    @classmethod
    def at(cls, path: Path) -> "Vault":
        """The vault of the key file at `path`, which is made (mode 600) when it does not exist."""
        return cls(_read_or_create(path))

    @property
    def check(self) -> bytes:
        """A public fingerprint of the deployment secret, kept in the database to notice a lost or foreign key file."""
        return hashlib.blake2b(b"check", key=self._secret, digest_size=16, person=b"csms/check/v1").digest()

    def token(self, tenant: str, uid: str, type: str | None = None) -> IdToken:
        """The reference of a token UID, trimmed and in upper case (stations differ in both: quirk 26)."""
        uid = uid.strip().upper()
        keyed = self._keys(tenant).pseudonym.copy()
        keyed.update(uid.encode())
        return IdToken(f"t_{keyed.hexdigest()}", mask(uid), _token_type(type))

    def blind(self, tenant: str, kind: str, plain: str) -> bytes:
        """Index of a value for equality look-up: 16 bytes, the same for equal values of one tenant and kind."""
        normal = unicodedata.normalize("NFKC", plain).strip().casefold()
        key = self._keys(tenant).blind
        return hashlib.blake2b(_joined(kind, normal), key=key, digest_size=16, person=b"csms/blind/v1").digest()

    def seal(self, tenant: str, ref: str, kind: str, plain: str) -> VaultRow:
        """Seal `plain` as `kind` of `ref`. The row carries its wrapped data key, which the store keeps apart."""
        keys = self._keys(tenant)
        place = _joined(tenant, kind, ref)
        data_key, key_id = nacl.utils.random(SECRET_BYTES), nacl.utils.random(4)
        return VaultRow(
            tenant=tenant,
            ref=ref,
            kind=kind,
            blind=self.blind(tenant, kind, plain),
            cell=_encrypt(data_key, key_id, place, plain.encode()),
            key=_encrypt(keys.wrap, key_id, place, data_key),
        )

    def open(self, row: VaultRow) -> str:
        """What was sealed. Raises VaultError."""
        if not row.key:
            raise VaultError(f"{row.kind} of {row.ref} was erased")
        place = _joined(row.tenant, row.kind, row.ref)
        if row.key[:_HEADER] != row.cell[:_HEADER]:
            raise VaultError(f"{row.kind} of {row.ref} was sealed under another key")
        data_key = _decrypt(self._keys(row.tenant).wrap, place, row.key, row)
        return _decrypt(data_key, place, row.cell, row).decode()

    def _derive(self, tenant: str) -> "_TenantKeys":
        master = hashlib.blake2b(tenant.encode(), key=self._secret, digest_size=32, person=b"csms/tenant/v1").digest()
        return _TenantKeys(*(hashlib.blake2b(label, key=master, digest_size=32).digest() for label in _LABELS))


class _TenantKeys:
    """The keys of one tenant. Each serves one purpose, so a leak of one says nothing of the others."""

    __slots__ = ("blind", "pseudonym", "wrap")

    def __init__(self, wrap: bytes, blind: bytes, pseudonym: bytes) -> None:
        self.wrap = wrap
        self.blind = blind
        self.pseudonym = hashlib.blake2b(key=pseudonym, digest_size=12)
        """A hash that has taken in its key: a copy of it costs half of keying another."""


_LABELS = (b"wrap", b"blind", b"pseudonym")
_TOKEN_TYPES = {name.casefold(): name for name in TokenType.__args__}  # type: ignore[attr-defined]


def mask(value: str) -> str:
    """A value as people may see it: "04A2…81". Short values show less, so that nothing can be guessed from it."""
    if len(value) >= 8:
        return f"{value[:4]}…{value[-2:]}"
    return f"{value[:1]}…" if len(value) >= 3 else "…"


def _token_type(type: str | None) -> TokenType:
    return _TOKEN_TYPES.get(type.casefold(), "ISO14443") if type else "ISO14443"


def _joined(*parts: str) -> bytes:
    """The parts with their lengths, so that ("ab", "c") and ("a", "bc") differ."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def _encrypt(key: bytes, key_id: bytes, place: bytes, plain: bytes) -> bytes:
    header = bytes((_FORMAT,)) + key_id
    return header + bytes(nacl.secret.Aead(key).encrypt(plain, aad=place + header))


def _decrypt(key: bytes, place: bytes, cell: bytes, row: VaultRow) -> bytes:
    header, rest = cell[:_HEADER], cell[_HEADER:]
    if len(header) < _HEADER or header[0] != _FORMAT or len(rest) < _NONCE:
        raise VaultError(f"{row.kind} of {row.ref} is not in a format this version reads")
    try:
        return bytes(nacl.secret.Aead(key).decrypt(rest, aad=place + header))
    except nacl.exceptions.CryptoError as error:
        raise VaultError(f"{row.kind} of {row.ref} does not open: moved, changed, or another key") from error


def same(left: bytes, right: bytes) -> bool:
    """Compare secrets without telling by time where they differ."""
    return hmac.compare_digest(left, right)


def _read_or_create(path: Path) -> bytes:
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written whole under another name and linked: two nodes that start together agree on one key, and a crash
    # leaves no half file behind.
    descriptor, fresh = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(nacl.utils.random(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        os.unlink(fresh)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return _read(path)


def _read(path: Path) -> bytes:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise KeyFileError(f"{path} can be read by others (mode {mode:o}): chmod 600 {path}")
    secret = path.read_bytes()
    if len(secret) != SECRET_BYTES:
        raise KeyFileError(f"{path} holds {len(secret)} bytes, not the {SECRET_BYTES} of a deployment key: restore it")
    return secret
