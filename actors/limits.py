"""Every bound of the domain, in one place. Changing one changes no stored fact."""

from datetime import timedelta

import msgspec


class DomainLimits(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Defaults suit a public network of AC and DC stations; tests shorten the times."""

    heartbeat_interval: int = 300
    """Seconds; a tenant's setting `heartbeat_interval` goes before it."""
    pending_boot_interval: int = 60
    """Seconds until a station that was answered Pending or Rejected boots again."""

    row_every: timedelta = timedelta(seconds=10)
    """A session's read-model row is coalesced to one write in this time, except at transitions."""
    overdue_after: timedelta = timedelta(hours=12)
    """Silence after which an open session is flagged (never ended)."""
    ended_idle: float = 20.0
    """Seconds after which a session that has ended is forgotten: a retried stop comes sooner, or wakes it again."""
    recent_meters: int = 48
    """Natural keys of MeterValues that a session remembers to recognise a retry."""
    series_points: int = 512
    """Readings that a session keeps for rating; beyond it interior points are thinned."""
    signed_readings: int = 8
    """Signed records that a session keeps for its CDR: the first and the last ones."""
    charging_changes: int = 256
    """Changes of the charging state that a session keeps for rating."""
    start_generations: int = 5
    """Sessions with the same natural start key that are found by it. Each is one forward, and so are two more for the starts
    beyond (actors/session/decide._started_again): the runtime bounds those."""
    claimants: int = 4
    """Open sessions that are asked whether a stop without a number is theirs; a station with more keeps it as stray."""
    contradictions: int = 8
    """Contradicting stops that a session remembers to recognise a retry."""
    flags: int = 32
    """Distinct flags a session keeps."""

    gap_timeout: timedelta = timedelta(minutes=30)
    """How long the missing events of an ended 2.x transaction are waited for, from its end; then it goes on without them."""
    event_ranges: int = 64
    """Gaps in the numbers of a transaction's events that a session tells apart; with more it never counts as complete."""
    event_contents: int = 48
    """Hashes of recent events by which a session tells a retry from a contradiction."""
    event_tokens: int = 8
    """Tokens that a session remembers to have been presented; the one that pays is always among them."""
    intervals: int = 1024
    """Energy intervals that a session of a station without a register keeps: ten days of quarters of an hour."""
    cost_every: timedelta = timedelta(seconds=60)
    """The running cost of a session is reckoned and told at most this often."""
    cost_points: int = 48
    """Readings that a running cost looks at."""

    cost_check: timedelta = timedelta(seconds=15)
    """An open session that a card or a wallet pays is looked at when it may have come to its limit, whether its meter speaks or
    not; so long after the last time at the earliest."""
    cost_silence: timedelta = timedelta(seconds=45)
    """A meter that says nothing for longer: from then on the station is taken to give all it can. With `cost_check` it makes the
    meter interval that the reserve of a hold is reckoned with (a minute, and a command's way)."""
    stop_attempts: int = 3
    """Orders to end the transaction of a session that may not go on; then an operator has to look."""
    stop_pause: timedelta = timedelta(minutes=2)
    """Before the next of them, where the station did not take the last one."""
    stop_within: timedelta = timedelta(hours=12)
    """How long such an order waits for its station."""
    hold_patience: float = 5.0
    """Seconds that a station waits for a wallet's hold before it answers without."""
    hold_power_w: int = 50_000
    """What a station is taken to give where its location does not say: so much is asked of a wallet."""
    hold_for: timedelta = timedelta(minutes=10)
    """A hold with which nothing began is let go after it."""
    hold_bound: timedelta = timedelta(days=1)
    """The same of one whose session was about to begin, and never said so."""
    wallet_holds: int = 64
    """Holds of a wallet at a time."""
    wallet_sales: int = 64
    """Sessions of a wallet that can be refunded into it: the last ones."""
    wallet_refund_days: int = 10
    """So long a card's refund may be on its way when a wallet closes: before that, what is left is not paid out otherwise."""
    wallet_topups: int = 16
    """Top-ups to which a closing wallet sends money back: the last ones."""
    wallet_owed: int = 256
    """Sessions of which something is owed that a wallet collects by itself: the last ones. The books keep all of them."""
    wallet_promos: int = 16
    """Promo credits of a wallet that are not used up."""
    wallet_ids: int = 64
    """Ids of credits and refunds that a wallet remembers, so that a repeated one changes nothing."""

    seen_every: timedelta = timedelta(seconds=60)
    """A live station's last-seen row is written at most this often."""
    open_commands: int = 16
    """Commands under way at one station; more are refused."""
    recent_commands: int = 32
    """Settled command ids that a station remembers, so that a repeated id is never sent again."""
    call_timeout: float = 30.0
    """Seconds a station has to answer a CALL, at most (a command's `not_after` may be sooner)."""
    call_grace: float = 5.0
    """Seconds after which a CALL that the line never reported on is settled as unknown."""
    open_orders: int = 64
    """Orders of our own actors that wait at one station; one more ends as failed (`Busy`)."""
    followed_request: int = 1_000_000_000
    """A request id that an operator made up is never given out again, up to this; beyond it our own would run out."""
    greet_after: timedelta = timedelta(seconds=2)
    """Pause between an accepted boot and its letters to the siblings: the station has its statuses to tell first."""
    greetings_per_second: int = 20
    """Stations of a node whose boots are told to siblings; each may wake several actors and lead to commands."""
    pending_starts: int = 16
    """Remote starts that wait for their transaction, per station."""
    remote_start_window: timedelta = timedelta(seconds=180)
    """How long an accepted remote start explains a start (1.6 ConnectionTimeOut and some)."""
    variables: int = 5000
    """Variables that a station's device model keeps; what comes beyond is answered, counted and not kept."""
    device_idle: float = 20.0
    device_idle_spread: float = 60.0
    """Seconds after which a device model is put away (it is large, and seldom asked), and up to how many more, by station."""
    reports: int = 8
    """Reports of a station that are assembled at once or remembered to recognise a repeated part."""
    report_parts: int = 10_000
    """Of one report; a part numbered beyond is answered and not kept."""
    report_silence: timedelta = timedelta(minutes=5)
    """A report whose next part does not come for so long has ended, incomplete: it removes nothing."""
    inventory_after: timedelta = timedelta(hours=24)
    """How long the request for an inventory waits for its station."""
    inventory_attempts: int = 3
    inventory_pause: timedelta = timedelta(minutes=10)
    """Before an inventory that failed or broke off is asked for again; longer each time."""
    prune_slice: int = 200
    """Variables removed in one turn."""
    monitors: int = 1000
    alerts: int = 200
    """Active alerts kept of a station; one more pushes the oldest out."""
    recent_events: int = 256
    """Events remembered to recognise a repeated one."""
    pending_reboot: int = 64
    """Settings that wait for a reboot, remembered per station."""
    routes: int = 64
    """Transaction numbers whose session a station remembers in memory; others are looked up."""

    security_events: int = 100
    """Security events of a station that its book shows; the journal has all of them."""
    status_history: int = 50
    """Firmware and log statuses of a station that its books show, each."""
    detail_characters: int = 1024
    """Of free text (technical information) that is kept of a station's message."""
    customer_reports: int = 8
    """Customer reports kept (sealed) of a station; one more makes the oldest unreadable."""
    customer_report_parts: int = 250
    """Of one report; what comes beyond is not kept, and the report says so."""
    trusted_authorities: int = 64
    """CAs that a tenant trusts besides its own."""
    certificates: int = 16
    """Certificates issued to a station that its keeper remembers; the revoked ones are remembered elsewhere."""
    installed_certificates: int = 64
    """Certificates that a station reports as installed."""
    certificate_orders: int = 16
    """Orders about certificates under way at one station."""
    csr_patience: timedelta = timedelta(seconds=60)
    """While the CA is busy with a station's request, another one of the same type is refused so long: a station cannot keep
    a CA busy by itself."""
    renew_before: timedelta = timedelta(days=30)
    """A station's certificate is renewed so long before it expires, or when a third of its life is left if that is less."""
    renew_again: timedelta = timedelta(days=1)
    """Pause between attempts to have a certificate renewed."""
    certificate_order_within: timedelta = timedelta(days=7)
    """How long a station may be away until an order about its certificates is given up."""
    charging_profiles: int = 200
    """Charging profiles that the book of a station holds; the oldest go first."""
    charging_periods: int = 20_000
    """Periods of all those profiles together, and of all limits: the oldest profiles and limits go first."""
    external_limits: int = 64
    """Limits of others, and vehicles' wishes, that the book of a station holds."""
    display_messages: int = 200
    """Display messages that the book of a station holds; the oldest go first."""
    reservations_open: int = 64
    reservations_over: int = 32
    """Reservations of a station that are open, and that ended last."""
    reservation_grace: timedelta = timedelta(minutes=2)
    """A reservation is over this long after its end, when the station does not say so itself."""
    list_entries: int = 10_000
    """Tokens of a station's local list."""
    list_items: int = 50
    """Entries in one SendLocalList, where the station does not say how many it takes."""
    list_failures: int = 5
    """Steps that may fail in a row; then the list waits for an operator, or for the next boot with other firmware."""
    list_retry: timedelta = timedelta(minutes=1)
    """Wait after a failed step, times the failures so far."""
    list_check: timedelta = timedelta(minutes=15)
    """How often a kept list is compared with what the tenant says of its tokens."""
    list_within: timedelta = timedelta(days=1)
    """A step waits this long for a station that is away."""
    open_reports: int = 8
    """Reports in parts that are under way at once; the oldest are given up."""
    profile_span: timedelta = timedelta(hours=24)
    """What a profile made for a vehicle covers when it did not say when it leaves."""
    profile_periods: int = 24
    """Periods of such a profile, at most (K15: never more than the vehicle or the station can take)."""
    profile_within: timedelta = timedelta(seconds=50)
    """After a vehicle's needs a profile is due within 60 s."""

    unregistered_evses: int = 16
    """EVSEs beyond the registered ones whose status a station remembers in memory, for an operator to see."""
    largest_evse: int = 1_000_000
    """A transaction on a connector beyond it is kept without one: it is none, and the rows hold 31 bits."""
    status_future: timedelta = timedelta(minutes=5)
    """A status timestamp further ahead of us than this orders as if it came now."""
    status_slack: timedelta = timedelta(seconds=10)
    """A status older than the known one by less came after it all the same: the boot reply has just set the station's
    clock, in whole seconds and late by the network. One from an offline queue is older by more."""
    connectors: int = 32
    """Of an EVSE, whose statuses are shown; what a station says of more stands in the journal only."""
    evse_reservations: int = 8
    """Reservations for one EVSE that it knows of."""
    closed_sessions: int = 8
    """Sessions that an EVSE remembers as closed, so that a late opening letter changes nothing."""

    campaign_targets: int = 10_000
    """Stations of a campaign; with more it ends before it has begun."""
    campaign_at_once: int = 500
    """Stations of a campaign that may be under way at the same time."""
    campaign_slice: int = 50
    """Orders that a campaign gives out, or withdraws, in one turn."""
    campaign_gather: int = 500
    """Targets that are resolved in one turn."""
    campaign_grace: timedelta = timedelta(seconds=10)
    """After its deadline the station's actor has had time to say what became of an order."""
    campaign_unclear: timedelta = timedelta(minutes=15)
    """How long a station may take to be heard of, when nobody can tell whether it got an order."""

    merchant_partners: int = 8
    """Partners that share in a merchant's sessions."""
    merchant_slice: int = 200
    """Payments, or lines of a balance, that a merchant looks at in one turn."""
    merchant_told: int = 20
    """Lines of a balance that one event names."""
    merchant_moves: int = 16
    """Transfers of a merchant under way; what is owed beyond waits."""
    transfer_at_once_minor: int = 500
    transfer_refs: int = 50
    transfer_within: timedelta = timedelta(hours=24)
    """What is owed is sent when it is so much, when so many sessions make it up, or after so long."""
    transfer_again: timedelta = timedelta(minutes=15)
    """Before a transfer that the provider refused is asked for again; twice as long each time, up to the most."""
    transfer_again_most: timedelta = timedelta(days=1)
    payout_again: timedelta = timedelta(hours=1)
    payout_tries: int = 72
    """Pause and number of questions for the lines of a payout, which the provider puts together some time after it is paid."""
    reconcile_every: timedelta = timedelta(hours=24)
    reconcile_back: timedelta = timedelta(days=2)
    """How far a question for balance lines goes back behind what is known."""
    unmatched_after: timedelta = timedelta(hours=24)
    """A movement at the provider that our books do not explain for so long goes to suspense."""
    oauth_within: timedelta = timedelta(minutes=30)
    """How long the holder of an account may take to let us in."""

    template_settings: int = 200
    """Settings of a configuration template."""
    template_slice: int = 25
    """Stations that a template tells of its newest version in one turn."""
    templates: int = 500
    """Templates of a tenant that are looked at for those that match a station."""
    setting_items: int = 10
    """Variables in one GetVariables, where the station does not say how many it takes."""
    setting_items_most: int = 50
    setting_within: timedelta = timedelta(days=1)
    """How long the order to tell or to set a value waits for its station."""
    setting_tries: int = 3
    """Of a read, and of each setting, in one round; then it waits for the next boot, or for an operator."""
    setting_pause: timedelta = timedelta(minutes=2)
    """Before a read or a setting that got no answer is tried again."""
    drift_shown: int = 20
    """Settings named in one event about drift."""
    configuration_idle: float = 30.0

    payment_open: timedelta = timedelta(minutes=3)
    """How long the provider may take to open its page before the driver is told that it is away."""
    payment_page: timedelta = timedelta(minutes=31)
    """How long its page takes a payment (the provider wants 30 minutes at least)."""
    payment_look: timedelta = timedelta(seconds=15)
    payment_look_most: timedelta = timedelta(minutes=5)
    """Pause before the provider is looked at again where no webhook came; longer each time, up to the second."""
    payment_look_again: timedelta = timedelta(seconds=2)
    """A driver who comes back makes us look, but not more often."""
    claims_of_card: int = 5
    """So often within `claims_window` may one card claim an EVSE without a session: somebody whose plug does not fit tries three
    times and then calls the helpline."""
    claims_window: timedelta = timedelta(hours=1)
    claims_idle: int = 64
    """Claims without a session that an EVSE remembers."""
    payment_claim: timedelta = timedelta(minutes=3)
    """From the hold to the order to start: the EVSE is claimed so long."""
    payment_start: timedelta = timedelta(seconds=90)
    """How long the station may take to start, from the order on; then the hold is let go."""
    payment_start_grace: timedelta = timedelta(seconds=5)
    """After the deadline a start that was made before it has had time to be told."""
    payment_stop_within: timedelta = timedelta(hours=24)
    """How long an order to stop waits for a station that is away."""
    payment_stops: int = 10
    """Orders to stop of one attempt."""
    payment_guard: timedelta = timedelta(hours=24)
    """A hold is captured or let go so long before it ends by itself."""
    payment_hold: timedelta = timedelta(days=4, hours=18)
    """How long a hold lasts whose end the provider did not tell: the shortest there is (MONEY 1.2)."""
    payment_guard_answer: timedelta = timedelta(minutes=30)
    """How long the session may take to tell its cost when the hold is about to end."""
    payment_again: timedelta = timedelta(seconds=5)
    payment_again_most: timedelta = timedelta(minutes=15)
    """Pause before a call whose outcome is unsure, or that was refused, goes out again; longer each time, up to the second."""
    payment_refusals: int = 5
    """Refusals of a capture or a release until it is tried only once a day, for an operator to look."""
    payment_daily: timedelta = timedelta(hours=24)
    payment_fee_looks: int = 24
    """Looks for the provider's fee of a capture (it is seldom late); then reconciliation finds it."""
    payment_excess_tries: int = 5
    """How often what was taken too much is refunded by itself, once a day, before it is left to an operator."""
    payment_watch: timedelta = timedelta(hours=6)
    """How often pending refunds and open disputes are looked at where no webhook came."""
    payment_refunds: int = 50
    """Refunds of one attempt that may be asked for."""
    payment_refunds_seen: int = 200
    """With those that were made elsewhere: what is beyond is for an operator."""
    payment_disputes: int = 8
    payment_strays: int = 8
    """Sessions with the token of one attempt that nobody pays, remembered so that each is stopped once."""
    payment_early: int = 8
    """Refunds and disputes seen before the capture was."""
    payment_idle: float = 60.0
