"""Users and their blocks."""

import enum
from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Computed, ForeignKey, Index, Integer, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.names import FORMER_NAMES, greeting_name
from app.core import clock
from app.core.events import AuditedMixin
from app.core.orm import Base, TextEnum


class AdminRight(enum.StrEnum):
    """What an admin may do; each includes the ones before it (app.web.guards.ADMIN_RIGHTS)."""

    SUPPORT = "support"  # the daily work: people, bookings, cases, messages, reviews
    MONEY = "money"  # refunds, decisions with money, settings
    OWNER = "owner"  # who is an admin


class Role(enum.StrEnum):
    CUSTOMER = "customer"
    PROFESSIONAL = "professional"
    ADMIN = "admin"


class User(Base, AuditedMixin):
    """An account with one role. Incrementing `epoch` ends every session.

    A deleted account (W16, W17) keeps its row without personal data; `deleted_at` says since when.
    """

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("role IN ('customer', 'professional', 'admin')", name="users_role_check"),
        CheckConstraint("admin_right IN ('support', 'money', 'owner')", name="users_admin_right_check"),
        CheckConstraint("length(full_name) BETWEEN 1 AND 120", name="users_full_name_check"),
        Index("users_email_key", func.lower(text("email")), unique=True),
        Index("users_created_idx", "role", "created_at", "id"),
        Index("users_name_idx", "role", "full_name", "id"),
        Index(
            "users_search_text_idx",
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
        ),
        Index(
            "users_professional_search_text_idx",
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
            postgresql_where=text("role = 'professional'"),
        ),
        Index("users_deleted_idx", "role", "created_at", "id", postgresql_where=text("deleted_at IS NOT NULL")),
    )
    role: Mapped[Role] = mapped_column(TextEnum(Role))
    # Only of admins; the others have the default, which says nothing.
    admin_right: Mapped[AdminRight] = mapped_column(
        TextEnum(AdminRight), default=AdminRight.OWNER, server_default="owner"
    )
    email: Mapped[str]
    full_name: Mapped[str]
    phone: Mapped[str]
    password_hash: Mapped[str]
    email_verified_at: Mapped[datetime | None]
    epoch: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    # Whether the other side of a booking sees the phone, unless they choose otherwise for it.
    share_phone: Mapped[bool] = mapped_column(Boolean, default=True, server_default="true")
    # The text that the admin's search looks through: app.accounts.repository.matches_person.
    search_text: Mapped[str] = mapped_column(
        Computed("lower(search_form(full_name || ' ' || email || ' ' || phone))", persisted=True), deferred=True
    )

    @property
    def subject(self) -> str:
        return f"user-{self.id}"

    @property
    def first_name(self) -> str:
        return greeting_name(self.full_name)

    def anonymise(self) -> None:
        """Delete the account: no sign-in matches any more, and the email address is free for a new account."""
        self.full_name, self.email, self.phone = FORMER_NAMES[Role(self.role)], f"left-{self.id}", ""
        self.password_hash, self.email_verified_at = "", None
        self.epoch += 1
        self.deleted_at = clock.now()


class Block(Base):
    """A block with its reason and author; in force while `lifted_at` is empty."""

    __tablename__ = "blocks"
    __table_args__ = (
        Index("blocks_active_key", "user_id", unique=True, postgresql_where=text("lifted_at IS NULL")),
        CheckConstraint("length(reason) > 0", name="blocks_reason_check"),
        CheckConstraint(
            "(lifted_at IS NULL) = (lifted_by_id IS NULL) AND (lifted_at IS NULL) = (lifted_reason IS NULL)",
            name="blocks_lifted_check",
        ),
    )
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    blocked_by_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    reason: Mapped[str]
    created_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
    lifted_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("users.id"))
    lifted_reason: Mapped[str | None]

    def lift(self, by_id: int, reason: str) -> None:
        self.lifted_at, self.lifted_by_id, self.lifted_reason = clock.now(), by_id, reason
