"""Every queue, timeout and retry bound of this room, in seconds unless a name says otherwise."""

CONNECT_TIMEOUT = 5.0
RECONNECT_FIRST = 0.05
RECONNECT_LONGEST = 2.0
"""Backoff between two attempts to connect, doubled from the first to the longest, jittered."""

AWAY_GRACE = 0.5
"""How long a call waits for a connection that is just being made, before it raises StoreAway."""

STATEMENT_TIMEOUT = 30.0
"""A statement without an answer for so long counts as a lost connection."""

READERS = 4
"""Connections for queries; the committer lanes, traces and notifications hold one each."""

READ_QUEUE = 1_000
"""Queries that may wait for a reader; one more is refused as if the database were away."""

SERIALIZATION_RETRIES = 8
"""How often a batch that met a deadlock or a serialization failure is run again before it counts as away."""

INTERNED_KEYS = 200_000
"""Actor keys kept in memory; the oldest tenth is forgotten when there are more."""

RECOVER_AT_ONCE = 500
"""Actors read by one recovery statement."""

MAINTENANCE_EVERY = 600.0
"""Partitions are made ahead, expired ones dropped, and what is old is forgotten this often, and first so long after a start."""

INBOX_DAYS = 30
INBOX_STATIONS = 10_000
ONE_TIME_DAYS = 2
"""After the last moment at which a card payment's one-time token could be good: then no node needs its card in memory."""
ONE_TIME_GONE_DAYS = 30
"""Then its row goes, too: by now every node has seen that it is deleted."""
ONE_TIME_BATCH = 10_000
"""Unknown stations that knocked are forgotten when they were not heard for so long, and beyond so many of a tenant: names can be
made up without end."""

PARTITION_LOCK_TIMEOUT_MS = 500
"""Partition upkeep gives up after waiting so long for a table, since commits wait behind it, and tries again later."""

SERVER_START_TIMEOUT = 300.0
SERVER_STOP_TIMEOUT = 120.0
"""Of the embedded server. After a crash it first reads its log again, up to 2 GB, and before it ends it writes down what it
holds in memory: on a slow disk each takes minutes. One that cannot start ends by itself, and is not waited for."""
LOCK_TIMEOUT = 330.0
"""How long starting the embedded server may wait for another process that starts or stops it."""

LONGEST_SOCKET_PATH = 100
"""Bytes. Above it the embedded server listens on a loopback port instead of a socket in its directory."""

NUMBERS_LOW = 500
"""Transaction numbers left in memory below which the next block of 1,000 is fetched."""

RETRY_AWAY = 1.0
"""Pause of a background task before it asks a database again that is away."""

CARDS_EVERY = 2.0
"""Cards in memory look this often for changes made on other nodes (5 s is what is promised)."""

CARDS_AT_ONCE = 500
"""Cards taken over between two checkpoints."""

SINK_EVERY = 0.5
SINK_BATCH = 500
"""Traces and the like are written this often, so many in one statement."""

SINK_TRACES = 20_000
SINK_TRACE_BYTES = 32 * 1024 * 1024
"""Traces waiting to be written, by number and by size of their bodies; the oldest is dropped for a newer one."""

QUIRKS_SHOWN = 500
"""Of one station: there are no more in any registry of sane size."""
SINK_QUIRKS = 50_000
"""Stations and quirks that wait to be added up."""
SINK_LINES = 10_000
"""Audit lines and events waiting to be written, and stations with a waiting `seen` or `inbox` row."""

SEEN_EVERY = 10.0
"""A station that was merely heard again is written this often; one that came or went, at once."""

SEAL_EVERY = 60.0
"""The ledger's hash chain gets a link this often, when there is something to seal."""

SERVER_LOG_BYTES = 10 * 2**20
"""The log of the embedded server begins anew above it; one older one is kept."""

WATCH_EVERY = 0.25
"""How often the embedded server is looked at while the node lives."""

AUDIT_PATIENCE = 600.0
"""What waits for longer than this (a letter, a due timer, an outbox row) counts as left behind."""

AUDIT_TIMEOUT = 3_600.0
"""One statement of an audit may read all of the books."""

CLEARING = {"1020": 10 * 86_400.0, "1160": 150 * 86_400.0, "1210": 62 * 86_400.0, "2400": 86_400.0}
"""By when a clearing account must have returned to zero for one reference: a payout takes days to reach the bank, a dispute
months, a roaming invoice comes monthly; what nobody could explain is for today."""

NIGHTLY_LOOK = 600.0
"""How often a node looks whether the audit of the night is due."""
NIGHTLY_HOUR = 2
"""It is due in this hour of UTC when the last one is older than NIGHTLY_LEAST, at any hour when it is older than NIGHTLY_MOST."""
NIGHTLY_LEAST = 20 * 3_600.0
NIGHTLY_MOST = 28 * 3_600.0

FINDINGS_KEPT = 1_000
FINDINGS_TOLD = 50
"""Of one audit: kept in its row, and told in log and feed."""

CHECKPOINTS_READ = 400
"""Signed checkpoints that an audit holds against the chain: a year and more."""

AUDIT_PAGE = 1_000
"""CDRs compared with their journals at a time."""

MISSING_SHOWN = 200
"""Journals without a movement at the payment provider that are named at once."""

WEBHOOK_QUEUE = 4_000
WEBHOOK_BATCH = 200
"""Webhooks that may wait to be written (one more is refused, and comes again), and so many are written in one statement."""

UNPAID_DAYS = 90
UNPAID_BATCH = 1_000
"""Payment attempts that came to nothing are kept so long unless settings say otherwise, and so many are dropped at a time."""
