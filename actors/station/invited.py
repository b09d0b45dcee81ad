"""What a 2.x station may say while its boot was answered Pending: only what we asked it for (B02.FR.09). Pure.

Below 2.x nothing is asked of a station before it talks, and what it says while Pending is taken (quirk 19).
"""

from actors.certificates import messages as certificates
from actors.charging import messages as charging
from actors.device import messages as device
from actors.display import messages as display
from actors.model import intents as i
from actors.station import messages as m

_TRIGGERED: dict[str, type] = {
    "Heartbeat": m.Heartbeat,
    "StatusNotification": m.ConnectorStatus,
    "MeterValues": m.TransactionMeter,
    "LogStatusNotification": m.LogStatus,
    "FirmwareStatusNotification": m.FirmwareStatus,
    "PublishFirmwareStatusNotification": m.PublishFirmwareStatus,
    "SignChargingStationCertificate": certificates.CsrReceived,
    "SignV2GCertificate": certificates.CsrReceived,
    "SignCombinedCertificate": certificates.CsrReceived,
}
"""2.x requestedMessage -> what then comes. (Boots and events of transactions are always taken.)"""

_FOLLOWS: dict[type, type] = {
    i.GetBaseReport: device.ReportPart,
    i.GetReport: device.ReportPart,
    i.GetMonitoringReport: device.MonitoringPart,
    i.GetChargingProfiles: charging.ProfilesPart,
    i.GetDisplayMessages: display.DisplayPart,
    i.CustomerInformation: m.CustomerReportPart,
    i.GetLog: m.LogStatus,
    i.UpdateFirmware: m.FirmwareStatus,
    i.PublishFirmware: m.PublishFirmwareStatus,
}
"""Command -> what it makes the station send."""


def invited_by(intent: i.AnyIntent) -> type | None:
    """The message that a station sends because of this command."""
    if isinstance(intent, i.Trigger):
        return _TRIGGERED.get(intent.message)
    return _FOLLOWS.get(type(intent))
