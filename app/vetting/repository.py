"""Papers and cases, found through the professional they belong to."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Row, cast, exists, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.professional import Professional
from app.accounts.user import Role
from app.core import clock
from app.core.errors import Missing
from app.core.events import Event, Person
from app.core.references import RowNumbers
from app.vetting.document import SEEN, WARNED, Document
from app.vetting.verification import Verification

IDS = RowNumbers()
STORED = text(
    "SELECT stored_as FROM documents WHERE stored_as IS NOT NULL"
    " UNION SELECT stored_as FROM exports WHERE stored_as IS NOT NULL"
)
Kept = Row[int, str | None, int, bytes, int]
ONE_LOOK = timedelta(minutes=10)


class Documents:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def visible_to(self, me: Person, document_id: int, *, lock: bool = False) -> Document:
        """Its owner's or, for an admin, anybody's, as long as there is a file. Missing otherwise."""
        asked = select(Document).where(Document.id == document_id, Document.stored_as.is_not(None))
        if me.role != Role.ADMIN:
            asked = asked.where(Document.professional_id == me.id)
        if lock:
            asked = asked.with_for_update()
        found = await self._db.scalar(asked) if document_id in IDS else None
        if found is None:
            raise Missing
        return found

    async def of(self, professional_id: int) -> Sequence[Document]:
        """All they ever sent, newest first; also those whose file is erased."""
        asked = select(Document).where(Document.professional_id == professional_id).order_by(Document.id.desc())
        return (await self._db.scalars(asked)).all()

    async def sent_since(self, professional_id: int, since: datetime) -> int:
        """How many papers this person has sent, whatever became of them."""
        asked = select(func.count()).where(Document.professional_id == professional_id, Document.uploaded_at > since)
        return (await self._db.execute(asked)).scalar_one()

    async def in_state(self, professional_id: int, *states: str, kind: str | None = None) -> Sequence[Document]:
        """Locked, since something is about to become of them; in one order, so that nobody waits for each other."""
        asked = select(Document).where(Document.professional_id == professional_id, Document.state.in_(states))
        if kind is not None:
            asked = asked.where(Document.kind == kind)
        return (await self._db.scalars(asked.order_by(Document.id).with_for_update())).all()

    async def first_expiry(self, professional_id: int) -> date | None:
        """The first day on which one of the papers that count no longer does (W7)."""
        found: date | None = await self._db.scalar(
            select(func.min(Document.expires_on)).where(
                Document.professional_id == professional_id, Document.state == "approved"
            )
        )
        return found

    async def looked_at_lately(self, document: Document, me: Person) -> bool:
        """Within ten minutes by the same person: turning the pages of a paper is one look."""
        asked = select(Event.id).where(
            Event.subject == document.subject,
            Event.name == SEEN,
            Event.actor_id == me.id,
            Event.facts["how"].astext == "looked at",
            Event.at > clock.now() - ONE_LOOK,
        )
        return await self._db.scalar(asked.limit(1)) is not None

    async def to_warn(self, stage: int, after: date, by: date, most: int) -> Sequence[Document]:
        """Papers that count until after `after` and no longer than `by`, of people who may work; each stage once."""
        told = exists().where(
            Event.subject == func.concat("document-", Document.id),
            Event.name == WARNED,
            Event.facts["days"] == cast(stage, JSONB),
        )
        asked = (
            select(Document)
            .join(Professional, Professional.user_id == Document.professional_id)
            .where(
                Document.state == "approved",
                Document.expires_on > after,
                Document.expires_on <= by,
                Professional.standing == "approved",
                ~told,
            )
            .order_by(Document.id)
            .limit(most)
            .with_for_update(of=Document, skip_locked=True)
        )
        return (await self._db.scalars(asked)).all()

    async def kept(self) -> Sequence[Kept]:
        """What each file on the disk must be: id, stored_as, size, sha256, pages."""
        columns = (Document.id, Document.stored_as, Document.size, Document.sha256, Document.pages)
        asked = select(*columns).where(Document.stored_as.is_not(None)).order_by(Document.id)
        return (await self._db.execute(asked)).all()

    async def stored_names(self) -> set[str]:
        """Every file that a row mentions, papers and exports alike: they share the private folder."""
        return set(await self._db.scalars(STORED))


class Professionals:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def get(self, user_id: int, *, lock: bool = False) -> Professional:
        found = await self._db.get(Professional, user_id, with_for_update=lock or None, populate_existing=lock)
        if found is None:
            raise Missing
        return found


class Cases:
    """At most one is open for each professional."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def open_of(self, professional_id: int, *, lock: bool = False) -> Verification | None:
        asked = select(Verification).where(
            Verification.professional_id == professional_id, Verification.state == "open"
        )
        found: Verification | None = await self._db.scalar(asked.with_for_update() if lock else asked)
        return found

    async def of(self, professional_id: int) -> Sequence[Verification]:
        """All there ever were, newest first."""
        asked = select(Verification).where(Verification.professional_id == professional_id)
        return (await self._db.scalars(asked.order_by(Verification.id.desc()))).all()

    async def open(self, professional_id: int, kind: str, message: str = "") -> Verification:
        """The one that is open already, or a new one. The professional's row is locked by now."""
        case = await self.open_of(professional_id, lock=True)
        if case is None:
            case = Verification(
                professional_id=professional_id, kind=kind, message=message, checked=[], submitted_at=clock.now()
            )
            self._db.add(case)
            await self._db.flush()
        return case
