"""The OCPP-J versions that this gateway speaks, by subprotocol: a new one is one line here."""

from gateways.ocpp.dialect import DialectFactory
from gateways.ocpp.v16 import dialect as v16
from gateways.ocpp.v201 import dialect as v201

DIALECTS: dict[str, DialectFactory] = {
    v16.PROTOCOL: v16.Dialect,
    v201.PROTOCOL: v201.Dialect,
}
