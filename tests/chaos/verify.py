"""What the stations were told against what the API says. Independent of the CSMS's own code."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from gateways.simulator.journal import read_journal
from tests.chaos.process import TENANT, shown

Line = dict[str, Any]
StartKey = tuple[str, int, str]
"""Station, connector, timestamp: what makes a start of an honest station unique."""


@dataclass
class Verdict:
    problems: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def demand(self, holds: bool, problem: str) -> None:
        if not holds:
            self.problems.append(problem)


def verify(journals: Path, api: httpx.Client) -> Verdict:
    verdict = Verdict()
    books = _Books(api)
    sent_starts: set[StartKey] = set()
    sent_transactions: set[tuple[str, str]] = set()
    for path in sorted(journals.glob("*.jsonl")):
        station, lines = path.stem, read_journal(path)
        sent_starts |= {_start_key(station, line["request"]) for line in lines if line["action"] == "StartTransaction"}
        sent_transactions |= {(station, _transaction(line)) for line in _of(lines, "TransactionEvent")}
        acked = [line for line in lines if line["kind"] == "acked"]
        _verify_station(verdict, books, station, acked)
        _verify_statuses(verdict, books, station, _of(lines, "StatusNotification"))
    _verify_books(verdict, books, sent_starts, sent_transactions)
    return verdict


class _Books:
    """Everything the API tells of the tenant, read once."""

    def __init__(self, api: httpx.Client) -> None:
        self._api = api
        self.sessions = self._all("sessions")
        self.cdrs = self._all("cdrs")
        self.journals = self._all("ledger/journals")
        self.by_number = {session["number"]: session for session in self.sessions}
        self.by_transaction = {(session["station"], session["transaction_id"]): session for session in self.sessions}

    def _all(self, what: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        query: dict[str, Any] = {"limit": 1000}
        while True:
            page = self._get(what, query)
            found += page["items"]
            if page["next"] is None:
                return found
            query["cursor"] = page["next"]

    def readings(self, session: str) -> Counter[tuple[datetime, str]]:
        """Readings by time and context: the last periodic one and the one within the stop may share a millisecond."""
        detail = self._get(f"sessions/{session}")
        return Counter((_time(value["at"]), value["samples"][0]["context"]) for value in detail["meter_values"])

    def station(self, station: str) -> dict[str, Any]:
        return self._get(f"stations/{station}")

    def _get(self, what: str, query: dict[str, Any] | None = None) -> dict[str, Any]:
        return shown(self._api, f"/tenants/{TENANT}/{what}", query)


def _verify_station(verdict: Verdict, books: _Books, station: str, acked: list[Line]) -> None:
    starts = _of(acked, "StartTransaction")
    numbers: dict[StartKey, int] = {}
    for line in starts:
        _verify_start(verdict, books, station, line, numbers)
    for line in _of(acked, "StopTransaction"):
        _verify_stop(verdict, books, station, line)
    _verify_meters(verdict, books, station, [line for line in _of(acked, "MeterValues") if "transactionId" in line["request"]])
    _verify_events(verdict, books, station, _of(acked, "TransactionEvent"))
    view = books.station(station)
    if _of(acked, "BootNotification"):
        verdict.counts["boots"] += len(_of(acked, "BootNotification"))
        verdict.demand(view["boot"] is not None, f"{station}: its boot was accepted and is not known")


def _verify_statuses(verdict: Verdict, books: _Books, station: str, lines: list[Line]) -> None:
    """The API shows the last status that was acknowledged, or one sent after it whose answer nobody waited for."""
    possible: dict[int, list[str]] = {}
    for line in lines:
        request = line["request"]
        connector = request.get("evseId", request["connectorId"])
        status = request.get("connectorStatus") or request["status"]
        if line["kind"] == "acked":
            verdict.counts["statuses"] += 1
            possible[connector] = [status]
        elif connector in possible:
            possible[connector].append(status)
    known = {evse["id"]: evse["detail"] for evse in books.station(station)["evses"]}
    for connector, statuses in possible.items():
        told = f"{station}: connector {connector} last said {' or '.join(statuses)}, the API says {known.get(connector)}"
        verdict.demand(known.get(connector) in statuses, told)


def _verify_start(verdict: Verdict, books: _Books, station: str, line: Line, numbers: dict[StartKey, int]) -> None:
    request, number = line["request"], line["result"]["transactionId"]
    key = _start_key(station, request)
    verdict.counts["starts"] += 1
    first = numbers.setdefault(key, number)
    verdict.demand(first == number, f"{station}: the start of {key[2]} was acknowledged as {first} and as {number}")
    session = books.by_number.get(number)
    if session is None:
        verdict.problems.append(f"{station}: transaction {number} was acknowledged and is lost")
        return
    same = (session["station"], session["evse"], _time(session["started_at"])) == (
        station, request["connectorId"], _time(request["timestamp"]),
    )  # fmt: skip
    verdict.demand(same, f"{station}: transaction {number} is another start: {session}")


def _verify_stop(verdict: Verdict, books: _Books, station: str, line: Line) -> None:
    request = line["request"]
    number = request["transactionId"]
    verdict.counts["stops"] += 1
    session = books.by_number.get(number)
    if session is None:
        verdict.problems.append(f"{station}: the stop of {number} was acknowledged, the session is lost")
        return
    ended = session["state"] == "ended" and _time(session["ended_at"]) == _time(request["timestamp"])
    verdict.demand(ended, f"{station}: the stop of {number} was acknowledged, the session says {session}")
    verdict.demand(session["stop_reason"] is not None, f"{station}: {number} has no reason")
    verdict.demand(session["cdr"] is not None, f"{station}: {number} ended without a CDR")


def _verify_meters(verdict: Verdict, books: _Books, station: str, lines: list[Line]) -> None:
    wanted: dict[int, set[tuple[datetime, str]]] = {}
    for line in lines:
        verdict.counts["meters"] += 1
        told = wanted.setdefault(line["request"]["transactionId"], set())
        told |= {(_time(value["timestamp"]), value["sampledValue"][0]["context"]) for value in line["request"]["meterValue"]}
    for number, told in wanted.items():
        session = books.by_number.get(number)
        if session is None:
            verdict.problems.append(f"{station}: readings of {number} were acknowledged, the session is lost")
            continue
        kept = books.readings(session["id"])
        for reading in told:
            problem = f"{station}: the reading of {number} at {reading} was acknowledged and is there {kept[reading]} times"
            verdict.demand(kept[reading] == 1, problem)


def _verify_events(verdict: Verdict, books: _Books, station: str, lines: list[Line]) -> None:
    """Of OCPP 2.x: every event that was answered is in the session of its transaction, its readings once."""
    wanted: dict[str, set[tuple[datetime, str]]] = {}
    for line in lines:
        request, transaction = line["request"], _transaction(line)
        verdict.counts["events"] += 1
        session = books.by_transaction.get((station, transaction))
        if session is None:
            verdict.problems.append(f"{station}: event {request['seqNo']} of {transaction} was acknowledged, the session is lost")
            continue
        shown = session["transaction"]
        missing = any(low <= request["seqNo"] <= high for low, high in shown["missing"])
        verdict.demand(
            request["seqNo"] <= shown["last_seq"] and not missing, f"{station}: event {request['seqNo']} is lost: {session}"
        )
        told = wanted.setdefault(session["id"], set())
        told |= {
            (_time(value["timestamp"]), value["sampledValue"][0].get("context", "Sample.Periodic"))
            for value in request.get("meterValue", ())
        }
        if request["eventType"] == "Started":
            verdict.counts["starts"] += 1
            verdict.demand(_time(session["started_at"]) == _time(request["timestamp"]), f"{station}: another start: {session}")
        if request["eventType"] == "Ended":
            verdict.counts["stops"] += 1
            ended = session["state"] == "ended" and _time(session["ended_at"]) == _time(request["timestamp"])
            verdict.demand(ended, f"{station}: the end of {transaction} was acknowledged, the session says {session}")
            settled = session["cdr"] is not None or session["phase"] == "waived"
            verdict.demand(settled, f"{station}: {transaction} ended without a CDR")
    for id, told in wanted.items():
        kept = books.readings(id)
        for reading in told:
            verdict.demand(kept[reading] == 1, f"{station}: the reading of {id} at {reading} is there {kept[reading]} times")


def _transaction(line: Line) -> str:
    return str(line["request"]["transactionInfo"]["transactionId"])


def _verify_books(verdict: Verdict, books: _Books, sent: set[StartKey], transactions: set[tuple[str, str]]) -> None:
    of_2x = {(s["station"], s["transaction_id"]) for s in books.sessions if s["transaction"] is not None}
    verdict.demand(of_2x <= transactions, f"sessions that no station ever told of: {of_2x - transactions}")
    of_1_6 = [s for s in books.sessions if s["transaction"] is None]
    keys = Counter((s["station"], s["evse"], _time(s["started_at"])) for s in of_1_6 if s["started_at"])
    sent_keys = {(station, connector, _time(at)) for station, connector, at in sent}
    verdict.counts["sessions"] = len(books.sessions)
    for key, count in keys.items():
        verdict.demand(count == 1, f"{count} sessions for one start: {key}")
        verdict.demand(key in sent_keys, f"a session that no station ever started: {key}")
    stray = [session["id"] for session in books.sessions if not session["started_at"]]
    verdict.demand(not stray, f"sessions without a start: {stray}")
    quarantined = [(s["id"], s["anomalies"]) for s in books.sessions if s["state"] == "quarantined"]
    verdict.demand(not quarantined, f"honest sessions in quarantine: {quarantined}")
    per_session = Counter(cdr["session"] for cdr in books.cdrs)
    verdict.counts["cdrs"] = len(books.cdrs)
    verdict.demand(all(count == 1 for count in per_session.values()), f"two CDRs of one session: {per_session.most_common(3)}")
    journals = {journal["id"]: journal for journal in books.journals}
    verdict.counts["journals"] = len(journals)
    booked = Counter(cdr["journal"] for cdr in books.cdrs if cdr["journal"] is not None)
    verdict.demand(all(count == 1 for count in booked.values()), f"one journal for two CDRs: {booked.most_common(3)}")
    verdict.demand(set(booked) == set(journals), f"journals without a CDR, or the reverse: {set(booked) ^ set(journals)}")
    energy = {session["id"]: session["energy_wh"] for session in books.sessions}
    for cdr in books.cdrs:
        same = round(float(cdr["total_energy"]) * 1000) == energy.get(cdr["session"])
        verdict.demand(same, f"CDR {cdr['id']} says {cdr['total_energy']} kWh, its session {energy.get(cdr['session'])} Wh")
    for journal in journals.values():
        verdict.demand(_balance(journal["entries"]) == {}, f"journal {journal['id']} does not balance: {journal['entries']}")


def _balance(entries: Iterable[dict[str, Any]]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for entry in entries:
        sums[entry["currency"]] += entry["amount_minor"] * (1 if entry["side"] == "debit" else -1)
    return {currency: amount for currency, amount in sums.items() if amount}


def _of(lines: list[Line], action: str) -> list[Line]:
    return [line for line in lines if line["action"] == action]


def _start_key(station: str, request: dict[str, Any]) -> StartKey:
    return (station, request["connectorId"], request["timestamp"])


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
