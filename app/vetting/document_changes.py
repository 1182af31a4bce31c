"""What becomes of documents: sent, replaced, counted, expiring. app.vetting.decision decides whether one counts."""

from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.professional import Professional
from app.accounts.repository import Users
from app.core import clock
from app.core.errors import Invalid, Refused
from app.core.events import Actor, Person
from app.core.i18n import _
from app.core.storage import Storage
from app.vetting.document import KINDS, Document
from app.vetting.repository import Cases, Documents, Professionals
from app.vetting.scanning import Paper

LONGEST_VALID = timedelta(days=366 * 50)
A_DAY, MOST_A_DAY = timedelta(days=1), 20  # papers of one person: enough for every mistake, too few to fill a disk
# A warning is sent when so many days are left, or later if nobody could send it then, but each only once.
STAGES = (30, 7, 1, 0)


def expiry_of(typed: str) -> date | None:
    """The last day printed on a paper is told as the day after; empty: it does not run out. Raises Invalid."""
    if not typed.strip():
        return None
    try:
        last = date.fromisoformat(typed.strip())
    except ValueError:
        raise Invalid({"expires_on": _("Please give a date.")}) from None
    if last < clock.today():
        raise Invalid({"expires_on": _("This paper has run out already. Please send one that is valid.")})
    if last > clock.today() + LONGEST_VALID:
        raise Invalid({"expires_on": _("Please check this date.")})
    return last + timedelta(days=1)


async def submit(
    db: AsyncSession,
    storage: Storage,
    by: Person,
    professional_id: int,
    kind: str,
    paper: Paper,
    expires_on: date | None = None,
) -> Document:
    """A paper that waits for an admin; one of the same kind that waited is replaced. The file lives if this commits.

    `paper` comes from app.vetting.scanning.paper_of, before the transaction. Invalid: "kind", "document" (too many).
    """
    if kind not in KINDS:
        raise Invalid({"kind": _("Please choose what it is.")})
    await Users(db).get(professional_id, lock=True)
    if await Documents(db).sent_since(professional_id, clock.now() - A_DAY) >= MOST_A_DAY:
        raise Invalid({"document": _("That is enough for one day. Please send the next one tomorrow.")})
    for older in await Documents(db).in_state(professional_id, "submitted", kind=kind):
        older.replace(by)
    await db.flush()
    document = _row(professional_id, kind, paper, expires_on)
    document.stored_as = await storage.keep(db, paper.parts)
    db.add(document)
    await db.flush()
    document.submitted(by)
    return document


async def change(
    db: AsyncSession, storage: Storage, by: Person, kind: str, paper: Paper, expires_on: date | None
) -> Document:
    """A professional's own new paper: that part goes back to review, everything else stays as it is.

    Refused for somebody denied: they ask again, with a message (/verification).
    """
    professional = await Professionals(db).get(by.id)
    if professional.standing == "denied":
        raise Refused(_("Please ask to be checked again, and send the new paper with it."), reason="denied")
    document = await submit(db, storage, by, by.id, kind, paper, expires_on)
    await Cases(db).open(by.id, case_kind(professional))
    return document


async def accept(db: AsyncSession, by: Actor, professional_id: int) -> list[Document]:
    """All that waits counts from now on, in place of what counted before. The person's row is locked by now."""
    waiting = await Documents(db).in_state(professional_id, "submitted")
    kinds = {document.kind for document in waiting}
    for older in await Documents(db).in_state(professional_id, "approved"):
        if older.kind in kinds:
            older.replace(by)
    await db.flush()
    for document in waiting:
        document.approve(by)
    await db.flush()
    await settle_expiry(db, professional_id)
    return list(waiting)


async def refuse(db: AsyncSession, by: Actor, professional_id: int, reason: str) -> list[Document]:
    """Nothing that waits counts. The person's row is locked by now."""
    waiting = await Documents(db).in_state(professional_id, "submitted")
    for document in waiting:
        document.deny(by, reason)
    return list(waiting)


async def settle_expiry(db: AsyncSession, professional_id: int) -> None:
    """Keep the day from which there are no new offers (W7)."""
    professional = await Professionals(db).get(professional_id)
    professional.papers_expire_on = await Documents(db).first_expiry(professional_id)


async def erase(db: AsyncSession, storage: Storage, by: Actor, professional_id: int) -> int:
    """All files of somebody who leaves are gone after the commit; the rows stay, without a name of theirs (W17)."""
    documents = [document for document in await Documents(db).of(professional_id) if document.stored_as]
    for document in documents:
        storage.erase(db, str(document.stored_as))
        document.erase(by)
    return len(documents)


async def warn_of_expiry(db: AsyncSession, most: int = 500) -> int:
    """Owners hear 30, 7 and 1 day before a paper runs out, and when it has: each once (W7)."""
    warned = 0
    for stage, next_stage in zip(STAGES, (*STAGES[1:], None), strict=True):
        after = date.min if next_stage is None else clock.today() + timedelta(days=next_stage)
        by = clock.today() + timedelta(days=stage)
        for document in await Documents(db).to_warn(stage, after, by, most):
            document.warn(stage)
            warned += 1
    return warned


def case_kind(professional: Professional) -> str:
    """What a new case of theirs is about."""
    if professional.standing == "pending":
        return "joining"
    runs_out = professional.papers_expire_on
    expired = runs_out is not None and runs_out <= clock.today()
    return "again" if expired else "change"


def _row(professional_id: int, kind: str, paper: Paper, expires_on: date | None) -> Document:
    return Document(
        professional_id=professional_id,
        kind=kind,
        state="submitted",
        name=paper.name,
        media_type=paper.media_type,
        size=len(paper.content),
        pages=len(paper.previews),
        sha256=paper.sha256,
        expires_on=expires_on,
        uploaded_at=clock.now(),
        event_count=0,
    )
