"""Queries on sign-in codes, always scoped to the browser that asked for them, or counted for an address."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.session import SignInCode
from app.core import clock
from app.core.db import AdvisoryLock, acquire_lock
from app.core.secrets import digest


class SignInCodes:
    """Codes by email. Issuing and using one are transactions of their own."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def recent(self, email: str, device: bytes | None, since: datetime) -> Sequence[datetime]:
        """When codes were sent to the address since then, oldest first, for this known device or for all others.

        Requests for one address wait for each other until the end of the transaction.
        """
        key = int.from_bytes(digest(email)[:4], "big", signed=True)
        await acquire_lock(self._db, AdvisoryLock.SIGN_IN_CODES, key)
        query = select(SignInCode.created_at).where(SignInCode.email == email, SignInCode.created_at > since)
        own = query.where(SignInCode.device.is_not_distinct_from(device)).order_by(SignInCode.created_at)
        return (await self._db.scalars(own)).all()

    async def issue(
        self,
        email: str,
        browser: bytes,
        device: bytes | None,
        user_id: int | None,
        digest: bytes,
        now: datetime,
        expires_at: datetime,
    ) -> SignInCode:
        """Store a code; it replaces the one that this browser has for the address."""
        live = update(SignInCode).where(*_unused_code(browser), SignInCode.email == email)
        await self._db.execute(live.values(ended_at=now))
        row = SignInCode(
            email=email,
            browser=browser,
            device=device,
            user_id=user_id,
            digest=digest,
            attempts=0,
            created_at=now,
            expires_at=expires_at,
        )
        self._db.add(row)
        await self._db.flush()
        return row

    async def live(self, browser: bytes, email: str, *, lock: bool = False) -> SignInCode | None:
        """The code that works in this browser for the address; where `email` is "", the latest of any address."""
        query = select(SignInCode).where(*_unused_code(browser), SignInCode.expires_at > clock.now())
        if email:
            query = query.where(SignInCode.email == email)
        query = query.order_by(SignInCode.created_at.desc(), SignInCode.id.desc()).limit(1)
        return (await self._db.scalars(query.with_for_update() if lock else query)).one_or_none()

    async def proven(self, browser: bytes, since: datetime, *, lock: bool = False) -> SignInCode | None:
        """The code of an address without an account that was used in this browser since then."""
        query = select(SignInCode).where(
            SignInCode.browser == browser,
            SignInCode.used_at > since,
            SignInCode.ended_at.is_(None),
            SignInCode.user_id.is_(None),
        )
        query = query.order_by(SignInCode.used_at.desc(), SignInCode.id.desc()).limit(1)
        return (await self._db.scalars(query.with_for_update() if lock else query)).one_or_none()

    async def end(self, row: SignInCode, user_id: int) -> None:
        """The code has made the account, or opened it."""
        row.user_id, row.ended_at = user_id, clock.now()
        await self._db.flush()


def _unused_code(browser: bytes) -> list[ColumnElement[bool]]:
    return [SignInCode.browser == browser, SignInCode.used_at.is_(None), SignInCode.ended_at.is_(None)]
