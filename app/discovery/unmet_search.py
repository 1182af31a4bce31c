"""Searches that met nobody: how often, on which day, in which pincode, for what."""

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import Base


class UnmetSearch(Base):
    """`category_id` is what the words meant, None when they meant nothing known; nobody's own words are kept."""

    __tablename__ = "unmet_searches"
    __table_args__ = (
        CheckConstraint("searches > 0", name="unmet_searches_searches_check"),
        Index("unmet_searches_key", "day", "pincode", "category_id", unique=True, postgresql_nulls_not_distinct=True),
    )
    day: Mapped[date] = mapped_column(Date)
    pincode: Mapped[str] = mapped_column(String(6), ForeignKey("pincodes.pincode"))
    category_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("categories.id"))
    searches: Mapped[int] = mapped_column(Integer)
