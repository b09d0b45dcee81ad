"""Rules that hold of the source itself, so that no route can come to bypass strong authentication (MONEY 1.3)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import stripe

import gateways.payments.client  # noqa: F401 (it turns telemetry off)

ROOT = Path(__file__).parents[3]
ROOMS = ("runtime", "actors", "gateways", "storage", "config")
OURS = ROOT / "gateways" / "payments"


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            yield path, ast.parse(path.read_text())


def imported(tree: ast.Module) -> set[str]:
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in found}


def words(tree: ast.Module) -> set[str]:
    """Names that a parameter could have: keys, keyword arguments, attributes. Prose has spaces."""
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    texts |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword | ast.arg) and node.arg}
    texts |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return {text for text in texts if " " not in text}


def test_nobody_else_imports_stripe() -> None:
    importers = {path.relative_to(ROOT) for path, tree in sources() if "stripe" in imported(tree)}
    assert importers
    assert {path for path in importers if path.parts[:2] != ("gateways", "payments")} == set()


def test_no_parameter_that_opens_a_hole_is_ever_named() -> None:
    holes = {"moto", "error_on_requires_action", "payment_method_data", "confirmation_token", "number", "cvc", "exp_month"}
    for path in OURS.glob("*.py"):
        found = words(ast.parse(path.read_text())) & holes
        assert not found, f"{path.name}: {found}"


def test_a_card_is_charged_without_its_holder_in_one_place_which_asks_for_the_mandate() -> None:
    places = []
    for path in OURS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
                keys = {text.value for text in ast.walk(node) if isinstance(text, ast.Constant)}
                if "off_session" in keys:
                    places.append((path.name, node.name, "call.mandate" in ast.unparse(node)))
    assert sorted(places) == [("calls.py", "_charge_saved", True), ("calls.py", "_open_checkout", True)]


def test_the_package_tells_nobody_about_this_machine() -> None:
    assert stripe.enable_telemetry is False
