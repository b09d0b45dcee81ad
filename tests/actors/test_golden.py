"""Every fact and state as it was ever written can still be read: one golden file per version.

A file holds the bytes of each fact type and of one state per kind, made of the samples below. A new version writes a
new file beside the old ones (`python -m tests.actors.test_golden`), and brings the upcaster that reads the old.
"""

import json
import sys
from datetime import timedelta
from decimal import Decimal
from functools import reduce
from pathlib import Path
from typing import Any, get_args

import pytest

from actors.authority import facts as authority
from actors.authority.actor import AuthorityActor
from actors.campaign import facts as campaign
from actors.campaign.actor import CampaignActor
from actors.campaign.watching import Watcher
from actors.certificates import facts as certificates
from actors.certificates.actor import CertificatesActor
from actors.charging import facts as charging
from actors.charging.actor import ChargingActor
from actors.configuration import facts as configuration
from actors.configuration.actor import ConfigurationActor
from actors.configuration.messages import Value
from actors.device import facts as device
from actors.device.actor import DeviceActor
from actors.device.messages import DeviceEvent, Monitor
from actors.display import facts as display
from actors.display.actor import DisplayActor
from actors.evse import facts as evse
from actors.evse.actor import EvseActor
from actors.locallist import facts as locallist
from actors.locallist.actor import LocalListActor
from actors.merchant import facts as merchant
from actors.merchant.actor import MerchantActor
from actors.merchant.messages import PartnerShare, Seller
from actors.model.campaign import (
    Budget,
    CertificateWork,
    ConfigurationWork,
    Definition,
    FirmwareWork,
    LocalListWork,
    RenewalWork,
    Wave,
    Window,
)
from actors.model.composite import Held, Period
from actors.model.device import Attribute, Variable
from actors.model.intents import (
    CertificateHash,
    ChargingProfile,
    ChargingSchedule,
    DisplayMessage,
    GetBaseReport,
    MessageText,
    SchedulePeriod,
    UpdateFirmware,
    VariableRef,
)
from actors.model.matching import Match
from actors.model.meter import Reading, Sample
from actors.model.money import Cost, Money, VatAmount
from actors.model.posting import Promo, WalletSale
from actors.model.psp import AccountSeen
from actors.model.rating import KindNet
from actors.model.rows import VaultRow
from actors.model.settings import Setting, key_of
from actors.model.token import Funds, IdToken, Site, TokenCard, TokenTerms, TokenVerdict
from actors.payment.actor import PaymentActor
from actors.ports import AuthorityMaterial, MerchantCard, TariffCard
from actors.reservation import facts as reservation
from actors.reservation.actor import ReservationActor
from actors.session import facts as session
from actors.session.actor import SessionActor
from actors.session.messages import Place
from actors.station import facts as station
from actors.station.actor import StationActor
from actors.station.messages import Boot
from actors.template import facts as template
from actors.template.actor import TemplateActor
from actors.tenant import facts as tenant
from actors.tenant.actor import TenantActor
from actors.wallet import facts as wallet
from actors.wallet.actor import WalletActor
from actors.wallet.messages import AutoTopUp
from runtime.codec import Codec
from runtime.turn import CheckpointRow, FactRow
from tests.actors.kit import T0, TARIFF
from tests.actors.payment import samples as payments

GOLDEN = Path(__file__).with_name("golden")
LATER = T0 + timedelta(hours=1, microseconds=1)
TERMS = TokenTerms((Site("CP-1", (1, 2)), Site("CP-2")), ("de", "en-GB"), 3)
PLACE = Place("acme", "CP-1", 1, 1, "Europe/Berlin", "DE", "EUR", {"city": "Köln"}, "DE", "ACM")
TOKEN = IdToken("tok_1", "04A2…81")
VERDICT = TokenVerdict("Accepted", LATER, "grp", "grp", "invoice")
FUNDS = Funds(2_000, "h1", 1_500, 700)
PAID = TokenVerdict("Accepted", None, None, None, "attempt:p1", FUNDS)
CARD = TariffCard("acme", "standard", 1, T0, "f" * 32, "EUR", TARIFF)
READINGS = (
    Reading(LATER, (Sample(Decimal("1234.5"), "1.2345", unit="Wh"), Sample(None, "OCMF|{}|{}", signed=True, phase="L1"))),
)
COST = Cost(Money(500, "EUR"), Money(595, "EUR"), (VatAmount(Decimal("19.0"), Money(95, "EUR")),))
SALE = WalletSale(
    tenant="acme", session="s1", wallet="w1", token_ref="tok_1",
    merchant=MerchantCard("acme", "owner1", Seller("Owner", country="DE"), "acct_1", True, "5"),
    country="DE", cost=COST, kinds=(KindNet("energy", Money(500, "EUR")),), promo=Promo(300, "sponsor", "shop"),
    bases=((Decimal("19.0"), 500),),
)  # fmt: skip
INTERVAL = Sample(Decimal(250), "250", "Energy.Active.Import.Interval")
MONITOR = Monitor(VariableRef("Temp", "Celsius", evse=1), 12, "UpperThreshold", 80.0, 3, True)
EVENT = DeviceEvent(
    1, T0, VariableRef("Temp", "Celsius", evse=1), "Alerting", "85", "CustomMonitor", 4, False, 12, "tx-1", "E1", "hot"
)
DEVICE = ("acme", "device", "CP-1")
SEALED = VaultRow(tenant="acme", ref="o2", kind="intent", blind=b"blind", cell=b"cell", key=b"key")
CERTIFICATE = CertificateHash("SHA256", "aa11", "bb22", "1f")
PROFILE = ChargingProfile(
    1, 2, "TxProfile", "Recurring",
    (ChargingSchedule("A", (SchedulePeriod(0, Decimal("16.5"), 3, None),), 1, T0, 3600, Decimal(6)),),
    "Daily", T0, LATER, "tx-1",
)  # fmt: skip
SELLER = Seller(
    "Acme Energie GmbH", ("Weg 1", "50667 Köln"), "DE", "DE123", "help@acme.test", "+49 221 1", "ADR", "https://t", "https://p",
    True, "https://k",
)  # fmt: skip
MESSAGE = DisplayMessage(1, "InFront", MessageText("Hallo", "UTF8", "de"), "Idle", T0, LATER, "tx-1")
REF = VariableRef("OCPPCommCtrlr", "HeartbeatInterval", key_1_6="HeartbeatInterval")

CAMPAIGN = ("acme", "campaign", "c1")
SETTINGS = (Setting(REF, "300"), Setting(VariableRef("Vendor", "Colour", evse=2), "Red", "Target"))
KEYS = tuple(key_of(setting.ref, setting.attribute) for setting in SETTINGS)
CAMPAIGNED = Definition(
    name="spring", work=FirmwareWork("http://fw/2.0", "2.0", T0, LATER, 3, 60, "PEM", "c2ln"), stations=("CP-1",),
    match=Match("V*"), waves=(Wave(1), Wave(None, Decimal("10.5")), Wave()), wave_size=5, wave_pause=60, at_once=3, start_at=T0,
    window=Window(1320, 360), attempts=2, retry_wait=60, budget=Budget(None, Decimal(5)), deadline=600,
)  # fmt: skip

SAMPLES: dict[type, list[Any]] = {
    TenantActor: [
        tenant.Created("Acme", "EUR", "DE", "Europe/Berlin", "inbox", "owner", T0, {"party_id": "ACM"}),
        tenant.Changed("Acme AG", "Europe/Berlin", "refuse", "op", T0, {"party_id": "ACM", "boot": "Pending"}),
        tenant.TokenPut(TokenCard("tok_1", "ISO14443", "Accepted", "04A2…81", "grp", LATER, "invoice", TERMS), "op", T0),
        tenant.TokenDeleted("tok_1", "op", LATER),
        tenant.TariffPut("standard", 1, T0, "f" * 32, "EUR", TARIFF, "op", T0),
        tenant.TariffDeleted("standard", "op", LATER),
    ],
    StationActor: [
        station.Registered(2, 1, b"\x01secret", ("ocpp1.6",), "standard", {"city": "Köln"}, ("abc", "def"), "op", T0),
        station.Booted(Boot("V", "M", "S1", firmware="1.0"), "Accepted", T0, "ocpp1.6", True),
        station.BootsWanted("device"),
        station.BootsWanted("configuration", True, True),
        station.Greeted(LATER),
        station.StatusTold("Available", "Available", T0, T0, info="fine"),
        station.FirmwareTold("Installed", T0, 4),
        station.LogTold("Uploaded", T0),
        station.VariablesTold((Variable(REF, (Attribute("300"),)),), T0),
        station.VariablesHandedOver(LATER),
        station.PublishTold("Published", T0, 5, ("http://lc/fw",)),
        station.FirmwareRequested("Accepted", T0, 4),
        station.OrderAccepted("u1", "UpdateFirmware", LATER, CAMPAIGN, T0, UpdateFirmware("http://fw/2.0", T0)),
        station.OrderSent("u1", "UpdateFirmware", LATER, None, None, 1),
        station.FirmwareRequested("Accepted", T0, 1, "u1", True),
        station.LogRequested("Accepted", T0),
        station.SecurityTold("ResetOrReboot", T0, LATER, True, "by hand"),
        station.CustomerTold(9, 0, False, LATER),
        station.OrderAccepted("o1", "GetBaseReport", LATER, DEVICE, T0, GetBaseReport("FullInventory")),
        station.OrderAccepted("o2", "ReserveNow", LATER, DEVICE, T0, None, SEALED),
        station.OrderSent("o1", "GetBaseReport", LATER, None, None, 1),
        station.OrderDropped("o2", "withdrawn", LATER),
        station.CommandIssued("c1", "RequestStart", "RemoteStartTransaction", LATER, "op", T0, "tok_1", 1, 2),
        station.CommandSettled("c1", "done", "Accepted", LATER),
        station.SecretPending(b"\x01next", "c2", T0),
        station.SecretDropped(T0),
        station.SecretPending(b"\x01next", "c3", T0),
        station.SecretChanged(b"\x01other", LATER),
        station.ProfileSought(2, "c4", T0),
        station.ProfileDropped(T0),
        station.ProfileSought(2, "c5", T0),
        station.ProfileReached(2, LATER),
        station.Registered(2, 3, None, ("ocpp1.6",), None, {}, ("abc", "def"), "op", LATER, "SN-7"),
        station.CallbackTold("http://10.0.0.7:8080/ocpp", LATER),
        station.Unattributed(0, 0, None, READINGS, "hash", LATER, ("clock",)),
        station.Unregistered("op", LATER),
        station.Registered(1, 0, None, ("ocpp1.6",), None, {}, ("abc", "def"), "op", LATER),
    ],
    DeviceActor: [
        device.Ordered("inventory-1", "inventory", T0, 2),
        device.OrderSettled("inventory-1", "Accepted", LATER),
        device.ReportBegun(7, "variables", T0),
        device.VariablesTold((Variable(VariableRef("ChargingStation", "Model"), (Attribute("M"),)),), T0, True),
        device.PartTaken(7, 0, True, LATER, (Variable(REF, (Attribute("300"),)),), 3),
        device.PartTaken(7, 2, False, LATER),
        device.Pruned((VariableRef("Old", "Thing", evse=1, connector=2),), False, LATER),
        device.ReportEnded(7, "variables", "incomplete", LATER),
        device.MonitorsSet((MONITOR,), T0),
        device.MonitorsTaken(8, 0, False, LATER, (MONITOR,)),
        device.MonitorsGone((99,), LATER),
        device.MonitoringSet(LATER, "All", 5),
        device.EventsTold((EVENT,), LATER),
        device.RebootPending(REF, "Actual", "60", LATER),
        device.BootsAsked(LATER),
        device.KeysTold((Variable(REF, (Attribute("60"),)),), LATER),
        device.NetworkProfileSet(1, "wss://csms", 2, "Wired0", "OCPP20", 30, LATER),
    ],
    TemplateActor: [
        template.Put("Site", 1, SETTINGS, "boot", "op", T0, Match("V*", protocol="ocpp2.0.1")),
        template.Joined("CP-1", T0),
        template.Joined("CP-2", T0),
        template.Put("Site", 2, SETTINGS[:1], "report only", "op", LATER, Match("V*")),
        template.Told(("CP-1",), LATER),
        template.Offered("CP-9", True, LATER),
        template.Left("CP-2", LATER),
    ],
    ConfigurationActor: [
        configuration.Assigned("site", "hand", "op", T0),
        configuration.TemplateTold("site", 3, "boot", SETTINGS, T0),
        configuration.BootTold("ocpp2.0.1", T0, True),
        configuration.Watched(Watcher("campaign:c1:1", CAMPAIGN, T0)),
        configuration.RoundBegun(True, 10, T0, True),
        configuration.Asked("configuration:1", "read", (KEYS[0], KEYS[1]), T0),
        configuration.Answered("configuration:1", (Value(KEYS[0], "60"), Value(KEYS[1], "Red")), T0),
        configuration.Asked("configuration:2", "set", (KEYS[0],), T0),
        configuration.Unanswered("configuration:2", "timeout", True, False, LATER),
        configuration.Seen((Value(KEYS[1], "Blue"),), LATER),
        configuration.Repeat(True, LATER),
    ],
    CampaignActor: [
        campaign.Created(CAMPAIGNED, "op", T0),
        campaign.Started("op", T0),
        campaign.TargetsTaken(("CP-1", "CP-2", "CP-3"), "3", True, T0, ("CP-3",)),
        campaign.TargetsTaken(("CP-4",), "6", False, T0),
        campaign.Ordered(("CP-1",), T0),
        campaign.Moved("CP-1", "taken", T0, "Accepted"),
        campaign.Moved("CP-1", "set_back", LATER, "DownloadFailed"),
        campaign.WaveBegun(1, LATER, LATER),
        campaign.Ordered(("CP-2", "CP-4"), LATER),
        campaign.Paused("budget", "budget", LATER),
        campaign.Withdrawing(("CP-4",), LATER),
        campaign.Moved("CP-2", "failed", LATER, "unsupported"),
        campaign.Retried("op", LATER),
        campaign.Resumed("op", LATER),
        campaign.Cancelled("op", LATER, "enough"),
        campaign.Ended("cancelled", LATER),
    ],
    EvseActor: [
        evse.Provisioned("abc", True, T0),
        evse.StatusTold(1, "Occupied", "Charging", T0, LATER, "NoError", "info", "vendor", "E1"),
        evse.Occupied("s1", 1, T0),
        evse.Claimed("p1", "tok_2", LATER, T0),
        evse.Unclaimed("p1", "lost", LATER),
        evse.Authorised("s1", "tok_1", LATER),
        evse.Claimed("p2", "tok_3", LATER, T0),
        evse.Claimed("p3", "tok_4", LATER, T0, "c1"),
        evse.Unclaimed("p3", "released", LATER),
        evse.Claimed("p4", "tok_5", LATER, T0, "c1"),
        evse.Reserved(7, "tok_1", LATER, "grp"),
        evse.Reserved(8, "tok_1", LATER),
        evse.Unreserved(8),
        evse.Released("s0", LATER),
        evse.Unattributed(1, -1, READINGS, "hash", LATER, ("clock",)),
    ],
    ChargingActor: [
        charging.ProfileInstalled(Held(1, PROFILE, T0)),
        charging.InventoryAsked(9, T0, 1, (), "TxProfile", 2, ("CSO",)),
        charging.PartTold(9, 1, "SO", True, LATER, (PROFILE,)),
        charging.LimitTold("EMS", T0, 1, True, PROFILE.schedules),
        charging.LimitGone("SO", LATER, 2),
        charging.NeedsTold(1, {"requestedEnergyTransfer": "DC"}, "Accepted", T0, 3),
        charging.EvScheduleTold(1, T0, PROFILE.schedules[0], "Rejected", LATER, 4),
        charging.Compared(1, "A", LATER, True, (Period(0, None),), (Period(0, Decimal(16), 3),)),
        charging.ProfileOrdered("k1", Held(1, PROFILE, LATER)),
        charging.OrderSettled("k2", "timeout", LATER),
        charging.ProfilesGone((5,), LATER),
    ],
    DisplayActor: [
        display.MessageShown(MESSAGE, T0),
        display.InventoryAsked(9, T0, (1, 2), "InFront", "Idle"),
        display.PartTold(9, True, LATER, (MESSAGE,)),
        display.MessagesGone((2,), LATER),
    ],
    LocalListActor: [
        locallist.ListWanted(("tok_1", "tok_2"), True, "op", T0),
        locallist.ListWatched(Watcher("campaign:c1:1", CAMPAIGN, T0)),
        locallist.StepSent("l1", 1, "Full", {"tok_1": "digest"}, T0),
        locallist.StepSettled("l1", "Accepted", LATER),
        locallist.VersionAsked("v1", LATER),
        locallist.VersionTold(1, LATER),
        locallist.SentByHand(2, "Differential", {"tok_3": "by hand"}, LATER),
        locallist.CustomerForgotten("tok_3", LATER),
    ],
    ReservationActor: [
        reservation.Reserved(1, TOKEN, LATER, T0, 1, "cCCS2", "grp"),
        reservation.Reserved(2, TOKEN, LATER, T0),
        reservation.Ended(2, "used", LATER, "s1"),
    ],
    SessionActor: [
        session.Started(PLACE, TOKEN, VERDICT, CARD, 42, 1000, T0, LATER, 1, 7, ("clock",)),
        session.Metered(READINGS, "hash", LATER, ("clock",)),
        session.ChargingChanged("SuspendedEV", T0, LATER),
        session.Flagged("overdue", LATER, "detail"),
        session.Ended(11_000, LATER, LATER, "Local", 10_000, TOKEN, VERDICT, ("meter_rounding",)),
        session.Quarantined(("repeated_after_stop",), LATER),
        session.StopContradicted(12_000, LATER, LATER, "Remote", TOKEN),
        session.Unread("dead-1", "stop", LATER, PLACE, 42),
        session.Resolved("correct", "why", "op", LATER, 9_000, T0, LATER, CARD),
        session.Rated(COST, 9_000, "f" * 32, LATER),
        session.Booked("cs1", LATER, "j1"),
        session.Repeated("s2", LATER),
    ],
    MerchantActor: [
        merchant.Put(SELLER, "op", T0, "5", "19", "brand", (PartnerShare("host", "30"),), 50),
        merchant.OnboardingBegun(1, "oauth", "https://csms/r", "", "op", T0, "DE", "hash", LATER),
        merchant.CodeTaken(1, "op", T0),
        merchant.OnboardingFailed(1, "invalid_grant", "used", T0),
        merchant.OnboardingBegun(2, "account_link", "https://csms/r", "https://csms/f", "op", LATER, "DE"),
        merchant.AccountTold(AccountSeen("acct_1", True, True, True, "active", "DE", "EUR", ("external_account",)), LATER, 2),
        merchant.Credited("s1", "owner", "EUR", 1172, T0),
        merchant.MoveAsked("transfer:acme:m1:1", "transfer", "owner", "EUR", 1172, (("s1", 1172),), T0),
        merchant.MoveRefused("transfer:acme:m1:1", "balance_insufficient", "too little", T0),
        merchant.MoveAsked("transfer:acme:m1:1", "transfer", "owner", "EUR", 1172, (("s1", 1172),), LATER, 2),
        merchant.MoveDone("transfer:acme:m1:1", "tr_1", LATER, None, ("j1", "j2")),
        merchant.Debited("r1", "s1", "owner", "EUR", 475, LATER),
        merchant.MoveAsked("reversal:acme:m1:2", "reversal", "owner", "EUR", 400, (("s1", -475),), LATER, 1, "tr_1"),
        merchant.PayoutTold("po_1", "paid", 4900, "EUR", T0, LATER, True, None, "REF1", ("j3",)),
        merchant.PayoutLinesAsked("po_1", 1, T0),
        merchant.PayoutReconciled("po_1", 3, 4900, LATER),
        merchant.BalanceAsked(1, T0, T0),
        merchant.BalanceTold(1, (("EUR", 100, 50),), T0, T0, "txn_1"),
        merchant.BalanceAsked(2, T0, T0, "txn_1"),
        merchant.BalanceTold(2, (("EUR", 100, 50),), T0, LATER),
        merchant.LinesJudged(2, 1, LATER, ("j4",)),
        merchant.LineResolved("txn_2", "5000", "a fee", "op", LATER),
        merchant.BalanceCompared((("EUR", 150, 149),), LATER),
        merchant.EvidenceAsked("e1", "p1", "dp_1", "op", LATER),
        merchant.PaymentsTold("acct_0", "p9", LATER),
        merchant.Draining("op", "sold", LATER),
        merchant.DisconnectBegun(3, LATER),
        merchant.PlatformTroubled("acct_brand", "key_refused", T0),
        merchant.PlatformTroubled("acct_brand", None, LATER),
        merchant.PlatformTroubled("acct_old", "no_key", LATER),
    ],
    WalletActor: [
        wallet.Opened("EUR", "op", T0, "d_1", 5_000),
        wallet.ToppedUp("p1", 10_000, T0, "cus_1", "pm_1"),
        wallet.Changed("op", T0, 4_000, AutoTopUp(1_000, 2_000, "v1", T0, 3), True),
        wallet.PromoGiven("promo1", "op", 500, "sponsor", T0, "shop", LATER),
        wallet.HoldMade("h1", "tok_1", "CP-1", 2_000, LATER, T0, 300, "promo1"),
        wallet.HoldBound("h1", "s1", T0, True),
        wallet.Charged("s1", "h1", 295, 0, LATER, 300, "tok_1", SALE),
        wallet.HoldMade("h2", "tok_2", "CP-2", 2_000, LATER, T0, session="s2"),
        wallet.HoldEnded("h2", "expired", LATER),
        wallet.Charged("s3", None, 0, 700, LATER, 0, "tok_1"),
        wallet.Collected("s3", "tok_1", 600, "0", LATER),
        wallet.TopUpAsked("w1", 2_000, LATER),
        wallet.TopUpFailed("w1", "authentication_required", LATER),
        wallet.Returned("p1", "r1", 1_000, 50, LATER, True),
        wallet.Credited("c1", "s1", 100, LATER, "op", "why", 0, 20),
        wallet.HoldMade("h3", "tok_2", "CP-2", 1_000, LATER, T0),
    ],
    AuthorityActor: [
        authority.Founded(
            AuthorityMaterial(
                ("PEM1", "PEM2"), (VaultRow(tenant="acme", ref="ca/0", kind="ca_key", blind=b"b", cell=b"c", key=b"k"),)
            ),
            T0,
        ),
        authority.OtherTrusted("contract", "f" * 64, "PEM3", "CN=MO root", LATER, "op", T0),
        authority.OtherTrusted("station", "e" * 64, "PEM4", "CN=factory", LATER, "op", T0),
        authority.OtherDistrusted("station", "e" * 64, "op", LATER),
        authority.Revoked("d" * 64, "1a", "CP-1", "lost", LATER, "op", T0),
    ],
    CertificatesActor: [
        certificates.VersionTold("ocpp2.0.1", T0),
        certificates.RenewalWatched(Watcher("campaign:c1:1", CAMPAIGN, T0, "ChargingStationCertificate")),
        certificates.CsrTaken("r1", "ChargingStationCertificate", "d1", "CN=SN1,O=Acme", T0),
        certificates.Issued("r1", "ChargingStationCertificate", "f" * 64, "1a", "CN=SN1,O=Acme", T0, LATER, "cert:r1", T0),
        certificates.Delivered("f" * 64, "accepted", T0),
        certificates.CsrTaken("r2", "V2GCertificate", "d2", "CN=SN1", T0),
        certificates.CsrRefused("V2GCertificate", "why", T0, "r2"),
        certificates.OrderGiven("install:3", "install", {"type": "MORootCertificate"}, T0),
        certificates.OrderSettled("install:3", "Accepted", T0),
        certificates.OrderGiven("read:4", "read", {"type": "MORootCertificate"}, T0),
        certificates.InstalledTold(
            ("MORootCertificate",),
            (certificates.InstalledEntry("MORootCertificate", CERTIFICATE, "CN=MO", (CERTIFICATE,)),),
            T0,
        ),
        certificates.InstalledTold(("V2GRootCertificate",), (), T0, whole=False),
        certificates.InstalledGone(CertificateHash("SHA256", "aa", "bb", "1"), LATER),
        certificates.ProfileStep(3, "network", T0, "profile:5", plan={"slot": 1}),
        certificates.IssuedRevoked("f" * 64, "lost", "op", LATER),
    ],
    PaymentActor: payments.WELL,
}
"""Facts in an order that each actor could have written; the state is what they lead to."""

LIVES: dict[type, dict[str, list[Any]]] = {
    PaymentActor: payments.LIVES,
    SessionActor: {
        "transaction": [
            session.EventTold(
                4, "Started", T0, LATER, "RemoteStart", "h4", "tx-1", PLACE, 42, CARD, TOKEN, VERDICT, "EVConnected",
                None, 9, 7, None, 32, 3, True, ("clock",),
            ),
            session.EventMetered(4, T0, LATER, "h4", READINGS, ("clock",)),
            session.EventTold(5, "Updated", LATER, LATER, "ChargingStateChanged", "h5", charging_state="Charging"),
            session.EventMetered(7, LATER, LATER, "h7", (Reading(LATER, (INTERVAL,)),)),
            session.EventContradicted(7, "Updated", LATER, LATER, "Trigger", "h7b", TOKEN, "Idle", READINGS),
            session.EventTold(
                8, "Ended", LATER, LATER, "StopAuthorized", "h8", token=TOKEN, verdict=VERDICT, stopped_reason="Remote",
                time_spent_charging=60,
            ),
        ],
        "paid": [
            session.Started(PLACE, TOKEN, PAID, CARD, 42, 1000, T0, LATER),
            session.PayerTold("attempt:p1", "began", 0, LATER, True, FUNDS),
            session.Funded(LATER, None, "no_credit"),
            session.Funded(LATER, FUNDS),
            session.StopOrdered("stop:s1:0", "cost_limit", LATER),
            session.StopAnswered("stop:s1:0", "Accepted", LATER),
            session.Ended(11_000, LATER, LATER, "Remote", 10_000),
            session.Rated(COST, 10_000, "f" * 32, LATER, (KindNet("energy", Money(500, "EUR")),)),
            session.Booked("cs1", LATER),
            session.PayerTold("attempt:p1", "rated", 1, LATER),
        ],
    },
}  # fmt: skip
"""Further lives: what a session of OCPP 2.x keeps, and one that a card pays."""

ALONE: dict[type, list[Any]] = {
    MerchantActor: [
        merchant.MoveDone("reversal:acme:m1:2", "tr_1", LATER, "trr_1", ("j1",)),
        merchant.AccountTold(AccountSeen("acct_2"), LATER, 4, "acct_brand"),
        merchant.MoveAsked("transfer:acme:m1:3", "transfer", "owner", "EUR", 9, (("s2", 9),), T0, platform="acct_brand"),
        merchant.PayoutTold("po_2", "pending", 4900, "EUR", T0, platform="acct_brand"),
    ],
    CertificatesActor: [certificates.WatchersTold("V2GCertificate", LATER)],
    LocalListActor: [locallist.WatchersTold(LATER)],
    TemplateActor: [template.Deleted("op", LATER)],
    ConfigurationActor: [
        configuration.Unassigned("gone", LATER),
        configuration.RoundEnded(LATER, True),
        configuration.WatchersTold(LATER),
    ],
    CampaignActor: [
        campaign.Created(Definition(name="roots", work=CertificateWork("V2GRootCertificate", "PEM"), match=Match()), "op", T0),
        campaign.Created(Definition(name="list", work=LocalListWork(("tok_1",)), match=Match()), "op", T0),
        campaign.Created(Definition(name="renew", work=RenewalWork("V2GCertificate"), match=Match()), "op", T0),
        campaign.Created(Definition(name="settings", work=ConfigurationWork("site"), match=Match()), "op", T0),
        campaign.Deleted("op", LATER),
    ],
    DeviceActor: [device.Rebooted(LATER)],
    WalletActor: [
        wallet.Closing("op", "why", LATER),
        wallet.Closed("op", 900, LATER, "SEPA 1"),
        wallet.ToppedUp("p2", 10_000, T0, "cus_1", "pm_1", "acct_brand"),
    ],
    SessionActor: [
        session.Unpriced(LATER),
        session.Waived("why", LATER),
        session.Credited("cs1-1", "j2", "why", "op", LATER),
        session.StopMatched("s1", LATER),
        session.Concluded(T0, LATER, LATER, "Local", T0, 1000, 11_000, 10_000, True, ("gap",)),
        session.StrayStopped(PLACE, -1, 11_000, LATER, LATER, "Local", TOKEN, ("clock",)),
    ],
}
"""Facts that have no place in the same life."""

KINDS = list(SAMPLES)


def codec_of(kind: Any) -> Codec:
    return Codec(
        state_type=kind.state_type,
        fact_type=kind.fact_type,
        durable_type=kind.durable_type,
        version=kind.version,
        fact_upcasters=kind.fact_upcasters,
        state_upcasters=kind.state_upcasters,
    )


def state_of(kind: Any, facts: list[Any] | None = None) -> Any:
    actor = kind.__new__(kind)
    return reduce(actor.apply, SAMPLES[kind] if facts is None else facts, actor.initial())


def written_of(kind: Any) -> list[Any]:
    lives = [fact for life in LIVES.get(kind, {}).values() for fact in life]
    return [*SAMPLES[kind], *ALONE.get(kind, ()), *lives]


def golden(kind: Any) -> dict[str, Any]:
    codec = codec_of(kind)
    rows = codec.facts(written_of(kind))
    lives = {name: json.loads(codec.checkpoint(state_of(kind, facts)).body) for name, facts in LIVES.get(kind, {}).items()}
    return {
        "version": kind.version,
        "facts": [{"type": row.type, "body": json.loads(row.body)} for row in rows],
        "state": json.loads(codec.checkpoint(state_of(kind)).body),
        **({"lives": lives} if lives else {}),
    }


def path_of(kind: Any) -> Path:
    return GOLDEN / f"{kind.kind}-v{kind.version}.json"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_every_fact_type_has_a_sample(kind: Any) -> None:
    sampled = {type(fact) for fact in written_of(kind)}
    assert sampled == set(get_args(kind.fact_type))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_what_is_written_now_is_what_the_golden_file_of_this_version_holds(kind: Any) -> None:
    assert golden(kind) == json.loads(path_of(kind).read_text()), "a changed shape needs a new version and an upcaster"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_every_golden_file_is_still_read_and_written_again_the_same(path: Path) -> None:
    kind = next(kind for kind in KINDS if path.stem.startswith(kind.kind + "-"))
    written = json.loads(path.read_text())
    codec = codec_of(kind)
    lived = []
    alone = {type(fact) for fact in ALONE.get(kind, ())}
    for n, fact in enumerate(written["facts"]):
        body = json.dumps(fact["body"], separators=(",", ":"), ensure_ascii=False).encode()
        known = codec.fact(FactRow(n, fact["type"], written["version"], body))
        if written["version"] == kind.version:
            assert json.loads(codec.facts([known])[0].body) == fact["body"]
        if type(known) not in alone:
            lived.append(known)
    state = codec.state(CheckpointRow(written["version"], json.dumps(written["state"]).encode()))
    assert state == (state_of(kind) if written["version"] == kind.version else state_of(kind, lived))
    for name, body in written.get("lives", {}).items():
        life = codec.state(CheckpointRow(written["version"], json.dumps(body).encode()))
        assert life == state_of(kind, LIVES[kind][name])


if __name__ == "__main__":
    for each in KINDS:
        if path_of(each).exists() and "--again" not in sys.argv:
            continue
        path_of(each).write_text(json.dumps(golden(each), indent=1, ensure_ascii=False) + "\n")
