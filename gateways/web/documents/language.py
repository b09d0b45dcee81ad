"""The words of documents, besides those of the pay page. English stands in the code, German here."""

from collections.abc import Mapping
from typing import ClassVar

from gateways.web.pay.german import GERMAN
from gateways.web.pay.language import PayWords

_OURS = {
    "Amount": "Betrag",
    "Brought back: the refund did not arrive": "Zurückgebucht: die Erstattung kam nicht an",
    "Charging": "Laden",
    "Charging time": "Ladezeit",
    "Correction of the receipt or invoice": "Korrektur zu",
    "Credit note": "Gutschrift",
    "Credit notes": "Gutschriften",
    "Customer": "Kunde",
    "Documents": "Belege",
    "Duration": "Dauer",
    "EVSE": "Ladepunkt",
    "Energy": "Energie",
    "Fee per session": "Gebühr je Ladevorgang",
    "Highest price of the tariff": "Höchstpreis des Tarifs",
    "Invoice": "Rechnung",
    "Invoices": "Rechnungen",
    "Issued": "Ausgestellt",
    "Least price of the tariff": "Mindestpreis des Tarifs",
    "Meter reading at the end": "Zählerstand am Ende",
    "Meter reading at the start": "Zählerstand zu Beginn",
    "Net": "Netto",
    "No tax named": "ohne Steuerangabe",
    "Number": "Nummer",
    "Occupancy fee": "Blockiergebühr",
    "Payable as agreed": "Zahlbar wie vereinbart",
    "Paid by card": "Mit Karte bezahlt",
    "Paid from the wallet": "Aus dem Guthaben bezahlt",
    "Place": "Ort",
    "Receipt": "Beleg",
    "Receipts": "Belege",
    "Refund": "Erstattung",
    "Reservation": "Reservierung",
    "Rounding": "Rundung",
    "Session": "Ladevorgang",
    "Start": "Beginn",
    "End": "Ende",
    "Statement for {month}": "Abrechnung für {month}",
    "Station": "Ladestation",
    "Total": "Gesamt",
    "VAT": "USt.",
    "VAT id": "USt-IdNr.",
    "Waived by the seller": "Vom Verkäufer erlassen",
    "h": "h",
    "min": "min",
    "{rate} VAT": "{rate} USt.",
}

TITLES = {"receipt": "Receipt", "invoice": "Invoice", "credit_note": "Credit note"}
PLURALS = {"receipt": "Receipts", "invoice": "Invoices", "credit_note": "Credit notes"}
LINES = {
    "charging": "Charging",
    "energy": "Energy",
    "time": "Charging time",
    "occupancy": "Occupancy fee",
    "flat": "Fee per session",
    "reservation": "Reservation",
    "min_price": "Least price of the tariff",
    "max_price": "Highest price of the tariff",
    "rounding": "Rounding",
    "waived": "Waived by the seller",
    "refund": "Refund",
    "refund_failed": "Brought back: the refund did not arrive",
}
"""Kinds of a document's lines (actors/model/bill.py and documents.py), as people read them."""


class DocumentWords(PayWords):
    catalogues: ClassVar[Mapping[str, Mapping[str, str]]] = {"de": {**GERMAN, **_OURS}}
