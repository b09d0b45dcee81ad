"""Facts of payments for the golden files: one life that went well and was refunded and disputed, and others that did not."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from actors.merchant.messages import PartnerShare, Seller
from actors.model import psp
from actors.model.bill import Bill, BillLine
from actors.model.money import Cost, Money, VatAmount
from actors.model.psp import CardProof, DisputeSeen, RefundSeen
from actors.model.rating import KindNet
from actors.model.rows import VaultRow
from actors.model.token import IdToken
from actors.payment import facts as f
from actors.payment.messages import Quote, SessionEnded, TopUp
from tests.actors.kit import T0

LATER = T0 + timedelta(hours=1)
QUOTE = Quote(
    "CP-1", 1, "q7", "m1", "standard", "f" * 32, "EUR", 4000, 3700, 200, "h" * 24, "2026-01", T0, "de", "DE"
)  # fmt: skip
TOP_UP = TopUp("w1", 5000, "EUR", True, True, "cus_1", "pm_1", "2026-01", "de")
SELLER = Seller("Parkhaus GmbH", ("Hauptstr. 1", "10115 Berlin"), "DE", "DE123456789")
DEAL = f.Deal("m1", "acct_1", "DE", "5", "19", "owner", (PartnerShare("p1", "30"),), 100, SELLER)
COST = Cost(Money(1037, "EUR"), Money(1234, "EUR"), (VatAmount(Decimal(19), Money(197, "EUR")),))
KINDS = (KindNet("energy", Money(1037, "EUR")),)
TOKEN = IdToken("t_1", "K7…2B", "Central")
SEALED = VaultRow(tenant="acme", ref="t_1", kind="token", blind=b"b", cell=b"c", key=b"k")
PROOF = CardProof("DE", "authenticated", None, None, "challenge", None, "05")
CAPTURE = psp.CaptureIntent(
    key="a1:capture:3", made_at=T0, account="acct_1", intent="pi_1", amount_minor=1234, currency="EUR", fee_minor=62
)
BILL = Bill(
    "s1", "CP-1", 1, 1, T0, LATER, "Europe/Berlin", 15600, COST,
    (BillLine("energy", "kWh", Decimal("15.6"), Decimal("0.791"), Decimal(19), 1037, 1234),),
    "standard", "f" * 32, 1000, 16600, 3600, 60, {"name": "Parkhaus"}, "DE*ACM*E1", True, "cdr1",
)  # fmt: skip
ENDED = SessionEnded("s1", "rated", 1, 15600, LATER, COST, KINDS, "cdr1", "f" * 32, "", bill=BILL)
HTTPS = ("https://pay.test/r", "https://pay.test/c")


def opened(order: Any = QUOTE) -> f.Opened:
    return f.Opened(order, DEAL if isinstance(order, Quote) else f.Deal("brand"), "Charging", *HTTPS, LATER, T0)


def held(at: Any = T0) -> f.Authorised:
    return f.Authorised("pi_1", 4000, at, "ch_1", LATER, "cus_1", "pm_1", "c1")


WELL: list[Any] = [
    opened(),
    f.CheckoutOpened("cs_1", "https://psp.test/cs_1", LATER, T0),
    f.CheckoutOver("complete", T0),
    held(),
    f.Proven(PROOF, "authenticated", "3-D Secure authenticated, card of DE", T0),
    f.EvseAsked(TOKEN, SEALED, LATER, T0),
    f.EvseHeld(T0),
    f.Ordered("a1:start", LATER, T0),
    f.Began("s1", "42", T0),
    f.StopOrdered("a1:stop:1", "driver", T0),
    f.Strayed("s2", "43", T0),
    f.Guarded(T0),
    f.TakenPast(psp.IntentSeen("pi_1", "succeeded", 4000, 0, 4000, "EUR", "acct_1", "ch_1", fee_minor=200), T0),
    f.SessionTold(ENDED, LATER),
    f.Rated(COST, KINDS, LATER, 15600, "f" * 32),
    f.Capturing(1, 1234, 62, LATER),
    f.Asked("capture:3", CAPTURE, LATER),
    f.Unsure("capture:3", 1, "timed out", LATER),
    f.CaptureUncertain("timed out", LATER),
    f.Capturing(1, 1234, 62, LATER),
    f.CaptureFailed("processing_error", "try again", LATER),
    f.Answered("capture:3", LATER, "processing_error"),
    f.Capturing(2, 1234, 62, LATER),
    f.Early(RefundSeen("re_0", "pending", 100, "EUR", "pi_1"), LATER),
    f.Early(DisputeSeen("dp_0", "warning_needs_response", 100, "EUR", "pi_1"), LATER),
    f.Captured(1234, 62, "ch_1", ("j1", "j2"), LATER, 66),
    f.Settled(44, ("j3",), LATER, "txn_1"),
    f.RefundAsked(1, "r1", "op", "broken plug", 500, True, LATER, 60),
    f.RefundMoved(1, "pending", LATER, "re_1", excess_minor=33),
    f.RefundMoved(1, "succeeded", LATER, "re_1", 25, "", ("j4", "j5")),
    f.RefundFound(2, "re_2", 100, LATER, 6),
    f.RefundMoved(2, "failed", LATER, "re_2", 0, "closed card"),
    f.DisputeMoved("dp_1", "open", 734, LATER, "fraudulent", LATER, 734, ("j6",)),
    f.DisputeMoved("dp_1", "lost", 734, LATER, "fraudulent", LATER, 734, ("j7",), 100, 6),
]

LIVES: dict[str, list[Any]] = {
    "proof refused": [
        opened(), held(), f.ProofRefused(PROOF, "no proof", "not authenticated", T0), f.Released(LATER),
    ],
    "start failed": [
        opened(), held(), f.Proven(PROOF, "authenticated", "", T0), f.EvseAsked(TOKEN, SEALED, LATER, T0), f.EvseHeld(T0),
        f.Ordered("a1:start", LATER, T0), f.StartFailed("start_timeout", LATER), f.Released(LATER),
    ],
    "expired": [opened(), f.Expired("page_expired", LATER)],
    "late hold": [opened(), f.Expired("psp_away", LATER), held(LATER), f.Releasing("late_hold", LATER)],
    "lost": [opened(), f.Releasing("cancelled", T0), f.Lost("captured_elsewhere", LATER)],
    "taken for nothing": [
        opened(), held(), f.Releasing("captured_elsewhere", T0), f.Captured(0, 200, "ch_1", ("j1",), LATER, 4000),
        f.RefundAsked(1, "taken_too_much:1", "payment", "taken_too_much", 4000, True, LATER, 4000),
    ],
    "top-up": [
        opened(TOP_UP), held(), f.Proven(None, "mandate", "charged under mandate 2026-01", T0),
        f.Rated(Cost(Money(5000, "EUR"), Money(5000, "EUR")), (), T0), f.Capturing(1, 5000, 0, T0),
        f.Captured(5000, 0, "ch_1", ("j1",), T0), f.Settled(None, (), LATER),
    ],
    "by a brand's own account": [
        f.Opened(QUOTE, replace(DEAL, platform="acct_brand"), "Charging", *HTTPS, LATER, T0),
        f.Asked("capture:1", replace(CAPTURE, platform="acct_brand"), T0), f.Expired("page_expired", LATER),
    ],
}  # fmt: skip
