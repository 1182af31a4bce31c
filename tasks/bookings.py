"""Bookings over time: holds, offers, jobs left running, reviews that never came."""

from app.bookings import expiry, service_booking_count
from tasks.context import Context, repeat_until_done, unit_of_work


async def expire_holds(ctx: Context) -> int:
    """Free time slots that were held and not paid."""
    return await repeat_until_done(ctx, expiry.expire_holds)


async def cancel_unfilled_bookings(ctx: Context) -> int:
    """Cancel and refund bookings that no professional accepted."""
    return await repeat_until_done(ctx, expiry.cancel_unfilled)


async def end_priority_offers(ctx: Context) -> int:
    """Offer a job to all candidates when the professional asked first has not answered."""
    async with unit_of_work(ctx) as db:
        return await expiry.end_priority_offers(db)


async def complete_overdue_jobs(ctx: Context) -> int:
    """Complete jobs that the professional started and did not finish."""
    encryption = ctx["services"].encryption
    return await repeat_until_done(ctx, lambda db: expiry.complete_overdue_jobs(db, encryption))


async def close_old_bookings(ctx: Context) -> int:
    """Close completed bookings seven days later."""
    return await repeat_until_done(ctx, expiry.close_unreviewed)


async def erase_old_contacts(ctx: Context) -> int:
    """Erase who was at the door of old visits."""
    return await repeat_until_done(ctx, expiry.erase_old_contacts)


async def count_bookings(ctx: Context) -> int:
    """Count new bookings by service, for the admin's table of services."""
    async with unit_of_work(ctx) as db:
        return await service_booking_count.count_new_bookings(db)
