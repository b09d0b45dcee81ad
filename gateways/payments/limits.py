"""Every bound of the payments gateway, by name. Seconds unless a name says otherwise."""

from datetime import timedelta

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
CALL_SECONDS = 25.0
"""For one wish, with everything that has to be asked for it: less than the outbox gives a handler (runtime/limits.py), so that
the wish ends here, where it is known what it means, and not by a cancellation."""
SDK_RETRIES = 2
"""For questions, and for what a driver waits for. What moves money is tried again by the outbox alone."""

SLOW_CALL = 2.0
SLOW_AT_ONCE = 4
"""An account whose calls take longer than SLOW_CALL has so few of them at a time (doors.py)."""
DESK_OF_ACCOUNT = 32
"""Wishes of one account under way: half of what the outbox hands out (runtime/limits.py), so that the others have places."""
DESK_PLACES = 64
"""As many as the outbox hands out at a time (runtime/limits.py): what several platform accounts share."""
DESK_TURNED_AWAY = 10_000

ASK_FIRST_AFTER = timedelta(seconds=60)
"""A wish older than this was probably sent before: what it did is looked for, and only what is not found is sent. A key would do
as long as the provider remembers it (24 hours), but a remembered failure is repeated for ever."""
CLOCK_SKEW = timedelta(minutes=5)
"""Ours against the provider's, where objects are looked for by when they were made."""
PAGE = 100
PAGES = 50
"""Of a list that is searched; an object that is not on them is taken for one that was never made only if the list ended."""
BALANCE_LINES = 1_000
"""Balance transactions in one BalanceSeen; `more` says where to go on."""
PAYOUT_LINES = 20_000
EVIDENCE_BYTES = 4_500_000
"""All files of one dispute; the provider takes 4.5 MB."""

CHECKOUT_SHORTEST = timedelta(minutes=30)
CHECKOUT_LONGEST = timedelta(hours=24)
CHECKOUT_MARGIN = timedelta(minutes=2)
"""The provider measures from when it gets the call, which may be that of a second try."""

WEBHOOK_AGE = 300
WEBHOOK_AHEAD = 60
"""How much older or newer than our clock the time in a signature may be."""
WEBHOOK_SECONDS = 10.0
"""A webhook that cannot be written within it is answered 503, and comes again."""
WEBHOOK_WARNED = 60.0
"""Forged ones of an endpoint are told in the log so often."""
SUBJECT_BYTES = 500
"""Longest text that is kept of an event."""

ERROR_KEPT = 300
DETAIL_LOGGED = 200
"""Characters of what went wrong: with an event in the inbox, and in the log."""

WORKER_BATCH = 300
"""Events at a time: the more, the more of them are about the same object, which is fetched once."""
WORKER_ROUND = 2.0
"""Objects that take longer than this are left behind while the next events are taken."""
WORKER_AT_ONCE = 16
"""Objects fetched at the same time. The provider allows about 100 requests a second."""
WORKER_OF_ACCOUNT = 8
"""Of them on one account; the others of it wait for these, and take no places from other accounts."""
WORKER_LEASE = 120.0
WORKER_POLL = 2.0
WORKER_ASK = 20.0
WORKER_AWAY = 1.0
WORKER_BACKOFF = 2.0
WORKER_BACKOFF_CAP = 900.0
WORKER_ATTEMPTS = 14
"""About an hour and a half of growing pauses; then the event is parked, where `csms audit` and the metrics show it."""
INBOX_KEPT = timedelta(days=90)
PRUNE_EVERY = timedelta(minutes=10)
PRUNE_BATCH = 10_000

WATCH_EVERY = 600.0
WATCH_TROUBLED = 30.0
"""A platform account whose key is not taken is asked so often whether it is again."""
WATCH_CALL = 20.0

SWEEP_EVERY = 600.0
SWEEP_BACK = timedelta(days=3)
"""Events that the provider could not deliver are asked for so far back: as long as it tries itself."""
SWEEP_EVENTS = 500
ATTEMPT_SILENT = timedelta(minutes=10)
"""An attempt that waits for the provider for so long without news is looked at."""
SWEEP_ATTEMPTS = 200
