"""The application on a database of the test's own, and the tax that admins turned on."""

from datetime import date

from app.core import clock
from app.payments.tax import COMMISSION_SAC, TaxRate
from tests.factories import an_admin
from tests.own_application import own_app, scene

__all__ = ["own_app", "scene"]
GST_RATE = 18_00
START_OF_GST = date(2026, 4, 1)


async def turn_tax_on(db, form: str = "9(5)") -> None:
    """18 % on every service, and on the commission."""
    admin = await an_admin(db)
    for supply, sac in (("service", "998719"), ("commission", COMMISSION_SAC)):
        db.add(
            TaxRate(
                supply=supply,
                valid_from=START_OF_GST,
                form=form,
                rate=GST_RATE,
                sac=sac,
                created_at=clock.now(),
                created_by_id=admin.id,
            )
        )
    await db.flush()
