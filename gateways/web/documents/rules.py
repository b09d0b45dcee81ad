"""The business rules of EN 16931 that an e-invoice of ours could break, asked of the finished XML and of nothing else.

Required fields (BR-01 to BR-27), sums (BR-CO-10 to BR-CO-18), one breakdown per rate (BR-S-08 and its siblings), decimals
(BR-DEC). Where the standard's own schematron is lenient, so is this: a tax may differ by less than one unit from base times
rate, since a document's tax is what was charged, rounded once.
"""

from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from lxml import etree

from gateways.web.documents.ubl import CAC, CBC

_SPACES = {"cac": CAC, "cbc": CBC}
_CENT = Decimal("0.01")
_REQUIRED = {
    "BR-01": "cbc:CustomizationID",
    "BR-02": "cbc:ID",
    "BR-03": "cbc:IssueDate",
    "BR-04": "cbc:InvoiceTypeCode | cbc:CreditNoteTypeCode",
    "BR-05": "cbc:DocumentCurrencyCode",
    "BR-06": "cac:AccountingSupplierParty/cac:Party/cac:PartyLegalEntity/cbc:RegistrationName",
    "BR-07": "cac:AccountingCustomerParty/cac:Party/cac:PartyLegalEntity/cbc:RegistrationName",
    "BR-08": "cac:AccountingSupplierParty/cac:Party/cac:PostalAddress",
    "BR-09": "cac:AccountingSupplierParty/cac:Party/cac:PostalAddress/cac:Country/cbc:IdentificationCode",
    "BR-10": "cac:AccountingCustomerParty/cac:Party/cac:PostalAddress",
    "BR-11": "cac:AccountingCustomerParty/cac:Party/cac:PostalAddress/cac:Country/cbc:IdentificationCode",
    "BR-12": "cac:LegalMonetaryTotal/cbc:LineExtensionAmount",
    "BR-13": "cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount",
    "BR-14": "cac:LegalMonetaryTotal/cbc:TaxInclusiveAmount",
    "BR-15": "cac:LegalMonetaryTotal/cbc:PayableAmount",
    "BR-16": "cac:InvoiceLine | cac:CreditNoteLine",
}
_OF_A_LINE = {
    "BR-21": "cbc:ID",
    "BR-22": "cbc:InvoicedQuantity | cbc:CreditedQuantity",
    "BR-23": "(cbc:InvoicedQuantity | cbc:CreditedQuantity)/@unitCode",
    "BR-24": "cbc:LineExtensionAmount",
    "BR-25": "cac:Item/cbc:Name",
    "BR-26": "cac:Price/cbc:PriceAmount",
    "BR-CO-04": "cac:Item/cac:ClassifiedTaxCategory/cbc:ID",
}


class Broken(NamedTuple):
    rule: str
    detail: str


def broken(tree: etree._Element) -> list[Broken]:
    """The rules that the document breaks; empty for one that may be sent."""
    found = [*_required(tree)]
    return found if found else [*_sums(tree), *_breakdowns(tree), *_parties(tree), *_decimals(tree)]


def _required(tree: etree._Element) -> Iterator[Broken]:
    for rule, path in _REQUIRED.items():
        if not _filled(tree, path):
            yield Broken(rule, f"{path} is missing")
    for line in _nodes(tree, "cac:InvoiceLine | cac:CreditNoteLine"):
        for rule, path in _OF_A_LINE.items():
            if not _filled(line, path):
                yield Broken(rule, f"line {_text(line, 'cbc:ID')}: {path} is missing")
        if _number(line, "cac:Price/cbc:PriceAmount") < 0:
            yield Broken("BR-27", f"line {_text(line, 'cbc:ID')}: a price must not be negative")


def _sums(tree: etree._Element) -> Iterator[Broken]:
    total = "cac:LegalMonetaryTotal/cbc:"
    lines = _sum(tree, "(cac:InvoiceLine | cac:CreditNoteLine)/cbc:LineExtensionAmount")
    net = _number(tree, total + "LineExtensionAmount")
    before, after = _number(tree, total + "TaxExclusiveAmount"), _number(tree, total + "TaxInclusiveAmount")
    allowances, charges = _number(tree, total + "AllowanceTotalAmount"), _number(tree, total + "ChargeTotalAmount")
    prepaid, rounding = _number(tree, total + "PrepaidAmount"), _number(tree, total + "PayableRoundingAmount")
    payable, tax = _number(tree, total + "PayableAmount"), _number(tree, "cac:TaxTotal/cbc:TaxAmount")
    parts = _sum(tree, "cac:TaxTotal/cac:TaxSubtotal/cbc:TaxAmount")
    for rule, is_, ought in (
        ("BR-CO-10", net, lines),
        ("BR-CO-13", before, net - allowances + charges),
        ("BR-CO-14", tax, parts),
        ("BR-CO-15", after, before + tax),
        ("BR-CO-16", payable, after - prepaid + rounding),
    ):
        if is_ != ought:
            yield Broken(rule, f"{is_} where {ought} is due")
    if payable > 0 and not _filled(tree, "cbc:DueDate | cac:PaymentTerms/cbc:Note"):
        yield Broken("BR-CO-25", "an amount is due, but neither a date nor terms of payment are told")


def _breakdowns(tree: etree._Element) -> Iterator[Broken]:
    subtotals = _nodes(tree, "cac:TaxTotal/cac:TaxSubtotal")
    if not subtotals:
        yield Broken("BR-CO-18", "there is no breakdown of VAT")
    bases: dict[tuple[str, Decimal], Decimal] = defaultdict(Decimal)
    for line in _nodes(tree, "cac:InvoiceLine | cac:CreditNoteLine"):
        bases[_category(line, "cac:Item/cac:ClassifiedTaxCategory")] += _number(line, "cbc:LineExtensionAmount")
    seen = set()
    for subtotal in subtotals:
        key = _category(subtotal, "cac:TaxCategory")
        base, tax = _number(subtotal, "cbc:TaxableAmount"), _number(subtotal, "cbc:TaxAmount")
        letter, rate = key
        if key in seen:
            yield Broken(f"BR-{letter}-01", f"more than one breakdown of {letter} {rate} %")
        seen.add(key)
        if bases.get(key, Decimal(0)) != base:
            yield Broken(f"BR-{letter}-08", f"the base of {letter} {rate} % is {base}, its lines make {bases.get(key, 0)}")
        due = (base * rate / 100).quantize(_CENT, ROUND_HALF_UP)
        if abs(tax - due) >= 1 or (letter != "S" and tax):
            yield Broken("BR-CO-17", f"the tax of {base} at {rate} % is {tax}, {due} is due")
        if letter in ("E", "O") and not _filled(subtotal, "cac:TaxCategory/cbc:TaxExemptionReason"):
            yield Broken(f"BR-{letter}-10", f"{letter} needs a reason")
    for key in sorted(set(bases) - seen):
        yield Broken(f"BR-{key[0]}-01", f"lines of {key[0]} {key[1]} % have no breakdown")
    if any(letter == "O" for letter, _ in seen) and len(seen) > 1:
        yield Broken("BR-O-11", "what is not subject to VAT stands in a document of its own")


def _parties(tree: etree._Element) -> Iterator[Broken]:
    seller = "cac:AccountingSupplierParty/cac:Party/"
    vat_id = _text(tree, seller + "cac:PartyTaxScheme/cbc:CompanyID")
    letters = {_text(node, ".") for node in _nodes(tree, "cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cbc:ID")}
    for letter in sorted(letters & {"S", "Z", "E"}):
        if not vat_id:
            yield Broken(f"BR-{letter}-02", "the seller's VAT id is missing: put it into the merchant's seller")
    if "O" in letters and vat_id:
        yield Broken("BR-O-02", "what is not subject to VAT is sold without a VAT id")
    if not vat_id and not _filled(tree, seller + "cac:PartyIdentification/cbc:ID"):
        yield Broken("BR-CO-26", "the seller has no identifier")
    for node in _nodes(tree, "//cac:PartyTaxScheme/cbc:CompanyID"):
        text = _text(node, ".")
        if not (len(text) > 2 and text[:2].isascii() and text[:2].isalpha() and text[:2].isupper()):
            yield Broken("BR-CO-09", f"the VAT id {text!r} must begin with its country's two letters")


def _decimals(tree: etree._Element) -> Iterator[Broken]:
    for node in _nodes(tree, "//*[@currencyID]"):
        name = etree.QName(node).localname
        if name != "PriceAmount" and len(_text(node, ".").partition(".")[2]) > 2:
            yield Broken("BR-DEC", f"{name} {_text(node, '.')} has more than two decimals")


def _category(node: etree._Element, path: str) -> tuple[str, Decimal]:
    return _text(node, f"{path}/cbc:ID"), _number(node, f"{path}/cbc:Percent")


def _nodes(node: etree._Element, path: str) -> list[etree._Element]:
    found = node.xpath(path, namespaces=_SPACES)
    return list(found) if isinstance(found, list) else []


def _filled(node: etree._Element, path: str) -> bool:
    return any(bool(str(each)) if not isinstance(each, etree._Element) else len(each) or each.text for each in _nodes(node, path))


def _text(node: etree._Element, path: str) -> str:
    found = _nodes(node, path)
    return (found[0].text or "") if found else ""


def _number(node: etree._Element, path: str) -> Decimal:
    return Decimal(_text(node, path) or 0)


def _sum(node: etree._Element, path: str) -> Decimal:
    return sum((Decimal(each.text or 0) for each in _nodes(node, path)), Decimal(0))
