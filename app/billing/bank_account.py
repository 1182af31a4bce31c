"""Where a professional is paid out to: a bank account or a UPI ID, and every earlier one."""

import enum
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import Base, TextEnum

WAITING_PERIOD = timedelta(hours=24)  # until a new account counts


class AccountKind(enum.StrEnum):
    BANK = "bank"
    UPI = "upi"


class BankAccount(Base):
    """The number or UPI ID is encrypted for its owner; `masked` is what is shown of it.

    The one without `ended_at` is in force, and counts from `effective_at` on. The number of an earlier one is erased as
    soon as no payout to it is in progress.
    """

    __tablename__ = "bank_accounts"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('bank', 'upi') AND (encrypted_number IS NULL OR (kind = 'bank') = (ifsc IS NOT NULL))",
            name="bank_accounts_kind_check",
        ),
        CheckConstraint("ifsc ~ '^[A-Z]{4}0[A-Z0-9]{6}$'", name="bank_accounts_ifsc_check"),
        CheckConstraint("length(masked) <= 40", name="bank_accounts_masked_check"),
        CheckConstraint("encrypted_number IS NOT NULL OR ended_at IS NOT NULL", name="bank_accounts_number_check"),
        CheckConstraint("effective_at >= set_at AND ended_at >= set_at", name="bank_accounts_times_check"),
        Index("bank_accounts_current_key", "professional_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("bank_accounts_professional_id_idx", "professional_id", "id"),
    )
    professional_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    kind: Mapped[AccountKind] = mapped_column(TextEnum(AccountKind))
    holder: Mapped[str]
    ifsc: Mapped[str | None]
    encrypted_number: Mapped[bytes | None]
    masked: Mapped[str]
    set_at: Mapped[datetime]
    effective_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


def number_context(professional_id: int) -> str:
    """What the encrypted number is bound to."""
    return f"bank account of {professional_id}"
