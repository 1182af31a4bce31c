"""Change what a professional offers: new services need approval, removed ones end at once (T0-20)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.languages import clean_languages
from app.accounts.professional import ApprovalStatus, Professional
from app.accounts.repository import Users
from app.accounts.user import User
from app.core.errors import Invalid, Refused
from app.core.events import Person
from app.core.i18n import _
from app.core.validation import collect
from app.jobs.reassignment import withdraw_services
from app.scheduling.offered_services_repository import OfferedServiceDetails, OfferedServices, service_names
from app.vetting import document_changes
from app.vetting.application import clean_experience_years
from app.vetting.document import DocumentState
from app.vetting.repository import Cases, Documents, Professionals
from app.vetting.verification import CaseKind, CaseState


@dataclass(frozen=True, slots=True)
class WorkForm:
    """The submitted form; `years` as typed."""

    trade: str
    years: str
    service_ids: frozenset[int]
    languages: frozenset[str] = frozenset()


def trade_choices(offered: Collection[OfferedServiceDetails], trade: str) -> list[str]:
    """The selectable trades: the current one, and the categories of approved or pending services."""
    return list(
        dict.fromkeys([trade, *(service.category for service in offered if service.approval_status != "denied")])
    )


async def update_work(db: AsyncSession, me: Person, work: WorkForm) -> list[str]:
    """Save trade, years, languages and services; return the names of the newly pending services. Accepted jobs stay.

    Locks bookings and people's time before the person's row, as everywhere. Refused("denied"); Invalid by field.
    """
    offerings = OfferedServices(db)
    catalogue = {service.service_id: service for service in await offerings.choices()}
    years, languages = _validate(await Professionals(db).get(me.id), work, set(catalogue), await offerings.of(me.id))
    withdrawn = {service.service_id for service in await offerings.of(me.id) if _is_withdrawn(service, work)}
    await withdraw_services(db, me.id, withdrawn)
    user = await Users(db).get(me.id, lock=True)
    professional = await Professionals(db).get(me.id, lock=True)
    before = await offerings.of(me.id)
    new = work.service_ids - {service.service_id for service in before if service.approval_status != "denied"}
    await offerings.remove(me.id, withdrawn | new)
    await offerings.add(me.id, new)
    _record_services(user, before, await offerings.of(me.id))
    _record_work(user, professional, work.trade, years, languages)
    await _update_case(db, professional, bool(new))
    await db.flush()
    return sorted(catalogue[key].name for key in new)


def _is_withdrawn(service: OfferedServiceDetails, work: WorkForm) -> bool:
    """Whether the form removes it; retired and denied services are not in the form."""
    return not service.retired and service.approval_status != "denied" and service.service_id not in work.service_ids


def _validate(
    professional: Professional, work: WorkForm, existing_ids: set[int], offered: list[OfferedServiceDetails]
) -> tuple[int, list[str]]:
    """Return the years and the languages. Refused("denied"); Invalid with all errors."""
    if professional.approval_status == ApprovalStatus.DENIED:
        raise Refused(_("Reapply first."), reason="denied")
    errors: dict[str, str] = {}
    read: dict[str, Any] = {}
    try:
        read = collect(
            {
                "experience_years": lambda: clean_experience_years(work.years),
                "languages": lambda: clean_languages(work.languages),
            }
        )
    except Invalid as error:
        errors = dict(error.errors)
    if not work.service_ids:
        errors["service_ids"] = _("Choose at least one service.")
    elif not work.service_ids <= existing_ids:
        errors["service_ids"] = _("Choose from the list.")
    if work.trade not in trade_choices(offered, professional.trade):
        errors["trade"] = _("Choose from the list.")
    if errors:
        raise Invalid(errors)
    return int(read["experience_years"]), read["languages"]


def _record_services(
    user: User, before: Sequence[OfferedServiceDetails], after: Sequence[OfferedServiceDetails]
) -> None:
    was, now = (set(service_names(services, "approved", "pending")) for services in (before, after))
    if was != now:
        user.record(
            "person.services_changed",
            by=user,
            nudges=[(f"user:{user.id}", "jobs"), (f"user:{user.id}", "verification")],
            added=sorted(now - was),
            removed=sorted(was - now),
        )


def _record_work(user: User, professional: Professional, trade: str, years: int, languages: list[str]) -> None:
    before = {
        "trade": professional.trade,
        "experience_years": professional.experience_years,
        "languages": list(professional.languages),
    }
    after = {"trade": trade, "experience_years": years, "languages": languages}
    professional.describe_work(trade, years, languages)
    changed = [name for name in after if before[name] != after[name]]
    if changed:
        user.record(
            "person.work_changed",
            by=user,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )


async def _update_case(db: AsyncSession, professional: Professional, new: bool) -> None:
    """Open a case for new services; withdraw the case of a change when nothing is pending any more."""
    cases = Cases(db)
    if new:
        await cases.open(professional.user_id, document_changes.case_kind(professional))
        return
    case = await cases.open_of(professional.user_id, lock=True)
    if case is None or case.kind != CaseKind.CHANGE:
        return
    is_pending = any(
        service.approval_status == "pending" for service in await OfferedServices(db).of(professional.user_id)
    )
    if not is_pending and not await Documents(db).in_state(professional.user_id, DocumentState.SUBMITTED):
        case.end(CaseState.WITHDRAWN)
