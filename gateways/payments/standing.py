"""Which platform accounts' keys the provider still takes, as its last answers said.

A key that was revoked or exchanged ends in 401 whatever is asked. From then on nothing is begun with it: no page that
somebody would pay on, no order. What is under way keeps its wishes, which the outbox tries until a good key is there.
"""

from collections.abc import Callable, Mapping

WRONG_KEY, WRONG_ACCOUNT = "key_refused", "other_account"


class Standing:
    """`changed(account)` is called when an account's trouble begins, changes or ends."""

    def __init__(self, changed: Callable[[str], None] = lambda account: None) -> None:
        self.changed = changed
        self._troubles: dict[str, str] = {}

    def answered(self, account: str, status: int) -> None:
        """The provider answered a call on this platform account with this HTTP status."""
        if status == 401:
            self._set(account, WRONG_KEY)
        elif status < 300 and self._troubles.get(account) == WRONG_KEY:
            self._set(account, None)

    def belongs(self, account: str, told: str | None) -> None:
        """The key is that of account `told`. None: it may not ask for that."""
        if told not in (None, account):
            self._set(account, WRONG_ACCOUNT)
        elif self._troubles.get(account) == WRONG_ACCOUNT:
            self._set(account, None)

    def trouble(self, account: str) -> str | None:
        """Why nothing is begun on this account."""
        return self._troubles.get(account)

    def troubles(self) -> Mapping[str, str]:
        return self._troubles

    def _set(self, account: str, trouble: str | None) -> None:
        if self._troubles.get(account) == trouble:
            return
        if trouble is None:
            del self._troubles[account]
        else:
            self._troubles[account] = trouble
        self.changed(account)
