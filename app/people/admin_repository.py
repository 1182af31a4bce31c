"""The admin's table of admins; few, so it has no pages."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Label, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import ROW_IDS, matches_person
from app.accounts.session import Session
from app.accounts.user import Block, Role, User
from app.bookings.booking import Booking
from app.core import clock
from app.core.errors import Missing
from app.core.paging import AnyRow, Query

_BLOCKED = select(Block.id).where(Block.user_id == User.id, Block.lifted_at.is_(None)).exists()
_PERSON: Query = select(
    User.id, User.full_name, User.email, User.created_at, User.admin_right, _BLOCKED.label("blocked")
).where(User.role == Role.ADMIN)


class Admins:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def list_all(self, q: str) -> Sequence[AnyRow]:
        query = _PERSON.add_columns(self._last_seen_column())
        if q:
            query = query.where(matches_person(q))
        return (await self._db.execute(query.order_by(User.full_name, User.id).limit(500))).all()

    async def get(self, admin_id: int) -> AnyRow:
        row = None
        if admin_id in ROW_IDS:
            query = _PERSON.add_columns(self._last_seen_column()).where(User.id == admin_id)
            row = (await self._db.execute(query)).one_or_none()
        if row is None:
            raise Missing()
        return row

    async def has_booked(self, person_id: int) -> bool:
        """Whether the person ever booked as a customer."""
        result: bool = await self._db.scalar(select(exists().where(Booking.customer_id == person_id))) or False
        return result

    @staticmethod
    def _last_seen_column() -> Label[datetime]:
        """The last use of an active session; NULL without one."""
        active = select(func.max(Session.last_seen_at)).where(
            Session.user_id == User.id, Session.expires_at > clock.now()
        )
        return active.scalar_subquery().label("seen_at")
