"""The group of a token (parentIdTag, groupIdToken) in plain text, for the station that asks: facts and verdicts know it by
reference only. The texts lie sealed in the snapshots and are opened when a reply that names one goes out.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from msgspec.structs import replace

from actors.model.rows import VaultRow
from actors.model.token import TokenVerdict
from actors.ports import Snapshots, Vault
from actors.station import messages as s

_OPENED = 4096
"""Groups whose text is kept open."""


class Groups:
    def __init__(self, snapshots: Snapshots, vault: Vault) -> None:
        self._snapshots = snapshots

        @lru_cache(maxsize=_OPENED)
        def opened(row: VaultRow) -> str:
            return vault.open(row)

        self._opened = opened

    def reveal(self, tenant: str, reply: Any) -> Any:
        """The same reply, its verdict's group in plain text where the tenant knows one."""
        named = _NAMED.get(type(reply))
        return reply if named is None else named(self, tenant, reply)

    def _verdict(self, tenant: str, verdict: TokenVerdict) -> TokenVerdict:
        if verdict.group_ref is None:
            return verdict
        row = self._snapshots.group(tenant, verdict.group_ref)
        return verdict if row is None else replace(verdict, group=self._opened(row))

    def _reply(self, tenant: str, reply: Any) -> Any:
        verdict = reply.verdict
        if verdict is None or verdict.group_ref is None:
            return reply
        return replace(reply, verdict=self._verdict(tenant, verdict))


_NAMED: dict[type, Callable[[Groups, str, Any], Any]] = {
    TokenVerdict: Groups._verdict,
    s.AuthorizeReply: Groups._reply,
    s.StartReply: Groups._reply,
    s.StopReply: Groups._reply,
    s.TransactionReply: Groups._reply,
}
