"""One page of one list of one tenant: what all lists of the Queries port are put together with.

Lists page by keyset: the sort key of the last row is the cursor, every list is served by an index that begins with
the tenant, and one row more than asked for tells whether there is a next page.
"""

from collections.abc import Callable, Mapping
from typing import Any

from actors.ports import Page
from storage import cursors
from storage.database import Database
from storage.decoding import to_row

Record = Mapping[str, Any]
LISTED = 'tenant COLLATE "POSIX"'
"""The tenant, as a list names it that is read by its own index and not by the table's key (migration 0002 says why)."""


def decoded(kind: type[Any], text: tuple[str, ...] = ()) -> Callable[[Record], Any]:
    return lambda record: to_row(kind, record, text=text)


def keyed(*names: str) -> Callable[[Record], tuple[Any, ...]]:
    return lambda record: tuple(record[name] for name in names)


class Listing:
    """One list of one tenant: conditions, sort key and cursor, put together to one statement."""

    def __init__(self, select: str, scope: str, tenant: str) -> None:
        self._select = select
        self._conditions = [f"{scope} = $1"]
        self._args: list[Any] = [tenant]

    def where(self, condition: str, value: Any) -> "Listing":
        """Adds a condition in which `{}` stands for the value."""
        self._args.append(value)
        self._conditions.append(condition.replace("{}", f"${len(self._args)}"))
        return self

    def given(self, condition: str, value: Any) -> "Listing":
        """`where`, unless the value is None."""
        return self if value is None else self.where(condition, value)

    async def page(
        self,
        db: Database,
        make: Callable[[Record], Any],
        key: str,
        types: tuple[type, ...],
        key_of: Callable[[Any], tuple[Any, ...]],
        limit: int,
        cursor: str | None,
        newest: bool = False,
    ) -> Page:
        after = cursors.decode(cursor, *types)
        if after is not None:
            places = ", ".join(f"${len(self._args) + n}" for n in range(1, len(after) + 1))
            self._args += after
            self._conditions.append(f"({key}) {'<' if newest else '>'} ({places})")
        order = ", ".join(f"{part} DESC" for part in key.split(", ")) if newest else key
        self._args.append(limit + 1)
        where = " AND ".join(self._conditions)
        sql = f"{self._select} WHERE {where} ORDER BY {order} LIMIT ${len(self._args)}"
        records = await db.fetch(sql, *self._args)
        more = cursors.encode(*key_of(records[limit - 1])) if len(records) > limit else None
        return Page([make(record) for record in records[:limit]], more)
