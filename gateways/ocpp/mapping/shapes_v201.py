"""Objects inside the commands of OCPP 2.0.1 and their structs: components, tokens, charging profiles, messages (annex B)."""

from actors.model import intents as i
from gateways.ocpp.mapping import words as w
from gateways.ocpp.mapping.codecs import (
    ANY,
    LOCATION,
    NOT_NEGATIVE,
    NUMBER,
    PAIRS,
    POSITIVE,
    TIME,
    one_of,
)
from gateways.ocpp.mapping.engine import Field, Shape

_NO_KEY = ("key_1_6",)

REF = Shape(
    i.VariableRef,
    (
        Field("component", "component.name"),
        Field("component_instance", "component.instance"),
        Field("evse", "component.evse.id", POSITIVE),
        Field("connector", "component.evse.connectorId", POSITIVE),
        Field("variable", "variable.name"),
        Field("variable_instance", "variable.instance"),
    ),
    silent=_NO_KEY,
)
"""component and variable, in the object that holds both."""

WANTED = Shape(i.VariableWanted, REF.fields)

SETTING = Shape(
    i.SetVariable,
    (Field("ref", "", shape=REF), Field("value", "attributeValue"), Field("attribute", "attributeType", omit="Actual")),
)

MONITOR = Shape(
    i.MonitorSetting,
    (
        Field("ref", "", shape=REF),
        Field("type", "type"),
        Field("value", "value", ANY),
        Field("severity", "severity", NOT_NEGATIVE),
        Field("id", "id"),
        Field("transaction", "transaction", omit=False),
    ),
)

HASH = Shape(
    i.CertificateHash,
    (
        Field("algorithm", "hashAlgorithm"),
        Field("issuer_name_hash", "issuerNameHash"),
        Field("issuer_key_hash", "issuerKeyHash"),
        Field("serial_number", "serialNumber"),
    ),
)

MESSAGE = Shape(i.MessageText, (Field("content", "content"), Field("format", "format"), Field("language", "language")))

PERIOD = Shape(
    i.SchedulePeriod,
    (
        Field("start_period", "startPeriod", NOT_NEGATIVE),
        Field("limit", "limit", NUMBER),
        Field("number_phases", "numberPhases"),
        Field("phase_to_use", "phaseToUse"),
    ),
)

SCHEDULE = Shape(
    i.ChargingSchedule,
    (
        Field("id", "id"),
        Field("charging_rate_unit", "chargingRateUnit"),
        Field("periods", "chargingSchedulePeriod", shape=PERIOD, many=True),
        Field("start_schedule", "startSchedule", TIME),
        Field("duration", "duration", NOT_NEGATIVE),
        Field("min_charging_rate", "minChargingRate", NUMBER),
        Field("sales_tariff", "salesTariff", ANY),
    ),
)

OURS = one_of(
    lambda purpose: purpose != "ChargingStationExternalConstraints",
    "external constraints are the station's to tell, never ours to set (K01.FR.22)",
)

PROFILE = Shape(
    i.ChargingProfile,
    (
        Field("id", "id"),
        Field("stack_level", "stackLevel", NOT_NEGATIVE),
        Field("purpose", "chargingProfilePurpose", OURS),
        Field("kind", "chargingProfileKind"),
        Field("schedules", "chargingSchedule", shape=SCHEDULE, many=True),
        Field("recurrency_kind", "recurrencyKind"),
        Field("valid_from", "validFrom", TIME),
        Field("valid_to", "validTo", TIME),
        Field("transaction_id", "transactionId"),
    ),
)

TOKEN = (
    Field("id_token", "idToken.idToken"),
    Field("token_type", "idToken.type", fill=lambda x: w.type_of(x.id_token)),
)
"""An idToken without what else it may hold."""

CUSTOMER_TOKEN = (
    Field("id_token", "idToken.idToken"),
    Field("token_type", "idToken.type", fill=lambda x: None if x.id_token is None else w.type_of(x.id_token)),
)

GROUP = (
    Field("group", "groupIdToken.idToken"),
    Field("group_type", "groupIdToken.type", fill=lambda x: None if x.group is None else w.type_of(x.group)),
)

LIST_ENTRY = Shape(
    i.LocalListEntry,
    (
        *TOKEN,
        Field("additional_info", "idToken.additionalInfo", PAIRS),
        Field("status", "idTokenInfo.status"),
        Field("expires", "idTokenInfo.cacheExpiryDateTime", TIME),
        Field("group", "idTokenInfo.groupIdToken.idToken"),
        Field(
            "group_type",
            "idTokenInfo.groupIdToken.type",
            fill=lambda x: None if x.group is None else w.type_of(x.group),
        ),
        Field("evses", "idTokenInfo.evseId"),
        Field("priority", "idTokenInfo.chargingPriority"),
        Field("language", "idTokenInfo.language1"),
        Field("second_language", "idTokenInfo.language2"),
        Field("message", "idTokenInfo.personalMessage", shape=MESSAGE),
    ),
)

DISPLAY = Shape(
    i.DisplayMessage,
    (
        Field("id", "id"),
        Field("priority", "priority"),
        Field("message", "message", shape=MESSAGE),
        Field("state", "state"),
        Field("start", "startDateTime", TIME),
        Field("end", "endDateTime", TIME),
        Field("transaction_id", "transactionId"),
        Field("component", "display.name"),
        Field("component_instance", "display.instance"),
        Field("evse", "display.evse.id", POSITIVE),
        Field("connector", "display.evse.connectorId", POSITIVE),
    ),
)

NETWORK = Shape(
    i.NetworkProfile,
    (
        Field("csms_url", "ocppCsmsUrl", LOCATION),
        Field("security_profile", "securityProfile", NOT_NEGATIVE),
        Field("interface", "ocppInterface"),
        Field("message_timeout", "messageTimeout", NOT_NEGATIVE),
        Field("ocpp_version", "ocppVersion"),
        Field("ocpp_transport", "ocppTransport"),
        Field("vpn", "vpn", ANY),
        Field("apn", "apn", ANY),
    ),
)
