"""A photo that a person sent with a message, in a case or in an appeal; one table for all, each row of one of them."""

from datetime import timedelta
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import Base

PHOTO_RETENTION = timedelta(days=180)  # after the job, or after the decision of the case or the appeal


class PhotoOwner(StrEnum):
    """The column that names what a photo was sent with."""

    MESSAGE = "message_id"
    CASE_MESSAGE = "case_message_id"
    APPEAL = "appeal_id"


_OWNERS = ", ".join(PhotoOwner)


class Photo(Base):
    """A photo as we wrote it; `stored_as` also holds its thumbnail. `uploader_id` is who sent it."""

    __tablename__ = "photos"
    __table_args__ = (
        CheckConstraint(f"num_nonnulls({_OWNERS}) = 1", name="photos_owner_check"),
        CheckConstraint("position BETWEEN 1 AND 5", name="photos_position_check"),
        CheckConstraint(
            "width BETWEEN 1 AND 1600 AND height BETWEEN 1 AND 1600 AND bytes > 0", name="photos_size_check"
        ),
        *(UniqueConstraint(owner, "position", name=f"photos_{owner}_key") for owner in PhotoOwner),
        UniqueConstraint("stored_as", name="photos_stored_as_key"),
        Index("photos_uploader_id_idx", "uploader_id"),
    )
    uploader_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    message_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("booking_messages.id"))
    case_message_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("case_messages.id", ondelete="CASCADE"))
    appeal_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("appeals.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(SmallInteger)
    stored_as: Mapped[str]
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    bytes: Mapped[int] = mapped_column(Integer)
