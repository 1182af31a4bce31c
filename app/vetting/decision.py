"""An admin decides a case: approve or deny documents and services, with a reason that the person reads (T0-4).

A professional who is not approved yet is decided about as a whole; for an approved one, only what is pending.
Lock order: the user's row, the professional's, the case, the documents.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import clean_reason
from app.accounts.professional import ApprovalStatus, Professional
from app.accounts.repository import Users
from app.accounts.user import User
from app.core.datetimes import format_datetime
from app.core.errors import Invalid, Refused
from app.core.events import Person
from app.core.i18n import _
from app.scheduling.offered_services_repository import OfferedServiceDetails, OfferedServices, service_names
from app.vetting import document_changes
from app.vetting.document import Document, DocumentKind, DocumentState
from app.vetting.repository import Cases, Documents, Professionals
from app.vetting.verification import CaseKind, CaseState, Verification

DOCUMENT_CHECKS = ("name", "photo", "valid", "readable")
SERVICE_CHECK, PHOTO_CHECK = "services", "face"
# (whether they were approved before, the decision) → the event.
DECISION_EVENTS = {
    (False, CaseState.APPROVED): "person.approved",
    (False, CaseState.DENIED): "person.denied",
    (True, CaseState.APPROVED): "person.change_approved",
    (True, CaseState.DENIED): "person.change_denied",
}


@dataclass(frozen=True, slots=True)
class ReviewCase:
    """What is to be decided about one professional: the case, submitted documents and all offered services."""

    case: Verification | None
    waiting: Sequence[Document]
    offered: Sequence[OfferedServiceDetails]

    @property
    def pending(self) -> list[str]:
        return service_names(self.offered, "pending")

    @property
    def checks(self) -> tuple[str, ...]:
        """The checks that an admin must tick to approve."""
        kinds = {document.kind for document in self.waiting}
        return (
            *(DOCUMENT_CHECKS if kinds - {DocumentKind.PHOTO} else ()),
            *((PHOTO_CHECK,) if DocumentKind.PHOTO in kinds else ()),
            *((SERVICE_CHECK,) if self.pending else ()),
        )

    @property
    def version(self) -> str:
        """Identifies what the admin saw, to detect a change before the form is submitted."""
        services = [str(service.service_id) for service in self.offered if service.approval_status == "pending"]
        return ".".join(("-".join(str(document.id) for document in self.waiting), "-".join(services)))


@dataclass(frozen=True, slots=True)
class DecisionForm:
    """What the panel submits: the case, the version of it that was shown, the ticked checks. All None for the API."""

    case: int | None = None
    version: str | None = None
    checked: Collection[str] | None = None


EMPTY_FORM = DecisionForm()


async def review_case_of(db: AsyncSession, professional_id: int) -> ReviewCase:
    documents = await Documents(db).of(professional_id)
    return ReviewCase(
        await Cases(db).open_of(professional_id),
        sorted(
            (document for document in documents if document.state == DocumentState.SUBMITTED),
            key=lambda document: document.id,
        ),
        await OfferedServices(db).of(professional_id),
    )


async def approve(db: AsyncSession, by: Person, professional_id: int, form: DecisionForm = EMPTY_FORM) -> None:
    """Approve all submitted documents and pending services.

    Missing; Refused "decided" (already, or nothing is open), "changed", "papers" (none); Invalid("checked").
    """
    user, professional, review = await _lock_case(db, professional_id, form)
    _refuse_unchecked(review, form)
    approved = await Documents(db).in_state(professional_id, DocumentState.APPROVED)
    if all(document.kind == DocumentKind.PHOTO for document in (*review.waiting, *approved)):
        raise Refused(_("%(name)s hasn't uploaded any documents yet.", name=user.full_name), reason="papers")
    await document_changes.approve_documents(db, by, professional_id)
    await OfferedServices(db).set_approval_status(professional_id, "pending", "approved")
    before = professional.approval_status
    if before != ApprovalStatus.APPROVED:
        professional.approve()
    case = _close_case(review, by, CaseState.APPROVED)
    case.checked = sorted(set(review.checks) & set(form.checked or ()))
    _record_decision(user, by, CaseState.APPROVED, before, professional, review)
    await db.flush()


async def deny(
    db: AsyncSession, by: Person, professional_id: int, reason: str, form: DecisionForm = EMPTY_FORM
) -> None:
    """Deny everything pending; `reason` is shown to the professional. Errors as in approve, and Invalid("reason")."""
    reason = clean_reason(reason)
    user, professional, review = await _lock_case(db, professional_id, form)
    await document_changes.deny_documents(db, by, professional_id, reason)
    await OfferedServices(db).set_approval_status(professional_id, "pending", "denied")
    before = professional.approval_status
    if before != ApprovalStatus.APPROVED:
        professional.deny(reason)
    _close_case(review, by, CaseState.DENIED, reason)
    _record_decision(user, by, CaseState.DENIED, before, professional, review, reason)
    await db.flush()


async def _lock_case(
    db: AsyncSession, professional_id: int, form: DecisionForm
) -> tuple[User, Professional, ReviewCase]:
    """Lock everything to be decided about, and check that it is what the admin saw."""
    user = await Users(db).get(professional_id, lock=True)
    professional = await Professionals(db).get(professional_id, lock=True)
    case = await Cases(db).open_of(professional_id, lock=True)
    if case is None and professional.approval_status == ApprovalStatus.PENDING and form.case is None:
        case = await Cases(db).open(professional_id, CaseKind.APPLICATION)
    if case is None or form.case not in (None, case.id):
        raise Refused(await _decided_message(db, professional_id, form.case), reason="decided")
    review = await review_case_of(db, professional_id)
    if form.version not in (None, review.version):
        raise Refused(
            _("There is something new since you opened this. Review it again, then decide."), reason="changed"
        )
    return user, professional, review


async def _decided_message(db: AsyncSession, professional_id: int, case_id: int | None) -> str:
    """Describe who decided what, and when."""
    cases = [
        case
        for case in await Cases(db).of(professional_id)
        if case.state != CaseState.OPEN and case_id in (None, case.id)
    ]
    if not cases:
        return _("There's nothing to decide here.")
    last = cases[0]
    if last.decided_by_id is None or last.decided_at is None:
        return _("There's nothing to decide any more: the request was withdrawn.")
    by = await Users(db).get(last.decided_by_id)
    params = {"admin": by.full_name, "when": format_datetime(last.decided_at), "reason": last.reason or ""}
    if last.state == CaseState.DENIED:
        return _("%(admin)s already rejected this, %(when)s: “%(reason)s”", **params)
    return _("%(admin)s already approved this, %(when)s.", **params)


def _refuse_unchecked(review: ReviewCase, form: DecisionForm) -> None:
    """Invalid("checked") unless every check is ticked; the API, which sends none, is trusted."""
    if form.case is None and form.checked is None:
        return
    ticked = len(set(review.checks) & set(form.checked or ()))
    if ticked < len(review.checks):
        message = _(
            "%(ticked)s of %(all)s checked. Check all of them to approve.", ticked=ticked, all=len(review.checks)
        )
        raise Invalid({"checked": message})


def _close_case(review: ReviewCase, by: Person, state: CaseState, reason: str | None = None) -> Verification:
    assert review.case is not None
    review.case.end(state, by, reason)
    return review.case


def _record_decision(
    user: User,
    by: Person,
    decision: CaseState,
    before: str,
    professional: Professional,
    review: ReviewCase,
    reason: str = "",
) -> None:
    """Record one event of the person; a change of an approved professional has its own event name."""
    name = DECISION_EVENTS[before == ApprovalStatus.APPROVED, decision]
    approved = service_names(review.offered, "approved")
    now = [*approved, *review.pending] if decision == CaseState.APPROVED else approved
    assert review.case is not None
    user.record(
        name,
        by=by,
        nudges=[(f"user:{user.id}", topic) for topic in ("documents", "verification", "jobs")],
        personal={"reason": reason} if reason else None,
        before={"standing": before, "services": sorted(approved)},
        after={"standing": professional.approval_status, "services": sorted(now)},
        kind=review.case.kind,
        checked=review.case.checked,
    )
