"""Exclusions: a customer and a professional who are kept from each other, by the wish of either (W41)."""

import enum
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import NaturalKeyBase, TextEnum


class ExcludedBy(enum.StrEnum):
    """Which of the two excluded the other."""

    CUSTOMER = "customer"
    PROFESSIONAL = "professional"


class Exclusion(NaturalKeyBase):
    """The two get no more offers and choices of each other; a row for each of them who wants it."""

    __tablename__ = "exclusions"
    __table_args__ = (
        CheckConstraint("excluded_by IN ('customer', 'professional')", name="exclusions_excluded_by_check"),
        Index("exclusions_professional_id_idx", "professional_id"),
    )
    customer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"), primary_key=True)
    professional_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("professionals.user_id"), primary_key=True)
    excluded_by: Mapped[ExcludedBy] = mapped_column(TextEnum(ExcludedBy), primary_key=True)
    at: Mapped[datetime]
