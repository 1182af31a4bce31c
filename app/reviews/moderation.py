"""Answer, report, hide and show reviews (W31).

Every change locks the row of the review's booking first, as writing and editing the review does. Whether a review
counts follows by a trigger from `hidden_at`; the ratings follow in the same transaction.
"""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import MAX_REASON_LENGTH, clean_reason, clean_text
from app.bookings.booking import Booking
from app.core import clock
from app.core.errors import Invalid, Missing, Refused
from app.core.events import Person
from app.core.i18n import _
from app.reviews.moderation_repository import ModeratedReviews
from app.reviews.report import ReviewReport
from app.reviews.repository import Reviews
from app.reviews.review import MAX_ANSWER_LENGTH, Review


async def answer_review(db: AsyncSession, me: Person, review_id: int, text: str) -> Review:
    """Answer a review of one's own work, or change the answer for 48 hours. Invalid("text"); Refused("late")."""
    text = _clean(text, "text", _("Write your answer."), MAX_ANSWER_LENGTH)
    review, booking = await ModeratedReviews(db).locked(review_id)
    if review.professional_id != me.id or not review.counts:
        raise Missing
    is_first = review.answer is None
    if review.answer == text:
        return review
    review.give_answer(text)
    _record(booking, me, "booking.review_answered" if is_first else "booking.review_answer_changed")
    await db.flush()
    return review


async def report_review(db: AsyncSession, me: Person, review_id: int, reason: str) -> None:
    """Report a public review, once each. Invalid("reason"); Refused("already") about "report"."""
    reason = _clean(reason, "reason", _("Write what is wrong with this review."), MAX_REASON_LENGTH)
    review, booking = await ModeratedReviews(db).locked(review_id)
    if not review.counts:
        raise Missing
    report = ReviewReport(review_id=review.id, reporter_id=me.id, reason=reason, created_at=clock.now())
    await ModeratedReviews(db).add_report(report)
    booking.record("booking.review_reported", by=me)
    await db.flush()


async def hide_review(db: AsyncSession, by: Person, review_id: int, reason: str) -> None:
    """Hide a review from all but its author, who reads the reason. Invalid("reason"); Refused("state") if hidden."""
    reason = clean_reason(reason)
    review, booking = await ModeratedReviews(db).locked(review_id)
    if review.hidden_at is not None:
        raise Refused(_("This review is hidden already."), reason="state", about="hidden")
    review.hide(by.id, reason)
    await _follow(db, review)
    _record(booking, by, "booking.review_hidden", personal={"reason": reason})
    await db.flush()


async def show_review(db: AsyncSession, by: Person, review_id: int, reason: str) -> bool:
    """Show a hidden review again, or settle the reports of a public one; return whether it was hidden.

    Invalid("reason"); Refused("state") when it is neither hidden nor reported.
    """
    reason = clean_reason(reason)
    review, booking = await ModeratedReviews(db).locked(review_id)
    was_hidden = review.hidden_at is not None
    if was_hidden:
        review.show(reason)
        await _follow(db, review)
        _record(booking, by, "booking.review_shown", personal={"reason": reason})
    elif await ModeratedReviews(db).settle_reports(review.id, clock.now()):
        booking.record("booking.review_reports_settled", by=by, personal={"reason": reason})
    else:
        raise Refused(_("This review is public, and no report waits."), reason="state", about="shown")
    await db.flush()
    return was_hidden


async def _follow(db: AsyncSession, review: Review) -> None:
    """Settle the reports, and count the stars of the review or count them no more."""
    await db.flush()
    await ModeratedReviews(db).settle_reports(review.id, clock.now())
    await Reviews(db).follow_decision(review)


def _record(booking: Booking, by: Person, name: str, **facts: Any) -> None:
    """Both sides' open pages show the change."""
    user_ids = (booking.customer_id, booking.professional_id)
    nudges = [(f"user:{user_id}", topic) for user_id in user_ids for topic in (booking.subject, "jobs")]
    booking.record(name, by=by, nudges=nudges, **facts)


def _clean(typed: str, field: str, empty: str, max_length: int) -> str:
    text = clean_text(typed)
    if not text:
        raise Invalid({field: empty})
    if len(text) > max_length:
        raise Invalid({field: _("That's too long. Shorten it.")})
    return text
