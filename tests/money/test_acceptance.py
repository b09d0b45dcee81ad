"""The acceptance list names tests that exist, and leaves nothing out."""

import ast
import re
from pathlib import Path

from actors.model.ledger import CHART

TESTS = Path(__file__).parents[1]
PAGE = Path(__file__).with_name("ACCEPTANCE.md")
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]*) \|$", re.MULTILINE)
ITEMS = {
    int(number): (what, re.findall(r"`([^`]+)`", tests), more.strip())
    for number, what, tests, more in ROW.findall(PAGE.read_text())
}
TESTED = {*range(1, 15), 17, 18, 20, 22}
"""Items that must point to a test."""


def defined(name: str) -> set[str]:
    """The tests of a module, by its path below tests/ without an ending. Those that are skipped outright do not count."""
    found = set()
    for node in ast.parse((TESTS / f"{name}.py").read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            marks = {ast.unparse(mark).partition("(")[0] for mark in node.decorator_list}
            if not marks & {"pytest.mark.skip", "pytest.mark.xfail"}:
                found.add(node.name)
    return found


def test_no_item_is_missing() -> None:
    assert list(ITEMS) == list(range(1, 35))


def test_every_test_that_is_named_exists() -> None:
    named = [test for _, tests, _ in ITEMS.values() for test in tests]
    assert len(named) > 100
    assert [test for test in named if not (TESTS / f"{test.partition('::')[0]}.py").exists()] == []
    known = {name: defined(name) for name in {test.partition("::")[0] for test in named}}
    assert [test for test in named if test.partition("::")[2] not in known[test.partition("::")[0]]] == []


def test_the_items_that_must_be_tested_are_and_the_others_say_why_not() -> None:
    assert {number for number in TESTED if not ITEMS[number][1]} == set()
    assert {number for number, (_, tests, more) in ITEMS.items() if not tests and not more} == set()


def test_measures_that_the_list_sends_to_can_be_taken() -> None:
    bench = (TESTS / "bench" / "__main__.py").read_text()
    for option in re.findall(r"tests\.bench ([^`]+)`", PAGE.read_text()):
        for word in option.split():
            assert f'"{word}"' in bench or word.isdigit(), word


def test_the_page_about_the_books_tells_every_account_and_no_other() -> None:
    page = (TESTS.parent / "storage" / "BOOKS.md").read_text()
    told = [code for line in page.splitlines() if line.startswith("| ") for code in re.findall(r"\b\d{4}\b", line.split("|")[1])]
    assert sorted(told) == sorted(CHART)
