"""Users and their blocks."""

import enum
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Computed, ForeignKey, Index, Integer, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.events import AuditedMixin
from app.core.i18n import N_, _
from app.core.orm import Base, TextEnum


class Role(enum.StrEnum):
    CUSTOMER = "customer"
    PROFESSIONAL = "professional"
    ADMIN = "admin"


# The names of deleted accounts; no active account can take one (app.accounts.contact_fields).
FORMER_NAMES = {
    Role.CUSTOMER: N_("Former customer"),
    Role.PROFESSIONAL: N_("Former professional"),
    Role.ADMIN: N_("Former admin"),
}


class User(Base, AuditedMixin):
    """An account with one role. Incrementing `epoch` ends every session.

    A deleted account (W16, W17) keeps its row without personal data; `left_at` says since when.
    """

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("role IN ('customer', 'professional', 'admin')", name="users_role_check"),
        CheckConstraint("length(full_name) BETWEEN 1 AND 120", name="users_full_name_check"),
        Index("users_email_key", func.lower(text("email")), unique=True),
        Index("users_since_idx", "role", "created_at", "id"),
        Index("users_name_idx", "role", "full_name", "id"),
        Index("users_words_idx", "words", postgresql_using="gin", postgresql_ops={"words": "gin_trgm_ops"}),
        Index(
            "users_professional_words_idx",
            "words",
            postgresql_using="gin",
            postgresql_ops={"words": "gin_trgm_ops"},
            postgresql_where=text("role = 'professional'"),
        ),
        Index("users_left_idx", "role", "created_at", "id", postgresql_where=text("left_at IS NOT NULL")),
    )
    role: Mapped[Role] = mapped_column(TextEnum(Role))
    email: Mapped[str]
    full_name: Mapped[str]
    phone: Mapped[str]
    password_hash: Mapped[str]
    email_verified_at: Mapped[datetime | None]
    epoch: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    created_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    # The text that the admin's search looks through.
    words: Mapped[str] = mapped_column(
        Computed("lower(full_name || ' ' || email || ' ' || phone)", persisted=True), deferred=True
    )

    @property
    def subject(self) -> str:
        return f"user-{self.id}"

    @property
    def first_name(self) -> str:
        return first_name(self.full_name)


class Block(Base):
    """A block with its reason and author; in force while `lifted_at` is empty."""

    __tablename__ = "blocks"
    __table_args__ = (
        Index("blocks_in_force_key", "user_id", unique=True, postgresql_where=text("lifted_at IS NULL")),
        CheckConstraint("length(reason) > 0", name="blocks_reason_check"),
        CheckConstraint(
            "(lifted_at IS NULL) = (lifted_by_id IS NULL) AND (lifted_at IS NULL) = (lifted_reason IS NULL)",
            name="blocks_lifted_check",
        ),
    )
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    by_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    reason: Mapped[str]
    created_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
    lifted_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("users.id"))
    lifted_reason: Mapped[str | None]


def public_name(full_name: str) -> str:
    """First name and initial, as strangers see it: "Ravi K."; for a deleted account "Former professional"."""
    if full_name in FORMER_NAMES.values():
        return _(full_name)
    first, *rest = full_name.split()
    return f"{first} {rest[-1][0]}." if rest else first


def first_name(full_name: str) -> str:
    return _(full_name) if full_name in FORMER_NAMES.values() else full_name.split()[0]
