"""A real browser: the one way in which tests start chromium, and how they wait.

A page is slower than the test that drives it, by how much nobody knows. So whatever follows a click that leads to another
page first waits for that page (`arrived`, or something that only the new page shows): a key pressed earlier goes to the
old page, a text read earlier is the old one's.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.kits.patience import PATIENCE

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = round(PATIENCE * 1000)
"""For whatever a page is to show."""
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


def in_browser(act: Callable[[Any], None], *, complaints_of: tuple[str, ...] = ("",), **context: Any) -> list[str]:
    """Runs `act(page)` in a fresh browser (`context` as playwright's new_context takes it), in the calling thread; returns what
    the browser complained about on pages and files whose URL holds one of `complaints_of`."""
    complaints: list[str] = []

    def heard(message: Any) -> None:
        url = message.location.get("url", "")
        if message.type in ("error", "warning") and any(part in url for part in complaints_of):
            complaints.append(f"{message.text} ({url})")

    with _page(context) as page:
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        act(page)
    return complaints


@contextmanager
def _page(options: dict[str, Any]) -> Iterator[Any]:
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=2 * PATIENCE_MS)
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        try:
            yield page
        except BaseException as error:
            with suppress(Error):
                error.add_note(f"The page was {page.url}:\n{page.inner_text('body', timeout=5_000)[:2_000]}")
            raise
        browser.close()


def arrived(page: Any, path: str, *parts: str) -> None:
    """Waits until the page of this path, with all of `parts` in its query, has loaded and its scripts listen."""

    def there(url: str) -> bool:
        split = urlsplit(url)
        return split.path == path and all(part in split.query for part in parts)

    page.wait_for_url(there)
