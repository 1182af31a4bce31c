"""Reviews by their id, with their booking, and the reports of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.accounts.user import User
from app.bookings.booking import Booking
from app.bookings.repository import Bookings
from app.core.db import violated_constraint
from app.core.errors import Missing, Refused
from app.core.i18n import _
from app.core.paging import AnyRow, Query
from app.core.references import RowIds
from app.reviews.report import REPORT_RETENTION, ReviewReport
from app.reviews.review import Review

ROW_IDS = RowIds()
_customer, _professional = aliased(User), aliased(User)
REVIEW_ROW: Query = (
    select(
        Review.id,
        Review.rating,
        Review.comment,
        Review.created_at,
        Review.edited_at,
        Review.counts,
        Review.answer,
        Review.answered_at,
        Review.hidden_at,
        Review.hidden_reason,
        Review.customer_id,
        Review.professional_id,
        Booking.reference,
        Booking.service_name,
        _customer.full_name.label("customer"),
        _professional.full_name.label("professional"),
    )
    .join(Booking, Booking.id == Review.booking_id)
    .join(_customer, _customer.id == Review.customer_id)
    .join(_professional, _professional.id == Review.professional_id)
)
_WAITING = ReviewReport.settled_at.is_(None)


@dataclass(frozen=True, slots=True)
class ReportCounts:
    reported: int
    hidden: int


class ModeratedReviews:
    """Reviews for whoever answers, reports or moderates them."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def row(self, review_id: int) -> AnyRow:
        """One review with the names of both sides. Raises Missing."""
        found = None
        if review_id in ROW_IDS:
            found = (await self._db.execute(REVIEW_ROW.where(Review.id == review_id))).one_or_none()
        if found is None:
            raise Missing
        return found

    async def locked(self, review_id: int) -> tuple[Review, Booking]:
        """The review as it is once its booking's row is locked, as for every change of a review. Raises Missing."""
        if review_id not in ROW_IDS:
            raise Missing
        booking_id = await self._db.scalar(select(Review.booking_id).where(Review.id == review_id))
        if booking_id is None:
            raise Missing
        booking = (await Bookings(self._db).locked([booking_id]))[booking_id]
        return await self._db.get_one(Review, review_id, populate_existing=True), booking

    async def add_report(self, report: ReviewReport) -> None:
        """Raises Refused("already") when the person has reported the review before."""
        try:
            async with self._db.begin_nested():
                self._db.add(report)
                await self._db.flush()
        except IntegrityError as clash:
            if violated_constraint(clash) != "review_reports_pkey":
                raise
            raise Refused(_("You've already reported this review."), reason="already", about="report") from clash

    async def settle_reports(self, review_id: int, now: datetime) -> int:
        """Mark the waiting reports of the review as settled; return how many there were."""
        statement = (
            update(ReviewReport)
            .where(ReviewReport.review_id == review_id, _WAITING)
            .values(settled_at=now)
            .returning(ReviewReport.reporter_id)
        )
        return len((await self._db.scalars(statement)).all())

    async def reports_of(self, review_id: int) -> Sequence[AnyRow]:
        """Latest first."""
        query = (
            select(ReviewReport.reason, ReviewReport.created_at, ReviewReport.settled_at, User.full_name, User.role)
            .join(User, User.id == ReviewReport.reporter_id)
            .where(ReviewReport.review_id == review_id)
        )
        return (await self._db.execute(query.order_by(ReviewReport.created_at.desc()).limit(100))).all()

    async def reported(self, limit: int) -> Sequence[AnyRow]:
        """Reviews with waiting reports, those that wait longest first, with `reports` and `reported_at`."""
        waiting = (
            select(
                ReviewReport.review_id,
                func.count().label("reports"),
                func.min(ReviewReport.created_at).label("reported_at"),
            )
            .where(_WAITING)
            .group_by(ReviewReport.review_id)
            .subquery()
        )
        query = REVIEW_ROW.add_columns(waiting.c.reports, waiting.c.reported_at)
        query = query.join(waiting, waiting.c.review_id == Review.id)
        return (await self._db.execute(query.order_by(waiting.c.reported_at, Review.id).limit(limit))).all()

    async def hidden(self, limit: int) -> Sequence[AnyRow]:
        """Hidden reviews, latest first."""
        query = REVIEW_ROW.where(Review.hidden_at.is_not(None)).order_by(Review.hidden_at.desc(), Review.id.desc())
        return (await self._db.execute(query.limit(limit))).all()

    async def counts(self) -> ReportCounts:
        reported = select(func.count(func.distinct(ReviewReport.review_id))).where(_WAITING)
        hidden = select(func.count(Review.id)).where(Review.hidden_at.is_not(None))
        return ReportCounts(await self._db.scalar(reported) or 0, await self._db.scalar(hidden) or 0)


async def prune_reports(db: AsyncSession, now: datetime) -> int:
    """Delete reports that were settled three years ago."""
    old = delete(ReviewReport).where(ReviewReport.settled_at < now - REPORT_RETENTION)
    return len((await db.scalars(old.returning(ReviewReport.review_id))).all())
