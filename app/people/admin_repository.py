"""The admins as the desk lists them; a handful, so that there is no need of pages."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Label, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import IDS
from app.accounts.session import Session
from app.accounts.user import Block, Role, User
from app.core import clock
from app.core.errors import Missing
from app.core.keyset import AnyRow, Query

_BLOCKED = select(Block.id).where(Block.user_id == User.id, Block.lifted_at.is_(None)).exists()
_PERSON: Query = select(User.id, User.full_name, User.email, User.created_at, _BLOCKED.label("blocked")).where(
    User.role == Role.ADMIN
)


class Admins:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def listed(self, q: str) -> Sequence[AnyRow]:
        query = _PERSON.add_columns(self._last_seen())
        if q:
            query = query.where(User.words.contains(q.lower(), autoescape=True))
        return (await self._db.execute(query.order_by(User.full_name, User.id).limit(500))).all()

    async def one(self, admin_id: int) -> AnyRow:
        row = None
        if admin_id in IDS:
            query = _PERSON.add_columns(self._last_seen()).where(User.id == admin_id)
            row = (await self._db.execute(query)).one_or_none()
        if row is None:
            raise Missing()
        return row

    @staticmethod
    def _last_seen() -> Label[datetime]:
        """When they last used a browser that is still signed in; NULL when there is none."""
        live = select(func.max(Session.last_seen_at)).where(
            Session.user_id == User.id, Session.expires_at > clock.now()
        )
        return live.scalar_subquery().label("seen_at")
