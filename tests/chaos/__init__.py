"""Kills: what a station was told is true, whatever dies and whenever.

    python -m tests.chaos --kills 30 [--seed N] [--stations N]     kills of node and PostgreSQL at random moments
    python -m tests.chaos --paying --kills 30                      ... while drivers pay by card
    python -m tests.chaos --every-await                            ... at every scheduling step of a start and a stop
    python -m tests.chaos --every-await capture                    ... of what moves money, also after Stripe has done it

Simulated stations keep a file each of what was acknowledged to them (gateways/simulator/journal.py); `verify.py` compares
the files with the API afterwards: each acknowledged fact exactly once, nothing invented, at most one CDR and one journal a
session, and `csms audit` silent. Of what was paid, `verify_money.py` compares the test server's money with the API and the books.
"""
