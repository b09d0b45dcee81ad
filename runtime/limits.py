"""Every bound of the runtime in one place: queues, batches, timeouts, retries.

Nothing here may be infinite. A number says what it bounds and what happens at the bound.
"""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds are seconds of the injected clock. Tests shrink what they must."""

    # -- mailboxes
    mailbox: int = 1024
    """User messages queued per actor; beyond it the overflow policy of the message's class decides."""
    system_lane: int = 64
    """System messages queued per actor; beyond it they are refused."""
    turns_per_checkpoint: int = 16
    """Turns without a pause after which an actor lets others run (a lean mailbox is no trio checkpoint)."""
    nested_turns: int = 8
    """Turns taken in the sender's task, one inside the other; what goes deeper is queued."""
    later_per_actor: int = 256
    """Reply slots an actor may keep for a later decision; one more is a crash of the decision that wanted it."""
    hops: int = 8
    """How often one ask may be forwarded."""

    # -- committer
    main_batch: int = 256
    money_batch: int = 64
    """Half of the main one, since journals cost more than facts; much smaller, and their fixed cost is paid too often."""
    away_backoff: float = 0.05
    """First pause after StoreAway; doubles up to `away_backoff_cap`."""
    away_backoff_cap: float = 2.0
    flush_shield: float = 10.0
    """How long a flush under way may outlive the cancellation of the node."""
    conflict_pause: float = 0.02
    """Longest pause, times the attempt, before a message that lost a race is decided again."""
    conflict_retries: int = 5
    """How often one message may lose its turn to another incarnation before it counts as a crash."""

    prepare_timeout: float = 30.0
    """For one `prepare`; beyond it the message crashes its actor."""

    # -- activation and passivation
    recover_batch: int = 256
    recover_lanes: int = 2
    """Concurrent `store.recover` calls; commits never queue behind them."""
    idle_sweep: float = 5.0
    idle_sweep_slice: int = 500
    """Actors looked at before the sweeper lets others run."""
    checkpoint_behind_on_drain: int = 8
    """Facts after the checkpoint from which a draining actor writes a new one."""
    consumed_remembered: int = 64
    """Letter keys an actor remembers as consumed, which spares a duplicate its trip to the store."""

    # -- crashes
    restart_budget: int = 10
    restart_window: float = 60.0
    """Restarts of one actor within the window; one more and it cools down, its asks refused meanwhile."""
    restart_backoff: float = 0.02
    """Pause before the second restart in the window; the first has none; doubles up to the cap, jittered."""
    restart_backoff_cap: float = 10.0
    cool_down: float = 30.0
    escalation_budget: int = 3
    escalation_window: float = 60.0
    """Children of one parent that may exhaust their budgets within the window before the parent is restarted."""
    poison_after: int = 3
    """Crashes on one fingerprint after which the message becomes a durable dead letter."""
    fingerprints: int = 10_000
    fingerprint_window: float = 3600.0
    traceback_frames: int = 24

    # -- letters, timers, outbox
    letter_sweep: float = 2.0
    letter_age: float = 3.0
    """Letters older than this that nobody consumed are delivered again."""
    letter_batch: int = 500
    sweep_batch_cap: int = 16_000
    """A page of letters or timers that nobody can take now (stopped actors) makes the next one twice as long, up to this, so
    that those behind it are not forgotten."""
    timer_poll: float = 5.0
    """Longest sleep of the timer worker (another node may have set an earlier timer)."""
    timer_batch: int = 500
    timer_pause: float = 0.05
    """Shortest pause between two looks while delivered timers wait for their actors."""
    timer_retry: float = 1.0
    """Pause before a due timer that its actor did not consume is delivered again."""
    outbox_poll: float = 2.0
    outbox_batch: int = 64
    """Handlers at work at the same time."""
    outbox_timeout: float = 30.0
    """For one handler call, and again for the turn that settles its result."""
    outbox_lease: float = 90.0
    outbox_backoff: float = 1.0
    outbox_backoff_cap: float = 900.0

    # -- asks and inspection
    deadline_tick: float = 0.02
    """Granularity of ask deadlines and volatile timers."""
    lag_interval: float = 0.25
    """How often the stall of the loop is measured; 0 turns it off."""
    order_timeout: float = 5.0
    """How long an operator's order waits for its actor by default."""
    queued_shown: int = 50
    survey_slice: int = 500
    """Actors looked at for a list or a tree before others run."""
    drain_actor: float = 20.0
    """How long an actor that is drained waits for the asks that it wants to answer later."""
    trace_entries: int = 200
    trace_seconds: float = 600.0
    remembered_requests: int = 4096
    """Requests from other nodes whose answers are kept for a duplicate."""
    drain_step: float = 0.02

    # -- supervised services
    service_budget: int = 100
    service_window: float = 60.0
    """More than the backoff lets happen in the window: the node's own services are retried for ever, visibly, since losing
    the database (however its driver says so) is a state and never the end of a node."""
    start_timeout: float = 30.0
    stop_timeout: float = 15.0
