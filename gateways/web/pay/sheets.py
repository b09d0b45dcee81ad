"""A QR sheet drawn, as SVG and as PDF: the code large and dark on white, above it what it is for, below it the station and the
code in letters, so that it can be typed where it cannot be scanned."""

from collections.abc import Sequence
from html import escape

import msgspec
import segno
from fpdf import FPDF

from gateways.web.pay.receipt_pdf import plain

_WIDTH, _HEIGHT = 105.0, 148.0
"""A6, in mm."""
_QR_MM = 76.0
_QUIET = 4
"""Modules of white around the code (ISO/IEC 18004)."""


class Sheet(msgspec.Struct, frozen=True):
    """`title` and `place` stand above and below the code of `url`; `code` is the last part of it."""

    url: str
    title: str
    place: str
    code: str


def _modules(url: str) -> list[list[bool]]:
    """Error correction Q: a quarter may be scratched or dirty."""
    code = segno.make(url, error="q", micro=False, boost_error=False)
    return [[bool(module) for module in row] for row in code.matrix]


def _runs(url: str) -> tuple[int, list[tuple[int, int, int]]]:
    """(modules a side, quiet zone included; dark runs as column, row, length)."""
    found = []
    matrix = _modules(url)
    for y, row in enumerate(matrix):
        x = 0
        while x < len(row):
            start = x
            while x < len(row) and row[x]:
                x += 1
            if x > start:
                found.append((start + _QUIET, y + _QUIET, x - start))
            x += 1
    return len(matrix) + 2 * _QUIET, found


def svg_of(sheets: Sequence[Sheet]) -> bytes:
    """The sheets side by side, in mm."""
    width = _WIDTH * len(sheets)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}mm" height="{_HEIGHT}mm" viewBox="0 0 {width} {_HEIGHT}">'
        f'<rect width="{width}" height="{_HEIGHT}" fill="#fff"/>'
    ]
    parts += [_sheet_svg(sheet, n * _WIDTH) for n, sheet in enumerate(sheets)]
    return ("".join(parts) + "</svg>\n").encode()


def _sheet_svg(sheet: Sheet, left: float) -> str:
    side, runs = _runs(sheet.url)
    path = "".join(f"M{x} {y}h{length}v1h-{length}z" for x, y, length in runs)
    scale, inset, middle = _QR_MM / side, left + (_WIDTH - _QR_MM) / 2, left + _WIDTH / 2
    text = '<text x="{x}" y="{y}" font-family="sans-serif" font-size="{size}" text-anchor="middle">{text}</text>'
    return (
        f"<g><title>{escape(sheet.url)}</title>"
        + text.format(x=middle, y=22, size=5.4, text=escape(sheet.title))
        + f'<path transform="translate({inset} 30) scale({scale:.6f})" shape-rendering="crispEdges" d="{path}"/>'
        + text.format(x=middle, y=116, size=5, text=escape(sheet.place))
        + text.format(x=middle, y=126, size=7, text=escape(sheet.code))
        + text.format(x=middle, y=136, size=3, text=escape(sheet.url))
        + "</g>"
    )


def pdf_of(sheets: Sequence[Sheet]) -> bytes:
    paper = FPDF(format=(_WIDTH, _HEIGHT))
    paper.set_auto_page_break(False)
    paper.set_margin(5)
    paper.set_creator("Voltroupe")
    for sheet in sheets:
        paper.add_page()
        side, runs = _runs(sheet.url)
        module, inset = _QR_MM / side, (_WIDTH - _QR_MM) / 2
        paper.set_fill_color(0)
        for x, y, length in runs:
            paper.rect(inset + x * module, 30 + y * module, length * module, module, style="F")
        _centred(paper, 17, 15, sheet.title)
        _centred(paper, 111, 14, sheet.place)
        _centred(paper, 120, 20, sheet.code)
        _centred(paper, 132, 8, sheet.url)
    return bytes(paper.output())


def _centred(paper: FPDF, y: float, size: float, text: str) -> None:
    """One line; a long one is set smaller."""
    shown = plain(text)
    paper.set_font("helvetica", size=size)
    room = paper.epw
    if (wide := paper.get_string_width(shown)) > room:
        paper.set_font("helvetica", size=size * room / wide)
    paper.set_xy(paper.l_margin, y)
    paper.cell(0, size * 0.4, shown, align="C")
