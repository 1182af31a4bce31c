"""GST and what else the government gets of a price: dated rates, and how a price that includes tax is shared.

Two forms (docs/invoices.md). "9(5)": Doorstep is the supplier and owes the tax of the price. "52": the professional,
who is registered, is the supplier and owes it; Doorstep collects tax (TCS) and withholds income tax.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import Base
from app.payments.shares import COMMISSION_PERCENT, FEE_SHARE_PERCENT, rounded_share

FORMS = ("off", "9(5)", "52")
SUPPLIES = ("service", "commission", "collected", "withheld")
WHOLE_BASIS_POINTS = 10_000  # 100 %
# TCS 0.5 %, income tax 0.1 %, of the taxable value, where no dated rate says otherwise.
COLLECTED_BASIS_POINTS, WITHHELD_BASIS_POINTS = 50, 10
WHOLE_PERCENT = 100
COMMISSION_SAC = "998599"
DEFAULT_SAC = "998719"


class TaxRate(Base):
    """From `valid_from` on; the newest row of a category counts, else the newest without one. `rate`: basis points.

    "collected" and "withheld" are what section 52 takes from professionals; their `sac` says nothing.
    """

    __tablename__ = "tax_rates"
    __table_args__ = (
        CheckConstraint("supply IN ('" + "', '".join(SUPPLIES) + "')", name="tax_rates_supply_check"),
        CheckConstraint("form IN ('off', '9(5)', '52')", name="tax_rates_form_check"),
        CheckConstraint("rate BETWEEN 0 AND 4000 AND rate % 2 = 0", name="tax_rates_rate_check"),
        CheckConstraint("sac ~ '^[0-9]{6}$'", name="tax_rates_sac_check"),
        CheckConstraint("supply = 'service' OR category_id IS NULL", name="tax_rates_category_check"),
        Index("tax_rates_day_key", "supply", text("coalesce(category_id, 0::bigint)"), "valid_from", unique=True),
    )
    supply: Mapped[str]
    category_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("categories.id"))
    valid_from: Mapped[date] = mapped_column(Date)
    form: Mapped[str]
    rate: Mapped[int] = mapped_column(Integer)
    sac: Mapped[str] = mapped_column(String(6))
    created_at: Mapped[datetime]
    created_by_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))


@dataclass(frozen=True, slots=True)
class TaxRule:
    """The rates that count for a job. All in basis points; `form` is "9(5)" or "52"."""

    form: str
    rate: int
    sac: str
    commission_rate: int = 0
    commission_sac: str = COMMISSION_SAC
    collected: int = 0
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class TaxedShares:
    """How the paise of a price are shared: `tax` is what Doorstep owes of it, `commission_tax` is on the commission."""

    earning: int
    commission: int
    tax: int = 0
    commission_tax: int = 0
    collected: int = 0
    withheld: int = 0

    def __sub__(self, other: "TaxedShares") -> "TaxedShares":
        return TaxedShares(
            self.earning - other.earning,
            self.commission - other.commission,
            self.tax - other.tax,
            self.commission_tax - other.commission_tax,
            self.collected - other.collected,
            self.withheld - other.withheld,
        )


NO_SHARES = TaxedShares(0, 0)


def included_tax(total: int, rate: int) -> int:
    """The tax in `total` paise that include it: an even number, so that its two halves are equal."""
    return 2 * rounded_share(total, rate // 2, WHOLE_BASIS_POINTS + rate)


def added_tax(taxable: int, rate: int) -> int:
    """The tax on `taxable` paise: an even number."""
    return 2 * rounded_share(taxable, rate // 2, WHOLE_BASIS_POINTS)


def share_job(total: int, rule: TaxRule | None) -> TaxedShares:
    """The shares of a job's `total` paise; without a rule there is no tax."""
    return _share(total, COMMISSION_PERCENT, rule)


def share_fee(fee: int, rule: TaxRule | None, *, to_professional: bool) -> TaxedShares:
    """The shares of a fee; it is all Doorstep's when no professional lost the time."""
    if to_professional:
        return _share(fee, WHOLE_PERCENT - FEE_SHARE_PERCENT, rule, earning_percent=FEE_SHARE_PERCENT)
    tax = included_tax(fee, rule.rate) if rule else 0
    return TaxedShares(0, fee - tax, tax)


def _share(total: int, percent: int, rule: TaxRule | None, earning_percent: int | None = None) -> TaxedShares:
    """`percent` of the taxable value are the commission; of a fee the professional's part is rounded instead."""
    tax = included_tax(total, rule.rate) if rule else 0
    taxable = total - tax
    commission = (
        rounded_share(taxable, percent, WHOLE_PERCENT)
        if earning_percent is None
        else taxable - rounded_share(taxable, earning_percent, WHOLE_PERCENT)
    )
    if rule is None:
        return TaxedShares(total - commission, commission)
    commission_tax = added_tax(commission, rule.commission_rate)
    collected = rounded_share(taxable, rule.collected, WHOLE_BASIS_POINTS)
    withheld = rounded_share(taxable, rule.withheld, WHOLE_BASIS_POINTS)
    owed = tax if rule.form == "9(5)" else 0
    earning = total - owed - commission - commission_tax - collected - withheld
    return TaxedShares(earning, commission, owed, commission_tax, collected, withheld)


def tax_rule(
    form: str,
    rate: int,
    sac: str,
    *,
    commission_rate: int = 0,
    commission_sac: str = COMMISSION_SAC,
    is_registered: bool = False,
    has_professional: bool = True,
    collected: int = COLLECTED_BASIS_POINTS,
    withheld: int = WITHHELD_BASIS_POINTS,
) -> TaxRule:
    """A category of s. 9(5) comes under it only for unregistered professionals; registered ones invoice themselves.

    An unregistered professional of any other category charges no tax, and none is collected of it.
    """
    if not has_professional or (form == "9(5)" and not is_registered):
        return TaxRule("9(5)", rate, sac, commission_rate, commission_sac)
    if is_registered:
        return TaxRule("52", rate, sac, commission_rate, commission_sac, collected, withheld)
    return TaxRule("52", 0, sac, commission_rate, commission_sac, 0, withheld)
