"""An appeal of a block (W30): once per block, within 30 days, decided by another admin than the one who blocked."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import BigInteger, Boolean, CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.user import Block, User
from app.core import clock
from app.core.events import Person
from app.core.orm import Base

APPEAL_PERIOD = timedelta(days=30)  # from the block
ANSWER_PERIOD = timedelta(days=7)  # from the appeal; then it is red on the admin's list
APPEAL_RETENTION = timedelta(days=3 * 365)  # from the decision
MAX_APPEAL_LENGTH = 2_000  # characters


class Outcome(StrEnum):
    LIFT = "lift"
    KEEP = "keep"


class Appeal(Base):
    """What the blocked person writes, and the answer. The photos (app.photos) are deleted long before the words.

    `only_admin`: the admin who blocked decided it, because there was no other one.
    """

    __tablename__ = "appeals"
    __table_args__ = (
        CheckConstraint("length(message) BETWEEN 1 AND 2000", name="appeals_message_check"),
        CheckConstraint("photo_count BETWEEN 0 AND 5", name="appeals_photo_count_check"),
        CheckConstraint("outcome IN ('lift', 'keep')", name="appeals_outcome_check"),
        CheckConstraint("length(reason) BETWEEN 1 AND 1000", name="appeals_reason_check"),
        CheckConstraint(
            "num_nonnulls(decided_at, decided_by_id, outcome, reason) IN (0, 4)"
            " AND (decided_at IS NOT NULL OR NOT only_admin)",
            name="appeals_decided_check",
        ),
        Index("appeals_created_at_idx", "created_at", "id"),
    )
    block_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("blocks.id"), unique=True)
    message: Mapped[str]
    photo_count: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("users.id"))
    outcome: Mapped[str | None]
    reason: Mapped[str | None]
    only_admin: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")

    @property
    def is_decided(self) -> bool:
        return self.decided_at is not None

    @property
    def answer_due_at(self) -> datetime:
        return self.created_at + ANSWER_PERIOD

    def decide(self, person: User, by: Person, outcome: Outcome, reason: str, *, only_admin: bool = False) -> None:
        """Answer the appeal of `person`, whose row is locked. The text is in this row alone, which is deleted later."""
        self.decided_at, self.decided_by_id, self.outcome, self.reason = clock.now(), by.id, outcome, reason
        self.only_admin = only_admin
        person.record("person.appeal_decided", by=by, outcome=outcome, only_admin=only_admin)


def appeal_until(block: Block) -> datetime:
    """Until when the block may be appealed."""
    return block.created_at + APPEAL_PERIOD
