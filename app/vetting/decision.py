"""An admin decides a case: papers and services count from now on, or do not, with the reason the person reads (T0-4).

Whose standing is not approved yet is decided about as a whole; of somebody approved only what waits is decided.
Order of locks: the person's row, the professional's, the case, the papers.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import words_of
from app.accounts.professional import Professional
from app.accounts.repository import Users
from app.accounts.user import User
from app.core import clock
from app.core.datetimes import when
from app.core.errors import Invalid, Refused
from app.core.events import Person
from app.core.i18n import _
from app.vetting import document_changes
from app.vetting.document import Document
from app.vetting.offered_services_repository import Offered, Offerings, names_of
from app.vetting.repository import Cases, Documents, Professionals
from app.vetting.verification import Verification

LONGEST = 1_000  # characters of a reason
PAPER_CHECKS = ("name", "photo", "valid", "readable")
SERVICE_CHECK = "services"
# (somebody approved, the decision) → the event.
TOLD = {
    (False, "approved"): "person.approved",
    (False, "denied"): "person.denied",
    (True, "approved"): "person.change_approved",
    (True, "denied"): "person.change_denied",
}


@dataclass(frozen=True, slots=True)
class Matter:
    """What waits of one professional: papers and services, and the case about them."""

    case: Verification | None
    waiting: Sequence[Document]
    offered: Sequence[Offered]

    @property
    def pending(self) -> list[str]:
        return names_of(self.offered, "pending")

    @property
    def checks(self) -> tuple[str, ...]:
        """What an admin must have looked at, each by its name."""
        return (*(PAPER_CHECKS if self.waiting else ()), *((SERVICE_CHECK,) if self.pending else ()))

    @property
    def digest(self) -> str:
        """What an admin saw, to be told apart from what is true when the form comes."""
        services = [str(one.service_id) for one in self.offered if one.standing == "pending"]
        return ".".join(("-".join(str(one.id) for one in self.waiting), "-".join(services)))


@dataclass(frozen=True, slots=True)
class Form:
    """What the panel sends along: the case that was looked at, what was seen of it, what was ticked; None: a program
    that says none of it.
    """

    case: int | None = None
    seen: str | None = None
    checked: Collection[str] | None = None


BARE = Form()


async def matter_of(db: AsyncSession, professional_id: int) -> Matter:
    documents = await Documents(db).of(professional_id)
    return Matter(
        await Cases(db).open_of(professional_id),
        sorted((one for one in documents if one.state == "submitted"), key=lambda one: one.id),
        await Offerings(db).of(professional_id),
    )


async def approve(db: AsyncSession, by: Person, professional_id: int, form: Form = BARE) -> None:
    """What waits counts from now on.

    Missing; Refused "decided" (somebody was quicker, or nothing waits), "changed", "papers"; Invalid("checked").
    """
    user, professional, matter = await _open(db, professional_id, form)
    _refuse_unchecked(matter, form)
    if not matter.waiting and not await Documents(db).in_state(professional_id, "approved"):
        raise Refused(_("%(name)s has not sent any paper yet.", name=user.full_name), reason="papers")
    await document_changes.accept(db, by, professional_id)
    await Offerings(db).settle(professional_id, "pending", "approved")
    before = professional.standing
    if before != "approved":
        professional.standing, professional.approved_at, professional.denial_reason = "approved", clock.now(), None
    case = _closed(matter, by, "approved")
    case.checked = sorted(set(matter.checks) & set(form.checked or ()))
    _tell(user, by, "approved", before, professional, matter)
    await db.flush()


async def deny(db: AsyncSession, by: Person, professional_id: int, reason: str, form: Form = BARE) -> None:
    """What waits does not count; the person reads `reason` word for word. As approve; Invalid("reason")."""
    reason = reason_of(reason)
    user, professional, matter = await _open(db, professional_id, form)
    await document_changes.refuse(db, by, professional_id, reason)
    await Offerings(db).settle(professional_id, "pending", "denied")
    before = professional.standing
    if before != "approved":
        professional.standing, professional.denial_reason = "denied", reason
    _closed(matter, by, "denied", reason)
    _tell(user, by, "denied", before, professional, matter, reason)
    await db.flush()


def reason_of(typed: str) -> str:
    reason = words_of(typed)
    if not reason:
        raise Invalid({"reason": _("Please give the reason. It is read word for word.")})
    if len(reason) > LONGEST:
        raise Invalid({"reason": _("That is too long.")})
    return reason


async def _open(db: AsyncSession, professional_id: int, form: Form) -> tuple[User, Professional, Matter]:
    """Everything that is to be decided about, locked; it is what the admin saw."""
    user = await Users(db).get(professional_id, lock=True)
    professional = await Professionals(db).get(professional_id, lock=True)
    case = await Cases(db).open_of(professional_id, lock=True)
    if case is None and professional.standing == "pending" and form.case is None:
        case = await Cases(db).open(professional_id, "joining")
    if case is None or form.case not in (None, case.id):
        raise Refused(await _decided(db, professional_id, form.case), reason="decided")
    matter = await matter_of(db, professional_id)
    if form.seen not in (None, matter.digest):
        raise Refused(_("Something new has come since you opened this. Look again, then decide."), reason="changed")
    return user, professional, matter


async def _decided(db: AsyncSession, professional_id: int, case_id: int | None) -> str:
    """Who decided what, and when."""
    cases = [one for one in await Cases(db).of(professional_id) if one.state != "open" and case_id in (None, one.id)]
    if not cases:
        return _("Nothing waits to be decided here.")
    last = cases[0]
    if last.decided_by_id is None or last.decided_at is None:
        return _("Nothing waits here any more: what was asked for was taken back.")
    by = await Users(db).get(last.decided_by_id)
    told = {"admin": by.full_name, "when": when(last.decided_at), "reason": last.reason or ""}
    if last.state == "denied":
        return _("%(admin)s has denied this already, %(when)s: “%(reason)s”", **told)
    return _("%(admin)s has approved this already, %(when)s.", **told)


def _refuse_unchecked(matter: Matter, form: Form) -> None:
    """The panel's form approves only what was looked at in full; a program that sends no ticks answers for itself."""
    if form.case is None and form.checked is None:
        return
    ticked = len(set(matter.checks) & set(form.checked or ()))
    if ticked < len(matter.checks):
        words = _("%(ticked)s of %(all)s checked. All are needed to approve.", ticked=ticked, all=len(matter.checks))
        raise Invalid({"checked": words})


def _closed(matter: Matter, by: Person, state: str, reason: str | None = None) -> Verification:
    assert matter.case is not None
    matter.case.end(state, by, reason)
    return matter.case


def _tell(
    user: User, by: Person, what: str, before: str, professional: Professional, matter: Matter, reason: str = ""
) -> None:
    """One fact of the person; a decision about a change of somebody approved has a name of its own."""
    name = TOLD[before == "approved", what]
    counted = names_of(matter.offered, "approved")
    now = [*counted, *matter.pending] if what == "approved" else counted
    assert matter.case is not None
    user.record(
        name,
        by=by,
        nudges=[(f"user:{user.id}", topic) for topic in ("documents", "verification", "jobs")],
        personal={"reason": reason} if reason else None,
        before={"standing": before, "services": sorted(counted)},
        after={"standing": professional.standing, "services": sorted(now)},
        kind=matter.case.kind,
        checked=matter.case.checked,
    )
