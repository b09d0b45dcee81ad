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
