"""What some letters hold beside their person, read at the moment of writing; with nothing to say, nothing is sent."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User
from app.bookings.moves import State
from app.core import clock
from app.core.outbox import Outbox
from app.jobs.offers import bench_of, open_to
from app.jobs.repository import Jobs
from app.reports.month import of_facts

Content = Callable[[AsyncSession, User, Outbox], Awaitable[dict[str, Any] | None]]


async def evening(db: AsyncSession, person: User, mail: Outbox) -> dict[str, Any] | None:
    """Jobs of the day that comes, and offers that wait for an answer; None when there is neither any more."""
    day = date.fromisoformat(mail.data["day"])
    if day <= clock.today():
        return None
    agenda = await Jobs(db).agenda(person)
    bench = await bench_of(db, person, [job.busy for job in agenda if not job.is_done])
    offers = await open_to(db, bench) if bench.open else []
    jobs = [job for job in agenda if job.state == State.ASSIGNED and job.starts_at.astimezone(clock.IST).date() == day]
    return {"day": day, "jobs": jobs, "offers": offers} if jobs or offers else None


async def monthly(_db: AsyncSession, _person: User, mail: Outbox) -> dict[str, Any] | None:
    """The month as it was kept: the page in the app shows the same."""
    return {"month": date.fromisoformat(mail.data["month"]), "told": of_facts(mail.data["facts"])}


CONTENTS: dict[str, Content] = {"evening": evening, "monthly_report": monthly}
