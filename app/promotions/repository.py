"""Queries of coupons and their uses."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.sql import execute
from app.promotions.coupon import Coupon, CouponUse

FREE = """
    WITH freed AS (
        UPDATE coupon_uses SET freed_at = greatest($2, used_at) WHERE booking_id = $1 AND freed_at IS NULL
        RETURNING coupon_id)
    UPDATE coupons c SET used = c.used - 1 FROM freed WHERE c.id = freed.coupon_id
"""
MAX_LISTED = 200


class Coupons:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def find(self, code: str, *, lock: bool = False) -> Coupon | None:
        """By its code in capitals; with `lock`, its uses are counted in turn."""
        query = select(Coupon).where(Coupon.code == code)
        if lock:
            query = query.with_for_update().execution_options(populate_existing=True)
        return (await self._db.scalars(query)).first()

    async def listed(self) -> Sequence[Coupon]:
        """Newest first."""
        return (await self._db.scalars(select(Coupon).order_by(Coupon.id.desc()).limit(MAX_LISTED))).all()

    async def uses_of(self, coupon: Coupon, customer_id: int) -> set[int]:
        """The numbers of the customer's uses that are not freed."""
        query = select(CouponUse.nth).where(
            CouponUse.coupon_id == coupon.id, CouponUse.customer_id == customer_id, CouponUse.freed_at.is_(None)
        )
        return set(await self._db.scalars(query))

    async def use(self, coupon: Coupon, booking_id: int, customer_id: int, amount: int) -> None:
        """The coupon's row is locked, and its limits were checked under the lock."""
        taken = await self.uses_of(coupon, customer_id)
        nth = next(number for number in range(1, len(taken) + 2) if number not in taken)
        coupon.used += 1
        self._db.add(
            CouponUse(
                coupon_id=coupon.id,
                booking_id=booking_id,
                customer_id=customer_id,
                nth=nth,
                amount=amount,
                used_at=clock.now(),
            )
        )
        await self._db.flush()

    async def free(self, booking_id: int) -> None:
        """Whoever is next may use the coupon of a booking that is cancelled."""
        await execute(self._db, FREE, booking_id, clock.now())

    async def cost_of(self, coupon_ids: Sequence[int]) -> dict[int, int]:
        """Paise that the bookings which use them take off, by coupon."""
        query = (
            select(CouponUse.coupon_id, func.sum(CouponUse.amount))
            .where(CouponUse.coupon_id.in_(coupon_ids), CouponUse.freed_at.is_(None))
            .group_by(CouponUse.coupon_id)
        )
        return {coupon_id: int(total) for coupon_id, total in await self._db.execute(query)}
