"""A test server that shared code with what it tests would share its mistakes."""

import ast
from pathlib import Path

import gateways.payments.sandbox as room

ALLOWED = {"h11", "httpx", "msgspec", "stripe", "trio", "typing_extensions"}


def test_the_sandbox_imports_the_standard_library_the_stripe_package_and_itself_only() -> None:
    import sys

    for path in sorted(Path(room.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            for name in names:
                root = name.partition(".")[0]
                inside = name.startswith("gateways.payments.sandbox")
                assert inside or root in ALLOWED or root in sys.stdlib_module_names, f"{path.name} imports {name}"
