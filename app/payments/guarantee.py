"""What the guarantee pays: second visits that put work right (W28)."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.payments.ledger import Line, new_transaction


async def pay_redo(db: AsyncSession, booking_id: int, professional_id: int, earning: int) -> None:
    """Pay `earning` paise from the guarantee for a visit that puts work right, at no price and without commission."""
    lines: list[Line] = [("guarantee", None, earning), ("earnings", professional_id, -earning)]
    db.add(new_transaction("redo", booking_id, None, lines))
    await db.flush()
