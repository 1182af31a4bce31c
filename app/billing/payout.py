"""Payout runs: what was owed to professionals until the end of a day, sent to their bank accounts."""

import enum
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.events import AuditedMixin
from app.core.orm import Base, TextEnum

MIN_PAYOUT = 1_00  # paise; less waits for the next run
MAX_REFERENCE_LENGTH = 60


class PayoutState(enum.StrEnum):
    PENDING = "pending"  # on its way to the bank
    PAID = "paid"
    FAILED = "failed"  # what was on its way is owed again


class PayoutRun(Base, AuditedMixin):
    """One run for each day `until`; `created_by_id` is None if the timetable or a command made it.

    `people` and `amount` are of its payouts, whatever became of them.
    """

    __tablename__ = "payout_runs"
    until: Mapped[date] = mapped_column(Date, unique=True)
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("users.id"))
    people: Mapped[int] = mapped_column(Integer)
    amount: Mapped[int]

    @property
    def subject(self) -> str:
        return f"payout_run-{self.id}"


class Payout(Base):
    """`amount` paise to one account: what is owed of `earnings`, which may be negative and set off, and of `tips`.

    `transaction_id` is the ledger's transaction that took it from both. `reference` is the bank's.
    """

    __tablename__ = "payouts"
    __table_args__ = (
        CheckConstraint("amount = earnings + tips AND amount >= 100", name="payouts_amount_check"),
        CheckConstraint("state IN ('" + "', '".join(PayoutState) + "')", name="payouts_state_check"),
        CheckConstraint(
            "(state = 'pending') = (decided_at IS NULL) AND (decided_at IS NULL) = (decided_by_id IS NULL)"
            " AND (state = 'paid') = (reference IS NOT NULL) AND (state = 'failed') = (reason IS NOT NULL)",
            name="payouts_decided_check",
        ),
        CheckConstraint("length(reference) BETWEEN 1 AND 60", name="payouts_reference_check"),
        CheckConstraint("length(reason) BETWEEN 1 AND 1000", name="payouts_reason_check"),
        UniqueConstraint("run_id", "professional_id", name="payouts_run_key"),
        Index("payouts_professional_id_idx", "professional_id", "id"),
        Index("payouts_unpaid_idx", "run_id", "state", postgresql_where=text("state <> 'paid'")),
        Index("payouts_pending_idx", "bank_account_id", postgresql_where=text("state = 'pending'")),
    )
    run_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("payout_runs.id"))
    professional_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    bank_account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("bank_accounts.id"))
    amount: Mapped[int]
    earnings: Mapped[int]
    tips: Mapped[int]
    state: Mapped[PayoutState] = mapped_column(TextEnum(PayoutState))
    transaction_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("ledger_transactions.id"), unique=True)
    reference: Mapped[str | None]
    reason: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("users.id"))
