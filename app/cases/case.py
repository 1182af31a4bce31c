"""A case (W27): one side of a booking asks for help, both may write, and an admin decides once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ARRAY, BigInteger, Boolean, CheckConstraint, ForeignKey, Index, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.cases.labels import TOPIC_LABELS
from app.core import clock
from app.core.events import Person
from app.core.orm import Base, TextEnum
from app.payments.refund import BorneBy

ANSWER_PERIOD = timedelta(hours=24)  # for the first message of an admin; then it is red
DECISION_PERIOD = timedelta(hours=72)
GUARANTEE_PERIOD = timedelta(days=14)  # from completion, to say that the work was not done right (W28)
CASE_RETENTION = timedelta(days=3 * 365)  # from the decision
SAFETY_HEAD_START = timedelta(days=36_500)  # so that safety comes before every other case of the queue
MAX_MESSAGE_LENGTH = 2_000  # characters
MAX_MESSAGES_PER_HOUR = 20  # of one person, in all cases
MAX_PHOTOS_PER_CASE = 50  # of one person


class Side(StrEnum):
    CUSTOMER = "customer"
    PROFESSIONAL = "professional"


class CaseState(StrEnum):
    OPEN = "open"
    DECIDED = "decided"


class Outcome(StrEnum):
    NONE = "none"
    REFUND = "refund"
    REDO = "redo"
    FEE_RETURNED = "fee_returned"
    PAYOUT_WITHHELD = "payout_withheld"


SAFETY_TOPICS = ("safety", "unsafe")
_TOPICS = "', '".join(TOPIC_LABELS)
_OUTCOMES = "', '".join(Outcome)


class Case(Base):
    """`professional_id` is whose job it was when the case was opened; the customer is the booking's.

    `queue_at` is its place among the open ones: when it is to be decided, long before that for safety. `amount` is in
    paise, and so is `withheld`, what is taken back of the professional's payout, which a reopened case keeps until it
    is decided, and `payout_released`, what that decision then gave them. `only_admin`: reopened by the admin who had
    decided, because there was no other one.
    """

    __tablename__ = "cases"
    __table_args__ = (
        CheckConstraint("side IN ('customer', 'professional')", name="cases_side_check"),
        CheckConstraint(f"topic IN ('{_TOPICS}')", name="cases_topic_check"),
        CheckConstraint(
            f"outcomes <@ ARRAY['{_OUTCOMES}'] AND cardinality(outcomes) IN (1, 2)", name="cases_outcomes_check"
        ),
        CheckConstraint(
            "(state = 'open' OR (withheld IS NOT NULL) = ('payout_withheld' = ANY (outcomes))) AND withheld > 0",
            name="cases_withheld_check",
        ),
        CheckConstraint(
            "payout_released IS NULL OR payout_released > 0 AND state = 'decided' AND withheld IS NULL",
            name="cases_payout_released_check",
        ),
        CheckConstraint("amount > 0 AND borne_by IN ('doorstep', 'shares')", name="cases_amount_check"),
        CheckConstraint("length(reason) BETWEEN 1 AND 1000", name="cases_reason_check"),
        CheckConstraint(
            "(state = 'open' AND num_nonnulls(decided_at, decided_by_id, outcomes, reason, amount, borne_by) = 0)"
            " OR (state = 'decided' AND num_nonnulls(decided_at, decided_by_id, outcomes, reason) = 4"
            " AND (amount IS NULL) = (borne_by IS NULL))",
            name="cases_state_check",
        ),
        Index("cases_open_key", "booking_id", "side", unique=True, postgresql_where=text("state = 'open'")),
        Index("cases_queue_idx", "queue_at", "id", postgresql_where=text("state = 'open'")),
        Index("cases_decided_idx", "decided_at", "id", postgresql_where=text("state = 'decided'")),
        Index("cases_booking_id_idx", "booking_id"),
        Index("cases_professional_id_idx", "professional_id"),
    )
    reference: Mapped[str] = mapped_column(String(8), unique=True)
    booking_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("bookings.id"))
    opened_by_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    side: Mapped[Side] = mapped_column(TextEnum(Side))
    professional_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("professionals.user_id"))
    topic: Mapped[str]
    state: Mapped[CaseState] = mapped_column(TextEnum(CaseState))
    opened_at: Mapped[datetime]
    assigned_to_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("users.id"))
    answer_due_at: Mapped[datetime]
    decide_due_at: Mapped[datetime]
    queue_at: Mapped[datetime]
    first_answer_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("users.id"))
    outcomes: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    amount: Mapped[int | None]
    borne_by: Mapped[str | None]
    withheld: Mapped[int | None]
    payout_released: Mapped[int | None]
    refund_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("refunds.id"))
    reason: Mapped[str | None]
    only_admin: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")

    @property
    def is_open(self) -> bool:
        return self.state == CaseState.OPEN

    @property
    def is_safety(self) -> bool:
        return self.topic in SAFETY_TOPICS

    def start_clock(self, now: datetime) -> None:
        """Count the time to answer and to decide from now on."""
        self.answer_due_at, self.decide_due_at = now + ANSWER_PERIOD, now + DECISION_PERIOD
        self.queue_at = self.decide_due_at - (SAFETY_HEAD_START if self.is_safety else timedelta())

    def decide(
        self,
        by: Person,
        outcomes: Sequence[Outcome],
        amount: int | None,
        borne_by: BorneBy,
        reason: str,
        withheld: int | None = None,
        payout_released: int | None = None,
    ) -> None:
        """`amount` paise are refunded, borne by Doorstep or by the shares; None when no money moves.

        `withheld` paise are taken back of the professional's payout; `payout_released` are theirs again.
        """
        self.state, self.decided_at, self.decided_by_id = CaseState.DECIDED, clock.now(), by.id
        self.outcomes, self.reason = [str(outcome) for outcome in outcomes], reason
        self.amount, self.borne_by = (amount, borne_by) if amount else (None, None)
        self.withheld, self.payout_released = withheld, payout_released

    def reopen(self, *, only_admin: bool) -> None:
        self.state, self.only_admin = CaseState.OPEN, only_admin
        self.decided_at = self.decided_by_id = self.outcomes = self.reason = self.amount = self.borne_by = None
        self.refund_id = self.payout_released = None
        self.start_clock(clock.now())


class CaseMessage(Base):
    """Text, photos or both, by a side or an admin; in a case of safety one side never reads the other.

    `photo_count` says how many there were: the photos themselves (app.photos) are deleted long before the text.
    """

    __tablename__ = "case_messages"
    __table_args__ = (
        CheckConstraint("length(text) <= 2000", name="case_messages_text_check"),
        CheckConstraint(
            "photo_count BETWEEN 0 AND 5 AND (text <> '' OR photo_count > 0)", name="case_messages_content_check"
        ),
        Index("case_messages_case_id_idx", "case_id", "id"),
        Index("case_messages_author_id_idx", "author_id", "created_at"),
    )
    case_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("cases.id", ondelete="CASCADE"))
    author_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    text: Mapped[str]
    photo_count: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    created_at: Mapped[datetime]
