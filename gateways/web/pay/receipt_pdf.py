"""A receipt as a PDF of one or two A4 pages. Core fonts only: they need no files and know the letters of western Europe; what
they do not know (the euro sign among it) is written out."""

from collections.abc import Sequence

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from gateways.web.pay.language import PayWords
from gateways.web.pay.receipt import Receipt, billed

FONT = "helvetica"
_LEFT, _TOP, _LINE = 20.0, 20.0, 5.2
_LABEL = 62.0
_WRITTEN_OUT = str.maketrans({"€": "EUR", "\u00a0": " ", "–": "-", "—": "-", "…": "...", "„": '"', "“": '"', "”": '"', "’": "'"})


class Paper(FPDF):
    """`say` writes what the font can; a name in other letters keeps its shape with question marks."""

    def __init__(self, footer_text: str) -> None:
        super().__init__(format="A4")
        self._footer_text = footer_text
        self.set_margins(_LEFT, _TOP, _LEFT)
        self.set_auto_page_break(True, 22)

    def footer(self) -> None:
        self.set_y(-15)
        self.set_font(FONT, size=8)
        self.set_text_color(90)
        self.cell(0, 4, f"{self._footer_text}   {self.page_no()}/{{nb}}", align="C")
        self.set_text_color(0)

    def say(self, text: str, size: float = 10, *, bold: bool = False) -> None:
        self.set_font(FONT, "B" if bold else "", size)
        self.multi_cell(0, _LINE * size / 10, plain(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def fact(self, label: str, value: str, *, bold: bool = False, right: bool = False) -> None:
        """A label, and its value beside it, or at the right edge."""
        self.set_font(FONT, "B" if bold else "", 10)
        start = self.get_y()
        width = self.epw - 40 if right else _LABEL
        self.multi_cell(width, _LINE, plain(label), new_x=XPos.RIGHT, new_y=YPos.TOP, max_line_height=_LINE)
        after = self.get_y()
        self.set_xy(_LEFT + width, start)
        self.multi_cell(0, _LINE, plain(value), align="R" if right else "L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_y(max(self.get_y(), after, start + _LINE))

    def gap(self, height: float = 3.0, *, rule: bool = False) -> None:
        self.ln(height)
        if rule:
            self.set_draw_color(190)
            self.line(_LEFT, self.get_y(), self.w - _LEFT, self.get_y())
            self.ln(height)


def plain(text: str) -> str:
    return text.translate(_WRITTEN_OUT).encode("latin-1", "replace").decode("latin-1")


def pdf(receipt: Receipt, t: PayWords) -> bytes:
    paper = Paper(f"{t('Receipt')} {receipt.number}")
    paper.set_title(plain(f"{t('Receipt')} {receipt.number}"))
    paper.set_lang(t.code)
    paper.set_creator("Voltroupe")
    paper.add_page()
    _seller(paper, receipt, t)
    paper.gap(rule=True)
    paper.say(t("Receipt for a charge"), 16, bold=True)
    paper.gap(1)
    _facts(paper, receipt, t)
    paper.gap(rule=True)
    _money(paper, receipt, t)
    paper.gap(rule=True)
    _meter(paper, receipt, t)
    return bytes(paper.output())


def _seller(paper: Paper, receipt: Receipt, t: PayWords) -> None:
    seller = receipt.seller
    if seller is None:
        return
    paper.say(seller.name, 12, bold=True)
    for line in (*seller.address, *_contact(receipt, t)):
        paper.say(line, 9)


def _contact(receipt: Receipt, t: PayWords) -> Sequence[str]:
    seller = receipt.seller
    assert seller is not None, "asked only of a receipt with a seller"
    found = [f"{t('VAT id')}: {seller.vat_id}"] if seller.vat_id else []
    reach = ", ".join(part for part in (seller.email, seller.phone) if part)
    return [*found, reach] if reach else found


def _facts(paper: Paper, receipt: Receipt, t: PayWords) -> None:
    facts = [
        (t("Receipt number"), receipt.number),
        (t("Paid on"), t.when(receipt.paid_at, receipt.zone) if receipt.paid_at else ""),
        (t("Station"), f"{receipt.station}, EVSE {receipt.evse}"),
        (t("Place"), receipt.place),
        (t("Start"), t.when(receipt.started_at, receipt.zone) if receipt.started_at else ""),
        (t("End"), t.when(receipt.ended_at, receipt.zone) if receipt.ended_at else ""),
    ]
    if receipt.started_at and receipt.ended_at:
        facts.append((t("Duration"), t.span((receipt.ended_at - receipt.started_at).total_seconds())))
    facts.append((t("Energy"), t.kwh(receipt.energy_wh)))
    if receipt.registers is not None:
        facts.append((t("Meter reading at the start"), t.kwh(receipt.registers[0])))
        facts.append((t("Meter reading at the end"), t.kwh(receipt.registers[1])))
    facts += [(t("Payment reference"), receipt.reference), (t("Session"), receipt.session)]
    for label, value in facts:
        if value:
            paper.fact(label, value)


def _money(paper: Paper, receipt: Receipt, t: PayWords) -> None:
    if receipt.prices:
        paper.say(t("Prices"), 11, bold=True)
        for price in receipt.prices:
            notes = f" ({'; '.join(price.notes)})" if price.notes else ""
            paper.fact(price.label, f"{price.amount} {price.unit}{notes}")
        paper.gap(2)
    paper.say(t("Amount"), 11, bold=True)
    for line in receipt.lines:
        paper.fact(billed(line, receipt.currency, t), t.price(line.gross, receipt.currency), right=True)
    if receipt.cost is not None and receipt.cost.incl.amount_minor != receipt.paid_minor:
        paper.fact(t("Cost of the charge"), t.money(receipt.cost.incl), right=True)
    paper.fact(t("Paid by card"), t.minor(receipt.paid_minor, receipt.currency), bold=True, right=True)
    for vat in receipt.vats:
        text = t("of it {rate} VAT on {gross}", rate=t.percent(vat.rate), gross=t.money(vat.gross))
        paper.fact(text, t.money(vat.tax), right=True)
    for refund in receipt.refunds:
        label = t("Refund under way") if refund.pending else t("Refunded")
        when = f", {t.when(refund.at, receipt.zone)}" if refund.at else ""
        number = f" ({refund.number})" if refund.number else ""
        paper.fact(label + when + number, "-" + t.minor(refund.amount_minor, receipt.currency), right=True)
    if receipt.excess_minor:
        paper.say(t("{amount} more than this charge cost were taken from your card by mistake. They go back to it.",
                    amount=t.minor(receipt.excess_minor, receipt.currency)), 9)  # fmt: skip


def _meter(paper: Paper, receipt: Receipt, t: PayWords) -> None:
    if not receipt.signed:
        paper.say(t("The station sent no signed meter values for this charge."), 9)
        return
    paper.say(t("Signed meter values"), 11, bold=True)
    paper.say(t("The meter signed its readings ({n} records). The file with them is on the page of this receipt.",
                n=len(receipt.signed)), 9)  # fmt: skip
    if receipt.public_key:
        paper.say(f"{t('Public key of the meter')}: {receipt.public_key}", 8)
    if receipt.seller is not None and receipt.seller.public_key_url:
        paper.say(f"{t('Where the key can be looked up')}: {receipt.seller.public_key_url}", 9)
