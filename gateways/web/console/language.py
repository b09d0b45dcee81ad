"""The console's languages: English in the templates, German in a catalogue beside it (german.py).

A text is its own key, so that a template reads as what it shows. The language is what the visitor chose, else the first of the
browser's that we have.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

from gateways.web.console.german import GERMAN

ENGLISH = "en"
LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch"}


class Words:
    """Called with an English text and the values of its {fields}, it says it in the visitor's language."""

    catalogues: ClassVar[Mapping[str, Mapping[str, str]]] = {"de": GERMAN}
    """Language -> English text -> text. A surface with texts of its own has a subclass of its own."""

    def __init__(self, code: str) -> None:
        self.code = code if code in LANGUAGES else ENGLISH
        self._catalogue = self.catalogues.get(self.code, {})

    def __call__(self, text: str, **values: object) -> str:
        found = self._catalogue.get(text, text)
        return found.format(**values) if values else found

    def n(self, value: float, digits: int = 0) -> str:
        """A number with the thousands apart."""
        text = f"{value:,.{digits}f}"
        return text if self.code == ENGLISH else text.translate(str.maketrans(",.", ".,"))

    def ago(self, value: datetime | None) -> str:
        if value is None:
            return self("never")
        seconds = (datetime.now(UTC) - value).total_seconds()
        return self("{time} ago", time=self.duration(seconds)) if seconds >= 1 else self("just now")

    def ahead(self, value: datetime) -> str:
        seconds = (value - datetime.now(UTC)).total_seconds()
        return (
            self("in {time}", time=self.duration(seconds))
            if seconds > 0
            else self("overdue for {time}", time=self.duration(-seconds))
        )

    def duration(self, seconds: float | None) -> str:
        if seconds is None:
            return ""
        for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
            if seconds >= size:
                return f"{self.n(seconds / size, 1)} {unit}".replace(".0 ", " ").replace(",0 ", " ")
        if seconds >= 1:
            return f"{self.n(seconds, 1)} s"
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else f"{seconds * 1e6:.0f} µs"


def preferred(chosen: str | None, accept: str) -> Words:
    """The console's words in the language that `language_of` finds."""
    return Words(language_of(chosen, accept))


def language_of(chosen: str | None, accept: str) -> str:
    """`accept` as in the Accept-Language header (RFC 9110, 12.5.4)."""
    if chosen in LANGUAGES:
        return chosen or ENGLISH
    offers = []
    for n, part in enumerate(accept.split(",")[:20]):
        tag, _, weight = part.partition(";q=")
        try:
            quality = float(weight or 1)
        except ValueError:
            quality = 0.0
        code = tag.strip().lower().partition("-")[0]
        if code in LANGUAGES and quality > 0:
            offers.append((-quality, n, code))
    return min(offers)[2] if offers else ENGLISH
