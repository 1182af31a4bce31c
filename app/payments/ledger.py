"""Double entry: every transaction sums to zero, which the database checks at commit; nothing is ever changed."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ColumnElement, ForeignKey, Index, SmallInteger, and_, or_, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.orm import Base
from app.payments.charge import Charge

# Paise; positive is a debit, negative a credit. What each account is for: docs/ledger.md.
ACCOUNTS = (
    *("hold", "hold_contra", "gateway", "receivable", "earnings", "payout_held", "commission"),
    *("tips", "payouts", "customer_funds", "credit", "coupons", "guarantee"),
    *("tax", "tax_collected", "tax_withheld", "chargebacks", "gateway_fees"),
)
KINDS = (
    *("authorise", "capture", "release", "fee", "refund", "receivable", "settle", "payout_free"),
    *("tip", "redo", "credit", "credit_use", "credit_return", "payout", "payout_paid", "payout_failed"),
    *("withheld", "withholding_released"),
)
WITHHOLDING_KINDS = ("withheld", "withholding_released")
KINDS_WITHOUT_BOOKING = ("credit", "payout", "payout_paid", "payout_failed")  # of many bookings, or of none
# Of entries `e` of transactions `t`. What a customer paid, by their bank or with credit, tips included. Revenue is what
# customers pay or owe for work, as the trigger of bookings.revenue counts it.
CREDIT_SPENT_SQL = (
    "e.account = 'customer_funds' AND t.kind IN ('capture', 'fee') OR e.account = 'credit' AND t.kind = 'refund'"
)
SPENT_SQL = f"(e.account = 'gateway' AND t.kind <> 'credit' OR {CREDIT_SPENT_SQL})"
REVENUE_SQL = f"(e.account IN ('gateway', 'receivable') AND t.kind NOT IN ('tip', 'credit') OR {CREDIT_SPENT_SQL})"
Line = tuple[str, int | None, int]


class LedgerTransaction(Base):
    """`repetition` counts from 0 what a booking may have more than once, in turn: withholding and its release."""

    __tablename__ = "ledger_transactions"
    __table_args__ = (
        CheckConstraint("kind IN ('" + "', '".join(KINDS) + "')", name="ledger_transactions_kind_check"),
        CheckConstraint(
            "booking_id IS NOT NULL OR kind IN ('" + "', '".join(KINDS_WITHOUT_BOOKING) + "')",
            name="ledger_transactions_booking_check",
        ),
        Index("ledger_transactions_booking_id_idx", "booking_id"),
        Index("ledger_transactions_refund_id_idx", "refund_id", postgresql_where=text("refund_id IS NOT NULL")),
        # A referral and an apology: one of each booking. A refund as credit belongs to a charge.
        Index(
            "ledger_transactions_granted_key",
            "booking_id",
            unique=True,
            postgresql_where=text("kind = 'credit' AND charge_id IS NULL AND booking_id IS NOT NULL"),
        ),
        Index("ledger_transactions_at_idx", "at", postgresql_using="brin"),
        Index("ledger_transactions_without_booking_idx", "at", "id", postgresql_where=text("booking_id IS NULL")),
        Index(
            "ledger_transactions_withheld_key",
            "booking_id",
            "kind",
            "repetition",
            unique=True,
            postgresql_where=text("kind IN ('withheld', 'withholding_released')"),
        ),
        Index(
            "ledger_transactions_rare_idx",
            "kind",
            "booking_id",
            postgresql_where=text("kind IN ('fee', 'refund', 'settle')"),
        ),
    )
    booking_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("bookings.id"))
    charge_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("charges.id"))
    refund_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("refunds.id"))
    kind: Mapped[str]
    at: Mapped[datetime]
    repetition: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    entries: Mapped[list["LedgerEntry"]] = relationship(lazy="raise", cascade="save-update")
    charge: Mapped[Charge | None] = relationship(lazy="raise")


class LedgerEntry(Base):
    """One entry: `amount` paise, debit positive, credit negative; `person_id` is whose earnings or debt it is."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("account IN ('" + "', '".join(ACCOUNTS) + "')", name="ledger_entries_account_check"),
        CheckConstraint("amount <> 0", name="ledger_entries_amount_check"),
        Index("ledger_entries_transaction_id_idx", "transaction_id"),
        # With the amounts in it, a balance reads the index alone.
        Index("ledger_entries_person_id_idx", "person_id", "account", postgresql_include=["amount"]),
    )
    transaction_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("ledger_transactions.id"))
    account: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("users.id"))
    amount: Mapped[int]


def is_revenue() -> ColumnElement[bool]:
    """REVENUE_SQL as a condition on the entities."""
    account, kind = LedgerEntry.account, LedgerTransaction.kind
    return or_(
        and_(account.in_(("gateway", "receivable")), kind.not_in(("tip", "credit"))),
        and_(account == "customer_funds", kind.in_(("capture", "fee"))),
        and_(account == "credit", kind == "refund"),
    )


def new_transaction(
    kind: str,
    booking_id: int | None,
    charge: Charge | None,
    lines: Iterable[Line],
    refund_id: int | None = None,
    repetition: int = 0,
    at: datetime | None = None,
) -> LedgerTransaction:
    """One transaction, now or `at`; `lines` are (account, person_id, paise) and sum to zero. Empty ones are dropped."""
    entries = [
        LedgerEntry(account=account, person_id=person_id, amount=amount)
        for account, person_id, amount in lines
        if amount
    ]
    return LedgerTransaction(
        booking_id=booking_id,
        charge=charge,
        refund_id=refund_id,
        kind=kind,
        at=at or clock.now(),
        entries=entries,
        repetition=repetition,
    )
