"""Nothing that a driver reads is left untranslated, and money, energy and time are written as each language does."""

import re
import string
from decimal import Decimal
from pathlib import Path

from gateways.web.pay import guest, landing, prices, stages
from gateways.web.pay.german import GERMAN
from gateways.web.pay.language import PayWords

WEB = Path(guest.__file__).parents[1]
SAID = re.compile(r"""\bt\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")
TROUBLE = re.compile(r'trouble\("([^"]+)", "([^"]+)"')
TEXT = re.compile(r'text = "([^"%]+)"')


def said() -> set[str]:
    files = [*(WEB / "templates" / "pay").glob("*.html"), *(WEB / "pay").glob("*.py"), *(WEB / "api").glob("qr*.py")]
    sources = [file.read_text() for file in files if file.name != "german.py"]
    texts = {found[0] or found[1] for source in sources for found in SAID.findall(source)}
    texts |= {part for source in sources for found in TROUBLE.findall(source) for part in found}
    texts |= {found for source in sources for found in TEXT.findall(source)}
    texts |= {landing.CHANGED, landing.TOO_OLD, landing.STALE, landing.CONSENT, landing.TOO_MANY}
    texts |= {*prices.BILLED.values(), *prices.UNITS.values(), *prices.DAYS.values()}
    texts |= {stage.title for stage in stages.STAGES.values()} | set(stages._FAILURES.values())
    return texts


def test_everything_that_the_pages_say_has_a_german_text_with_the_same_fields() -> None:
    texts = said()
    assert len(texts) > 120
    assert sorted(texts - set(GERMAN)) == []
    for english, german in GERMAN.items():
        fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (english, german)]
        assert fields[0] == fields[1], english


def test_money_is_written_as_each_language_does_and_to_its_last_digit() -> None:
    english, german = PayWords("en"), PayWords("de")
    cases = [
        (Decimal("0.59"), "EUR", "€0.59", "0,59\u00a0€"),
        (Decimal("0.395"), "EUR", "€0.395", "0,395\u00a0€"),
        (Decimal("1234.5"), "EUR", "€1,234.50", "1.234,50\u00a0€"),
        (Decimal("50"), "JPY", "JPY\u00a050", "50\u00a0JPY"),
        (Decimal("0.25"), "KWD", "KWD\u00a00.250", "0,250\u00a0KWD"),
    ]
    for value, currency, wanted, gewollt in cases:
        assert (english.price(value, currency), german.price(value, currency)) == (wanted, gewollt)
    assert (english.minor(1475, "EUR"), german.minor(5, "EUR")) == ("€14.75", "0,05\u00a0€")


def test_times_and_energies_are_written_so_that_people_read_them() -> None:
    english, german = PayWords("en"), PayWords("de")
    assert [english.span(seconds) for seconds in (0, 59, 60, 3599, 3600, 7500)] == [
        "0\u00a0s", "59\u00a0s", "1\u00a0min", "59\u00a0min", "1\u00a0h", "2\u00a0h 05\u00a0min",
    ]  # fmt: skip
    assert (english.kwh(12_340, 2), german.kwh(12_345)) == ("12.34\u00a0kWh", "12,345\u00a0kWh")
    assert (english.kw(22_000), german.kw(3_680)) == ("22\u00a0kW", "3,7\u00a0kW")
    assert (english.percent(Decimal("19")), german.percent(Decimal("5.5"))) == ("19\u00a0%", "5,5\u00a0%")
