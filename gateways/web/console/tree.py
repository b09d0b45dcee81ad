"""The supervision tree as it is drawn: only what somebody opened, a page of children at a time.

Which branches are open is said by the address of the page (and of its stream), so that it is the same tree without a script,
after a reload, and for whoever gets the link.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from actors.model.ids import TENANT
from gateways.web import limits
from gateways.web.console.session import Visit
from runtime.address import Address
from runtime.survey import Branch, Line

NONE_OPEN = "-"
_OPENED_BY_ITSELF = 20
"""So many tenants are opened when nobody has said what to open."""


class Wanted(msgspec.Struct, frozen=True):
    """`at`: whose branch is drawn (None: the whole tree), from the child after `after` on; `opened` None: nobody said."""

    at: Address | None
    after: Address | None
    opened: frozenset[Address] | None


class Node(msgspec.Struct, frozen=True):
    """`branch` None: not opened. `open_link` opens it on a page without a script."""

    line: Line
    below: int
    branch: "Drawn | None"
    open_link: str


class Drawn(msgspec.Struct, frozen=True):
    nodes: Sequence[Node]
    hidden: int
    more_link: str


def wanted(visit: Visit, at: str, after: str, opened: Sequence[str]) -> Wanted:
    said = [text for text in opened if text != NONE_OPEN][: limits.CONSOLE_OPEN_BRANCHES]
    return Wanted(
        visit.address(at) if at else None,
        visit.address(after) if after else None,
        frozenset(visit.address(text) for text in said) if opened else None,
    )


async def drawn(visit: Visit, want: Wanted) -> dict[str, Any]:
    """{name, draining, services, at, root: Drawn, opened: [address], live: the stream's query}"""
    env = visit.env
    inspect = env.system.inspect
    rows = limits.CONSOLE_BRANCH_ROWS
    parents: dict[Address | None, Address | None] = dict.fromkeys(want.opened or ())
    parents[want.at] = want.after
    branches = await inspect.branches(parents, visit.tenant, rows)
    opened = want.opened
    if opened is None:
        opened = _by_itself(branches[want.at])
        branches |= await inspect.branches({address: None for address in opened if address != want.at}, visit.tenant, rows)
    texts = sorted(str(address) for address in opened) or [NONE_OPEN]
    return {
        "name": env.system.node,
        "draining": env.system.draining,
        "services": env.system.root.describe() if visit.tenant is None and want.at is None else [],
        "at": want.at,
        "root": _drawn(branches, want.at, opened, texts, {want.at}),
        "opened": texts,
        "live": _query(want.at, want.after, texts),
    }


def _by_itself(root: Branch) -> frozenset[Address]:
    tenants = [line.address for line, below in zip(root.lines, root.below, strict=True) if below and line.address.kind == TENANT]
    return frozenset(tenants if len(tenants) <= _OPENED_BY_ITSELF else ())


def _drawn(
    branches: dict[Address | None, Branch], at: Address | None, opened: frozenset[Address], texts: list[str], above: set[Any]
) -> Drawn:
    branch = branches[at]
    nodes = []
    for line, below in zip(branch.lines, branch.below, strict=True):
        address = line.address
        inner = None
        if below and address in opened and address in branches and address not in above:
            inner = _drawn(branches, address, opened, texts, {*above, address})
        nodes.append(Node(line, below, inner, _query(None, None, [*texts, str(address)])))
    return Drawn(nodes, branch.hidden, _query(at, branch.next, []))


def _query(at: Address | None, after: Address | None, opened: Sequence[str]) -> str:
    pairs = [("at", str(at))] if at is not None else []
    pairs += [("after", str(after))] if after is not None else []
    pairs += [("open", text) for text in opened if len(opened) == 1 or text != NONE_OPEN]
    return urlencode(pairs)


def asked(args: Any) -> tuple[str, str, list[str]]:
    """What the address of the page says."""
    return args.get("at", ""), args.get("after", ""), args.getlist("open")
