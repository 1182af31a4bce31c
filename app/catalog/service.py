"""Services, the categories they belong to, and the search terms of both."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Computed, ForeignKey, Index, Integer, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.ratings import StarCounts
from app.core.events import AuditedMixin
from app.core.orm import Base, NaturalKeyBase

# Minutes from now to the first start of any service, whatever its notice: a hold may be paid after 7 of them, and half
# of the 13 that are left then are the professionals' time to accept (W9).
MIN_LEAD_MINUTES = 20


class Category(Base, AuditedMixin):
    """A category of services. It can be retired once none of its services is offered; retired ones are hidden."""

    __tablename__ = "categories"
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    short_name: Mapped[str]
    drawing: Mapped[str]
    position: Mapped[int] = mapped_column(Integer)
    retired_at: Mapped[datetime | None]

    @property
    def subject(self) -> str:
        return f"category-{self.id}"


class Service(Base, AuditedMixin):
    """A bookable service. `price` in paise, `minutes` of work, notice in minutes, horizon in days.

    `parts` says who brings and pays material, `preparation` what the customer does before the visit, line by line.
    """

    __tablename__ = "services"
    __table_args__ = (
        CheckConstraint("price BETWEEN 100 AND 100000000", name="services_price_check"),
        CheckConstraint("minutes BETWEEN 15 AND 720", name="services_minutes_check"),
        CheckConstraint("mode IN ('instant', 'offer', 'quote')", name="services_mode_check"),
        CheckConstraint("notice_minutes >= 0 AND horizon_days BETWEEN 1 AND 60", name="services_window_check"),
        CheckConstraint("char_length(parts) <= 600", name="services_parts_check"),
        CheckConstraint(
            "cardinality(preparation) <= 12 AND char_length(array_to_string(preparation, '')) <= 1920",
            name="services_preparation_check",
        ),
        CheckConstraint("char_length(guarantee) <= 300", name="services_guarantee_check"),
        Index("services_search_idx", "search", postgresql_using="gin"),
        Index("services_name_trgm_idx", "name", postgresql_using="gin", postgresql_ops={"name": "gin_trgm_ops"}),
        Index("services_category_id_idx", "category_id", postgresql_include=["id"]),
        Index("services_retired_idx", "id", postgresql_where=text("retired_at IS NOT NULL")),
    )
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    category_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("categories.id"))
    description: Mapped[str]
    included: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    excluded: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    parts: Mapped[str] = mapped_column(default="", server_default="")
    preparation: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    guarantee: Mapped[str] = mapped_column(default="", server_default="")
    price: Mapped[int]
    minutes: Mapped[int] = mapped_column(Integer)
    mode: Mapped[str]
    notice_minutes: Mapped[int] = mapped_column(Integer, default=120, server_default="120")
    horizon_days: Mapped[int] = mapped_column(Integer, default=7, server_default="7")
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    search: Mapped[str] = mapped_column(
        TSVECTOR,
        Computed("to_tsvector('english', name || ' ' || description)", persisted=True),
        deferred=True,
    )

    @property
    def subject(self) -> str:
        return f"service-{self.id}"


class ServiceQuestion(NaturalKeyBase):
    """A question that customers ask about a service, with its answer; `position` orders them, from 1."""

    __tablename__ = "service_questions"
    __table_args__ = (
        CheckConstraint("position BETWEEN 1 AND 8", name="service_questions_position_check"),
        CheckConstraint("char_length(question) BETWEEN 1 AND 160", name="service_questions_question_check"),
        CheckConstraint("char_length(answer) BETWEEN 1 AND 600", name="service_questions_answer_check"),
    )
    service_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("services.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    question: Mapped[str]
    answer: Mapped[str]


class SearchTerm(Base):
    """A word by which people search for a category or a service: English, Hindi, Tamil, or these in Latin letters."""

    __tablename__ = "search_terms"
    __table_args__ = (
        CheckConstraint("language IN ('en', 'hi', 'ta', 'translit')", name="search_terms_language_check"),
        CheckConstraint("num_nonnulls(category_id, service_id) = 1", name="search_terms_target_check"),
        Index("search_terms_term_trgm_idx", "term", postgresql_using="gin", postgresql_ops={"term": "gin_trgm_ops"}),
        Index("search_terms_service_id_idx", "service_id"),
        Index("search_terms_category_id_idx", "category_id"),
    )
    term: Mapped[str]
    language: Mapped[str]
    category_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("categories.id", ondelete="CASCADE"))
    service_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("services.id", ondelete="CASCADE"))
    weight: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")


class ServiceRating(StarCounts, NaturalKeyBase):
    """The reviews of a service by their stars; written by app.reviews through ServiceRatings."""

    __tablename__ = "service_ratings"
    service_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("services.id"), primary_key=True, autoincrement=False
    )
