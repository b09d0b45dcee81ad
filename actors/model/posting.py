"""Every journal of MONEY 3.4 as a pure function: the one way in which money gets into the books.

Each takes what happened, by keyword, and returns balanced `JournalRow`s to be written in the turn that commits it (lane MONEY).
The id of a journal follows from what it books, so that the same event books once however often it is told. `ref` is the
session for whatever concerns one, else the attempt, wallet, payout or balance transaction. Books are `brand` and each
merchant's id; journals that mirror each other in two books share a `group_id`. Amounts are integer minor units.

    card      captured, psp_fee, refund_direct, fee_returned, refund_failed, dispute_opened, dispute_won, dispute_lost,
              loss_restated
    wallet    topped_up, topup_returned, WalletSale with wallet_session, refund_wallet, refund_due; collected, wallet_closed
    settling  transfer_made, transfer_reversed, partner_accrued, partner_returned, partner_paid, partner_reversed,
              funds_available, payout_created, payout_paid, payout_failed, suspense_in, suspense_out
    roaming   roaming_delivered, roaming_invoiced, roaming_bought
    sums      commission, fee_of, partner_share, split_of, Split (shares.py)

An invoice session is `ledger.journal_for_invoice`; a correction of any journal as a whole is `ledger.reversal`.
"""

from actors.model.posting_card import (
    book_of,
    captured,
    dispute_lost,
    dispute_opened,
    dispute_won,
    fee_returned,
    holder,
    loss_restated,
    psp_fee,
    refund_direct,
    refund_failed,
)
from actors.model.posting_roaming import roaming_bought, roaming_delivered, roaming_invoiced
from actors.model.posting_settle import (
    funds_available,
    partner_accrued,
    partner_paid,
    partner_returned,
    partner_reversed,
    partner_share,
    payout_created,
    payout_failed,
    payout_paid,
    suspense_in,
    suspense_out,
    transfer_made,
    transfer_reversed,
)
from actors.model.posting_wallet import (
    Promo,
    WalletSale,
    collected,
    refund_due,
    refund_wallet,
    topped_up,
    topup_returned,
    wallet_account,
    wallet_closed,
    wallet_session,
)
from actors.model.shares import Commission, Split, commission, fee_of, split_of

__all__ = [
    "Commission",
    "Promo",
    "Split",
    "WalletSale",
    "book_of",
    "captured",
    "collected",
    "commission",
    "dispute_lost",
    "dispute_opened",
    "dispute_won",
    "fee_of",
    "fee_returned",
    "funds_available",
    "holder",
    "loss_restated",
    "partner_accrued",
    "partner_paid",
    "partner_returned",
    "partner_reversed",
    "partner_share",
    "payout_created",
    "payout_failed",
    "payout_paid",
    "psp_fee",
    "refund_direct",
    "refund_due",
    "refund_failed",
    "refund_wallet",
    "roaming_bought",
    "roaming_delivered",
    "roaming_invoiced",
    "split_of",
    "suspense_in",
    "suspense_out",
    "topped_up",
    "topup_returned",
    "transfer_made",
    "transfer_reversed",
    "wallet_account",
    "wallet_closed",
    "wallet_session",
]
