"""What a 2.0.1 station says, in canonical messages, and our replies in its words. One module a block or a few.

`READERS` has one function for each of the 25 actions; `WRITERS` puts what actors answer into wire form.
"""

from datetime import datetime

from actors.certificates.messages import ContractReply, CsrReply, OcspReply
from actors.charging.messages import NeedsReply
from actors.model.token import TokenVerdict
from actors.station import messages as s
from gateways.ocpp.json_dialect import Reader, Writer
from gateways.ocpp.times import wire_time
from gateways.ocpp.v201.inbound import certificates, charging, device, metering, station, tokens, transactions
from gateways.ocpp.v201.messages.base import Empty
from gateways.ocpp.v201.messages.provisioning import HeartbeatResponse

_EMPTY = Empty()

READERS: dict[str, Reader] = {
    "Authorize": tokens.authorize,
    "BootNotification": station.boot,
    "ClearedChargingLimit": charging.cleared,
    "DataTransfer": station.data,
    "FirmwareStatusNotification": station.firmware,
    "Get15118EVCertificate": certificates.contract,
    "GetCertificateStatus": certificates.ocsp,
    "Heartbeat": station.heartbeat,
    "LogStatusNotification": station.log,
    "MeterValues": metering.meter_values,
    "NotifyChargingLimit": charging.limit,
    "NotifyCustomerInformation": station.customer,
    "NotifyDisplayMessages": station.displays,
    "NotifyEVChargingNeeds": charging.needs,
    "NotifyEVChargingSchedule": charging.chosen,
    "NotifyEvent": device.events,
    "NotifyMonitoringReport": device.monitors,
    "NotifyReport": device.report,
    "PublishFirmwareStatusNotification": station.published,
    "ReportChargingProfiles": charging.profiles,
    "ReservationStatusUpdate": station.reservation,
    "SecurityEventNotification": station.security_event,
    "SignCertificate": certificates.csr,
    "StatusNotification": station.status,
    "TransactionEvent": transactions.event,
}

WRITERS: dict[type, Writer] = {
    s.BootReply: station.booted,
    datetime: lambda x: HeartbeatResponse(current_time=wire_time(x)),
    TokenVerdict: tokens.verdict,
    s.AuthorizeReply: tokens.authorized,
    s.TransactionReply: transactions.answered,
    s.Done: lambda x: _EMPTY,
    s.DataReply: station.data_reply,
    NeedsReply: charging.answered,
    CsrReply: certificates.signing,
    OcspReply: certificates.revocation,
    ContractReply: certificates.contracted,
}
"""The CALLRESULT payload of each answer that an actor gives."""
