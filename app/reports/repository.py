"""Queries of reports, answered from one covering index each time a report is opened.

All count the same set: the bookings that start in the period (docs/decisions/0017-reports.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import person_patterns
from app.reports.period import Period

# JIT compilation takes longer than it saves here; the groups stay in memory.
SESSION_SETTINGS = text("SELECT set_config('jit', 'off', true), set_config('work_mem', '64MB', true)")
BOOKING_CONDITIONS = {
    "category": "service_id IN (SELECT id FROM services WHERE category_id = :category)",
    "pincode": "pincode = :pincode",
    "professional": "professional_id = :professional",
}
# One pass over the index. Step 0 is the period before; a row per step, state, kind of cancellation and rating, and two
# rows without a state: the median minutes from request to acceptance of both periods.
BOOKING_COUNTS = """
    WITH grouped AS MATERIALIZED (
        SELECT width_bucket(starts_at, CAST(:bounds AS timestamptz[])) - 1 AS step, state, cancelled_as, rating,
               accepted_minutes AS minutes, count(*) AS n, sum(commission) AS commission, sum(revenue) AS revenue
          FROM bookings WHERE starts_at >= :since AND starts_at < :till {filters} GROUP BY 1, 2, 3, 4, 5
    ), minutes AS (
        SELECT least(step, 1) AS part, minutes, sum(n) AS n FROM grouped WHERE minutes IS NOT NULL GROUP BY 1, 2
    ), adding AS (
        SELECT part, minutes, sum(n) OVER (PARTITION BY part ORDER BY minutes) AS so_far,
               sum(n) OVER (PARTITION BY part) AS whole FROM minutes
    )
    SELECT step, state, cancelled_as, rating, sum(n)::bigint AS bookings, sum(commission)::bigint AS commission,
           sum(revenue)::bigint AS revenue, NULL::integer AS minutes
      FROM grouped GROUP BY 1, 2, 3, 4
     UNION ALL
    SELECT part, NULL, NULL, NULL, 0, 0, 0, min(minutes) FROM adding WHERE 2 * so_far >= whole GROUP BY 1
"""
UNMET = """
    SELECT u.pincode, p.place, sum(u.searches)::bigint AS searches
      FROM unmet_searches u JOIN pincodes p ON p.pincode = u.pincode
     WHERE u.day BETWEEN :first AND :last {filters} GROUP BY 1, 2 ORDER BY 3 DESC, 1 LIMIT :limit
"""
UNMET_BY_DAY = """
    SELECT u.day, u.pincode, p.place, c.name AS category, u.searches
      FROM unmet_searches u JOIN pincodes p ON p.pincode = u.pincode LEFT JOIN categories c ON c.id = u.category_id
     WHERE u.day BETWEEN :first AND :last {filters} ORDER BY u.day DESC, u.searches DESC, u.id LIMIT :limit
"""
UNMET_TOTAL = (
    "SELECT coalesce(sum(searches), 0)::bigint FROM unmet_searches u WHERE day BETWEEN :first AND :last {filters}"
)
UNMET_CONDITIONS = {"category": "u.category_id = :category", "pincode": "u.pincode = :pincode"}
# Distinct values by a loose index scan: a few hundred probes, however many rows.
AREAS = text("""
    WITH RECURSIVE found AS (
        (SELECT pincode FROM bookings ORDER BY pincode LIMIT 1) UNION ALL
        SELECT (SELECT b.pincode FROM bookings b WHERE b.pincode > a.pincode ORDER BY b.pincode LIMIT 1)
          FROM found a WHERE a.pincode IS NOT NULL
    )
    SELECT p.pincode, p.place FROM found JOIN pincodes p USING (pincode) ORDER BY p.place, p.pincode
""")
CATEGORIES = text("SELECT id, slug, name FROM categories ORDER BY position, id")
PROFESSIONALS = text("""
    SELECT u.id, u.full_name FROM professionals p JOIN users u ON u.id = p.user_id
     ORDER BY u.full_name, u.id LIMIT :limit
""")
PROFESSIONAL_COUNT = text("SELECT count(*) FROM (SELECT 1 FROM professionals LIMIT :limit) few")
PROFESSIONALS_NAMED = text("""
    SELECT id, full_name FROM users
     WHERE role = 'professional' AND (search_text LIKE lower(:text) OR search_text LIKE lower(:phone) OR id = :id)
     ORDER BY id <> :id, full_name, id LIMIT :limit
""")
PROFESSIONAL = text("SELECT u.id, u.full_name FROM professionals p JOIN users u ON u.id = p.user_id WHERE u.id = :id")

AnyRow = Row[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class ReportFilters:
    """Which bookings of the period are counted; None: all of them."""

    category: int | None = None
    pincode: str | None = None
    professional: int | None = None

    @property
    def values(self) -> dict[str, object]:
        values = {"category": self.category, "pincode": self.pincode, "professional": self.professional}
        return {name: value for name, value in values.items() if value is not None}


class ReportQueries:
    """Queries of reports."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def booking_counts(self, period: Period, filters: ReportFilters) -> Sequence[AnyRow]:
        """Sum bookings, commission and revenue (paise) by step, state, cancelled_as and rating; no state: median."""
        await self._db.execute(SESSION_SETTINGS)
        bounds = period.bounds
        params = {"bounds": bounds, "since": bounds[0], "till": bounds[-1], **filters.values}
        return (await self._db.execute(_statement(BOOKING_COUNTS, BOOKING_CONDITIONS, filters), params)).all()

    async def unmet_searches(self, first: date, last: date, filters: ReportFilters, limit: int) -> Sequence[AnyRow]:
        """List pincode, place and searches: the pincodes with most unmet searches."""
        return await self._unmet(UNMET, first, last, filters, limit)

    async def unmet_by_day(self, first: date, last: date, filters: ReportFilters, limit: int) -> Sequence[AnyRow]:
        """List day, pincode, place, category and searches of each unmet search."""
        return await self._unmet(UNMET_BY_DAY, first, last, filters, limit)

    async def unmet_total(self, first: date, last: date, filters: ReportFilters) -> int:
        statement, params = (
            _statement(UNMET_TOTAL, UNMET_CONDITIONS, filters),
            {"first": first, "last": last, **filters.values},
        )
        return int((await self._db.execute(statement, params)).scalar_one())

    async def areas(self) -> Sequence[AnyRow]:
        return (await self._db.execute(AREAS)).all()

    async def categories(self) -> Sequence[AnyRow]:
        return (await self._db.execute(CATEGORIES)).all()

    async def professionals_up_to(self, limit: int) -> Sequence[AnyRow] | None:
        """List all professionals by name; None if there are more than `limit`."""
        if int((await self._db.execute(PROFESSIONAL_COUNT, {"limit": limit + 1})).scalar_one()) > limit:
            return None
        return (await self._db.execute(PROFESSIONALS, {"limit": limit})).all()

    async def professionals_named(self, typed: str, limit: int) -> Sequence[AnyRow]:
        """Find professionals by part of name, phone or email, or by id."""
        number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 16 else 0
        text, phone = person_patterns(typed)
        params = {"text": text, "phone": phone, "id": number, "limit": limit}
        return (await self._db.execute(PROFESSIONALS_NAMED, params)).all()

    async def professional(self, number: int) -> AnyRow | None:
        return (await self._db.execute(PROFESSIONAL, {"id": number})).one_or_none()

    async def _unmet(
        self, params: str, first: date, last: date, filters: ReportFilters, limit: int
    ) -> Sequence[AnyRow]:
        values = {"first": first, "last": last, "limit": limit, **filters.values}
        return (await self._db.execute(_statement(params, UNMET_CONDITIONS, filters), values)).all()


def _statement(statement: str, conditions: dict[str, str], filters: ReportFilters) -> TextClause:
    clauses = [conditions[name] for name in filters.values if name in conditions]
    return text(statement.format(filters="".join(f" AND {clause}" for clause in clauses)))
