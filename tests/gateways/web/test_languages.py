"""The console speaks two languages: nothing of it is left untranslated, and the visitor chooses."""

import re
import string
from pathlib import Path

import pytest

from gateways.web.api.actors import OPERATIONS
from gateways.web.census import LABELS, SORTS
from gateways.web.console import live, model
from gateways.web.console.german import GERMAN
from gateways.web.console.language import Words, preferred
from gateways.web.console.station import BOOKS, TIERS
from tests.gateways.web.rig import OWNER, running
from tests.gateways.web.test_console import page, signed_in

WEB = Path(model.__file__).parents[1]
SAID = re.compile(r"""\bt\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")


def said() -> set[str]:
    files = [*(WEB / "templates" / "console").glob("*.html"), *(WEB / "console").glob("*.py")]
    texts = {found[0] or found[1] for file in files for found in SAID.findall(file.read_text())}
    return (
        texts
        | set(OPERATIONS)
        | {LABELS.get(sort, sort) for sort in SORTS}
        | set(model.STATUSES)
        | set(BOOKS.values())
        | set(TIERS.values())
        | {live.AWAY, live.BROKEN}
    )


def test_everything_that_the_console_says_has_a_german_text_with_the_same_fields() -> None:
    texts = said()
    assert len(texts) > 150
    assert sorted(texts - set(GERMAN)) == []
    for english, german in GERMAN.items():
        fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (english, german)]
        assert fields[0] == fields[1], english


@pytest.mark.parametrize(
    ("chosen", "accept", "code"),
    [
        (None, "", "en"), (None, "de-AT,de;q=0.9,en;q=0.8", "de"), (None, "fr,en;q=0.3,de;q=0.2", "en"), (None, "de;q=0", "en"),
        (None, "de;q=x, *", "en"), ("en", "de", "en"), ("de", "en", "de"), ("xx", "de", "de"),
    ],
)  # fmt: skip
def test_the_chosen_language_goes_before_the_browsers(chosen: str | None, accept: str, code: str) -> None:
    assert preferred(chosen, accept).code == code


def test_numbers_are_written_as_each_language_does() -> None:
    assert (Words("en").n(1234567.5, 1), Words("de").n(1234567.5, 1)) == ("1,234,567.5", "1.234.567,5")
    assert (Words("en").duration(5400), Words("de").duration(5400)) == ("1.5 h", "1,5 h")


async def test_the_switch_turns_every_page_and_leads_back_to_it_but_to_nowhere_else() -> None:
    async with running() as rig:
        acme = await rig.tenant()
        await acme.put("/api/v1/tenants/acme/stations/CS1")
        client = await signed_in(rig, OWNER)
        assert '<html lang="en">' in (await client.get("/console")).text
        answer = await client.get("/console/language/de", params={"back": "/console/waits?"})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/console/waits?")
        for path in ("", "/tree", "/actors", "/actor", "/waits", "/timers", "/trace", "/station", "/dead-letters"):
            text = (await client.get(page(path))).text
            assert '<html lang="de">' in text, path
            assert "Aufsichtsbaum" in text, path
        for elsewhere in ("https://evil.example/", "//evil.example", "/api/v1/docs"):
            assert (await client.get("/console/language/en", params={"back": elsewhere})).headers["Location"] == "/console"
