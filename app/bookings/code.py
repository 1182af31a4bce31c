"""Start and finish codes: six digits that the customer reads out and the professional types in."""

import secrets
import unicodedata
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.encryption import Vault
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.orm import Base

TRIES_BEFORE_LOCK = 5
TRIES_IN_ALL = 10
LOCK = timedelta(minutes=15)
NEW_CODES_AN_HOUR = 3


class Code(Base):
    """One code of one phase ("start", "finish").

    The digest compares; the seal opens for the customer only and is erased when used or replaced.
    """

    __tablename__ = "codes"
    __table_args__ = (
        CheckConstraint("phase IN ('start', 'finish')", name="codes_phase_check"),
        CheckConstraint(f"attempts BETWEEN 0 AND {TRIES_IN_ALL}", name="codes_attempts_check"),
        CheckConstraint("sealed IS NULL OR (used_at IS NULL AND voided_at IS NULL)", name="codes_seal_erased_check"),
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
    phase: Mapped[str]
    digest: Mapped[bytes]
    sealed: Mapped[bytes | None]
    issued_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    locked_until: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]

    @classmethod
    def issue(cls, phase: str, vault: Vault, reference: str) -> "Code":
        digits = f"{secrets.randbelow(1_000_000):06d}"
        context = f"{phase} code of {reference}"
        return cls(
            phase=phase,
            digest=vault.digest(digits, context),
            sealed=vault.seal(digits, context),
            issued_at=clock.now(),
            attempts=0,
        )

    @property
    def is_live(self) -> bool:
        return self.used_at is None and self.voided_at is None

    def reveal(self, vault: Vault, reference: str) -> str | None:
        """The six digits, for the customer's own eyes."""
        return code_of(self.sealed, self.phase, vault, reference)

    def matches(self, typed: str, vault: Vault, reference: str) -> bool:
        return vault.matches(typed, f"{self.phase} code of {reference}", self.digest)

    def use(self) -> None:
        self.used_at, self.sealed = clock.now(), None

    def void(self) -> None:
        self.voided_at, self.sealed = clock.now(), None


def code_of(sealed: bytes | None, phase: str, vault: Vault, reference: str) -> str | None:
    """The six digits out of their seal, for the customer's own eyes."""
    return vault.open(sealed, f"{phase} code of {reference}") if sealed else None


def digits(typed: str) -> str:
    """ "482 917", "482-917" or "४८२९१७" as six ASCII digits; Invalid("code") when it cannot be a code."""
    kept = [
        str(unicodedata.decimal(mark, "x"))
        for mark in typed
        if not mark.isspace() and mark not in "-\u2010\u2011\u2013."
    ]
    code = "".join(kept)
    if len(code) != 6 or not code.isdecimal() or not code.isascii():
        raise Invalid({"code": _("Six digits, please.")})
    return code
