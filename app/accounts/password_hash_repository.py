"""SQL of password hashes that were made with another SECRET_KEY."""

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User


class PasswordHashes:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def renew(self, user_id: int, stored: str, renewed: str) -> None:
        """Replace the password's hash by one that was made with the present key; not if the password was changed."""
        same = update(User).where(User.id == user_id, User.password_hash == stored)
        await self._db.execute(same.values(password_hash=renewed))

    async def count_without(self, pepper_suffix: str) -> int:
        """How many passwords have a hash that another pepper, or one without a name, was used for."""
        others = ~User.password_hash.endswith(pepper_suffix, autoescape=True)
        return await self._db.scalar(select(func.count()).where(User.password_hash != "", others)) or 0
