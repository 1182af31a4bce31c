"""A case that an admin decides: an application, a reapplication, or a change of an approved professional."""

import enum
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from app.core import clock
from app.core.events import Actor
from app.core.orm import Base, TextEnum


class CaseKind(enum.StrEnum):
    """An application, a reapplication (denied or expired before), or a change of an approved professional."""

    APPLICATION = "joining"
    REAPPLICATION = "again"
    CHANGE = "change"


class CaseState(enum.StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"


_KINDS = ", ".join(f"'{kind}'" for kind in CaseKind)
_STATES = ", ".join(f"'{state}'" for state in CaseState)


class Verification(Base):
    """A case about one professional; at most one is open for each.

    `checked` is what the admin ticked, `reason` what a denied person reads.
    """

    __tablename__ = "verifications"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_KINDS})", name="verifications_kind_check"),
        CheckConstraint(f"state IN ({_STATES})", name="verifications_state_check"),
        CheckConstraint("length(message) <= 1000", name="verifications_message_check"),
        CheckConstraint(
            "(state = 'open') = (decided_at IS NULL) AND (state = 'denied') = (reason IS NOT NULL)",
            name="verifications_decided_check",
        ),
        Index("verifications_open_key", "professional_id", unique=True, postgresql_where=text("state = 'open'")),
        Index("verifications_professional_id_idx", "professional_id", "id"),
        Index("verifications_waiting_idx", "submitted_at", "id", postgresql_where=text("state = 'open'")),
    )
    professional_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("professionals.user_id"))
    kind: Mapped[CaseKind] = mapped_column(TextEnum(CaseKind))
    state: Mapped[CaseState] = mapped_column(TextEnum(CaseState), default=CaseState.OPEN, server_default=CaseState.OPEN)
    message: Mapped[str] = mapped_column(default="", server_default="")
    checked: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    submitted_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("users.id"))
    reason: Mapped[str | None]

    def end(self, state: CaseState, by: Actor | None = None, reason: str | None = None) -> None:
        """Close the locked case: approved, denied with a reason, or withdrawn by the professional."""
        self.state, self.decided_at, self.decided_by_id = state, clock.now(), by.id if by else None
        self.reason = reason
