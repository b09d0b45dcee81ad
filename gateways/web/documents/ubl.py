"""A document as an e-invoice of EN 16931, in the syntax of UBL 2.1 (Invoice, CreditNote).

The document itself knows no recipient: who wants an e-invoice says who they are, and that is written into the XML and kept
nowhere. Without it the buyer appears by the pseudonym that the document has. Amounts of a credit note are positive, its type
says which way they go. Currencies with more than two decimals cannot be told in this standard.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from lxml import etree

from actors.model.documents import CREDIT_NOTE, RECEIPT, number_text
from actors.model.money import Money, exponent
from actors.model.rows import DocumentRow
from gateways.web.documents.language import LINES, DocumentWords

CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
_ROOT = "urn:oasis:names:specification:ubl:schema:xsd:{}-2"
SPECIFICATION = "urn:cen.eu:en16931:2017"
_UNITS = {"kWh": "KWH", "min": "MIN", "h": "HUR", "session": "C62"}
"""UN/ECE Recommendation 20; C62 is one."""
_TOWN = re.compile(r"(?:[A-Z]{1,2}-)?([0-9][0-9A-Z -]{2,8}[0-9A-Z]) +(\S.*)")
_PRICE = Decimal("0.000001")
_CARD, _OTHER = "48", "1"
"""UNTDID 4461: a card; not defined."""


class Buyer(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """To whom an e-invoice is made out. It goes into the answer and is kept nowhere. `reference`: the buyer's own (BT-10)."""

    name: str
    street: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = ""
    vat_id: str = ""
    reference: str = ""


class NotCarried(ValueError):
    """The standard has no room for this document."""


def xml_of(row: DocumentRow, original: DocumentRow | None, buyer: Buyer | None = None) -> etree._Element:
    """The document as an XML tree. `original`: the document that a credit note is about. Raises NotCarried."""
    if exponent(row.currency) > 2:
        raise NotCarried(f"{row.currency} has three decimals, an e-invoice of EN 16931 has two")
    return _Writer(row, original, buyer).tree()


def text_of(tree: etree._Element) -> bytes:
    return bytes(etree.tostring(tree, xml_declaration=True, encoding="UTF-8", pretty_print=True))


class _Writer:
    def __init__(self, row: DocumentRow, original: DocumentRow | None, buyer: Buyer | None) -> None:
        self.row, self.body, self.original, self.buyer = row, row.body, original, buyer
        self.credit = row.kind == CREDIT_NOTE
        self.sign = -1 if self.credit else 1
        self.t = DocumentWords(str(row.body.get("language", "en")))
        self.zone = ZoneInfo(str(row.body.get("time_zone", "UTC")))

    def tree(self) -> etree._Element:
        name = "CreditNote" if self.credit else "Invoice"
        space = _ROOT.format(name)
        root = etree.Element(f"{{{space}}}{name}", nsmap={None: space, "cac": CAC, "cbc": CBC})
        _put(root, "CustomizationID", SPECIFICATION)
        _put(root, "ID", number_text(self.row))
        _put(root, "IssueDate", self._day(self.row.at))
        _put(root, "CreditNoteTypeCode" if self.credit else "InvoiceTypeCode", "381" if self.credit else "380")
        _put(root, "DocumentCurrencyCode", self.row.currency)
        if self.buyer is not None and self.buyer.reference:
            _put(root, "BuyerReference", self.buyer.reference)
        self._period(root)
        if self.original is not None:
            reference = _node(_node(root, "BillingReference"), "InvoiceDocumentReference")
            _put(reference, "ID", number_text(self.original))
            _put(reference, "IssueDate", self._day(self.original.at))
        self._seller(_node(_node(root, "AccountingSupplierParty"), "Party"))
        self._buyer(_node(_node(root, "AccountingCustomerParty"), "Party"))
        self._payment(root)
        self._taxes(root)
        self._totals(root)
        for n, line in enumerate(self.body["lines"], 1):
            self._line(_node(root, "CreditNoteLine" if self.credit else "InvoiceLine"), n, line)
        return root

    def _period(self, root: etree._Element) -> None:
        if not self.body.get("started_at"):
            return
        period = _node(root, "InvoicePeriod")
        for name, field in (("StartDate", "started_at"), ("EndDate", "ended_at")):
            _put(period, name, self._day(datetime.fromisoformat(str(self.body[field]).replace("Z", "+00:00"))))

    def _seller(self, party: etree._Element) -> None:
        seller = self.body["seller"]
        if not seller.get("vat_id"):
            _put(_node(party, "PartyIdentification"), "ID", self.row.seller)
        address = list(seller.get("address", ()))
        town = _TOWN.fullmatch(str(address[-1])) if len(address) > 1 else None
        street = address[0] if address else ""
        country = str(seller.get("country") or self.body["country"])
        _address(party, street, town[1] if town else "", town[2] if town else ", ".join(address[1:]), country)
        if seller.get("vat_id"):
            _vat_id(party, str(seller["vat_id"]))
        _put(_node(party, "PartyLegalEntity"), "RegistrationName", str(seller.get("name", "")))

    def _buyer(self, party: etree._Element) -> None:
        buyer = self.buyer or Buyer(f"{self.t('Customer')} {self.row.customer}".strip())
        _address(party, buyer.street, buyer.postal_code, buyer.city, buyer.country or str(self.body["country"]))
        if buyer.vat_id:
            _vat_id(party, buyer.vat_id)
        _put(_node(party, "PartyLegalEntity"), "RegistrationName", buyer.name)

    def _payment(self, root: etree._Element) -> None:
        paid = self.body.get("paid")
        card = isinstance(paid, Mapping) and paid.get("method") == "card"
        _put(_node(root, "PaymentMeans"), "PaymentMeansCode", _CARD if card else _OTHER)
        if self._due():
            _put(_node(root, "PaymentTerms"), "Note", self.t("Payable as agreed"))

    def _taxes(self, root: etree._Element) -> None:
        total = _node(root, "TaxTotal")
        self._amount(total, "TaxAmount", self.body["vat_minor"])
        for vat in self.body["vat"]:
            sub = _node(total, "TaxSubtotal")
            self._amount(sub, "TaxableAmount", vat["net_minor"])
            self._amount(sub, "TaxAmount", vat["vat_minor"])
            self._category(_node(sub, "TaxCategory"), vat["rate"], reason=True)

    def _totals(self, root: etree._Element) -> None:
        total = _node(root, "LegalMonetaryTotal")
        self._amount(total, "LineExtensionAmount", self.body["net_minor"])
        self._amount(total, "TaxExclusiveAmount", self.body["net_minor"])
        self._amount(total, "TaxInclusiveAmount", self.body["gross_minor"])
        due = self._due()
        if not due:
            self._amount(total, "PrepaidAmount", self.body["gross_minor"])
        self._amount(total, "PayableAmount", due)

    def _due(self) -> int:
        """A receipt is paid, a credit note was given back the way it came."""
        return 0 if self.row.kind in (RECEIPT, CREDIT_NOTE) else int(self.body["gross_minor"])

    def _line(self, line: etree._Element, n: int, told: Mapping[str, Any]) -> None:
        net = self.sign * told["net_minor"]
        quantity, unit = Decimal(told["quantity"]), told["unit"]
        if net < 0 or not quantity:
            quantity, unit = Decimal(-1 if net < 0 else 1), "session"
        _put(line, "ID", str(n))
        name = "CreditedQuantity" if self.credit else "InvoicedQuantity"
        _put(line, name, f"{quantity:f}", unitCode=_UNITS[unit])
        self._amount(line, "LineExtensionAmount", told["net_minor"])
        item = _node(line, "Item")
        _put(item, "Name", self.t(LINES.get(told["kind"], told["kind"])))
        self._category(_node(item, "ClassifiedTaxCategory"), told["rate"])
        price = (Money(net, self.row.currency).major() / quantity).quantize(_PRICE, ROUND_HALF_UP)
        _put(_node(line, "Price"), "PriceAmount", f"{price.normalize():f}", currencyID=self.row.currency)

    def _category(self, node: etree._Element, rate: str, *, reason: bool = False) -> None:
        """S: a rate; Z: a rate of zero; without a rate E for whoever has a VAT id, else O, not subject to it."""
        if rate:
            _put(node, "ID", "S" if Decimal(rate) else "Z")
            _put(node, "Percent", rate)
        elif self.body["seller"].get("vat_id"):
            _put(node, "ID", "E")
            _put(node, "Percent", "0")
        else:
            _put(node, "ID", "O")
        if reason and not rate:
            _put(node, "TaxExemptionReason", self.t("No tax named"))
        _put(_node(node, "TaxScheme"), "ID", "VAT")

    def _amount(self, parent: etree._Element, name: str, minor: int) -> None:
        places = exponent(self.row.currency)
        text = f"{Money(self.sign * minor, self.row.currency).major():.{places}f}"
        _put(parent, name, text, currencyID=self.row.currency)

    def _day(self, at: datetime) -> str:
        return at.astimezone(self.zone).date().isoformat()


def _node(parent: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{CAC}}}{name}")


def _put(parent: etree._Element, name: str, text: str, **attributes: str) -> None:
    node = etree.SubElement(parent, f"{{{CBC}}}{name}", attributes)
    node.text = "".join(c for c in text if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))


def _address(party: etree._Element, street: str, postal_code: str, city: str, country: str) -> None:
    address = _node(party, "PostalAddress")
    fields: Sequence[tuple[str, str]] = (("StreetName", street), ("CityName", city), ("PostalZone", postal_code))
    for name, text in fields:
        if text:
            _put(address, name, text)
    _put(_node(address, "Country"), "IdentificationCode", country)


def _vat_id(party: etree._Element, vat_id: str) -> None:
    scheme = _node(party, "PartyTaxScheme")
    _put(scheme, "CompanyID", vat_id)
    _put(_node(scheme, "TaxScheme"), "ID", "VAT")
