"""A professional's weekly hours, time off, covered pincodes and offered services."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, FetchedValue, ForeignKey, Index, Integer, SmallInteger, String, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.professional import ApprovalStatus
from app.core.orm import Base, NaturalKeyBase, TextEnum


class WorkingHours(Base):
    """One stretch of a week: `weekday` 0 is Monday, `opens` and `closes` are minutes after midnight, Asia/Kolkata."""

    __tablename__ = "working_hours"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="working_hours_weekday_check"),
        CheckConstraint("0 <= opens AND opens < closes AND closes <= 1440", name="working_hours_span_check"),
        Index("working_hours_professional_id_idx", "professional_id", "weekday"),
    )
    professional_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("professionals.user_id", ondelete="CASCADE"))
    weekday: Mapped[int] = mapped_column(SmallInteger)
    opens: Mapped[int] = mapped_column(SmallInteger)
    closes: Mapped[int] = mapped_column(SmallInteger)


class TimeOff(Base):
    """Days or hours away; stretches of one person never overlap."""

    __tablename__ = "time_off"
    __table_args__ = (
        ExcludeConstraint(("professional_id", "="), ("span", "&&"), name="time_off_overlap_excl", using="gist"),
        CheckConstraint(
            "NOT isempty(span) AND NOT lower_inf(span) AND NOT upper_inf(span)", name="time_off_span_check"
        ),
    )
    professional_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("professionals.user_id", ondelete="CASCADE"))
    span: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    reason: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[datetime]


class Coverage(NaturalKeyBase):
    """A pincode where the professional works; a radius is stored as the pincodes within it.

    Triggers maintain `metres`, by road from home: 0 at home, None when unknown.
    """

    __tablename__ = "coverage"
    __table_args__ = (Index("coverage_nearest_idx", "pincode", "metres", "professional_id"),)
    professional_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("professionals.user_id", ondelete="CASCADE"), primary_key=True
    )
    pincode: Mapped[str] = mapped_column(String(6), ForeignKey("pincodes.pincode"), primary_key=True)
    metres: Mapped[int | None] = mapped_column(Integer, FetchedValue())


class CoverageHome(Base):
    """A home pincode from which someone covers `pincode`, `metres` away by road (None when unknown).

    Triggers add to it; a row may stand twice, and stays until the scheduled task removes what is not needed any more.
    """

    __tablename__ = "coverage_homes"
    __table_args__ = (Index("coverage_homes_nearest_idx", "pincode", "metres", "home_pincode"),)
    pincode: Mapped[str] = mapped_column(String(6), ForeignKey("pincodes.pincode"))
    home_pincode: Mapped[str] = mapped_column(String(6), ForeignKey("pincodes.pincode"))
    metres: Mapped[int | None] = mapped_column(Integer)


class OfferedHours(Base):
    """A stretch of the week in which someone may do the service in the pincode, so that a search need not ask everyone.

    `opens` and `closes` are minutes from Monday's midnight, Asia/Kolkata; a stretch may go on into the next week. One
    that is within another is not added. Triggers add to it; a row may stand twice, and stays until the scheduled task
    removes what is not needed any more: a stretch too many costs a look, a missing one would hide a free start.
    """

    __tablename__ = "offered_hours"
    __table_args__ = (
        CheckConstraint(
            "0 <= opens AND opens < 10080 AND opens < closes AND closes <= opens + 10080",
            name="offered_hours_span_check",
        ),
        Index("offered_hours_pincode_idx", "pincode", "service_id", "opens", "closes"),
    )
    service_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("services.id", ondelete="CASCADE"))
    pincode: Mapped[str] = mapped_column(String(6), ForeignKey("pincodes.pincode"))
    opens: Mapped[int] = mapped_column(SmallInteger)
    closes: Mapped[int] = mapped_column(SmallInteger)


class OfferedService(NaturalKeyBase):
    """A service the professional offers; only an approved one is shown and booked.

    Triggers copy `home_pincode` and `stars` from the professional, so that an index has the order of candidates.
    """

    __tablename__ = "offered_services"
    __table_args__ = (
        CheckConstraint(
            "approval_status IN ('pending', 'approved', 'denied')", name="offered_services_approval_status_check"
        ),
        Index("offered_services_service_id_idx", "service_id", "professional_id"),
        Index(
            "offered_services_nearest_idx",
            "service_id",
            "home_pincode",
            "approval_status",
            text("stars DESC"),
            "professional_id",
        ),
    )
    professional_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("professionals.user_id", ondelete="CASCADE"), primary_key=True
    )
    service_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("services.id"), primary_key=True)
    approval_status: Mapped[ApprovalStatus] = mapped_column(
        TextEnum(ApprovalStatus), default=ApprovalStatus.PENDING, server_default=ApprovalStatus.PENDING
    )
    home_pincode: Mapped[str] = mapped_column(String(6), FetchedValue())
    stars: Mapped[int] = mapped_column(SmallInteger, FetchedValue())
