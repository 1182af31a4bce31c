"""The numbers of reports: counted anew whenever somebody looks, from one index that has all of them.

Everything is about one set: the bookings whose start lies in the period (docs/decisions/0017-reports.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.reports.period import Period

# Every scan of every period is alike: compiling it takes longer than it saves; what is grouped stays in memory.
CALM = text("SELECT set_config('jit', 'off', true), set_config('work_mem', '64MB', true)")
CHOSEN = {
    "category": "service_id IN (SELECT id FROM services WHERE category_id = :category)",
    "pincode": "pincode = :pincode",
    "professional": "professional_id = :professional",
}
# One pass over the index. Step 0 is the period before; as many rows as there are kinds of ends and stars in each step,
# and two without a state: of the whole minutes from asked to accepted the middle one, which half of all do not exceed.
COUNTED = """
    WITH grouped AS MATERIALIZED (
        SELECT width_bucket(starts_at, CAST(:bounds AS timestamptz[])) - 1 AS step, state, cancelled_as, rating,
               accepted_minutes AS minutes, count(*) AS n, sum(commission) AS commission, sum(revenue) AS revenue
          FROM bookings WHERE starts_at >= :since AND starts_at < :till {chosen} GROUP BY 1, 2, 3, 4, 5
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
     WHERE u.day BETWEEN :first AND :last {chosen} GROUP BY 1, 2 ORDER BY 3 DESC, 1 LIMIT :most
"""
UNMET_BY_DAY = """
    SELECT u.day, u.pincode, p.place, c.name AS category, u.searches
      FROM unmet_searches u JOIN pincodes p ON p.pincode = u.pincode LEFT JOIN categories c ON c.id = u.category_id
     WHERE u.day BETWEEN :first AND :last {chosen} ORDER BY u.day DESC, u.searches DESC, u.id LIMIT :most
"""
UNMET_ALL = (
    "SELECT coalesce(sum(searches), 0)::bigint FROM unmet_searches u WHERE day BETWEEN :first AND :last {chosen}"
)
UNMET_CHOSEN = {"category": "u.category_id = :category", "pincode": "u.pincode = :pincode"}
# Distinct values by leaping from one to the next in an index: a few hundred probes, however many rows.
AREAS = text("""
    WITH RECURSIVE asked AS (
        (SELECT pincode FROM bookings ORDER BY pincode LIMIT 1) UNION ALL
        SELECT (SELECT b.pincode FROM bookings b WHERE b.pincode > a.pincode ORDER BY b.pincode LIMIT 1)
          FROM asked a WHERE a.pincode IS NOT NULL
    )
    SELECT p.pincode, p.place FROM asked JOIN pincodes p USING (pincode) ORDER BY p.place, p.pincode
""")
CATEGORIES = text("SELECT id, slug, name FROM categories ORDER BY position, id")
CREW = text("""
    SELECT u.id, u.full_name FROM professionals p JOIN users u ON u.id = p.user_id
     ORDER BY u.full_name, u.id LIMIT :most
""")
CROWD = text("SELECT count(*) FROM (SELECT 1 FROM professionals LIMIT :most) few")
NAMED = text("""
    SELECT id, full_name FROM users WHERE role = 'professional' AND (words LIKE :words OR id = :id)
     ORDER BY id <> :id, full_name, id LIMIT :most
""")
ONE = text("SELECT u.id, u.full_name FROM professionals p JOIN users u ON u.id = p.user_id WHERE u.id = :id")

AnyRow = Row[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which bookings of the period; None: all of them."""

    category: int | None = None
    pincode: str | None = None
    professional: int | None = None

    @property
    def values(self) -> dict[str, object]:
        told = {"category": self.category, "pincode": self.pincode, "professional": self.professional}
        return {name: value for name, value in told.items() if value is not None}


class Numbers:
    """What reports ask."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def counted(self, period: Period, chosen: Chosen) -> Sequence[AnyRow]:
        """step, state, cancelled_as, rating → bookings, commission and revenue in paise; no state: median minutes."""
        await self._db.execute(CALM)
        bounds = period.bounds
        asked = {"bounds": bounds, "since": bounds[0], "till": bounds[-1], **chosen.values}
        return (await self._db.execute(_said(COUNTED, CHOSEN, chosen), asked)).all()

    async def unmet(self, first: date, last: date, chosen: Chosen, most: int) -> Sequence[AnyRow]:
        """pincode, place, searches: where most searches met nobody."""
        return await self._unmet(UNMET, first, last, chosen, most)

    async def unmet_by_day(self, first: date, last: date, chosen: Chosen, most: int) -> Sequence[AnyRow]:
        """The list behind those numbers: day, pincode, place, category, searches."""
        return await self._unmet(UNMET_BY_DAY, first, last, chosen, most)

    async def unmet_in_all(self, first: date, last: date, chosen: Chosen) -> int:
        statement, asked = _said(UNMET_ALL, UNMET_CHOSEN, chosen), {"first": first, "last": last, **chosen.values}
        return int((await self._db.execute(statement, asked)).scalar_one())

    async def areas(self) -> Sequence[AnyRow]:
        return (await self._db.execute(AREAS)).all()

    async def categories(self) -> Sequence[AnyRow]:
        return (await self._db.execute(CATEGORIES)).all()

    async def crew(self, most: int) -> Sequence[AnyRow] | None:
        """All professionals by name; None when there are more than `most`."""
        if int((await self._db.execute(CROWD, {"most": most + 1})).scalar_one()) > most:
            return None
        return (await self._db.execute(CREW, {"most": most})).all()

    async def named(self, words: str, most: int) -> Sequence[AnyRow]:
        """Professionals by a part of name, phone or e-mail, or by number."""
        plain = words.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        number = int(words) if words.isascii() and words.isdigit() and len(words) < 16 else 0
        return (await self._db.execute(NAMED, {"words": f"%{plain}%", "id": number, "most": most})).all()

    async def professional(self, number: int) -> AnyRow | None:
        return (await self._db.execute(ONE, {"id": number})).one_or_none()

    async def _unmet(self, asked: str, first: date, last: date, chosen: Chosen, most: int) -> Sequence[AnyRow]:
        values = {"first": first, "last": last, "most": most, **chosen.values}
        return (await self._db.execute(_said(asked, UNMET_CHOSEN, chosen), values)).all()


def _said(statement: str, conditions: dict[str, str], chosen: Chosen) -> TextClause:
    told = [conditions[name] for name in chosen.values if name in conditions]
    return text(statement.format(chosen="".join(f" AND {one}" for one in told)))
