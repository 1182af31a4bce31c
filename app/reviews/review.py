"""Reviews: one per booking, after the work."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Boolean, CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from app.bookings.deadlines import ANSWER_EDIT_PERIOD, REVIEW_EDIT_PERIOD
from app.core import clock
from app.core.errors import Refused
from app.core.i18n import _
from app.core.orm import Base

MAX_ANSWER_LENGTH = 2_000  # characters


def answer_is_open(answered_at: datetime | None) -> bool:
    """Whether the professional may answer, or still change the answer."""
    return answered_at is None or clock.now() < answered_at + ANSWER_EDIT_PERIOD


class ReviewDeadline:
    """Mixin of the entity Review and of OwnReview, which is read without it."""

    __slots__ = ()
    if TYPE_CHECKING:
        created_at: datetime

    @property
    def open_until(self) -> datetime:
        """Until when its customer may change it."""
        return self.created_at + REVIEW_EDIT_PERIOD

    @property
    def is_open(self) -> bool:
        """Whether it may still be changed."""
        return clock.now() < self.open_until


class Review(ReviewDeadline, Base):
    """A customer's review; one per booking, after completion."""

    __tablename__ = "reviews"
    __table_args__ = (
        CheckConstraint("rating BETWEEN 1 AND 5", name="reviews_rating_check"),
        CheckConstraint("length(comment) <= 2000", name="reviews_comment_check"),
        CheckConstraint(
            "(answer IS NULL) = (answered_at IS NULL) AND length(answer) BETWEEN 1 AND 2000",
            name="reviews_answer_check",
        ),
        CheckConstraint(
            "num_nonnulls(hidden_at, hidden_by_id, hidden_reason) IN (0, 3)"
            " AND num_nonnulls(hidden_at, shown_reason) < 2"
            " AND length(coalesce(hidden_reason, shown_reason, '-')) BETWEEN 1 AND 1000",
            name="reviews_hidden_check",
        ),
        Index("reviews_hidden_at_idx", "hidden_at", "id", postgresql_where=text("hidden_at IS NOT NULL")),
        Index("reviews_service_id_idx", "service_id", "id"),
        Index("reviews_professional_id_idx", "professional_id", "id"),
    )
    booking_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("bookings.id"), unique=True)
    customer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    professional_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("professionals.user_id"))
    service_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("services.id"))
    rating: Mapped[int] = mapped_column(SmallInteger)
    comment: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
    answer: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    hidden_at: Mapped[datetime | None]
    hidden_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("users.id"))
    hidden_reason: Mapped[str | None]
    shown_reason: Mapped[str | None]  # why it was made public again
    # Whether it is public and counts for ratings; set by a trigger from `hidden_at` and the flag of its booking,
    # whatever is written here.
    counts: Mapped[bool] = mapped_column(Boolean, server_default="true")

    def edit_refusal(self) -> str | None:
        """The sentence why it cannot be changed any more; None when it can."""
        if self.is_open:
            return None
        return _("Reviews can be changed for 48 hours. That time has passed.")

    def change(self, rating: int, comment: str) -> None:
        if message := self.edit_refusal():
            raise Refused(message, reason="late", about="review")
        if (self.rating, self.comment) != (rating, comment):
            self.rating, self.comment, self.edited_at = rating, comment, clock.now()

    def give_answer(self, text: str) -> None:
        """The professional's answer, or its change. Refused("late") about "answer" after 48 hours."""
        if not answer_is_open(self.answered_at):
            raise Refused(
                _("Answers can be changed for 48 hours. That time has passed."), reason="late", about="answer"
            )
        self.answer, self.answered_at = text, self.answered_at or clock.now()

    def hide(self, by_id: int, reason: str) -> None:
        self.hidden_at, self.hidden_by_id, self.hidden_reason = clock.now(), by_id, reason
        self.shown_reason = None

    def show(self, reason: str) -> None:
        self.hidden_at = self.hidden_by_id = self.hidden_reason = None
        self.shown_reason = reason
