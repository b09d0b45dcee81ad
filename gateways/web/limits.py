"""Every bound of the web gateway in one place: sizes, counts, rates, deadlines."""

from datetime import timedelta

BODY_BYTES = 1 * 1024 * 1024
"""Largest request body but for an import."""
IMPORT_BYTES = 8 * 1024 * 1024
IMPORT_ROWS = 20_000
IMPORT_PARALLEL = 16
"""Stations of one import that are asked at the same time: the rest of the node must not notice."""

PAGE_DEFAULT = 50
PAGE_MAX = 1000
STATEMENT_LINES = 10_000
"""Lines of a wallet's statement as CSV, the newest."""
QUERY_VALUE_CHARS = 1024
LOCATION_BYTES = 32 * 1024
"""Of a station's location: every session of the station keeps it as it was."""
FIELD_PROBLEMS = 100
"""Wrong fields told in one answer."""
STATEMENT_DOCUMENTS = 10_000
"""In one file of a month."""
MOST_POWER_W = 10_000_000
"""Of an EVSE that a tariff is judged for."""
STATIONS_NAMED = 5
"""Of those that stand in the way of a deletion."""

ASK_SECONDS = 10.0
"""For an actor that answers from memory or after one commit."""
EVIDENCE_DOCUMENTS = 20
"""Receipts and credit notes that the evidence in a dispute names."""
PROVIDER_SECONDS = 50.0
"""For an answer that the payment provider is asked for, twice in a row."""
LOOK_SECONDS = 2.0
"""For the live part of a reading; afterwards the row alone is the answer."""
COMMAND_SECONDS = 40.0
"""For a command: the station's own answer takes up to 30 s, and the line may report a little later."""
COMMAND_NOT_AFTER = 30.0

AUTH_FAILURES = 20
"""Failed authentications of one address within AUTH_WINDOW before it gets 429."""
AUTH_WINDOW = 60.0
AUTH_ADDRESSES = 10_000
PRINCIPAL_CACHE = 4096
PRINCIPAL_SECONDS = 5.0
"""A revoked token is refused after at most this long on a node that has just seen it."""

IDEMPOTENCY_KEYS = 4096
IDEMPOTENCY_KEY_CHARS = 255
IDEMPOTENCY_SECONDS = 24 * 3600.0
IDEMPOTENCY_BODY_BYTES = 256 * 1024

FEED_POLL_SECONDS = 0.5
FEED_PAGE = 500
FEED_RING = 5000
"""Events that a node keeps in memory for its SSE subscribers; who falls further behind reads the table."""
SSE_STREAMS = 200
SSE_STREAMS_PER_PRINCIPAL = 20
SSE_KEEPALIVE_SECONDS = 15.0

CONSOLE_TICK_SECONDS = 1.0
CONSOLE_SHARE = 20
"""A live page rests this many times as long as its last rendering took: a huge node is drawn less often."""
CONSOLE_SESSION_SECONDS = 12 * 3600
CONSOLE_TREE_ROWS = 500
CONSOLE_BRANCH_ROWS = 100
"""Children of one actor that are drawn at once."""
CONSOLE_OPEN_BRANCHES = 50
CONSOLE_LIST_ROWS = 100
CONSOLE_TRACE_ROWS = 100
CONSOLE_TRACE_PAGE = 500
CONSOLE_TRACE_SCAN = 2_000
"""Newest frames of a station that are searched for a direction or a text while somebody looks."""
CONSOLE_TRACE_SECONDS = 30 * 60
CONSOLE_TRACE_DEFAULT = 5 * 60
"""A live trace stops by itself after this, unless told another time up to the longest."""
ACTOR_TRACE_SECONDS = 600
CONSOLE_EXPORT_FRAMES = 20_000
CONSOLE_EXPORT_SECONDS = 300.0
CONSOLE_STORED_SECONDS = 5.0
"""How often a live page reads again what lies in the database."""
CONSOLE_WAITING_ROWS = 50
CONSOLE_BOOK_ROWS = 100
CENSUS_SLICE = 2_000
"""Lines that are searched before others run."""
CENSUS_RATE_SECONDS = 30.0
"""Two surveys further apart than this make no rate: it would tell of a time that is over."""

GRACEFUL_SECONDS = 5.0
LINGER_SECONDS = 2.0
"""How long a refusal waits for the rest of the body, which is dropped."""
APP_QUEUE = 1_000_000
"""Events of one request between hypercorn and the app. It must not fill: at 10, its default, hypercorn waits for ever to
tell an app that has answered early that the client is gone. The app empties it at once, within the body's limit."""
KEEP_ALIVE_SECONDS = 30.0
UNREAD_SECONDS = 60.0
"""A client that takes nothing of what is sent to it is disconnected after this."""
REFUSAL_SECONDS = 1.0
"""For telling a connection that there is no room for it."""
REQUEST_SECONDS = 60.0
"""An answer that is no stream is written within this, or the connection is closed."""

COMPOSITE_SECONDS = 31 * 86_400
"""The longest composite schedule that is asked for."""
SIGNED_RECORDS = 16
"""Signed meter values of a session whose signatures are verified when it is shown."""

WEBHOOK_BYTES = 512 * 1024
"""An event of the payment provider; the objects in them grow."""

PAY_WINDOW = 60.0
PAY_VIEWS = 1_200
"""Pages of one address within PAY_WINDOW. A whole mobile network may sit behind one address."""
PAY_ORDERS = 600
PAY_CODE_SHARE = 2
"""So many times what one address may, all together may ask of one code: no single address shuts a station's page to others."""
PAY_OPENS_WINDOW = 600.0
PAY_OPENS = 150
"""Payments that one network (an IPv4 address, a /64 of IPv6) may begin within PAY_OPENS_WINDOW, at all stations together; looking
costs nothing. Kept in memory: an address is personal data that no table needs, and a restart forgives ten minutes at most."""
PAY_OPENS_OF_CODE = 1_200
"""All together at one EVSE: a crowd of 500 has room, whoever fills the tables from everywhere has not."""
PAY_KEY_CHARS = 200
PAY_FORM_SECONDS = 30 * 60.0
"""How long the price on a page may be ordered by its form. Whoever read longer sees the page again."""
PAY_OPEN_SECONDS = 20.0
"""For the payment provider to open its page. Then the driver is told; the attempt stays and the same form finds it again."""
PAY_LOOK_SECONDS = 5.0
"""For the payment actor to say where an attempt is."""
PAY_CODE_CHARS = 64
PAY_TICK_SECONDS = 5.0
"""How often a live page asks how much was charged, besides when something happens."""
PAY_STREAMS = 4_000
PAY_STREAMS_PER_TOKEN = 5
PAY_STREAM_SECONDS = 900.0
"""A stream ends after this and the browser comes again: a forgotten page must not follow a session for ever."""
PAY_REFRESH_SECONDS = 10
"""How often a page without a script loads itself again while something is under way."""
MISSING_AFTER = timedelta(hours=24)
"""A movement that our books have, and the provider does not show for so long, is missing."""
MISSING_BACK = timedelta(days=90)
"""How far back missing ones are looked for."""
UNEXPLAINED_SHOWN = 50
BALANCES_SHOWN = 200
"""Movements, and balances of accounts, on the page of a reconciliation; all of them have lists of their own."""
EVIDENCE_CHARACTERS = 20_000
"""Of one text of the evidence in a dispute; the provider takes 150,000 in all."""
PAY_SIGNED_RECORDS = 1_000
"""Signed meter values of one session in its file."""
QR_SHEETS = 100
"""Of one station, at once."""
PAY_PAGE_BYTES = 100_000
"""A page with everything it loads (MONEY 7, 17)."""
