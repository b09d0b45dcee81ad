"""The table of cases is what the tests say, and nothing mandatory is left out."""

from tests.protocol.conformance import messages, table


def test_the_committed_table_is_what_the_tests_say() -> None:
    assert table.PAGE.read_text() == table.page(), "run python -m tests.protocol.conformance.table"


def test_every_case_that_a_test_names_exists() -> None:
    known = {row["id"] for row in table.cases()}
    assert {id for id in table.covered() if id.startswith("TC_")} <= known


def test_every_mandatory_case_has_a_test_and_every_other_one_a_test_or_a_reason() -> None:
    missing = [row["id"] for row in table.cases() if row["id"] not in table.covered() and row["id"] not in table.NOT_CLAIMED]
    assert not missing, f"{len(missing)} cases have neither a test nor a reason: {', '.join(missing)}"


def test_the_readme_names_a_test_for_every_message_of_every_version() -> None:
    text = (messages.ROOT / "README.md").read_text()
    assert "**no test**" not in messages.table()
    assert text == messages.readme(text), "run python -m tests.protocol.conformance.messages"
