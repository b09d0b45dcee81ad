"""A station that speaks OCPP 2.0.1: its device model, its transactions, and its answer to every command of the version."""
