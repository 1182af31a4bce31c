"""What a professional earned by week, and when how much of it is paid out next."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.payout_repository import Payouts
from app.billing.statement_repository import Earned, Statements
from app.core import clock

SHOWN_WEEKS = 12


@dataclass(frozen=True, slots=True)
class NextPayout:
    """`amount` paise on `day`, if nothing changes until then; `reason` is why it will be held.

    `on_hold` is held for seven days and not in it; `on_the_way` was sent before.
    """

    day: date
    amount: int
    on_hold: int
    on_the_way: int
    reason: str | None


async def next_payout_of(db: AsyncSession, professional_id: int) -> NextPayout:
    """What is owed now, on the next Monday."""
    payouts, now, today = Payouts(db), clock.now(), clock.today()
    due = await payouts.due(None, now, [professional_id])
    on_the_way = await payouts.on_the_way(professional_id)
    monday = today + timedelta(days=7 - today.weekday())
    if not due:
        return NextPayout(monday, 0, 0, on_the_way, "small")
    line = due[0]
    return NextPayout(monday, line.amount, line.on_hold, on_the_way, line.reason)


async def weeks_of(statements: Statements) -> list[Earned]:
    """The last weeks, oldest first, those without earnings too."""
    today = clock.today()
    this_week = today - timedelta(days=today.weekday())
    first = this_week - timedelta(weeks=SHOWN_WEEKS - 1)
    found = {week.first: week.amount for week in await statements.earned_by("week", first, today + timedelta(days=1))}
    weeks = (first + timedelta(weeks=number) for number in range(SHOWN_WEEKS))
    return [Earned(week, found.get(week, 0)) for week in weeks]
