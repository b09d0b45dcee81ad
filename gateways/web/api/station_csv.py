"""The CSV import: read everything, check everything, then register line by line, a few at a time."""

import csv
import io
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import trio

from actors.station.messages import Registered
from gateways.web import limits
from gateways.web.api.station_body import StationBody, identity_problem, station_problems
from gateways.web.call import Call
from gateways.web.problems import FieldError, Problem, wrong_field, wrong_fields
from gateways.web.validate import collect

LOCATION = ("name", "address", "city", "postal_code", "country", "time_zone")
COLUMNS = ("station", "evses", "profile", "password", "versions", "tariff", "merchant", *LOCATION, "latitude", "longitude")
Register = Callable[[Call, str, StationBody], Awaitable[tuple[Registered, str | None]]]


class ImportedStation(msgspec.Struct, frozen=True, omit_defaults=True):
    """`password` where one was generated, shown once; `error` where the line was refused."""

    line: int
    station: str
    created: bool
    password: str | None = None
    error: str | None = None


class ImportReport(msgspec.Struct, frozen=True):
    created: int
    updated: int
    failed: int
    stations: list[ImportedStation]


class Line(msgspec.Struct, frozen=True):
    """`wrong` says why a line could not be read as a station at all."""

    number: int
    station: str
    fields: dict[str, Any]
    wrong: str | None = None


def read_csv(raw: bytes) -> list[Line]:
    """The lines as the JSON bodies they stand for. Pointers in problems read `/line/column`. A header with semicolons and
    without commas is what spreadsheets write where the comma is the decimal sign."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem("malformed-body", f"the file is not UTF-8: {error}") from None
    if "\x00" in text:
        raise Problem("malformed-body", "the file holds NUL characters")
    first = text[: text.find("\n")] if "\n" in text else text
    delimiter = ";" if ";" in first and "," not in first else ","
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        unknown = [name for name in header if name not in COLUMNS]
        if "station" not in header or unknown or len(set(header)) != len(header):
            what = f"unknown column {unknown[0]!r}" if unknown else "a column 'station' is needed, each column once"
            raise wrong_field("/1", f"{what}; known are {', '.join(COLUMNS)}")
        lines: list[Line] = []
        for values in reader:
            if not any(value.strip() for value in values):
                continue
            if len(lines) == limits.IMPORT_ROWS:
                raise Problem("too-large", f"at most {limits.IMPORT_ROWS} stations in one import")
            if len(values) != len(header):
                wrong = f"{len(values)} columns where the header has {len(header)}"
                lines.append(Line(reader.line_num, "", {}, wrong))
                continue
            cells = {name: value.strip() for name, value in zip(header, values, strict=True) if value.strip()}
            lines.append(Line(reader.line_num, cells.pop("station", ""), _body_of(cells)))
        return lines
    except csv.Error as error:
        raise Problem("malformed-body", f"line {reader.line_num}: {error}") from None


def _body_of(cells: dict[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if "evses" in cells:
        body["evses"] = _number(cells["evses"])
    if "profile" in cells or "password" in cells:
        body["auth"] = {"profile": _number(cells.get("profile", "1"))}
        if "password" in cells:
            body["auth"]["password"] = cells["password"]
    if "versions" in cells:
        body["versions"] = cells["versions"].split()
    if "tariff" in cells:
        body["tariff"] = cells["tariff"]
    if "merchant" in cells:
        body["merchant"] = cells["merchant"]
    location: dict[str, Any] = {name: cells[name] for name in LOCATION if name in cells}
    if "latitude" in cells or "longitude" in cells:
        location["coordinates"] = {name: cells.get(name, "") for name in ("latitude", "longitude")}
    if location:
        body["location"] = location
    return body


def _number(text: str) -> int | str:
    """A text that is no number stays one: the validation then says so."""
    return int(text) if text.isdecimal() and len(text) < 10 else text


async def run_import(call: Call, lines: list[Line], register: Register) -> ImportReport:
    bodies = _checked(call, lines)
    results: list[ImportedStation | None] = [None] * len(lines)
    limiter = trio.CapacityLimiter(limits.IMPORT_PARALLEL)

    async def one(n: int, line: Line, body: StationBody) -> None:
        async with limiter:
            try:
                reply, password = await register(call, line.station, body)
                results[n] = ImportedStation(line.number, line.station, reply.created, password)
            except Problem as problem:
                error = problem.detail or problem.title
                results[n] = ImportedStation(line.number, line.station, False, None, error)

    for first in range(0, len(lines), limits.PAGE_MAX):
        async with trio.open_nursery() as nursery:
            for n in range(first, min(first + limits.PAGE_MAX, len(lines))):
                nursery.start_soon(one, n, lines[n], bodies[n])
    done = [result for result in results if result is not None]
    failed = sum(result.error is not None for result in done)
    created = sum(result.created for result in done)
    return ImportReport(created, len(done) - created - failed, failed, done)


def _checked(call: Call, lines: list[Line]) -> list[StationBody]:
    errors: list[FieldError] = []
    bodies = []
    seen: dict[str, int] = {}
    for line in lines:
        if line.wrong is not None:
            errors.append(FieldError(line.wrong, pointer=f"/{line.number}"))
            continue
        problem = identity_problem(line.station)
        if problem:
            errors.append(FieldError(problem, pointer=f"/{line.number}/station"))
        elif line.station in seen:
            errors.append(FieldError(f"the same as line {seen[line.station]}", pointer=f"/{line.number}/station"))
        seen.setdefault(line.station, line.number)
        wrong = list(collect(StationBody, line.fields, f"/{line.number}"))
        if not wrong:
            body = msgspec.convert(line.fields, StationBody)
            bodies.append(body)
            checks = station_problems(call, body)
            wrong = [FieldError(check.detail, pointer=f"/{line.number}{check.pointer}") for check in checks]
        errors.extend(wrong)
        if len(errors) >= limits.FIELD_PROBLEMS:
            break
    if errors:
        raise wrong_fields(errors)
    return bodies
