"""What a caller may say in OCPP 1.5 words, as JSON, and what he reads (annex H): the shapes of 1.6 where they are the same.

On the wire 1.5 is SOAP and has no JSON; these are for the admin API and its schemas.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from gateways.ocpp.v16 import messages as m
from gateways.ocpp.v16.messages import Number, Text20, Wire


class RemoteStartTransaction(Wire, frozen=True):
    id_tag: Text20
    connector_id: Number | UnsetType = UNSET


class SendLocalList(Wire, frozen=True):
    """`hash` is taken and not sent: stations of 1.5 compute it each in their own way."""

    update_type: Literal["Differential", "Full"]
    list_version: Number
    local_authorisation_list: list[m.LocalListEntry] | UnsetType = UNSET
    hash: Annotated[str, Meta(max_length=255)] | UnsetType = UNSET


class ChangeConfigurationResponse(Wire, frozen=True):
    status: Literal["Accepted", "Rejected", "NotSupported"]


TO_STATION: dict[str, tuple[type[Wire], type[Wire]]] = {
    **{
        action: m.TO_STATION[action]
        for action in (
            "CancelReservation", "ChangeAvailability", "ClearCache", "DataTransfer", "GetConfiguration", "GetDiagnostics",
            "GetLocalListVersion", "RemoteStopTransaction", "ReserveNow", "Reset", "UpdateFirmware",
        )
    },
    "ChangeConfiguration": (m.ChangeConfiguration, ChangeConfigurationResponse),
    "RemoteStartTransaction": (RemoteStartTransaction, m.StatusResponse),
    "SendLocalList": (SendLocalList, m.SendLocalListResponse),
    "UnlockConnector": (m.UnlockConnector, m.StatusResponse),
}  # fmt: skip
"""Action -> (request, response)."""
