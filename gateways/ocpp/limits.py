"""Every bound of the OCPP gateway, by name. What may differ between installations is in `GatewayLimits`."""

import msgspec

READ_BYTES = 64 * 1024
"""One read from a socket, into a buffer that all connections of a listener share."""
HANDSHAKE_BYTES = 16 * 1024
"""Request line and headers of an upgrade."""
COMPRESS_FROM_BYTES = 1024
"""Shorter messages go out uncompressed even where permessage-deflate was agreed: it costs more than it saves."""
IDENTITY_CHARACTERS = 255
IDENTITY_CHARACTERS_2_X = 48
"""What the specification of 2.x allows; 1.6 names no bound."""
UNIQUE_ID_CHARACTERS = 255
"""The specification says 36; longer ones are echoed, since some stations invent their own."""
ERROR_TEXT_CHARACTERS = 255
REPAIR_CHARACTERS = 16 * 1024
REPAIR_DEPTH = 32
"""Invalid JSON beyond either is not mended: mending is for slips of firmware, not for floods."""
MENDED_ITEMS = 2_000
"""Elements of lists in one payload that breaks its schema; more are refused, since mending takes time."""
ENROL_EVSES = 2
"""Of a station that a tenant accepts without knowing it."""
TRACE_CHARACTERS = 64 * 1024
"""Of a frame in the trace."""
COMMAND_TIMEOUTS_BEFORE_RECONNECT = 3
"""A station that leaves so many CALLs in a row unanswered while it talks is told to reconnect (quirk 3)."""
CALL_TICK = 0.1
"""How often the clocks of links with commands are looked at."""
SLICE = 500
"""Connections that a sweep handles before others get their turn."""
SOCKETS_PER_PASS = 64
"""Readable sockets that the poller serves before others get their turn."""
TLS_LOOK_SECONDS = 5.0
"""How often the files of the server's certificates are looked at."""
PASS_SECONDS = 0.01
"""Readable sockets that the poller serves before others get their turn, and how long it serves them without a pause."""
GOODBYE_SECONDS = 5.0
"""For closing handshakes when the node stops."""


class GatewayLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds unless the name says otherwise."""

    message_bytes: int = 256 * 1024
    """A larger message is answered with close code 1009 (specification: at least 64 KiB)."""
    send_buffer_bytes: int = 256 * 1024
    """A station that does not read what it is sent is cut off beyond this."""
    connections: int = 20_000
    handshakes: int = 4_000
    """Connections that have not yet passed the upgrade, at once; at the bound the oldest that dawdled makes room."""
    dawdle_seconds: float = 2.0
    handshake_seconds: float = 20.0
    listen_backlog: int = 4_096
    accept_batch: int = 32
    """Connections accepted before others get their turn."""
    inbound_calls: int = 32
    """CALLs of one station waiting for their turn; then nothing more is read from it."""
    ask_seconds: float = 30.0
    """How long an actor may take (a commit included) before the gateway gives up on an answer."""
    crash_retries: int = 8
    """Times that a message is asked again after its actor crashed; poison is recognised by the runtime long before."""
    crash_pause: float = 0.02
    call_timeout: float = 30.0
    outgoing_calls: int = 64
    """Commands waiting behind the one that is out."""
    call_gap: float = 0.05
    """Pause between an answered CALL and the next one (quirk 4)."""
    messages_per_second: float = 50.0
    message_burst: int = 500
    """A station beyond this is read more slowly; one that stays beyond it for `flood_seconds` is closed with 1008."""
    flood_seconds: float = 60.0
    tick: float = 1.0
    """How often the sweeper looks at every connection."""
    ping_after: int = 55
    """Ticks of silence before a ping."""
    pong_within: int = 20
    """Ticks for the pong of a station that has answered pings before; TCP gives up on unacknowledged data as fast."""
    silence: int = 900
    """Ticks of silence that end a connection which never answered a ping."""
    close_within: int = 5
    """Ticks for the other side of a closing handshake."""
    failures_per_pair: int = 10
    """Refused upgrades of one identity from one address, refilled at one in 10 s; then 429 without looking."""
    failures_per_address: int = 500
    """The same of one address with whatever identities: carriers put thousands of stations behind one."""
    enrolments_per_address: int = 500
    """Unknown stations that a tenant accepts, from one address, refilled at one in 5 s; more get 429. Whoever knocks with
    identities that he makes up must not fill the database."""
    enrolments_per_tenant: int = 2_000
    """The same from all addresses, refilled at one a second."""
    failure_records: int = 20_000
    """Buckets kept; the least recently used goes first."""
