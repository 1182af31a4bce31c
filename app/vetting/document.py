"""A paper that a professional shows: what it is, what became of it, and the file it is kept in."""

from datetime import date, datetime, timedelta

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, LargeBinary, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.errors import Refused
from app.core.events import PLATFORM, Actor, Chronicle
from app.core.i18n import _
from app.core.orm import Base
from app.core.storage import LARGEST

KINDS = ("identity", "certificate", "address")
STATES = ("submitted", "approved", "denied", "replaced")
MEDIA_TYPES = ("application/pdf", "image/jpeg", "image/png")
SEEN, WARNED = "document.seen", "document.expiry_warned"
ONE_OF_A_KIND = ("professional_id", "kind")

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

    def submitted(self, by: Actor) -> None:
        """It has come and waits."""
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
        """Counts from now on. Refused unless it waits."""
        self._decide("approved", by)
        self.record(
            "document.approved", by=by, nudges=self._nudges, kind=self.kind, before="submitted", after="approved"
        )

    def deny(self, by: Actor, reason: str) -> None:
        """Refused unless it waits."""
        self._decide("denied", by)
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
        """A newer one takes its place; what had waited or counted does so no more."""
        before, self.state = self.state, "replaced"
        if before == "submitted":
            self.decided_at = clock.now()
        self.denial_reason = None
        self.record("document.replaced", by=by, nudges=self._nudges, kind=self.kind, before=before, after="replaced")

    def seen(self, by: Actor, how: str) -> None:
        """`how`: downloaded or looked at."""
        self.record(SEEN, by=by, how=how)

    def warn(self, stage: int) -> None:
        """So many days before it runs out, or 0 when it has: its owner hears of it (W7)."""
        assert self.expires_on is not None
        until = self.expires_on.isoformat()
        self.record(WARNED, by=PLATFORM, nudges=self._nudges, kind=self.kind, until=until, days=stage)

    def erase(self, by: Actor) -> None:
        """The file is gone and so is its name; that there was one stays (W17)."""
        self.stored_as, self.name = None, "–"
        if self.denial_reason:
            self.denial_reason = "–"
        self.record("document.erased", by=by, kind=self.kind)

    @property
    def last_day(self) -> date | None:
        """The day printed on it."""
        return self.expires_on - timedelta(days=1) if self.expires_on else None

    def out_of_date(self) -> bool:
        return self.expires_on is not None and self.expires_on <= clock.today()

    @property
    def _nudges(self) -> list[tuple[str, str]]:
        return [(f"user:{self.professional_id}", "documents")]

    def _decide(self, state: str, by: Actor) -> None:
        if self.state != "submitted":
            raise Refused(_("Somebody has already decided about this paper."), reason="decided")
        self.state, self.decided_at, self.decided_by_id = state, clock.now(), by.id
