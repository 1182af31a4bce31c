"""Queries of the dated tax rates."""

from datetime import date

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.after_commit import CACHE_AUDIENCE
from app.core.cache_tags import CONTACTS
from app.core.db import violated_constraint
from app.core.errors import Invalid
from app.core.events import OutgoingMessage, Person, send_after_commit
from app.core.i18n import _
from app.core.sql import fetch_row, fetch_value
from app.payments.tax import (
    COLLECTED_BASIS_POINTS,
    COMMISSION_SAC,
    WITHHELD_BASIS_POINTS,
    TaxRate,
    TaxRule,
    tax_rule,
)

# The rates of a day, of a service's category, of the commission, and of what is collected and withheld (NULL: none was
# added), and whether the professional is registered.
RATES_SQL = f"""
    SELECT {
    ", ".join(
        f"(SELECT r.rate FROM tax_rates r WHERE r.supply = '{supply}' AND r.valid_from <= $1"
        f" ORDER BY r.valid_from DESC LIMIT 1) AS {supply}"
        for supply in ("collected", "withheld")
    )
},
           s.form, s.rate, s.sac, c.rate AS commission_rate, c.sac AS commission_sac, c.form AS commission_form,
           EXISTS (SELECT 1 FROM tax_identities i WHERE i.user_id = $3 AND i.gstin <> '') AS is_registered
      FROM (SELECT r.form, r.rate, r.sac FROM tax_rates r
             WHERE r.supply = 'service' AND r.valid_from <= $1
               AND (r.category_id IS NULL OR r.category_id = (SELECT category_id FROM services WHERE id = $2))
             ORDER BY r.category_id NULLS LAST, r.valid_from DESC LIMIT 1) s
      LEFT JOIN (SELECT r.form, r.rate, r.sac FROM tax_rates r WHERE r.supply = 'commission' AND r.valid_from <= $1
                  ORDER BY r.valid_from DESC LIMIT 1) c ON true
"""
TAX_ON_SQL = """
    SELECT EXISTS (
        SELECT 1 FROM (SELECT DISTINCT ON (category_id) form FROM tax_rates
                        WHERE supply = 'service' AND valid_from <= $1 ORDER BY category_id, valid_from DESC) today
         WHERE form <> 'off')
"""


async def find_tax_rule(db: AsyncSession, service_id: int, professional_id: int | None) -> TaxRule | None:
    """The rule for a job that ends today; None: tax is off."""
    row = await fetch_row(db, RATES_SQL, clock.today(), service_id, professional_id)
    if row is None or row["form"] == "off":
        return None
    commission_on = row["commission_form"] not in (None, "off")
    collected, withheld = row["collected"], row["withheld"]
    return tax_rule(
        row["form"],
        row["rate"],
        row["sac"],
        commission_rate=row["commission_rate"] if commission_on else 0,
        commission_sac=row["commission_sac"] if commission_on else COMMISSION_SAC,
        is_registered=row["is_registered"],
        has_professional=professional_id is not None,
        collected=COLLECTED_BASIS_POINTS if collected is None else collected,
        withheld=WITHHELD_BASIS_POINTS if withheld is None else withheld,
    )


async def add_tax_rate(
    db: AsyncSession, by: Person, supply: str, category_id: int | None, valid_from: date, form: str, rate: int, sac: str
) -> None:
    """Add a rate in basis points. Invalid("valid_from") when there is one from the same day."""
    row = TaxRate(
        supply=supply,
        category_id=category_id,
        valid_from=valid_from,
        form=form,
        rate=rate,
        sac=sac,
        created_at=clock.now(),
        created_by_id=by.id,
    )
    try:
        async with db.begin_nested():
            db.add(row)
    except IntegrityError as clash:
        if violated_constraint(clash) != "tax_rates_day_key":
            raise
        raise Invalid({"valid_from": _("There's a rate from this day already. Choose another day.")}) from clash
    send_after_commit(db, [OutgoingMessage(CACHE_AUDIENCE, CONTACTS)])  # what every page shows has changed


async def is_tax_on(db: AsyncSession) -> bool:
    """Whether a service is taxed today."""
    is_on: bool = await fetch_value(db, TAX_ON_SQL, clock.today())
    return is_on
