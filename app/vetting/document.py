"""A document that proves who a professional is or what they may do, and the state of its review."""

import enum
from datetime import date, datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, LargeBinary, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.errors import Refused
from app.core.events import PLATFORM, Actor, AuditedMixin
from app.core.i18n import _
from app.core.orm import Base, TextEnum
from app.core.storage import MAX_UPLOAD_BYTES


class DocumentKind(enum.StrEnum):
    """Proofs, which only the owner and admins see, and the photo for the public page, once it is approved."""

    IDENTITY = "identity"
    CERTIFICATE = "certificate"
    ADDRESS = "address"
    PHOTO = "photo"


class DocumentState(enum.StrEnum):
    """`SUBMITTED` while under review, `REPLACED` by a newer document of its kind."""

    SUBMITTED = "submitted"
    APPROVED = "approved"
    DENIED = "denied"
    REPLACED = "replaced"


KINDS = tuple(DocumentKind)
PROOF_KINDS = tuple(kind for kind in DocumentKind if kind != DocumentKind.PHOTO)
CURRENT_STATES = (DocumentState.SUBMITTED, DocumentState.APPROVED)
FORMER_STATES = (DocumentState.DENIED, DocumentState.REPLACED)
MEDIA_TYPES = ("application/pdf", "image/jpeg", "image/png")
VIEWED, EXPIRY_WARNED = "document.seen", "document.expiry_warned"
UNIQUE_PER_KIND = ("professional_id", "kind")

_KINDS = ", ".join(f"'{kind}'" for kind in DocumentKind)
_STATES = ", ".join(f"'{state}'" for state in DocumentState)
_MEDIA = ", ".join(f"'{kind}'" for kind in MEDIA_TYPES)


class Document(Base, AuditedMixin):
    """`stored_as` is a random name in the private folder, None once the file is erased; `size` in bytes.

    `expires_on` is the first day on which the document is no longer valid (W7).
    """

    __tablename__ = "documents"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_KINDS})", name="documents_kind_check"),
        CheckConstraint(f"state IN ({_STATES})", name="documents_state_check"),
        CheckConstraint(f"media_type IN ({_MEDIA})", name="documents_media_type_check"),
        CheckConstraint(f"size BETWEEN 1 AND {MAX_UPLOAD_BYTES}", name="documents_size_check"),
        CheckConstraint("octet_length(sha256) = 32", name="documents_sha256_check"),
        CheckConstraint("pages BETWEEN 1 AND 200", name="documents_pages_check"),
        CheckConstraint("length(name) BETWEEN 1 AND 120", name="documents_name_check"),
        CheckConstraint(
            "(state = 'submitted') = (decided_at IS NULL) AND (state = 'denied') = (denial_reason IS NOT NULL)",
            name="documents_decided_check",
        ),
        CheckConstraint("kind <> 'photo' OR media_type = 'image/jpeg' AND pages = 1", name="documents_photo_check"),
        Index("documents_professional_id_idx", "professional_id", "id"),
        Index("documents_current_key", *UNIQUE_PER_KIND, unique=True, postgresql_where=text("state = 'approved'")),
        Index("documents_waiting_key", *UNIQUE_PER_KIND, unique=True, postgresql_where=text("state = 'submitted'")),
    )
    professional_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("professionals.user_id"))
    kind: Mapped[DocumentKind] = mapped_column(TextEnum(DocumentKind))
    state: Mapped[DocumentState] = mapped_column(
        TextEnum(DocumentState), default=DocumentState.SUBMITTED, server_default=DocumentState.SUBMITTED
    )
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

    def record_submission(self, by: Actor) -> None:
        """Record that the document was uploaded for review."""
        self.record(
            "document.submitted",
            by=by,
            nudges=self._nudges,
            personal={"name": self.name},
            kind=self.kind,
            media_type=self.media_type,
            size=self.size,
            pages=self.pages,
            sha256=self.sha256.hex(),
            expires_on=self.expires_on.isoformat() if self.expires_on else None,
        )

    def approve(self, by: Actor) -> None:
        """Refused("decided") unless it is submitted."""
        self._decide(DocumentState.APPROVED, by)
        self.record(
            "document.approved", by=by, nudges=self._nudges, kind=self.kind, before="submitted", after="approved"
        )

    def deny(self, by: Actor, reason: str) -> None:
        """Refused("decided") unless it is submitted."""
        self._decide(DocumentState.DENIED, by)
        self.denial_reason = reason
        self.record(
            "document.denied",
            by=by,
            nudges=self._nudges,
            personal={"reason": reason},
            kind=self.kind,
            before="submitted",
            after="denied",
        )

    def replace(self, by: Actor) -> None:
        """Mark it as replaced by a newer document of its kind."""
        before, self.state = self.state, DocumentState.REPLACED
        if before == DocumentState.SUBMITTED:
            self.decided_at = clock.now()
        self.denial_reason = None
        self.record("document.replaced", by=by, nudges=self._nudges, kind=self.kind, before=before, after="replaced")

    def withdraw(self, by: Actor) -> None:
        """Take back the photo: it is public no longer, and its file is erased."""
        before, self.state = self.state, DocumentState.REPLACED
        if before == DocumentState.SUBMITTED:
            self.decided_at = clock.now()
        self.record("document.withdrawn", by=by, nudges=self._nudges, kind=self.kind, before=before, after="replaced")
        self.erase(by)

    def record_view(self, by: Actor, how: str) -> None:
        """Record who saw the file; `how` is "downloaded" or "looked at"."""
        self.record(VIEWED, by=by, how=how)

    def record_expiry_warning(self, stage: int) -> None:
        """Record a warning to the owner, `stage` days before it expires, 0 when it has (W7)."""
        assert self.expires_on is not None
        until = self.expires_on.isoformat()
        self.record(EXPIRY_WARNED, by=PLATFORM, nudges=self._nudges, kind=self.kind, until=until, days=stage)

    def erase(self, by: Actor) -> None:
        """Forget the file and its name; the row stays (W17)."""
        self.stored_as, self.name = None, "–"
        if self.denial_reason:
            self.denial_reason = "–"
        self.record("document.erased", by=by, kind=self.kind)

    @property
    def last_day(self) -> date | None:
        """The last valid day, as printed on it."""
        return self.expires_on - timedelta(days=1) if self.expires_on else None

    def is_expired(self) -> bool:
        return self.expires_on is not None and self.expires_on <= clock.today()

    @property
    def _nudges(self) -> list[tuple[str, str]]:
        return [(f"user:{self.professional_id}", "documents")]

    def _decide(self, state: DocumentState, by: Actor) -> None:
        if self.state != DocumentState.SUBMITTED:
            raise Refused(_("This document has already been approved or rejected."), reason="decided")
        self.state, self.decided_at, self.decided_by_id = state, clock.now(), by.id
