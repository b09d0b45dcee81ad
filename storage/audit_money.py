"""The part of `csms audit` that is about money: the invariants I1 to I13 of MONEY 3.6, as far as the books alone do not tell.

I1 (each journal balances), I3 (balance rows are sums), the hash chain of I12, and holds against balance rows are
`ledger_verify` (migrations 0002 and 0014); the rest is here:

    I2   book        all entries of a book and currency come to zero
    I4   overdrawn   a wallet has at least what is held of it
         wallet      what a wallet shows is what the books have
    I5   hold        a hold that should have ended did
    I6   capture     what a card paid is what was booked for its session, or put into its wallet
    I7   mirror      journals of one group agree: the fee that one book earned is the one that the other paid, and so is a debt
    I8   refund      no more went back than came
    I9   movement    each movement at the provider is booked once, to the cent, and each booked one is known there, after a day
    I10  balance at the provider    what the last comparison with the provider's own balance found
    I11  payout      a payout is the sum of its movements
    I12  checkpoint  the chain still has the links that signed checkpoints outside the database name (storage/checkpoints.py)
    I13  clearing    what passes through a clearing account leaves it again, by reference, within its limit
"""

from datetime import timedelta

from actors.model.ledger import CHART
from storage import limits
from storage.database import Database
from storage.ledger import Finding

CHECKS: dict[str, str] = {
    "book": """
        SELECT a.tenant, a.book, format('all its entries come to %s %s, not to zero', sum(e.amount_minor), a.currency)
        FROM ledger_entry e JOIN ledger_account a ON a.id = e.account
        GROUP BY a.tenant, a.book, a.currency HAVING sum(e.amount_minor) <> 0""",
    "overdrawn": """
        SELECT a.tenant, concat_ws(' ', a.book, a.code, a.currency), format('it has %s, and %s of that are held', s.has, h.held)
        FROM ledger_floor f JOIN ledger_account a ON left(a.code, 4) = f.code
        CROSS JOIN LATERAL (
            SELECT coalesce(-sum(e.amount_minor), 0) AS has FROM ledger_entry e WHERE e.account = a.id) s
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(k.amount_minor), 0) AS held FROM ledger_hold k WHERE k.account = a.id
                AND NOT EXISTS (SELECT FROM ledger_hold_end e WHERE (e.tenant, e.hold) = (k.tenant, k.id))) h
        WHERE s.has < h.held""",
    "hold": """
        SELECT k.tenant, k.id,
            format('it holds %s of %s for %s, and should have ended by %s', k.amount_minor, a.code, k.ref, k.expires)
        FROM ledger_hold k JOIN ledger_account a ON a.id = k.account
        WHERE k.expires < now() - $1::interval
            AND NOT EXISTS (SELECT FROM ledger_hold_end e WHERE (e.tenant, e.hold) = (k.tenant, k.id))""",
    "mirror": """
        SELECT g.tenant, g.group_id, format('its journals disagree: fee %s, its VAT %s, debt between the books %s',
            g.fee, CASE WHEN g.with_fee THEN g.vat ELSE 0 END, g.debt)
        FROM (
            SELECT j.tenant, j.group_id, bool_or(left(a.code, 4) = '4200') AS with_fee,
                coalesce(sum(e.amount_minor) FILTER (WHERE left(a.code, 4) IN ('4200', '5010')), 0) AS fee,
                coalesce(sum(e.amount_minor) FILTER (WHERE left(a.code, 4) IN ('2200', '1250')), 0) AS debt,
                coalesce(sum(e.amount_minor) FILTER (WHERE left(a.code, 4) = '2300' AND a.book = 'brand'
                    OR left(a.code, 4) = '1310' AND a.book <> 'brand'), 0) AS vat
            FROM ledger_journal j JOIN ledger_entry e ON (e.tenant, e.journal) = (j.tenant, j.id)
            JOIN ledger_account a ON a.id = e.account
            WHERE j.group_id IS NOT NULL GROUP BY j.tenant, j.group_id) g
        WHERE g.fee <> 0 OR g.debt <> 0 OR g.with_fee AND g.vat <> 0""",
    "wallet": """
        SELECT w.tenant, w.id, format('it shows %s, and %s held; the books say %s, and %s held',
            w.balance_minor, w.held_minor, b.has, b.held)
        FROM wallet w CROSS JOIN LATERAL (
            SELECT coalesce(sum(b.available_minor + b.pending_minor), 0) AS has, coalesce(sum(b.pending_minor), 0) AS held
            FROM ledger_account a JOIN ledger_balance b ON b.account = a.id
            WHERE (a.tenant, a.book, a.code, a.currency) = (w.tenant, 'brand', '2100/' || w.id, w.currency)) b
        -- What sessions and payments book, the wallet learns by letter.
        WHERE (b.has, b.held) <> (w.balance_minor, w.held_minor)
            AND NOT EXISTS (SELECT FROM letter l WHERE (l.tenant, l.receiver) = (w.tenant, w.actor))
            AND w.updated_at < now() - $1::interval""",
    "capture": """
        SELECT p.tenant, p.id, CASE
            WHEN b.known < cardinality(p.journals)
            THEN format('of its %s journals %s are there', cardinality(p.journals), b.known)
            ELSE format('%s were captured and %s refunded, its journals book %s',
                p.captured_minor, p.refunded_minor, b.booked) END
        FROM payment p CROSS JOIN LATERAL (
            SELECT EXISTS (SELECT FROM unnest(p.journals) AS own (id)
                JOIN ledger_entry e ON (e.tenant, e.journal) = (p.tenant, own.id) JOIN ledger_account a ON a.id = e.account
                WHERE left(a.code, 4) = '4110') AS it) resold
        CROSS JOIN LATERAL (
            SELECT count(DISTINCT j.id) AS known, coalesce(-sum(e.amount_minor) FILTER (WHERE CASE WHEN p.purpose = 'session'
                -- Where the brand sells at an owner's station its book has the sale, and the owner's a supply to the brand.
                THEN left(a.code, 4) IN ('4000', '4110', '2300')
                    AND a.book = CASE WHEN p.account IS NULL OR resold.it THEN 'brand' ELSE p.merchant END
                    -- A lost dispute takes VAT off as well, but what was captured stays what it was.
                    AND NOT EXISTS (SELECT FROM ledger_entry d JOIN ledger_account c ON c.id = d.account
                        WHERE (d.tenant, d.journal) = (j.tenant, j.id) AND c.code = '5060')
                ELSE left(a.code, 4) = '2100' END), 0) AS booked
            FROM unnest(p.journals) AS own (id) JOIN ledger_journal j ON (j.tenant, j.id) = (p.tenant, own.id)
            JOIN ledger_entry e ON (e.tenant, e.journal) = (j.tenant, j.id) JOIN ledger_account a ON a.id = e.account) b
        WHERE b.known < cardinality(p.journals)
            -- What went back of a top-up is booked by its wallet.
            OR b.booked <> p.captured_minor - CASE WHEN p.purpose = 'session' THEN p.refunded_minor ELSE 0 END""",
    "refund": """
        SELECT p.tenant, p.id, format('%s were captured, and %s refunded', p.captured_minor, p.refunded_minor) FROM payment p
        WHERE p.refunded_minor > p.captured_minor OR p.refunded_minor < 0""",
    "movement": """
        SELECT b.tenant, concat_ws(' ', b.account, b.id), format('%s of %s %s is %s since %s',
            b.kind, b.net_minor, b.currency, b.state, b.first_seen_at)
        FROM balance_line b
        WHERE b.state IN ('unmatched', 'differs', 'doubled') AND b.first_seen_at < now() - interval '1 day'
        UNION ALL
        SELECT b.tenant, concat_ws(' ', b.account, b.id), format('it is %s and comes to %s, its journals to %s',
            b.state, b.net_minor, s.booked)
        FROM balance_line b CROSS JOIN LATERAL (
            SELECT coalesce(sum(e.amount_minor), 0) AS booked FROM unnest(b.journals || b.corrections) AS own (id)
            JOIN ledger_entry e ON (e.tenant, e.journal) = (b.tenant, own.id)
            JOIN ledger_account a ON a.id = e.account AND a.code IN ('1100/' || b.account, '1110/' || b.account)) s
        WHERE b.state IN ('matched', 'resolved') AND s.booked <> b.net_minor
        UNION ALL
        SELECT b.tenant, own.id, format('several movements of %s are booked by it: %s', b.account, string_agg(b.id, ', '))
        FROM balance_line b CROSS JOIN unnest(b.journals) AS own (id)
        GROUP BY b.tenant, b.account, own.id HAVING count(*) > 1
        UNION ALL
        SELECT u.tenant, u.journal, format('it moves %s of %s, of which the provider knows nothing', u.moved, u.account)
        FROM (
            SELECT j.tenant, j.id AS journal, split_part(a.code, '/', 2) AS account, sum(e.amount_minor) AS moved, j.at
            FROM ledger_account a JOIN ledger_entry e ON e.account = a.id
            JOIN ledger_journal j ON (j.tenant, j.id) = (e.tenant, e.journal)
            WHERE left(a.code, 4) IN ('1100', '1110') AND j.at < now() - interval '1 day'
            GROUP BY 1, 2, 3 HAVING sum(e.amount_minor) <> 0) u
        LEFT JOIN (SELECT DISTINCT b.tenant, b.account, own.id FROM balance_line b
            CROSS JOIN unnest(b.journals || b.corrections) AS own (id)) named
            ON (named.tenant, named.account, named.id) = (u.tenant, u.account, u.journal)
        -- Only where the account was compared a day later: then the provider would have told of it.
        WHERE named.id IS NULL AND EXISTS (SELECT FROM book k WHERE (k.tenant, k.station, k.book) = (u.tenant, '', 'psp_balance')
            AND starts_with(k.key, u.account || '/') AND k.updated_at > u.at + interval '1 day')""",
    "balance at the provider": """
        SELECT k.tenant, k.key, format('at %s it was %s more than the books say (%s)', k.body ->> 'at',
            k.body ->> 'difference_minor', k.body ->> 'booked_minor')
        FROM book k WHERE k.book = 'psp_balance' AND (k.body ->> 'difference_minor')::bigint <> 0
            AND k.updated_at < now() - $1::interval""",
    "payout": """
        SELECT p.tenant, p.id, format('it is %s, its %s movements come to %s', p.amount_minor, p.lines, p.lines_minor)
        FROM payout p WHERE p.reconciled AND p.lines_minor IS DISTINCT FROM p.amount_minor""",
}
"""Each answers (tenant, subject, detail), as those of audit.py do; $1 is the patience."""

_CLEARING = """SELECT a.tenant, concat_ws(' ', a.book, a.code, j.ref),
    format('%s %s have been there since %s', sum(e.amount_minor), a.currency, max(j.at))
FROM ledger_account a JOIN ledger_entry e ON e.account = a.id
JOIN ledger_journal j ON (j.tenant, j.id) = (e.tenant, e.journal)
WHERE left(a.code, 4) = $1 GROUP BY a.tenant, a.book, a.code, a.currency, j.ref
HAVING sum(e.amount_minor) <> 0 AND max(j.at) < now() - $2::interval"""


async def clearing(db: Database) -> list[Finding]:
    """I13: clearing accounts return to zero per reference; each has a time by which it must have."""
    found = []
    for account in CHART.values():
        if account.clearing:
            limit = timedelta(seconds=limits.CLEARING[account.code])
            records = await db.unhurried(_CLEARING, account.code, limit)
            found += [Finding(tenant, "clearing", subject, detail) for tenant, subject, detail in records]
    return found
