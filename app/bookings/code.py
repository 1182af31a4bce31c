"""Start and finish codes: six digits that the customer reads out and the professional enters."""

import enum
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.encryption import Encryption
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.orm import Base, TextEnum
from app.core.typed_text import without_separators

ATTEMPTS_BEFORE_LOCK = 5
MAX_ATTEMPTS = 10
LOCK_DURATION = timedelta(minutes=15)
MAX_RENEWALS_PER_HOUR = 3


class CodePhase(enum.StrEnum):
    START = "start"
    FINISH = "finish"


class CountedCode(Protocol):
    """A code with its wrong attempts: the entity, or what a page reads of it."""

    @property
    def attempts(self) -> int: ...
    @property
    def locked_until(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class CodeAttempt:
    """A counted attempt at a code, which may be compared once."""

    code_id: int
    phase: str
    attempts: int
    digest: bytes
    locked_until: datetime | None


class Code(Base):
    """One code of one phase ("start", "finish").

    The digest compares; the seal opens for the customer only and is erased when used or replaced.
    """

    __tablename__ = "codes"
    __table_args__ = (
        CheckConstraint("phase IN ('start', 'finish')", name="codes_phase_check"),
        CheckConstraint(f"attempts BETWEEN 0 AND {MAX_ATTEMPTS}", name="codes_attempts_check"),
        CheckConstraint("encrypted_code IS NULL OR (used_at IS NULL AND voided_at IS NULL)", name="codes_erased_check"),
        CheckConstraint("used_at IS NULL OR voided_at IS NULL", name="codes_one_end_check"),
        # Deferred, since a new code is written before the row of the one it replaces.
        ExcludeConstraint(
            ("booking_id", "="),
            ("phase", "="),
            name="codes_live_excl",
            using="gist",
            where=text("used_at IS NULL AND voided_at IS NULL"),
            deferrable=True,
            initially="DEFERRED",
        ),
        Index("codes_used_key", "booking_id", "phase", unique=True, postgresql_where=text("used_at IS NOT NULL")),
    )
    booking_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("bookings.id"))
    phase: Mapped[CodePhase] = mapped_column(TextEnum(CodePhase))
    digest: Mapped[bytes]
    encrypted_code: Mapped[bytes | None]
    issued_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    locked_until: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]

    @classmethod
    def issue(cls, phase: CodePhase, encryption: Encryption, reference: str) -> "Code":
        digits = f"{secrets.randbelow(1_000_000):06d}"
        context = f"{phase} code of {reference}"
        return cls(
            phase=phase,
            digest=encryption.digest(digits, context),
            encrypted_code=encryption.encrypt(digits, context),
            issued_at=clock.now(),
            attempts=0,
        )

    @property
    def is_live(self) -> bool:
        return self.used_at is None and self.voided_at is None

    def reveal(self, encryption: Encryption, reference: str) -> str | None:
        """The six digits, to be shown to the customer only."""
        return reveal_code(self.encrypted_code, self.phase, encryption, reference)

    def matches(self, typed: str, encryption: Encryption, reference: str) -> bool:
        return encryption.matches(typed, f"{self.phase} code of {reference}", self.digest)

    def use(self) -> None:
        self.used_at, self.encrypted_code = clock.now(), None

    def void(self) -> None:
        self.voided_at, self.encrypted_code = clock.now(), None

    def revoke(self) -> None:
        """Void a code that was used: the work that it began goes to another professional."""
        self.used_at = None
        self.void()


def reveal_code(encrypted_code: bytes | None, phase: str, encryption: Encryption, reference: str) -> str | None:
    """The six digits of an encrypted code, to be shown to the customer only."""
    return encryption.decrypt(encrypted_code, f"{phase} code of {reference}") if encrypted_code else None


def parse_code(typed: str) -> str:
    """ "482 917", "482-917" or "४८२९१७" as six ASCII digits; Invalid("code") when it cannot be a code."""
    code = without_separators(typed).replace(".", "")
    if len(code) != 6 or not code.isdecimal() or not code.isascii():
        raise Invalid({"code": _("Enter 6 digits.")})
    return code


def entry_locked_until(code: CountedCode | None, now: datetime) -> datetime | None:
    """Until when entry of the code is locked after wrong attempts; None when it is open."""
    if code is None or code.locked_until is None or code.locked_until <= now or code.attempts >= MAX_ATTEMPTS:
        return None
    return code.locked_until


def is_spent(code: CountedCode | None) -> bool:
    """Whether no attempt is left, so that only the customer can request a new code."""
    return code is None or code.attempts >= MAX_ATTEMPTS
