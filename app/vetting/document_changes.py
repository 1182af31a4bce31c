"""Submit, replace, approve, deny, expire and erase documents. app.vetting.decision decides about them."""

from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.professional import ApprovalStatus, Professional
from app.accounts.repository import Users
from app.core import clock
from app.core.datetimes import parse_day
from app.core.errors import Invalid, Missing, Refused
from app.core.events import Actor, Person
from app.core.i18n import _
from app.core.storage import Storage
from app.scheduling.offered_services_repository import OfferedServices
from app.vetting.document import CURRENT_STATES, KINDS, Document, DocumentKind, DocumentState
from app.vetting.document_scan import ScannedDocument
from app.vetting.repository import Cases, Documents, Professionals
from app.vetting.verification import CaseKind, CaseState

MAX_VALIDITY = timedelta(days=366 * 50)
UPLOAD_PERIOD, MAX_UPLOADS_PER_DAY = timedelta(days=1), 20  # enough for every mistake, too few to fill a disk
# Warn when so many days are left, or later if the task did not run then, but only once for each.
WARNING_DAYS = (30, 7, 1, 0)


def parse_expiry(typed: str) -> date | None:
    """The day after the last valid day typed, or None when empty. Invalid("expires_on")."""
    if not typed.strip():
        return None
    last = parse_day(typed)
    if last is None:
        raise Invalid({"expires_on": _("Enter a date, such as 2026-11-24.")})
    if last < clock.today():
        raise Invalid({"expires_on": _("This document has expired. Upload a valid one.")})
    if last > clock.today() + MAX_VALIDITY:
        raise Invalid({"expires_on": _("Check this date.")})
    return last + timedelta(days=1)


async def submit_document(
    db: AsyncSession,
    storage: Storage,
    by: Person,
    professional_id: int,
    kind: str,
    scan: ScannedDocument,
    expires_on: date | None = None,
) -> Document:
    """Store a document for review, replacing one of the same kind under review. The file stays if this commits.

    Scan the file before the transaction. Invalid: "kind", "document" (too many today).
    """
    if kind not in KINDS or scan.is_portrait != (kind == DocumentKind.PHOTO):
        raise Invalid({"kind": _("Choose the type of document.")})
    await Users(db).get(professional_id, lock=True)
    if await Documents(db).count_since(professional_id, clock.now() - UPLOAD_PERIOD) >= MAX_UPLOADS_PER_DAY:
        raise Invalid({"document": _("You've reached today's limit. Upload the next document tomorrow.")})
    for older in await Documents(db).in_state(professional_id, DocumentState.SUBMITTED, kind=kind):
        older.replace(by)
    await db.flush()
    document = _new_document(professional_id, kind, scan, expires_on)
    document.stored_as = await storage.store(db, scan.parts)
    db.add(document)
    await db.flush()
    document.record_submission(by)
    return document


async def upload_document(
    db: AsyncSession, storage: Storage, by: Person, kind: str, scan: ScannedDocument, expires_on: date | None
) -> Document:
    """Submit a professional's own new document for review; everything else stays as it is.

    Refused("denied"): they reapply instead, with a message (/verification).
    """
    professional = await Professionals(db).get(by.id)
    if professional.approval_status == ApprovalStatus.DENIED:
        raise Refused(_("Reapply, and upload the new document with your application."), reason="denied")
    document = await submit_document(db, storage, by, by.id, kind, scan, expires_on)
    await Cases(db).open(by.id, case_kind(professional))
    return document


async def withdraw_photo(db: AsyncSession, storage: Storage, me: Person, document_id: int) -> None:
    """Take back an own photo that waits or is public; its file is deleted. Missing when there is no such photo.

    The case of a change ends when nothing else waits.
    """
    await Users(db).get(me.id, lock=True)
    case = await Cases(db).open_of(me.id, lock=True)
    photos = await Documents(db).in_state(me.id, *CURRENT_STATES, kind=DocumentKind.PHOTO)
    photo = next((photo for photo in photos if photo.id == document_id and photo.stored_as), None)
    if photo is None:
        raise Missing
    storage.delete(db, str(photo.stored_as))
    photo.withdraw(me)
    await db.flush()
    if case is None or case.kind != CaseKind.CHANGE or await Documents(db).in_state(me.id, DocumentState.SUBMITTED):
        return
    if all(service.approval_status != "pending" for service in await OfferedServices(db).of(me.id)):
        case.end(CaseState.WITHDRAWN)


async def approve_documents(db: AsyncSession, by: Actor, professional_id: int) -> list[Document]:
    """Approve submitted documents, replacing approved ones of the same kind. The caller has locked the user's row."""
    submitted = await Documents(db).in_state(professional_id, DocumentState.SUBMITTED)
    kinds = {document.kind for document in submitted}
    for older in await Documents(db).in_state(professional_id, DocumentState.APPROVED):
        if older.kind in kinds:
            older.replace(by)
    await db.flush()
    for document in submitted:
        document.approve(by)
    await db.flush()
    await update_expiry(db, professional_id)
    return list(submitted)


async def deny_documents(db: AsyncSession, by: Actor, professional_id: int, reason: str) -> list[Document]:
    """Deny all submitted documents. The caller has locked the user's row."""
    submitted = await Documents(db).in_state(professional_id, DocumentState.SUBMITTED)
    for document in submitted:
        document.deny(by, reason)
    return list(submitted)


async def update_expiry(db: AsyncSession, professional_id: int) -> None:
    """Store the day from which there are no new offers (W7)."""
    professional = await Professionals(db).get(professional_id)
    professional.expire_documents_on(await Documents(db).first_expiry(professional_id))


async def erase_documents(db: AsyncSession, storage: Storage, by: Actor, professional_id: int) -> int:
    """Erase all files after the commit; the rows stay, without file names (W17). Return how many."""
    documents = [document for document in await Documents(db).of(professional_id) if document.stored_as]
    for document in documents:
        storage.delete(db, str(document.stored_as))
        document.erase(by)
    return len(documents)


async def warn_of_expiry(db: AsyncSession, limit: int = 500) -> int:
    """Warn owners 30, 7 and 1 day before a document expires, and when it has: each once (W7)."""
    warned = 0
    for stage, next_stage in zip(WARNING_DAYS, (*WARNING_DAYS[1:], None), strict=True):
        after = date.min if next_stage is None else clock.today() + timedelta(days=next_stage)
        by = clock.today() + timedelta(days=stage)
        for document in await Documents(db).due_for_warning(stage, after, by, limit):
            document.record_expiry_warning(stage)
            warned += 1
    return warned


def case_kind(professional: Professional) -> CaseKind:
    """The kind of a new case of this professional."""
    if professional.approval_status == ApprovalStatus.PENDING:
        return CaseKind.APPLICATION
    expires_on = professional.documents_expire_on
    expired = expires_on is not None and expires_on <= clock.today()
    return CaseKind.REAPPLICATION if expired else CaseKind.CHANGE


def _new_document(professional_id: int, kind: str, scan: ScannedDocument, expires_on: date | None) -> Document:
    return Document(
        professional_id=professional_id,
        kind=DocumentKind(kind),
        state=DocumentState.SUBMITTED,
        name=scan.name,
        media_type=scan.media_type,
        size=len(scan.content),
        pages=len(scan.previews),
        sha256=scan.sha256,
        expires_on=expires_on,
        uploaded_at=clock.now(),
        event_count=0,
    )
