"""A station that speaks OCPP 1.6: over JSON here, and over SOAP with another line (see gateways/simulator/soap)."""
