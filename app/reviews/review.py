"""Reviews: one per booking, after the work."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Boolean, CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.bookings.deadlines import REVIEW_EDIT_PERIOD
from app.core import clock
from app.core.errors import Refused
from app.core.i18n import _
from app.core.orm import Base


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
    # Whether it counts for ratings; set by a trigger from the flag of its booking, whatever is written here.
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
