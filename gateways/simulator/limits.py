"""Every bound of the simulator, in seconds unless named otherwise."""

CALL_TIMEOUT = 30.0
"""A CALL without an answer for so long: the station gives the connection up and comes back."""
CONNECT_TIMEOUT = 20.0
BACKOFF_FIRST = 0.5
BACKOFF_MOST = 15.0
"""Reconnects wait a random time below a bound that doubles from the first to the most."""
RETRY_INTERVAL = 2.0
"""Between attempts of a transaction message that was answered with CALLERROR, times the attempt."""
MESSAGE_ATTEMPTS = 5
"""CALLERRORs after which a transaction message is given up (1.6 TransactionMessageAttempts)."""
QUEUE_MOST = 10_000
"""Transaction messages that one station keeps while it is offline."""
FRAME_MOST = 1 << 20
"""Bytes of an incoming frame."""
LATENCIES_KEPT = 20_000
"""Round trips remembered for the percentiles of a summary."""
CONNECTORS_MOST = 100
"""Of one station."""
ZOMBIES_MOST = 4
"""Silently abandoned sockets that one station keeps open."""
REBOOT_TIME = 0.5
BOOT_WAIT_LEAST = 0.2
"""A CSMS that answers Pending or Rejected with interval 0 is asked again after this."""
HEARTBEAT_DEFAULT = 300.0
TICK_MOST = 60.0
"""A station looks at least so often whether something is due."""
OUT_OF_ORDER_WAIT = 1.0
"""How long a message is held back for a later one to overtake it."""
DRIB_BYTES = 16
DRIB_PAUSE = 0.02
"""A slow sender: so many bytes, then a pause."""
STORM_EVERY = 10.0
"""How often the dice of the reconnect storm are rolled."""

STAGE_PAUSE = 0.2
"""Between two steps of a firmware update or of an upload: everything is nearer in a simulation."""
UPDATES_WAIT_MOST = 3600.0
"""A retrieve or install date further away than this is waited for no longer."""

PROFILES_MOST = 100
LOCAL_LIST_MOST = 10_000
CACHE_MOST = 1_000
"""Tokens that a station remembers from earlier answers."""
MESSAGES_MOST = 50
"""Display messages."""
MONITORS_MOST = 500
CERTIFICATES_MOST = 30
RESERVATIONS_MOST = 100
VARIABLES_MOST = 2_000
"""Of one device model, fillers included."""
NETWORK_SLOTS_MOST = 10
EVENTS_QUEUED_MOST = 1_000
"""Alerts kept while the station is offline."""
REPORT_ITEMS = 50
"""Entries in one part of a report, unless DeviceDataCtrlr says otherwise."""

SOAP_BODY_MOST = 1 << 20
SOAP_HEADER_MOST = 64 << 10
SOAP_SERVER_IDLE = 60.0
"""A connection to the station's own server without a request for so long is closed."""
