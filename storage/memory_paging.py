"""Pages of rows in memory, with the cursors that PostgreSQL's lists have."""

from collections.abc import Callable, Iterable
from typing import Any

from actors.ports import Page
from storage import cursors

Sort = Callable[[Any], tuple[Any, ...]]


def page(rows: Iterable[Any], sort: Sort, limit: int, cursor: str | None, newest: bool = False) -> Page:
    """Rows in order of `sort` after the cursor; `newest` turns the order around."""
    ordered = sorted(rows, key=sort, reverse=newest)
    if ordered and cursor:
        after = cursors.decode(cursor, *(type(part) for part in sort(ordered[0])))
        ordered = [row for row in ordered if (sort(row) < after if newest else sort(row) > after)]  # type: ignore[operator]
    items = ordered[:limit]
    return Page(items, cursors.encode(*sort(items[-1])) if len(ordered) > limit else None)
