"""What the API reads of a station's certificates: the book `certificate`, one entry for each certificate issued to it, for each
that it has installed, and for the last request of each type."""

from datetime import datetime
from typing import Any

import msgspec

from actors.certificates.facts import InstalledEntry
from actors.certificates.state import CertificatesState, Leaf, Request
from actors.model.rows import BookRow, EventRow

BOOK = "certificate"


class Here(msgspec.Struct, frozen=True, gc=False):
    """Whose certificates these are."""

    tenant: str
    station: str


def book_rows(here: Here, before: CertificatesState, after: CertificatesState, now: datetime) -> list[BookRow]:
    """What changed between two states."""
    old, new = _entries(before), _entries(after)
    rows = [
        BookRow(tenant=here.tenant, station=here.station, book=BOOK, key=key, body=body, updated_at=now)
        for key, body in new.items()
        if old.get(key) != body
    ]
    rows += [
        BookRow(tenant=here.tenant, station=here.station, book=BOOK, key=key, body={}, updated_at=now, deleted=True)
        for key in old
        if key not in new
    ]
    return rows


def _entries(state: CertificatesState) -> dict[str, dict[str, Any]]:
    entries = {f"request/{request.type}": _request(request) for request in state.requests}
    entries |= {f"issued/{leaf.fingerprint}": _leaf(leaf) for leaf in state.leafs}
    entries |= {
        f"installed/{entry.type}/{entry.hash.serial_number}/{_short(entry)}": _installed(entry) for entry in state.installed
    }
    return entries


def _short(entry: InstalledEntry) -> str:
    return f"{entry.hash.issuer_key_hash[:16]}{entry.hash.issuer_name_hash[:16]}"


def _request(request: Request) -> dict[str, Any]:
    return {"kind": "request", "type": request.type, "status": request.status, "at": request.at}


def _leaf(leaf: Leaf) -> dict[str, Any]:
    return {
        "kind": "issued",
        "type": leaf.type,
        "status": leaf.status,
        "fingerprint": leaf.fingerprint,
        "serial": leaf.serial,
        "subject": leaf.subject,
        "not_before": leaf.not_before,
        "not_after": leaf.not_after,
    }


def _installed(entry: InstalledEntry) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": "installed", "type": entry.type, "hash": msgspec.to_builtins(entry.hash)}
    if entry.subject:
        told["subject"] = entry.subject
    if entry.children:
        told["children"] = [msgspec.to_builtins(child) for child in entry.children]
    return told


def event(here: Here, kind: str, now: datetime, **body: Any) -> EventRow:
    return EventRow(tenant=here.tenant, kind=kind, subject=here.station, at=now, body=body)
