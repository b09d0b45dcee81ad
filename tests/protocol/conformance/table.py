"""Which case of the OCPP 2.0.1 certification is covered by which test: `python -m tests.protocol.conformance.table`.

`cases.csv` lists the cases of the CSMS (ids and short titles; M: always, C: only with the optional feature named). The
tests say by their decorator which they cover. COVERAGE.md is made of both; test_table.py checks that it is up to date and
that nothing mandatory is without a test. 1.6 has no public list of cases: its own ids (`16_...`) stand at the end.
"""

import csv
import importlib
import pkgutil
from pathlib import Path

from tests.protocol import conformance
from tests.protocol.conformance.kit import CASES

HERE = Path(__file__).parent
PAGE = HERE / "COVERAGE.md"
NOT_CLAIMED: dict[str, str] = {}
"""Conditional cases whose feature we do not claim, and why."""


def cases() -> list[dict[str, str]]:
    with (HERE / "cases.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def covered() -> dict[str, list[str]]:
    """Every case that a test claims, after all of them were imported."""
    for module in pkgutil.iter_modules(conformance.__path__):
        if module.name.startswith("test_"):
            importlib.import_module(f"{conformance.__name__}.{module.name}")
    return CASES


def page() -> str:
    tests = covered()
    listed = cases()
    known = {row["id"] for row in listed}
    mandatory = [row for row in listed if row["kind"] == "M"]
    done = sum(row["id"] in tests for row in mandatory)
    conditional = [row for row in listed if row["kind"] == "C"]
    lines = [
        "# OCPP conformance: which case is covered by which test",
        "",
        "Made by `python -m tests.protocol.conformance.table`; do not edit. The cases are those that the OCPP 2.0.1",
        "certification asks of a CSMS, their steps are in our own words. Running them is no certification.",
        "",
        f"Mandatory: {done} of {len(mandatory)}. Conditional: {sum(row['id'] in tests for row in conditional)} of "
        f"{len(conditional)}.",
        "",
        "| case | what | profile | kind | test |",
        "|---|---|---|---|---|",
    ]
    for row in listed:
        shown = ", ".join(f"`{name}`" for name in sorted(set(tests.get(row["id"], ()))))
        if not shown:
            shown = f"not claimed: {NOT_CLAIMED[row['id']]}" if row["id"] in NOT_CLAIMED else "**none**"
        kind = "mandatory" if row["kind"] == "M" else f"if {row['feature']}"
        lines.append(f"| {row['id']} | {row['scenario']}: {row['case']} | {row['profiles']} | {kind} | {shown} |")
    ours = sorted(id for id in tests if id not in known)
    if ours:
        lines += ["", "## Beyond: OCPP 1.6, and use cases without a case of their own", "", "| what | test |", "|---|---|"]
        lines += [f"| {_title(id)} | {', '.join(f'`{name}`' for name in sorted(set(tests[id])))} |" for id in ours]
    return "\n".join(lines) + "\n"


def _title(id: str) -> str:
    return f"1.6 {id[3:].replace('_', ' ')}" if id.startswith("16_") else f"2.0.1 {id.replace('_', ', ')}"


if __name__ == "__main__":
    PAGE.write_text(page())
