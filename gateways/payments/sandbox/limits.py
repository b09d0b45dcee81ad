"""Every bound of the sandbox, in seconds unless named otherwise."""

BODY_MOST = 6 << 20
"""Bytes of a request; a file of evidence may have 5 MB."""
HEAD_MOST = 32 << 10
"""Bytes of a request's head."""
CONNECTIONS_MOST = 2_000
IDLE_TIMEOUT = 75.0
"""A connection on which nothing is asked for so long is closed."""
READ_TIMEOUT = 30.0
"""From the first byte of a request to its last."""
HANG_MOST = 600.0
"""A request that is to hang is given up after this."""
FIELDS_MOST = 1_000
"""Fields of a form."""
DEPTH_MOST = 8
"""Brackets in a field's name."""

OBJECTS_MOST = 400_000
"""All objects together. One more and every call is refused: the sandbox is full."""
EVENTS_MOST = 50_000
"""Events kept, oldest forgotten first."""
EVENTS_KEPT = 30 * 86400
CALLS_MOST = 20_000
"""Entries of the journal of calls, oldest forgotten first."""
CALL_BYTES_MOST = 4_000
"""Of one call's parameters in the journal."""
KEYS_MOST = 100_000
KEY_KEPT = 24 * 3600
"""An idempotency key is forgotten after this."""
KEY_LENGTH_MOST = 255
RULES_MOST = 1_000
"""Induced faults that wait for their call."""

DELIVERIES_MOST = 50_000
"""Webhook deliveries that wait. One more is dropped, and shows among the events not delivered."""
SENDERS = 8
"""Webhooks sent at the same time."""
DELIVERY_TIMEOUT = 10.0
RETRIES = (0.5, 2.0, 8.0, 30.0, 120.0, 600.0)
"""Pauses between attempts to deliver a webhook. The real ones are hours; what matters is that there are some."""
HELD_MOST = 2.0
"""How long a webhook that is to be overtaken waits for another one."""

PAGE_MOST = 100
PAGE_USUAL = 10
"""Objects of one page of a list."""
EXPAND_DEPTH = 4
METADATA_MOST = 50
METADATA_KEY = 40
METADATA_VALUE = 500
"""Characters."""
SESSION_LEAST = 30 * 60
SESSION_MOST = 24 * 3600
"""How far ahead a Checkout Session may expire."""
LINK_KEPT = 300
"""An account link."""
CODE_KEPT = 300
"""An OAuth code."""
EVIDENCE_TIME = 14 * 86400
TICK_MOST = 1.0
"""The longest between two looks at what the clock has made due."""
CLOCK_STEP_MOST = 400 * 86400
"""The farthest that one jump of the clock goes."""
