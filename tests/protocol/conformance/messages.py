"""The README's table of messages: every message of every version, and a test that speaks it.

    python -m tests.protocol.conformance.messages

What a test speaks is read from its source: the actions that it names, in a text or in a constant of its module, and those
behind the kit's short words (`station.boot()` is a BootNotification). Of several the one is shown whose case it is, or which
sends and looks at that message most. SOAP has one test that runs all operations of a version,
but for 1.2, whose notifications stand in a test of their own.
"""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

from gateways.ocpp.soap.operations import VERSIONS as SOAP
from gateways.ocpp.v16 import actions as v16
from gateways.ocpp.v201 import messages as v201
from tests.protocol import conformance
from tests.protocol.conformance.kit import CASES

ROOT = Path(__file__).parents[3]
BEGIN, END = "<!-- messages: made by python -m tests.protocol.conformance.messages -->", "<!-- messages: end -->"
SHORT = {".boot(": "BootNotification", ".event(": "TransactionEvent", ".status(": "StatusNotification"}
SOAP_TEST = {"Cs": "test_soap.test_zeep_runs_a_whole_session", "Cp": "test_soap.test_spyne_receives_every_command"}
SOAP_12_TEST = {
    "Cs": "test_service.test_a_whole_session_in_each_version_and_retries_change_nothing",
    "Cp": "test_link.test_a_1_2_station_hears_every_command_of_its_version_and_its_answers_come_back",
}
SOAP_NOTICES = "test_service.test_statuses_and_notifications_in_each_versions_words"


def tests() -> Iterator[tuple[str, str, str, str]]:
    """(version, name, its own source, everything it says) of each test of a case."""
    for found in pkgutil.iter_modules(conformance.__path__):
        if not found.name.startswith("test_"):
            continue
        module = importlib.import_module(f"{conformance.__name__}.{found.name}")
        for name, function in vars(module).items():
            if name.startswith("test_") and isinstance(function, FunctionType):
                source = inspect.getsource(inspect.unwrap(function))
                said = _said(module, source)
                yield (
                    "ocpp1.6" if re.search("V16|station\\(.ocpp1.6.", said) or "_v16" in found.name else "ocpp2.0.1",
                    f"{found.name}.{name}",
                    source,
                    said,
                )


def _said(module: ModuleType, source: str, depth: int = 2) -> str:
    """The source with the constants and helpers of its module that it names."""
    for name in sorted(set(re.findall(r"\b[A-Za-z_][A-Za-z_0-9]+\b", source)) & set(vars(module))):
        value = getattr(module, name)
        if isinstance(value, FunctionType) and value.__module__ == module.__name__ and depth:
            source += _said(module, inspect.getsource(inspect.unwrap(value)), depth - 1)
        elif isinstance(value, str | list | tuple | dict):
            source += repr(value)
    return source


def speaks(action: str, said: str) -> bool:
    return bool(re.search(rf"['\"]{action}['\"]", said)) or any(word in said for word, short in SHORT.items() if short == action)


def about(action: str, ours: bool, name: str, source: str) -> int:
    """How much a test is about this message, of ours or of the station: its case, and how often it is sent or looked at in the
    test itself."""
    case = 100 if name in CASES.get(f"16_{action}", ()) else 0
    verbs = rf"\b(?:command|said|hears)\(\s*['\"]{action}['\"]" if ours else rf"\b(?:call|raw)\(\s*['\"]{action}['\"]"
    short = 0 if ours else sum(source.count(word) for word, meant in SHORT.items() if meant == action)
    return case + len(re.findall(verbs, source)) + short


def shown(action: str, ours: bool, version: str, known: list[tuple[str, str, str, str]]) -> str | None:
    speaking = [(name, source) for spoken, name, source, said in known if spoken == version and speaks(action, said)]
    return max(speaking, key=lambda one: about(action, ours, *one))[0] if speaking else None


def table() -> str:
    known = list(tests())
    ours = {
        "ocpp1.6": (v16.FROM_STATION, v16.TO_STATION),
        "ocpp2.0.1": (v201.FROM_STATION, v201.TO_STATION),
    }
    soap = {version.protocol: (version.centre.operations, version.station.operations) for version in SOAP.values()}
    lines = ["| message | from | 1.2, 1.5, 1.6-S | 1.6 | 2.0.1 |", "|---|---|---|---|---|"]
    for place, who in ((0, "station"), (1, "CSMS")):
        every = {action for pair in (*ours.values(), *soap.values()) for action in pair[place]}
        for action in sorted(every):
            cells = [_soap(action, place, soap)]
            for version, pair in ours.items():
                if action not in pair[place]:
                    cells.append("")
                    continue
                name = shown(action, bool(place), version, known)
                cells.append(f"`{name}`" if name else "**no test**")
            lines.append(f"| {action} | {who} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _soap(action: str, place: int, soap: dict[str, tuple[object, ...]]) -> str:
    versions = [name.removeprefix("ocpp") for name, pair in soap.items() if action in pair[place]]  # type: ignore[operator]
    side = "Cp" if place else "Cs"
    oldest = SOAP_NOTICES if action.endswith("StatusNotification") or action == "StatusNotification" else SOAP_12_TEST[side]
    told = [f"1.2: `{oldest}`"] if "1.2" in versions else []
    newer = [version for version in versions if version != "1.2"]
    return "; ".join([*told, *([f"{', '.join(newer)}: `{SOAP_TEST[side]}`"] if newer else [])])


def readme(text: str) -> str:
    """The README with the table as it is now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    page = ROOT / "README.md"
    page.write_text(readme(page.read_text()))
