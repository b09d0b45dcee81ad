"""What a card pays where the brand sells in its own name at an owner's station: a purchase and a sale (MONEY 3.4).

The charge lies on the owner's account all the same. What the owner keeps of it is the price of what it supplied to the brand,
with VAT of its own, and the application fee is the brand's margin: it is no commission, and nothing of it is invoiced. Where the
provider took another fee than the terms say, or gave none back with a refund, the brand owes the owner the difference (2200 and
1250). Whoever sells bears what is refunded and what is lost. Both are taken to be in one country: whose VAT a supply to a brand
abroad bears, and whether electricity for resale falls under the reverse charge at home, is for counsel.
"""

from decimal import Decimal

import msgspec

from actors.merchant.messages import BRAND
from actors.model.posting_lines import Lines, credit, debit, sold, vat_input
from actors.model.shares import Split, commission, in_proportion
from actors.ports import MerchantCard


def is_resold(merchant: MerchantCard) -> bool:
    """A merchant without an account of its own is kept in the brand's book: there is nobody to buy from."""
    return merchant.sells == BRAND and merchant.account is not None


class Resale(msgspec.Struct, frozen=True):
    """`sale`: of what the driver paid, `whole`: of the session's price, of which the supply is a part."""

    merchant: MerchantCard
    country: str
    sale: Split
    whole: Split

    @property
    def due(self) -> int:
        """Gross, what the owner is to keep of the sale."""
        terms = self.merchant
        return self.sale.gross - commission(self.sale.gross, terms.commission_percent, terms.commission_vat_percent).gross

    def bought(self, before: int, after: int) -> Split:
        """The supply in the step from `before` to `after` of the sale."""
        due, gross = self.due, self.sale.gross
        return self.whole.of(due).between(in_proportion(before, due, gross), in_proportion(after, due, gross))

    def brand(self, before: int, after: int) -> Lines:
        """5030, 1310 | 4110, 2300 of the step; the sides differ by what the brand keeps."""
        bought = self.bought(before, after)
        lines = debit(f"5030/{self.merchant.id}", bought.net)
        for rate, minor in bought.vat:
            lines += debit(vat_input(self.country, Decimal(rate)), minor)
        return lines + sold(self.sale.between(before, after), self.country, account="4110")

    def owner(self, before: int, after: int) -> Lines:
        """| 4000, 2300."""
        return sold(self.bought(before, after), self.country)

    def owed(self, minor: int) -> tuple[Lines, Lines]:
        """The brand owes the owner so much more: (the brand's line, the owner's)."""
        return credit(f"2200/{self.merchant.id}", minor), debit("1250", minor)
