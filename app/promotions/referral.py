"""Referrals: ₹100 of credit for both after the friend's first completed visit."""

import enum
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import NaturalKeyBase, TextEnum


class ReferralOutcome(enum.StrEnum):
    """Granted, or what the friend shares with the inviter or another friend; closed: an account is blocked or gone."""

    GRANTED = "granted"
    PHONE = "phone"
    ADDRESS = "address"
    METHOD = "method"
    CLOSED = "closed"


class Referral(NaturalKeyBase):
    """Who invited a customer, kept when they signed up; decided once, when their first visit is completed."""

    __tablename__ = "referrals"
    __table_args__ = (
        CheckConstraint("friend_id <> inviter_id", name="referrals_inviter_id_check"),
        CheckConstraint(
            "outcome IN ('granted', 'phone', 'address', 'method', 'closed')", name="referrals_outcome_check"
        ),
        CheckConstraint("(outcome IS NULL) = (decided_at IS NULL)", name="referrals_decided_check"),
        Index("referrals_inviter_id_idx", "inviter_id"),
    )
    friend_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"), primary_key=True, autoincrement=False)
    inviter_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    at: Mapped[datetime]
    outcome: Mapped[ReferralOutcome | None] = mapped_column(TextEnum(ReferralOutcome))
    decided_at: Mapped[datetime | None]
