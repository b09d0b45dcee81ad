"""The commands of OCPP 1.5: what it has of 1.6, and where it differs (PROTOCOLS 1.2, 1.3, annex H)."""

import msgspec

from actors.model import intents as i
from gateways.ocpp.mapping import rules
from gateways.ocpp.mapping import words as w
from gateways.ocpp.mapping.codecs import POSITIVE
from gateways.ocpp.mapping.command import Carry, Version
from gateways.ocpp.mapping.commands_v16 import V16
from gateways.ocpp.mapping.engine import Codec, Field, Shape
from gateways.ocpp.mapping.shapes_v16 import KEY, KEYS, LIST_ENTRY, SETTING, changing, changing_each, wanting

ACTIONS = frozenset({
    "CancelReservation", "ChangeAvailability", "ChangeConfiguration", "ClearCache", "DataTransfer", "GetConfiguration",
    "GetDiagnostics", "GetLocalListVersion", "RemoteStartTransaction", "RemoteStopTransaction", "ReserveNow", "Reset",
    "SendLocalList", "UnlockConnector", "UpdateFirmware",
})  # fmt: skip
"""Of the nineteen of 1.6."""

_OLDER = {newer.lower(): older for newer, older in w.KEYS_1_5.items()}


def older(key: str) -> str:
    """A configuration key as 1.5 spells it."""
    return _OLDER.get(key.lower(), key)


KEY_1_5 = Codec(lambda ref: older(KEY.out(ref)), KEY.into, KEY.says)
KEYS_1_5 = Codec(lambda refs: [older(key) for key in KEYS.out(refs)], KEYS.into, KEYS.says)


def _with(shape: Shape, **codecs: Codec) -> Shape:
    fields = tuple(
        msgspec.structs.replace(field, codec=codecs[field.name]) if field.name in codecs else field for field in shape.fields
    )
    return msgspec.structs.replace(shape, fields=fields)


_SETTING = _with(SETTING, ref=KEY_1_5)


def _of_1_6(carry: Carry) -> Carry:
    match carry.action, carry.intent:
        case "GetConfiguration", i.GetVariables:
            return msgspec.structs.replace(carry, shape=_with(carry.shape, refs=KEYS_1_5))
        case "ChangeConfiguration", i.SetVariable:
            return msgspec.structs.replace(carry, shape=_SETTING, out=changing(_SETTING))
        case "ChangeConfiguration", _:
            return msgspec.structs.replace(carry, out=changing_each(_SETTING))
        case "GetConfiguration", i.GetReport:
            return msgspec.structs.replace(carry, out=wanting(KEY_1_5))
        case "RemoteStartTransaction", _:
            shape = Shape(
                i.RequestStart,
                (Field("id_token", "idTag"), Field("evse", "connectorId", POSITIVE, omit=0)),
                lost=carry.shape.lost,
                refused={"profile": "a remote start of OCPP 1.5 carries no charging profile"},
            )
            return msgspec.structs.replace(carry, shape=shape, rule=rules.starts_16)
        case "SendLocalList", _:
            entries = Field("entries", "localAuthorisationList", shape=LIST_ENTRY, many=True)
            shape = msgspec.structs.replace(carry.shape, fields=(*carry.shape.fields[:2], entries))
            return msgspec.structs.replace(carry, shape=shape, check=None, rule=rules.whole_list)
    return carry


_NO = "OCPP 1.5 has no "

_NEWER = frozenset({
    i.CertificateSigned, i.DeleteCertificate, i.GetInstalledCertificateIds, i.InstallCertificate, i.Trigger,
})  # fmt: skip
"""What 1.6 carries in a DataTransfer of its security extension or of Plug & Charge."""

V15 = Version(
    "ocpp1.5",
    "OCPP 1.5",
    tuple(_of_1_6(carry) for carry in V16.carries if carry.action in ACTIONS and carry.intent not in _NEWER),
    cannot={
        **{kind: (why.replace("1.6", "1.5"), field) for kind, (why, field) in V16.cannot.items()},
        i.CertificateSigned: (_NO + "certificates", None),
        i.InstallCertificate: (_NO + "certificates", None),
        i.ClearChargingProfile: (_NO + "smart charging", None),
        i.DeleteCertificate: (_NO + "certificates", None),
        i.GetCompositeSchedule: (_NO + "smart charging", None),
        i.GetInstalledCertificateIds: (_NO + "certificates", None),
        i.GetLog: (_NO + "security log", "log_type"),
        i.SetChargingProfile: (_NO + "smart charging", None),
        i.Trigger: (_NO + "way to ask for a message", None),
        i.UpdateFirmware: (_NO + "signed firmware", "signing_certificate"),
    },
)
