"""The archive of monthly reports: one for each customer and month, made once."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.errors import Missing
from app.reports.monthly_statement import MonthlyReport


class MonthlyReports:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def keep(self, user_id: int, month: date, facts: dict[str, Any]) -> bool:
        """False when it was made before."""
        row = {"user_id": user_id, "month": month, "facts": facts, "made_at": clock.now()}
        made = insert(MonthlyReport).values(row).on_conflict_do_nothing().returning(MonthlyReport.id)
        return (await self._db.execute(made)).scalar_one_or_none() is not None

    async def of(self, user_id: int) -> Sequence[MonthlyReport]:
        mine = select(MonthlyReport).where(MonthlyReport.user_id == user_id)
        return (await self._db.scalars(mine.order_by(MonthlyReport.month.desc()))).all()

    async def one(self, user_id: int, month: date) -> MonthlyReport:
        mine = select(MonthlyReport).where(MonthlyReport.user_id == user_id, MonthlyReport.month == month)
        found = (await self._db.scalars(mine)).one_or_none()
        if found is None:
            raise Missing
        return found
