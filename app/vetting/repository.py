"""Documents, professionals and cases, queried by their professional."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Row, cast, exists, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Pincode
from app.accounts.professional import ApprovalStatus, Professional
from app.accounts.user import Block, Role, User
from app.core import clock
from app.core.errors import Missing
from app.core.events import Event, Person
from app.core.paging import AnyRow, Query
from app.core.references import RowIds
from app.vetting.document import EXPIRY_WARNED, VIEWED, Document, DocumentKind, DocumentState
from app.vetting.verification import CaseKind, CaseState, Verification

IDS = RowIds()
# One row per professional; people's table adds columns to it. The role lets the indexes of users by role serve it.
PROFILE: Query = (
    select(
        User.id,
        User.full_name,
        User.email,
        User.phone,
        User.created_at,
        User.deleted_at,
        Professional.trade,
        Professional.experience_years,
        Professional.languages,
        Professional.approval_status,
        Professional.denial_reason,
        Professional.admin_status,
        Professional.jobs,
        Professional.stars,
        Pincode.place,
        Pincode.pincode,
    )
    .join(Professional, Professional.user_id == User.id)
    .join(Pincode, Pincode.pincode == Professional.home_pincode)
    .where(User.role == "professional")
)
StoredFile = Row[int, str | None, int, bytes, int]
VIEW_WINDOW = timedelta(minutes=10)

# The document of the photo of a professional `u`, while the public may see it, for a booking's page (app.listeners).
PHOTO_SQL = """
    (SELECT d.id FROM documents d JOIN professionals owner ON owner.user_id = d.professional_id
      WHERE d.professional_id = u.id AND d.kind = 'photo' AND d.state = 'approved' AND d.stored_as IS NOT NULL
        AND owner.approval_status = 'approved'
        AND NOT EXISTS (SELECT 1 FROM blocks k WHERE k.user_id = u.id AND k.lifted_at IS NULL))"""


class Documents:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def visible_to(self, me: Person, document_id: int, *, lock: bool = False) -> Document:
        """The document, if it has a file and belongs to `me` or `me` is an admin. Missing otherwise."""
        query = select(Document).where(Document.id == document_id, Document.stored_as.is_not(None))
        if me.role != Role.ADMIN:
            query = query.where(Document.professional_id == me.id)
        if lock:
            query = query.with_for_update()
        result = await self._db.scalar(query) if document_id in IDS else None
        if result is None:
            raise Missing
        return result

    async def of(self, professional_id: int) -> Sequence[Document]:
        """All documents of the professional, newest first, including those whose file is erased."""
        query = select(Document).where(Document.professional_id == professional_id).order_by(Document.id.desc())
        return (await self._db.scalars(query)).all()

    async def count_since(self, professional_id: int, since: datetime) -> int:
        """Count the documents uploaded since then, in any state."""
        query = select(func.count()).where(Document.professional_id == professional_id, Document.uploaded_at > since)
        return (await self._db.execute(query)).scalar_one()

    async def in_state(self, professional_id: int, *states: str, kind: str | None = None) -> Sequence[Document]:
        """Lock and return documents in these states, in ascending order to avoid deadlocks."""
        query = select(Document).where(Document.professional_id == professional_id, Document.state.in_(states))
        if kind is not None:
            query = query.where(Document.kind == kind)
        return (await self._db.scalars(query.order_by(Document.id).with_for_update())).all()

    async def first_expiry(self, professional_id: int) -> date | None:
        """The first day on which an approved document is no longer valid (W7)."""
        result: date | None = await self._db.scalar(
            select(func.min(Document.expires_on)).where(
                Document.professional_id == professional_id, Document.state == DocumentState.APPROVED
            )
        )
        return result

    async def viewed_recently(self, document: Document, me: Person) -> bool:
        """Whether the same person viewed it within VIEW_WINDOW: reading several pages is one view."""
        query = select(Event.id).where(
            Event.subject == document.subject,
            Event.name == VIEWED,
            Event.actor_id == me.id,
            Event.facts["how"].astext == "looked at",
            Event.at > clock.now() - VIEW_WINDOW,
        )
        return await self._db.scalar(query.limit(1)) is not None

    async def due_for_warning(self, stage: int, after: date, by: date, limit: int) -> Sequence[Document]:
        """Valid documents of approved professionals expiring after `after` and by `by`, not warned at `stage` yet."""
        warned = exists().where(
            Event.subject == func.concat("document-", Document.id),
            Event.name == EXPIRY_WARNED,
            Event.facts["days"] == cast(stage, JSONB),
        )
        query = (
            select(Document)
            .join(Professional, Professional.user_id == Document.professional_id)
            .where(
                Document.state == DocumentState.APPROVED,
                Document.expires_on > after,
                Document.expires_on <= by,
                Professional.approval_status == ApprovalStatus.APPROVED,
                ~warned,
            )
            .order_by(Document.id)
            .limit(limit)
            .with_for_update(of=Document, skip_locked=True)
        )
        return (await self._db.scalars(query)).all()

    async def public_photo(self, professional_id: int) -> str:
        """Where the approved photo of an approved, unblocked professional is stored. Missing when there is none."""
        is_blocked = exists().where(Block.user_id == Document.professional_id, Block.lifted_at.is_(None))
        query = (
            select(Document.stored_as)
            .join(Professional, Professional.user_id == Document.professional_id)
            .where(
                Document.professional_id == professional_id,
                Document.kind == DocumentKind.PHOTO,
                Document.state == DocumentState.APPROVED,
                Document.stored_as.is_not(None),
                Professional.approval_status == ApprovalStatus.APPROVED,
                ~is_blocked,
            )
        )
        found: str | None = await self._db.scalar(query) if professional_id in IDS else None
        if found is None:
            raise Missing
        return found

    async def stored_files(self) -> Sequence[StoredFile]:
        """What each file on the disk must be: id, stored_as, size, sha256, pages."""
        columns = (Document.id, Document.stored_as, Document.size, Document.sha256, Document.pages)
        query = select(*columns).where(Document.stored_as.is_not(None)).order_by(Document.id)
        return (await self._db.execute(query)).all()

    async def stored_names(self) -> set[str]:
        """Every document file in the private folder, which exports share."""
        query = select(Document.stored_as).where(Document.stored_as.is_not(None))
        return {str(name) for name in await self._db.scalars(query)}


class Professionals:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def get(self, user_id: int, *, lock: bool = False) -> Professional:
        result = await self._db.get(Professional, user_id, with_for_update=lock or None, populate_existing=lock)
        if result is None:
            raise Missing
        return result

    async def profile(self, professional_id: int) -> AnyRow:
        """A row of PROFILE. Missing when there is no such professional."""
        query = PROFILE.where(User.id == professional_id)
        row = (await self._db.execute(query)).one_or_none() if professional_id in IDS else None
        if row is None:
            raise Missing
        return row


class Cases:
    """At most one is open for each professional."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def open_of(self, professional_id: int, *, lock: bool = False) -> Verification | None:
        query = select(Verification).where(
            Verification.professional_id == professional_id, Verification.state == CaseState.OPEN
        )
        result: Verification | None = await self._db.scalar(query.with_for_update() if lock else query)
        return result

    async def last_denial(self, professional_id: int) -> str | None:
        """The reason of the last decision; None when it was an approval."""
        query = select(Verification.reason).where(
            Verification.professional_id == professional_id,
            Verification.state.in_((CaseState.APPROVED, CaseState.DENIED)),
        )
        return (await self._db.scalars(query.order_by(Verification.id.desc()).limit(1))).one_or_none()

    async def of(self, professional_id: int) -> Sequence[Verification]:
        """All cases, newest first."""
        query = select(Verification).where(Verification.professional_id == professional_id)
        return (await self._db.scalars(query.order_by(Verification.id.desc()))).all()

    async def open(self, professional_id: int, kind: CaseKind, message: str = "") -> Verification:
        """Return the open case, or a new one. The caller has locked the professional's row."""
        case = await self.open_of(professional_id, lock=True)
        if case is None:
            case = Verification(
                professional_id=professional_id, kind=kind, message=message, checked=[], submitted_at=clock.now()
            )
            self._db.add(case)
            await self._db.flush()
        return case
