"""A paper that a professional shows: what it is, what became of it, and the file it is kept in."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, LargeBinary, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.events import Chronicle
from app.kit.rows import Base

KINDS = ("identity", "certificate", "address")
STATES = ("submitted", "approved", "denied", "replaced")
MEDIA_TYPES = ("application/pdf", "image/jpeg", "image/png")
ONE_OF_A_KIND = ("professional_id", "kind")
LARGEST = 10 * 1024 * 1024  # bytes of an upload

_KINDS = ", ".join(f"'{kind}'" for kind in KINDS)
_STATES = ", ".join(f"'{state}'" for state in STATES)
_MEDIA = ", ".join(f"'{kind}'" for kind in MEDIA_TYPES)


class Document(Base, Chronicle):
    """`stored_as` is a random name in the private folder, None once the file is erased; `size` in bytes.

    `expires_on` is the first day on which the paper no longer counts (W7).
    """

    __tablename__ = "documents"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_KINDS})", name="documents_kind_check"),
        CheckConstraint(f"state IN ({_STATES})", name="documents_state_check"),
        CheckConstraint(f"media_type IN ({_MEDIA})", name="documents_media_type_check"),
        CheckConstraint(f"size BETWEEN 1 AND {LARGEST}", name="documents_size_check"),
        CheckConstraint("octet_length(sha256) = 32", name="documents_sha256_check"),
        CheckConstraint("pages BETWEEN 1 AND 200", name="documents_pages_check"),
        CheckConstraint("length(name) BETWEEN 1 AND 120", name="documents_name_check"),
        CheckConstraint(
            "(state = 'submitted') = (decided_at IS NULL) AND (state = 'denied') = (denial_reason IS NOT NULL)",
            name="documents_decided_check",
        ),
        Index("documents_professional_id_idx", "professional_id", "id"),
        Index("documents_current_key", *ONE_OF_A_KIND, unique=True, postgresql_where=text("state = 'approved'")),
        Index("documents_waiting_key", *ONE_OF_A_KIND, unique=True, postgresql_where=text("state = 'submitted'")),
    )
    professional_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("professionals.user_id"))
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(default="submitted", server_default="submitted")
    name: Mapped[str]
    stored_as: Mapped[str | None] = mapped_column(unique=True)
    media_type: Mapped[str]
    size: Mapped[int]
    pages: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    expires_on: Mapped[date | None] = mapped_column(Date)
    uploaded_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("users.id"))
    denial_reason: Mapped[str | None]

    @property
    def subject(self) -> str:
        return f"document-{self.id}"
