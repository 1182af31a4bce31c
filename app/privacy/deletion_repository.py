"""Erase the personal data of a person (W16, W17)."""

from datetime import datetime

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger, DateTime

from app.privacy.personal_data import PERSONAL_DATA

ID = bindparam("id", type_=BigInteger)
NOW = bindparam("now", type_=DateTime(timezone=True))


class AccountDeletion:
    """The rows of one person in every room."""

    def __init__(self, db: AsyncSession, person_id: int) -> None:
        self._db = db
        self._person_id = person_id

    async def erase(self, now: datetime, *, with_reviews: bool) -> None:
        """Erase all personal data except the `users` row, which the caller has locked."""
        for room in PERSONAL_DATA:
            for statement in (*room.erase, *(room.erase_reviews if with_reviews else ())):
                await self._db.execute(_bound(statement), {"id": self._person_id, "now": now})


def _bound(statement: str) -> TextClause:
    return text(statement).bindparams(*([ID, NOW] if ":now" in statement else [ID]))
