"""Who keeps which of a station's books: one table from messages and intents to the kind of the sibling actor.

A sibling has the station's id and lives under it in the tree (actors/kinds.py). The station admits what comes for it,
forwards it, and the sibling's commit gates the reply. Commands and orders all go through the station's lane; what became
of one is told to the sibling that keeps the book concerned (IntentDone). A new keeper needs its lines here and its class
in `actors.kinds.KEEPERS`; what belongs to a kind without a class is refused as not supported.
"""

from collections.abc import Collection

from actors.certificates import messages as certificates
from actors.charging import messages as charging
from actors.device import messages as device
from actors.display import messages as display
from actors.model import intents as i
from actors.model.ids import CERTIFICATES, CHARGING, CONFIGURATION, DEVICE, DISPLAY, LOCAL_LIST, RESERVATION
from actors.reservation import messages as reservation

INBOUND: dict[type, str] = {
    device.ReportPart: DEVICE,
    device.MonitoringPart: DEVICE,
    device.EventsPart: DEVICE,
    charging.ProfilesPart: CHARGING,
    charging.LimitNotified: CHARGING,
    charging.LimitCleared: CHARGING,
    charging.ChargingNeeds: CHARGING,
    charging.EvSchedule: CHARGING,
    display.DisplayPart: DISPLAY,
    reservation.ReservationStatus: RESERVATION,
    certificates.CsrReceived: CERTIFICATES,
    certificates.OcspAsked: CERTIFICATES,
    certificates.ContractAsked: CERTIFICATES,
}
"""What stations say -> whose it is."""

CONCERNS: dict[type, str] = {
    i.SetVariable: DEVICE,
    i.SetVariables: DEVICE,
    i.GetVariables: DEVICE,
    i.GetBaseReport: DEVICE,
    i.GetReport: DEVICE,
    i.SetMonitoringBase: DEVICE,
    i.SetMonitoringLevel: DEVICE,
    i.SetVariableMonitoring: DEVICE,
    i.ClearVariableMonitoring: DEVICE,
    i.GetMonitoringReport: DEVICE,
    i.SetNetworkProfile: DEVICE,
    i.RequestStart: CHARGING,  # where it carries a profile
    i.SetChargingProfile: CHARGING,
    i.ClearChargingProfile: CHARGING,
    i.GetChargingProfiles: CHARGING,
    i.GetCompositeSchedule: CHARGING,
    i.SetDisplayMessage: DISPLAY,
    i.GetDisplayMessages: DISPLAY,
    i.ClearDisplayMessage: DISPLAY,
    i.ReserveNow: RESERVATION,
    i.CancelReservation: RESERVATION,
    i.SendLocalList: LOCAL_LIST,
    i.GetLocalListVersion: LOCAL_LIST,
    i.CustomerInformation: LOCAL_LIST,  # what was cleared leaves the list, too (N10)
    i.CertificateSigned: CERTIFICATES,
    i.InstallCertificate: CERTIFICATES,
    i.DeleteCertificate: CERTIFICATES,
    i.GetInstalledCertificateIds: CERTIFICATES,
}
"""Intent -> who hears the station's answer to it."""

ALSO: dict[type, tuple[str, ...]] = {
    i.SetVariable: (CONFIGURATION,),
    i.SetVariables: (CONFIGURATION,),
    i.GetVariables: (CONFIGURATION,),
}
"""Intent -> who hears of it besides, while it has a standing wish (BootsWanted)."""

BOOTS = (DEVICE, LOCAL_LIST, CERTIFICATES, CONFIGURATION)
"""Who is told of a station's first boot, and of one with other firmware or hardware."""


def concerned(intent: i.AnyIntent, kinds: Collection[str], standing: Collection[str] = ()) -> list[str]:
    """Which of the existing `kinds` an answer to this intent is told to."""
    if isinstance(intent, i.RequestStart) and intent.profile is None:
        return []
    first = CONCERNS.get(type(intent))
    also = [kind for kind in ALSO.get(type(intent), ()) if kind in standing]
    return [kind for kind in ((first,) if first is not None else ()) + tuple(also) if kind in kinds]
