"""The README's lines and its map are true."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text()


def test_every_file_that_the_map_names_exists() -> None:
    named = set(re.findall(r"`((?:runtime|actors|gateways|storage|config|tests)/[\w./]+)`", TEXT))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_two_lines_do_all_set_up_and_ci_runs_the_second() -> None:
    lines = [line for line in TEXT.splitlines() if line.startswith("python3 -m venv")]
    assert len(lines) == 2
    assert lines[0].endswith("csms demo")
    assert re.search(r"^python3 -m venv .*pytest$", lines[1])
    assert all("-c constraints.txt" in line for line in lines)
    assert r"'^python3 -m venv .*pytest$' README.md" in (ROOT / ".ci" / "run").read_text()


def test_the_constraints_pin_and_name_no_registry() -> None:
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9._-]+==[\w.+!]+", pin) for pin in pins)


def test_every_package_is_documented_where_a_newcomer_opens_it() -> None:
    modules = [path for room in ("runtime", "actors", "gateways", "storage", "config") for path in (ROOT / room).rglob("*.py")]
    bare = [str(path) for path in modules if path.read_text().strip() and not path.read_text().lstrip().startswith('"""')]
    assert bare == []
