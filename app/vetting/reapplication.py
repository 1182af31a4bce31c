"""Reapply after a denial or with expired documents (T0-4): for oneself only, with a message and a document."""

from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import clean_text
from app.accounts.professional import ApprovalStatus, Professional
from app.accounts.repository import Users
from app.core import clock
from app.core.errors import Invalid, Refused
from app.core.events import Person
from app.core.i18n import _
from app.core.storage import Storage
from app.scheduling.offered_services_repository import OfferedServices
from app.vetting import document_changes
from app.vetting.document import DocumentKind, DocumentState
from app.vetting.document_scan import ScannedDocument
from app.vetting.repository import Cases, Documents, Professionals
from app.vetting.verification import CaseKind, Verification

MAX_MESSAGE_LENGTH = 1_000  # characters


def clean_message(typed: str) -> str:
    """The message without surplus spaces. Invalid("message")."""
    message = clean_text(typed)
    if not message:
        raise Invalid({"message": _("Say what has changed.")})
    if len(message) > MAX_MESSAGE_LENGTH:
        raise Invalid({"message": _("That's too long. Shorten it.")})
    return message


def has_expired_documents(professional: Professional) -> bool:
    return professional.documents_expire_on is not None and professional.documents_expire_on <= clock.today()


def may_reapply(professional: Professional, case: Verification | None) -> bool:
    return case is None and (
        professional.approval_status == ApprovalStatus.DENIED or has_expired_documents(professional)
    )


async def requested_document_kind(db: AsyncSession, professional_id: int) -> str:
    """The kind of the document that was denied or has expired, otherwise "identity"."""
    documents = await Documents(db).of(professional_id)
    invalid = (
        document
        for document in documents
        if document.kind != DocumentKind.PHOTO
        and (
            document.state == DocumentState.DENIED
            or (document.state == DocumentState.APPROVED and document.is_expired())
        )
    )
    return next((document.kind for document in invalid), DocumentKind.IDENTITY)


async def refuse_reapplication(db: AsyncSession, me: Person) -> None:
    """Refused "waiting" while a case is open, "approved" while everything is approved and valid."""
    professional, case = await Professionals(db).get(me.id), await Cases(db).open_of(me.id)
    if case is not None:
        raise Refused(_("We're already reviewing your application. We'll email you the decision."), reason="waiting")
    if professional.approval_status == ApprovalStatus.PENDING:
        raise Refused(_("This is your first review. Upload a document under “Your documents”."), reason="waiting")
    if not may_reapply(professional, case):
        raise Refused(_("Everything is already approved. You don't need to apply again."), reason="approved")


async def reapply(
    db: AsyncSession,
    storage: Storage,
    me: Person,
    kind: str,
    message: str,
    scan: ScannedDocument,
    expires_on: date | None,
) -> None:
    """Open a new case. A denied professional becomes pending; one with expired documents keeps accepted jobs.

    `message` comes from clean_message. Refused as in refuse_reapplication.
    """
    user = await Users(db).get(me.id, lock=True)
    professional = await Professionals(db).get(me.id, lock=True)
    await refuse_reapplication(db, me)
    await document_changes.submit_document(db, storage, me, me.id, kind, scan, expires_on)
    await Cases(db).open(me.id, CaseKind.REAPPLICATION, message)
    before = professional.approval_status
    if before == ApprovalStatus.DENIED:
        professional.apply_again()
        await OfferedServices(db).set_approval_status(me.id, "denied", "pending")
    user.record(
        "person.asked_again",
        by=me,
        nudges=[(f"user:{me.id}", "documents"), (f"user:{me.id}", "verification")],
        personal={"message": message},
        before={"standing": before},
        after={"standing": professional.approval_status},
    )
    await db.flush()
