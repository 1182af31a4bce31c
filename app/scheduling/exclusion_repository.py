"""SQL for exclusions: who is kept from whom, and by whom (W41)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.sql import execute, fetch_value, rows
from app.scheduling.exclusion import ExcludedBy

ADD = """
    INSERT INTO exclusions (customer_id, professional_id, excluded_by, at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (customer_id, professional_id, excluded_by) DO NOTHING
"""
REMOVE = "DELETE FROM exclusions WHERE customer_id = $1 AND professional_id = $2 AND excluded_by = $3"
IS_EXCLUDED = """
    SELECT EXISTS (SELECT 1 FROM exclusions WHERE customer_id = $1 AND professional_id = $2
                      AND ($3::text IS NULL OR excluded_by = $3))
"""
OF_PERSON = """
    SELECT u.id, u.full_name, x.excluded_by, x.at, u.role = 'professional'
      FROM exclusions x
      JOIN users u ON u.id = CASE WHEN x.customer_id = $1 THEN x.professional_id ELSE x.customer_id END
     WHERE x.customer_id = $1 OR x.professional_id = $1
     ORDER BY x.at DESC, u.id LIMIT 100
"""


@dataclass(frozen=True, slots=True)
class PersonExclusion:
    """An exclusion as an admin sees it on one person's record: `person_id` is the other one."""

    person_id: int
    full_name: str
    excluded_by: str
    at: datetime
    is_professional: bool


class Exclusions:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def add(self, customer_id: int, professional_id: int, by: ExcludedBy) -> bool:
        """Keep the two from each other; False when `by` excluded the other already."""
        return bool(await execute(self._db, ADD, customer_id, professional_id, by, clock.now()))

    async def remove(self, customer_id: int, professional_id: int, by: ExcludedBy) -> bool:
        """Lift the exclusion by one of the two; False when there is none. That by the other one stays."""
        return bool(await execute(self._db, REMOVE, customer_id, professional_id, by))

    async def exists(self, customer_id: int, professional_id: int, by: ExcludedBy | None = None) -> bool:
        """Whether either of the two, or `by`, excluded the other."""
        return bool(await fetch_value(self._db, IS_EXCLUDED, customer_id, professional_id, by))

    async def of_person(self, person_id: int) -> list[PersonExclusion]:
        """All exclusions of a person, by either side, the latest first; for admins."""
        return await rows(self._db, PersonExclusion, OF_PERSON, person_id)
