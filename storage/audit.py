"""`csms audit`: walks a database and says what does not add up, in plain words; silent when all is well.

It reads only, beside a running node, and reports what no correct run of the system leaves behind: books that do not
balance, a bill without a journal, an obligation that nobody will meet. What may look odd for a moment while a node works
(a letter on its way, a timer just due) counts only once it is older than its limit.
"""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec

from actors.model.money import Cost, to_minor
from storage import audit_money, limits
from storage.checkpoints import Checkpoints
from storage.database import Database
from storage.ledger import Finding, verify

# Each answers (tenant, subject, detail). $1 is how old what waits may be before it counts as left behind.
_CHECKS: dict[str, str] = {
    "letter": """
        SELECT l.tenant, concat_ws('/', k.tenant, k.kind, k.id), format('a letter of %s (turn %s) has waited since %s',
            coalesce(concat_ws('/', s.tenant, s.kind, s.id), 'an unknown actor'), l.from_seq, l.sent_at)
        FROM letter l LEFT JOIN actor k ON k.key = l.receiver LEFT JOIN actor s ON s.key = l.sender
        WHERE l.sent_at < now() - $1::interval""",
    "timer": """
        SELECT t.tenant, concat_ws('/', k.tenant, k.kind, k.id), format('its timer %s has been due since %s', t.name, t.due)
        FROM timer t LEFT JOIN actor k ON k.key = t.actor WHERE t.due < now() - $1::interval""",
    "outbox": """
        SELECT o.tenant, concat_ws('/', k.tenant, k.kind, k.id), CASE o.klass
            WHEN 'once' THEN format('the outcome of %s (%s), to be sent by %s, was never settled', o.id, o.topic, o.not_after)
            ELSE format('%s (%s) is overdue since %s after %s attempts: %s', o.id, o.topic, o.due, o.attempt, o.error) END
        FROM outbox o LEFT JOIN actor k ON k.key = o.actor
        WHERE CASE o.klass WHEN 'once' THEN o.not_after ELSE o.due END < now() - $1::interval""",
    "webhook": """
        SELECT '', event_id, CASE state
            WHEN 'parked' THEN format('a webhook (%s) was given up after %s attempts: %s', type, attempt, error)
            ELSE format('a webhook (%s) has waited since %s: %s', type, received_at, error) END
        FROM stripe_inbox WHERE state = 'parked' OR state = 'waiting' AND received_at < now() - $1::interval""",
    "obligation": """
        SELECT s.tenant, s.id, 'an open session that nothing will wake: no timer, no letter, no outbox row'
        FROM session s JOIN actor k ON (k.tenant, k.kind, k.id) = (s.tenant, 'session', s.id)
        WHERE s.state = 'active' AND s.updated_at < now() - $1::interval
            AND NOT EXISTS (SELECT FROM timer t WHERE (t.tenant, t.actor) = (k.tenant, k.key))
            AND NOT EXISTS (SELECT FROM letter l WHERE (l.tenant, l.receiver) = (k.tenant, k.key))
            AND NOT EXISTS (SELECT FROM outbox o WHERE (o.tenant, o.actor) = (k.tenant, k.key))""",
    "payment": """
        SELECT p.tenant, p.id, format('it is %s, and nothing will wake it: no timer, no letter, no outbox row', p.state)
        FROM payment p JOIN actor k ON (k.tenant, k.kind, k.id) = (p.tenant, 'payment', p.id)
        WHERE p.state NOT IN ('settled', 'expired', 'released', 'lost', 'refunded', 'refunded_partial', 'dispute_lost')
            AND p.updated_at < now() - $1::interval
            AND NOT EXISTS (SELECT FROM timer t WHERE (t.tenant, t.actor) = (k.tenant, k.key))
            AND NOT EXISTS (SELECT FROM letter l WHERE (l.tenant, l.receiver) = (k.tenant, k.key))
            AND NOT EXISTS (SELECT FROM outbox o WHERE (o.tenant, o.actor) = (k.tenant, k.key))""",
    "order": """
        SELECT f.tenant, concat_ws('/', k.tenant, k.kind, k.id),
            format('order %s of %s waits, and no timer will end it', f.body ->> 'id', f.body ->> 'by')
        FROM fact f JOIN actor k ON k.key = f.actor
        WHERE f.type = 'order_accepted'
            AND NOT EXISTS (SELECT FROM timer t
                WHERE (t.tenant, t.actor, t.name) = (f.tenant, f.actor, 'order:' || (f.body ->> 'id')))
            AND NOT EXISTS (SELECT FROM fact o WHERE (o.tenant, o.actor) = (f.tenant, f.actor) AND o.seq >= f.seq
                AND (o.type = 'unregistered'
                    OR o.type IN ('order_sent', 'order_dropped') AND o.body ->> 'id' = f.body ->> 'id'))""",
    "number": """
        SELECT n.tenant, n.session, format('transaction number %s is its natural key, but %s', n.number,
            CASE WHEN s.id IS NULL THEN 'there is no such session' ELSE format('it says number %s', s.number) END)
        FROM number n LEFT JOIN session s ON (s.tenant, s.id) = (n.tenant, n.session)
        WHERE s.number IS DISTINCT FROM n.number
        UNION ALL
        SELECT n.tenant, n.session, format('it has several transaction numbers: %s', string_agg(n.number::text, ', '))
        FROM number n GROUP BY n.tenant, n.session HAVING count(*) > 1""",
    "fact beyond head": """
        SELECT f.tenant, concat_ws('/', k.tenant, k.kind, k.id), format('a fact has number %s, the head is at %s', f.seq, h.seq)
        FROM (SELECT tenant, actor, max(seq) AS seq FROM (
                SELECT tenant, actor, seq FROM fact UNION ALL SELECT tenant, actor, seq FROM meter
                UNION ALL SELECT tenant, actor, seq FROM checkpoint) f GROUP BY 1, 2) f
        LEFT JOIN head h ON (h.tenant, h.actor) = (f.tenant, f.actor) LEFT JOIN actor k ON k.key = f.actor
        WHERE f.seq > coalesce(h.seq, 0)""",
    "missing fact": """
        SELECT f.tenant, concat_ws('/', k.tenant, k.kind, k.id),
            format('turn %s has %s of its %s facts', f.seq, f.found, f.last + 1)
        FROM (SELECT tenant, actor, seq, count(*) AS found, max(n) AS last FROM (
                SELECT tenant, actor, seq, n FROM fact UNION ALL SELECT tenant, actor, seq, n FROM meter) f
              GROUP BY 1, 2, 3 HAVING count(*) <> max(n) + 1) f
        LEFT JOIN actor k ON k.key = f.actor
        WHERE NOT EXISTS (SELECT FROM checkpoint c WHERE (c.tenant, c.actor) = (f.tenant, f.actor) AND c.seq >= f.seq)""",
    "head without a past": """
        SELECT h.tenant, concat_ws('/', k.tenant, k.kind, k.id),
            format('the head is at %s, but there is neither a fact nor a checkpoint', h.seq)
        FROM head h LEFT JOIN actor k ON k.key = h.actor
        WHERE h.seq > 0
            AND NOT EXISTS (SELECT FROM checkpoint c WHERE (c.tenant, c.actor) = (h.tenant, h.actor))
            AND NOT EXISTS (SELECT FROM fact f WHERE (f.tenant, f.actor) = (h.tenant, h.actor))
            AND NOT EXISTS (SELECT FROM meter m WHERE (m.tenant, m.actor) = (h.tenant, h.actor))""",
    "read model": """
        SELECT k.tenant, concat_ws('/', k.tenant, k.kind, k.id), 'the session has facts, but no row in the read model'
        FROM actor k WHERE k.kind = 'session' AND EXISTS (SELECT FROM fact f WHERE (f.tenant, f.actor) = (k.tenant, k.key))
            AND NOT EXISTS (SELECT FROM session s WHERE (s.tenant, s.id) = (k.tenant, k.id))
        UNION ALL
        SELECT r.tenant, concat_ws('/', k.tenant, k.kind, k.id),
            format('its row is of turn %s, the head is at %s', r.applied_seq, h.seq)
        FROM (SELECT tenant, actor, applied_seq FROM session UNION ALL SELECT tenant, actor, applied_seq FROM station
              UNION ALL SELECT tenant, actor, applied_seq FROM evse UNION ALL SELECT tenant, actor, applied_seq FROM tenant
              UNION ALL SELECT tenant, actor, applied_seq FROM payment
              UNION ALL SELECT tenant, actor, applied_seq FROM merchant
              UNION ALL SELECT tenant, actor, applied_seq FROM wallet
              UNION ALL SELECT tenant, actor, applied_seq FROM transfer
              UNION ALL SELECT tenant, actor, applied_seq FROM payout
              UNION ALL SELECT tenant, actor, applied_seq FROM balance_line) r
        LEFT JOIN head h ON (h.tenant, h.actor) = (r.tenant, r.actor) LEFT JOIN actor k ON k.key = r.actor
        WHERE r.actor > 0 AND r.applied_seq > coalesce(h.seq, 0)""",
    "unbilled": """
        SELECT s.tenant, s.id,
            CASE WHEN s.cdr IS NULL THEN 'it has a cost, but no CDR' ELSE format('its CDR %s is missing', s.cdr) END
        FROM session s LEFT JOIN cdr c ON (c.tenant, c.id) = (s.tenant, s.cdr)
        WHERE s.state = 'ended' AND s.phase <> 'waived'
            AND (s.cdr IS NOT NULL AND c.id IS NULL OR s.cdr IS NULL AND s.cost IS NOT NULL)""",
    "billed twice": """
        SELECT b.tenant, b.ref, format('%s net are booked of %s, by several journals: %s', b.net, b.excl, b.journals)
        FROM (
            SELECT j.tenant, j.ref, coalesce((min(s.cost::text)::json -> 'excl' ->> 'amount_minor')::bigint, 0) AS excl,
                -sum(e.amount_minor) AS net, string_agg(DISTINCT j.id, ', ' ORDER BY j.id) AS journals, count(DISTINCT j.id) AS n,
                bool_or(s.state = 'active' OR s.updated_at > now() - $1::interval) AND EXISTS (
                    SELECT FROM payment p WHERE (p.session, p.tenant) = (j.ref, j.tenant)) AS refund_on_its_way
            FROM ledger_journal j JOIN session s ON (s.tenant, s.id) = (j.tenant, j.ref)
            JOIN ledger_entry e ON (e.tenant, e.journal) = (j.tenant, j.id)
            JOIN ledger_account a ON a.id = e.account AND left(a.code, 4) IN ('4000', '4110')
            GROUP BY j.tenant, j.ref, j.book) b
        WHERE b.n > 1 AND b.net > b.excl AND NOT b.refund_on_its_way
        UNION ALL
        SELECT c.tenant, c.session, format('it has several CDRs: %s', string_agg(c.id, ', ' ORDER BY c.id))
        FROM cdr c WHERE c.body ->> 'credit' IS DISTINCT FROM 'true' GROUP BY c.tenant, c.session HAVING count(*) > 1""",
    "document number": """
        SELECT s.tenant, s.series, format('the counter is at %s, there are %s documents numbered up to %s', s.last, count(d.id),
            coalesce(max(d.number), 0))
        FROM document_series s LEFT JOIN document d ON (d.tenant, d.series) = (s.tenant, s.series)
        GROUP BY s.tenant, s.series, s.last HAVING s.last <> count(d.id) OR s.last <> coalesce(max(d.number), 0)""",
    "booked without a bill": """
        SELECT j.tenant, j.id, format('it books session %s, which has no CDR', j.ref)
        FROM ledger_journal j JOIN session s ON (s.tenant, s.id) = (j.tenant, j.ref)
        WHERE j.reverses IS NULL AND NOT EXISTS (SELECT FROM ledger_journal r WHERE (r.tenant, r.reverses) = (j.tenant, j.id))
            AND NOT EXISTS (SELECT FROM cdr c WHERE (c.tenant, c.session) = (j.tenant, j.ref))
            -- What is held on a card is captured before the hold ends, also of a session that still runs.
            AND NOT (s.state = 'active' AND EXISTS (
                SELECT FROM payment p WHERE (p.session, p.tenant) = (j.ref, j.tenant) AND p.captured_minor > 0))""",
}

# `by_card`: what cards paid and is not about to be refunded; -1: no card has to do with it.
_BILLS = """SELECT c.tenant, c.id, c.session, c.journal, c.body -> 'total_cost' ->> 'incl_vat' AS billed,
    c.body ->> 'currency' AS currency, s.cost, s.cdr, s.id IS NOT NULL AS has_session, j.ref,
    s.updated_at > now() - $4::interval AS fresh, (
        SELECT sum((w.detail ->> 'promo_minor')::bigint) FROM wallet_line w
        WHERE (w.ref, w.tenant) = (c.session, c.tenant) AND w.kind = 'session') AS promo,
    (SELECT coalesce(sum(p.captured_minor - (SELECT coalesce(sum((r ->> 'amount_minor')::bigint
                - coalesce((r ->> 'excess_minor')::bigint, 0)), 0)
            FROM json_array_elements(p.refunds) r WHERE r ->> 'status' NOT IN ('failed', 'returned'))), -1)
        FROM payment p WHERE (p.session, p.tenant) = (c.session, c.tenant)) AS by_card, (
        SELECT sum(e.amount_minor) FROM ledger_entry e JOIN ledger_account a ON a.id = e.account
        WHERE (e.tenant, e.journal) = (c.tenant, c.journal) AND left(a.code, 4) IN ('1220', '1260', '2100', '5040')) AS debits,
    EXISTS (SELECT FROM token t WHERE (t.tenant, t.ref) = (s.tenant, s.token_ref) AND starts_with(t.payment, 'wallet:'))
        AS by_wallet
FROM cdr c LEFT JOIN session s ON (s.tenant, s.id) = (c.tenant, c.session)
LEFT JOIN ledger_journal j ON (j.tenant, j.id) = (c.tenant, c.journal)
WHERE (c.tenant, c.id) > ($1, $2) AND NOT c.credit ORDER BY c.tenant, c.id LIMIT $3"""

_cost = msgspec.json.Decoder(Cost).decode


async def audit(db: Database, checkpoints: Checkpoints | None = None) -> list[Finding]:
    """Everything that does not add up, over all tenants. `checkpoints`: those that the chain is held against."""
    found = await verify(db)
    patience = timedelta(seconds=limits.AUDIT_PATIENCE)
    for what, sql in (*_CHECKS.items(), *audit_money.CHECKS.items()):
        args = (patience,) if "$1" in sql else ()
        found += [Finding(tenant, what, subject, detail) for tenant, subject, detail in await db.unhurried(sql, *args)]
    found += await audit_money.clearing(db)
    found += await _bills(db, patience)
    if checkpoints is not None:
        found += await checkpoints.verify(db)
    return found


async def _bills(db: Database, patience: timedelta) -> list[Finding]:
    """Each CDR against its session and its journal: they name each other and agree on the sum."""
    found: list[Finding] = []
    after = ("", "")
    while True:
        records = await db.fetch(_BILLS, *after, limits.AUDIT_PAGE, patience)
        found += [Finding(record["tenant"], "bill", record["id"], detail) for record in records for detail in _odd(record)]
        if len(records) < limits.AUDIT_PAGE:
            return found
        after = (records[-1]["tenant"], records[-1]["id"])


def _odd(bill: Mapping[str, Any]) -> list[str]:
    session = bill["session"]
    if not bill["has_session"]:
        return [f"its session {session} does not exist"]
    odd = []
    if bill["cdr"] != bill["id"]:
        odd.append(f"its session {session} names the CDR {bill['cdr']}")
    if bill["billed"] is None or bill["currency"] is None:
        return [*odd, "it has no total cost"]
    billed = to_minor(Decimal(bill["billed"]), bill["currency"])
    shown = _cost(bill["cost"]).incl if bill["cost"] else None
    if shown is None or (shown.amount_minor, shown.currency) != (billed, bill["currency"]):
        odd.append(f"it bills {billed} {bill['currency']} minor units, its session {session} says {shown}")
    odd += _unbooked(bill, billed) if bill["journal"] is None else _misbooked(bill, billed)
    return odd


def _unbooked(bill: Mapping[str, Any], billed: int) -> list[str]:
    """A bill without a journal: a card pays it, or promo credit alone did."""
    what = f"it bills {billed} {bill['currency']} minor units"
    if bill["by_card"] >= 0:
        # What cards paid is held against the books by itself (audit_money.py); it may be less, where the hold was.
        too_much = bill["by_card"] > billed
        return [f"{what}, a card paid {bill['by_card']} and nobody refunds it"] if too_much else []
    return [f"{what}, and no journal books them"] if billed and not _discounted(bill, billed, 0) else []


def _misbooked(bill: Mapping[str, Any], billed: int) -> list[str]:
    session, journal, debits = bill["session"], bill["journal"], bill["debits"]
    if bill["ref"] is None:
        return [f"its journal {journal} is missing"]
    if bill["ref"] == session and (debits == billed or _discounted(bill, billed, debits or 0)):
        return []
    return [f"journal {journal} books {debits} for {bill['ref']}, the CDR bills {billed} for {session}"]


def _discounted(bill: Mapping[str, Any], billed: int, booked: int) -> bool:
    """Promo credit lowers the price where the brand sells and funds it; how much it was is a line of the wallet's statement,
    which comes with a letter: it may be on its way."""
    if bill["promo"] is None:
        return bool(bill["fresh"] and booked < billed and bill["by_wallet"])
    return booked + int(bill["promo"]) == billed
