"""Every bound of the SOAP room, by name. What it shares with the WebSocket listener is in `GatewayLimits`."""

BODY_BYTES = 256 * 1024
"""Of one message on the wire, compressed or not."""
INFLATED_BYTES = 1024 * 1024
"""Of one message once it is decompressed."""
DEPTH = 24
"""Of elements in elements; a charging profile is nine deep."""
ELEMENTS = 40_000
ATTRIBUTES = 16
"""Of one element."""
HEADER_CHARACTERS = 512
"""Of a MessageID, an address or an identity; longer ones are cut or refused."""
ADDRESS_CHARACTERS = 500
"""Of a callback address."""
COMPRESS_FROM_BYTES = 512
"""Shorter answers go out as they are."""
REQUESTS = 2_000
"""Requests of all stations that are being answered at once; more get 503."""
REQUESTS_PER_STATION = 16
ANSWER_SECONDS = 50.0
"""For the actor's answer, retries after crashes included: shorter than what the HTTP server grants a request."""
GRACE_SECONDS = 60.0
"""A station is away when it was silent for two of its heartbeat intervals and this long."""
LONGEST_INTERVAL = 24 * 3600
"""Of heartbeats, for that reckoning."""
SWEEP_SECONDS = 1.0
RETRY_AFTER_SECONDS = 5
"""What a station is told with a 503."""
REASON_CHARACTERS = 255
"""Of a fault's text."""
