"""Whose platform account with the payment provider a tenant's money goes by (MONEY 0, decision 1: a brand is one).

A platform account is named by the provider's id of it (`acct_...`); INSTALLATION stands for the one that the node's settings
give to all who have none of their own. Only names are here: keys are known in the gateway alone. Pure.
"""

from collections.abc import Mapping

import msgspec

INSTALLATION = ""


class Platforms(msgspec.Struct, frozen=True, kw_only=True):
    """`own`: the account of each brand that has one; `former`: those it had before, on which something may be open still.
    `shared`: the installation's account serves every tenant without one of its own; otherwise only `owner`, the tenant whose it
    is. `installed`: there is a key for it, `keyed`: the other accounts of which there is one."""

    own: Mapping[str, str] = {}
    former: Mapping[str, tuple[str, ...]] = {}
    shared: bool = True
    owner: str | None = None
    installed: bool = False
    keyed: frozenset[str] = frozenset()

    def of(self, tenant: str) -> str | None:
        """By which account what begins now is paid. None: the tenant has none, and takes no cards."""
        if tenant in self.own:
            return self.own[tenant]
        return INSTALLATION if self.shared or tenant == self.owner else None

    def has(self, tenant: str, platform: str) -> bool:
        """May something of this tenant be on that account? What began on the installation's account stays there."""
        return platform == INSTALLATION or platform == self.own.get(tenant) or platform in self.former.get(tenant, ())

    def tenant_of(self, platform: str) -> str | None:
        """Whose account it is, or was. None: of nobody, or of several."""
        if platform == INSTALLATION:
            return self.owner
        for tenant, account in self.own.items():
            if account == platform:
                return tenant
        return next((tenant for tenant, accounts in self.former.items() if platform in accounts), None)

    def with_key(self, platform: str) -> bool:
        return self.installed if platform == INSTALLATION else platform in self.keyed

    def all_of(self, tenant: str) -> tuple[str, ...]:
        """Accounts that are said to be this tenant's: the present one first."""
        own = (self.own[tenant],) if tenant in self.own else ()
        return (*own, *self.former.get(tenant, ()), *((INSTALLATION,) if tenant == self.owner else ()))

    def compared(self, tenant: str) -> tuple[str, ...]:
        """Those of them whose movements can be asked for; without any, the installation's, should it be the tenant's."""
        return tuple(one for one in self.all_of(tenant) if self.with_key(one)) or (INSTALLATION,)
