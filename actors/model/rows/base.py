"""What every row has: the tenant that it belongs to."""

import msgspec


class Row(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    tenant: str
