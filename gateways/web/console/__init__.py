"""The actor inspection console: server-rendered pages over the same inspector that the API uses."""

from typing import Any


def add_console(app: Any, env: Any, services: Any, dispatcher: Any) -> None:
    return None
