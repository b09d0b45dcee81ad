"""What a campaign shows to the outside: its summary, its stations, its lines in the event feed."""

from datetime import datetime
from typing import Any

import msgspec

from actors.campaign.state import DELETED, CampaignState
from actors.campaign.targets import STATES, Target
from actors.model.campaign import Definition, LocalListWork
from actors.model.decision import AddressKey
from actors.model.rows import BookRow

BOOK = "campaign"


def summary(id: str, state: CampaignState) -> dict[str, Any]:
    definition = state.definition
    return {
        "id": id,
        "name": definition.name if definition is not None else "",
        "kind": msgspec.to_builtins(definition.work)["kind"] if definition is not None else "",
        "state": state.phase,
        "reason": state.reason,
        "created_at": state.created_at,
        "created_by": state.who,
        "start_at": definition.start_at if definition is not None else None,
        "started_at": state.started_at,
        "ended_at": state.ended_at,
        "wave": state.wave + 1 if state.bounds else 0,
        "waves": len(state.bounds),
        "next_wave_at": state.not_before,
        "total": state.total,
        "counts": {name: state.counts.get(name, 0) for name in STATES},
    }


def definition_view(definition: Definition) -> dict[str, Any]:
    """As it was given, without the names of its stations: those are the campaign's stations."""
    shown: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(definition, stations=()))
    if isinstance(definition.work, LocalListWork):
        shown["work"] = {"kind": "local_list", "tokens": len(definition.work.refs)}
    return shown


def summary_row(here: AddressKey, state: CampaignState, now: datetime) -> BookRow:
    deleted = state.phase == DELETED
    body = {} if deleted else summary(here[2], state)
    return BookRow(tenant=here[0], station="", book=BOOK, key=here[2], body=body, updated_at=now, deleted=deleted)


def target_view(station: str, target: Target) -> dict[str, Any]:
    return {
        "station": station,
        "state": target.state,
        "attempt": target.attempt,
        "detail": target.detail,
        "since": target.since,
        "began": target.began,
    }
