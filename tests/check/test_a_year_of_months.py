"""`doorstep check` gives no false alarm over twelve months of reports of the demo town, half of them without visits."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.check.run import find_violations
from app.core import clock
from app.core.encryption import Encryption
from app.core.secrets import Passwords
from app.core.storage import Storage
from app.dev.demo_history import write_history, write_present
from app.dev.demo_town import load_town
from app.dev.seed import seed_people
from app.reports.monthly_statement import month_before
from app.reports.monthly_statement_delivery import send_batch

SECRET = "the demo town of the tests, of 32 bytes"  # pragma: allowlist secret


@pytest.mark.slow
async def test_a_year_of_monthly_reports_breaks_no_rule(db: AsyncSession, tmp_path: Path) -> None:
    encryption, storage = Encryption(SECRET), Storage(tmp_path)
    with clock.freeze(clock.at(clock.today()) + timedelta(hours=13)):
        await seed_people(db, Passwords(encryption, cheap=True), storage)
        town = await load_town(db)
        assert town is not None
        await write_present(db, town, encryption)
        await write_history(db, town, encryption)
        month = clock.today().replace(day=1)
        for _ in range(12):
            batch = await send_batch(db, month, clock.now(), after=0)
            while batch is not None:
                batch = await send_batch(db, month, clock.now(), after=batch.last_customer_id)
            month = month_before(month)
        reported = await db.scalar(text("SELECT count(DISTINCT month) FROM monthly_reports"))
        assert reported >= 6  # the demo town's history is half a year
        assert await find_violations(db, storage) == []
