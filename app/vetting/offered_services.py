"""What somebody offers. A new service waits to be approved, one taken away ends at once, the rest stays (T0-20)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import cleaned
from app.accounts.professional import Professional
from app.accounts.repository import Users
from app.accounts.user import User
from app.blocking.reassignment import stop_doing
from app.core.errors import Invalid, Refused
from app.core.events import Person
from app.core.i18n import _
from app.vetting import document_changes
from app.vetting.application import years_of
from app.vetting.offered_services_repository import Offered, Offerings, names_of
from app.vetting.repository import Cases, Documents, Professionals


@dataclass(frozen=True, slots=True)
class Work:
    """What the form says; `years` as typed."""

    trade: str
    years: str
    service_ids: frozenset[int]


def trades_of(offered: Collection[Offered], trade: str) -> list[str]:
    """What somebody may call themselves: as they do now, or a category of what counts or is asked for."""
    return list(dict.fromkeys([trade, *(one.category for one in offered if one.standing != "denied")]))


async def change_work(db: AsyncSession, me: Person, work: Work) -> list[str]:
    """The names of services that wait to be approved from now on. Jobs that were accepted stay as they are.

    Locks bookings and people's time before the person's row, as everywhere. Refused("denied"); Invalid beside fields.
    """
    offerings = Offerings(db)
    catalogue = {one.service_id: one for one in await offerings.catalogue()}
    years = _checked(await Professionals(db).get(me.id), work, set(catalogue), await offerings.of(me.id))
    gone = {one.service_id for one in await offerings.of(me.id) if _ended(one, work)}
    await stop_doing(db, me.id, gone)
    user = await Users(db).get(me.id, lock=True)
    professional = await Professionals(db).get(me.id, lock=True)
    before = await offerings.of(me.id)
    new = work.service_ids - {one.service_id for one in before if one.standing != "denied"}
    await offerings.end(me.id, gone | new)
    await offerings.add(me.id, new)
    _tell_services(user, before, await offerings.of(me.id))
    _tell_work(user, professional, work.trade, years)
    await _settle_case(db, professional, bool(new))
    await db.flush()
    return sorted(catalogue[key].name for key in new)


def _ended(one: Offered, work: Work) -> bool:
    """Taken away now; what is not offered to anybody any more, and what was denied, stands in no form."""
    return not one.retired and one.standing != "denied" and one.service_id not in work.service_ids


def _checked(professional: Professional, work: Work, known: set[int], offered: list[Offered]) -> int:
    """The years. Raises Invalid with everything that is wrong."""
    if professional.standing == "denied":
        raise Refused(_("Please ask to be checked again first."), reason="denied")
    errors: dict[str, str] = {}
    try:
        years = cleaned({"experience_years": lambda: years_of(work.years)})["experience_years"]
    except Invalid as error:
        years, errors = "0", dict(error.errors)
    if not work.service_ids:
        errors["service_ids"] = _("Choose what you do.")
    elif not work.service_ids <= known:
        errors["service_ids"] = _("Please choose from the list.")
    if work.trade not in trades_of(offered, professional.trade):
        errors["trade"] = _("Please choose from the list.")
    if errors:
        raise Invalid(errors)
    return int(years)


def _tell_services(user: User, before: Sequence[Offered], after: Sequence[Offered]) -> None:
    was, now = (set(names_of(one, "approved", "pending")) for one in (before, after))
    if was != now:
        user.record(
            "person.services_changed",
            by=user,
            nudges=[(f"user:{user.id}", "jobs"), (f"user:{user.id}", "verification")],
            added=sorted(now - was),
            removed=sorted(was - now),
        )


def _tell_work(user: User, professional: Professional, trade: str, years: int) -> None:
    before = {"trade": professional.trade, "experience_years": professional.experience_years}
    after = {"trade": trade, "experience_years": years}
    professional.trade, professional.experience_years = trade, years
    changed = [name for name in after if before[name] != after[name]]
    if changed:
        user.record(
            "person.work_changed",
            by=user,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )


async def _settle_case(db: AsyncSession, professional: Professional, new: bool) -> None:
    """What waits is a case; when nothing of a change waits any more, it is taken back."""
    cases = Cases(db)
    if new:
        await cases.open(professional.user_id, document_changes.case_kind(professional))
        return
    case = await cases.open_of(professional.user_id, lock=True)
    if case is None or case.kind != "change":
        return
    waits = any(one.standing == "pending" for one in await Offerings(db).of(professional.user_id))
    if not waits and not await Documents(db).in_state(professional.user_id, "submitted"):
        case.end("withdrawn")
