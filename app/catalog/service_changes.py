"""Services made, changed, taken out of the catalogue and brought back, by an admin (docs/rules.md, W5 and W6).

Whoever changes anything of the catalogue waits for whoever else does, then takes the row for itself: so bookings that
are being made of it are waited for, and what comes after sees the change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.admin_repository import Lists
from app.catalog.change_repository import Catalogue
from app.catalog.schemas import ServiceDraft, differences, slug_of, told
from app.catalog.service import Service
from app.core import clock, idempotency
from app.core.errors import Invalid, Missing, Refused
from app.core.events import Person
from app.core.i18n import _

COLUMNS = (
    "name", "category_id", "description", "included", "excluded", "price", "minutes", "mode", "notice_minutes",
    "horizon_days",
)  # fmt: skip
MADE = "service"


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What somebody else changed of one field since a form was drawn."""

    field: str
    was: Any
    now: Any
    who: str | None
    at: datetime


class ChangedMeanwhile(Refused):
    """Somebody else saved while this one was typing: `news` says what, `seen` is where the next try begins."""

    def __init__(self, news: Sequence[Meanwhile], seen: int) -> None:
        words = _("Somebody else changed this while you were typing. Nothing of yours is lost.")
        super().__init__(words, reason="changed")
        self.news = list(news)
        self.seen = seen


async def create(db: AsyncSession, by: Person, draft: ServiceDraft, key: str = "") -> Service:
    """Bookable from the next request on. The same form sent twice, known by its `key`, makes one."""
    made = await idempotency.made_by(db, by.id, key, MADE, told(draft))
    if made is not None and made.result:
        return await Catalogue(db).service(int(made.result))
    catalogue = Catalogue(db)
    await catalogue.lock()
    await _check(catalogue, draft)
    service = Service(slug=await catalogue.free_slug(Service, slug_of(draft.name)), created_at=clock.now())
    _write(service, draft)
    db.add(service)
    await db.flush()
    await catalogue.keep_terms(draft, service_id=service.id)
    service.record("service.created", by=by, slug=service.slug, after=await _in_words(catalogue, told(draft)))
    if made is not None:
        made.result = str(service.id)
    await db.flush()
    return service


async def edit(db: AsyncSession, by: Person, service_id: int, draft: ServiceDraft, seen: int) -> Service:
    """`seen` is how many events its history had when the form was drawn.

    ChangedMeanwhile when somebody else has written something else since into a field that this draft has otherwise.
    """
    catalogue = Catalogue(db)
    await catalogue.lock()
    service = await catalogue.service(service_id, locked=True)
    before, after = told(await catalogue.draft_of_service(service)), told(draft)
    if news := [one for one in await changes(catalogue, service.subject, seen, before) if after[one.field] != one.now]:
        raise ChangedMeanwhile(news, service.event_count)
    changed = differences(before, after)
    if not changed:
        return service
    await _check(catalogue, draft, service)
    _write(service, draft)
    await catalogue.keep_terms(draft, service_id=service.id)
    was, now = ({name: side[name] for name in changed} for side in (before, after))
    before, after = await _in_words(catalogue, was), await _in_words(catalogue, now)
    service.record("service.changed", by=by, before=before, after=after)
    await db.flush()
    return service


async def retire(db: AsyncSession, by: Person, service_id: int) -> Service:
    """W5: no new bookings from now on; those that are paid for are honoured. Retired twice is retired once."""
    service = await _locked(db, service_id)
    if service.retired_at is None:
        known = await Lists(db).around(service.id, clock.now())
        service.retired_at = clock.now()
        service.record(
            "service.retired",
            by=by,
            before={"state": "offered"},
            after={"state": "retired"},
            open_bookings=known.open,
        )
        await db.flush()
    return service


async def offer_again(db: AsyncSession, by: Person, service_id: int) -> Service:
    """Back in the catalogue, as it was. Its category must be there."""
    service = await _locked(db, service_id)
    if service.retired_at is None:
        return service
    category = await Catalogue(db).category(service.category_id)
    if category.retired_at is not None:
        words = _("Its category, %(name)s, is no longer offered. Bring the category back first.", name=category.name)
        raise Refused(words, reason="category")
    service.retired_at = None
    service.record("service.offered_again", by=by, before={"state": "retired"}, after={"state": "offered"})
    await db.flush()
    return service


async def remove(db: AsyncSession, by: Person, service_id: int) -> None:
    """W5: only what never had a booking, paid or not; its history stays."""
    service = await _locked(db, service_id)
    catalogue = Catalogue(db)
    if await catalogue.was_booked(service.id):
        words = _("This was booked, so it stays for those who look back. You can take it out of the catalogue.")
        raise Refused(words, reason="booked")
    draft = told(await catalogue.draft_of_service(service))
    service.record("service.deleted", by=by, slug=service.slug, before=draft)
    await db.flush()
    await catalogue.let_go(service.id)
    await db.delete(service)
    await db.flush()


async def changes(catalogue: Catalogue, subject: str, seen: int, now: Mapping[str, Any]) -> list[Meanwhile]:
    """Field by field what others have changed since the `seen`th event, where it is not as it was again."""
    found: dict[str, Meanwhile] = {}
    for row in await catalogue.since(subject, seen):  # the latest first: who changed it last, what it was before all
        for field, was in row.facts.get("before", {}).items():
            if field in now:
                last = found.get(field)
                who, at = (last.who, last.at) if last else (row.who, row.at)
                found[field] = Meanwhile(field, was, now[field], who, at)
    return [found[field] for field in now if field in found and found[field].was != now[field]]


# How


async def _locked(db: AsyncSession, service_id: int) -> Service:
    catalogue = Catalogue(db)
    await catalogue.lock()
    return await catalogue.service(service_id, locked=True)


async def _check(catalogue: Catalogue, draft: ServiceDraft, service: Service | None = None) -> None:
    """What only the rest of the catalogue can tell."""
    errors: dict[str, str] = {}
    if await catalogue.name_taken(Service, draft.name, service.id if service else None):
        errors["name"] = _("There is a service of this name already. Give this one another.")
    try:
        category = await catalogue.category(draft.category_id)
    except Missing:
        errors["category_id"] = _("Please choose one.")
    else:
        offered = service is None or service.retired_at is None
        if category.retired_at is not None and offered:
            errors["category_id"] = _("%(name)s is no longer offered. Choose another.", name=category.name)
    if errors:
        raise Invalid(errors)


def _write(service: Service, draft: ServiceDraft) -> None:
    for name in COLUMNS:
        value = getattr(draft, name)
        setattr(service, name, list(value) if name in ("included", "excluded") else value)


async def _in_words(catalogue: Catalogue, facts: dict[str, Any]) -> dict[str, Any]:
    """With the name of the category, which people read, beside its number, by which changes are compared."""
    if "category_id" not in facts:
        return facts
    return facts | {"category": (await catalogue.category(facts["category_id"])).name}
