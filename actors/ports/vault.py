"""Where personal data lies: behind references, sealed under a key that can be destroyed."""

from typing import Protocol

from actors.model.rows import VaultRow
from actors.model.token import IdToken


class Vault(Protocol):
    """Personal data behind references. Synchronous: only cryptography, no I/O."""

    def token(self, tenant: str, uid: str, type: str | None = None) -> IdToken:
        """The reference of a token UID (normalised: trimmed, upper case). Keyed, stable, not reversible."""
        ...

    def seal(self, tenant: str, ref: str, kind: str, plain: str) -> VaultRow: ...
    def open(self, row: VaultRow) -> str: ...
