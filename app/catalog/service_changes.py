"""Create, change, retire, restore and delete services, by an admin (docs/rules.md, W5 and W6).

Every change takes the catalogue's advisory lock first, then the row lock of the service, so it waits for bookings that
are being made of the service, and later bookings see the change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.repository import CatalogueRepository
from app.catalog.schemas import ServiceDraft, changed_fields, draft_facts, slug_of
from app.catalog.service import Service
from app.catalog.service_usage import service_usage
from app.core import clock, idempotency
from app.core.errors import Invalid, Missing, Refused
from app.core.events import Person
from app.core.i18n import _

DRAFT_COLUMNS = (
    "name", "category_id", "description", "included", "excluded", "parts", "preparation", "guarantee", "price",
    "minutes", "mode", "notice_minutes", "horizon_days",
)  # fmt: skip
IDEMPOTENCY_KIND = "service"


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """A field that another admin changed after the form was rendered: its value then and now."""

    field: str
    before: Any
    after: Any
    changed_by: str | None
    changed_at: datetime


class EditConflict(Refused):
    """Another admin saved conflicting changes after the form was rendered; `version` is the current version."""

    def __init__(self, conflicts: Sequence[FieldConflict], version: int) -> None:
        message = _("This was changed while you were editing. Nothing you entered is lost.")
        super().__init__(message, reason="changed")
        self.conflicts = list(conflicts)
        self.version = version


async def create(db: AsyncSession, by: Person, draft: ServiceDraft, key: str = "") -> Service:
    """Create a service. A form submitted twice with the same idempotency `key` creates one service."""
    submission = await idempotency.claim_key(db, by.id, key, IDEMPOTENCY_KIND, draft_facts(draft))
    if submission is not None and submission.result:
        return await CatalogueRepository(db).service(int(submission.result))
    catalogue = CatalogueRepository(db)
    await catalogue.lock()
    await _check(catalogue, draft)
    service = Service(slug=await catalogue.free_slug(Service, slug_of(draft.name)), created_at=clock.now())
    _write(service, draft)
    db.add(service)
    await db.flush()
    await catalogue.save_terms(draft, service_id=service.id)
    await catalogue.save_questions(draft, service.id)
    service.record(
        "service.created", by=by, slug=service.slug, after=await _with_category_name(catalogue, draft_facts(draft))
    )
    if submission is not None:
        submission.result = str(service.id)
    await db.flush()
    return service


async def edit(db: AsyncSession, by: Person, service_id: int, draft: ServiceDraft, version: int) -> Service:
    """Change a service. `version` is the number of its events when the form was rendered.

    Raises EditConflict if another admin has since saved a different value for a field of this draft.
    """
    catalogue = CatalogueRepository(db)
    await catalogue.lock()
    service = await catalogue.service(service_id, locked=True)
    before, after = draft_facts(await catalogue.service_draft(service)), draft_facts(draft)
    if conflicts := await find_conflicts(catalogue, service.subject, version, before, after):
        raise EditConflict(conflicts, service.event_count)
    changed = changed_fields(before, after)
    if not changed:
        return service
    await _check(catalogue, draft, service)
    _write(service, draft)
    await catalogue.save_terms(draft, service_id=service.id)
    await catalogue.save_questions(draft, service.id)
    before, after = ({name: facts[name] for name in changed} for facts in (before, after))
    service.record(
        "service.changed",
        by=by,
        before=await _with_category_name(catalogue, before),
        after=await _with_category_name(catalogue, after),
    )
    await db.flush()
    return service


async def retire(db: AsyncSession, by: Person, service_id: int) -> Service:
    """Take no new bookings of the service; booked ones are honoured (W5). Idempotent."""
    service = await _locked(db, service_id)
    if service.retired_at is None:
        usage = await service_usage(db).counts(service.id, clock.now())
        service.retired_at = clock.now()
        service.record(
            "service.retired",
            by=by,
            before={"state": "offered"},
            after={"state": "retired"},
            open_bookings=usage.open,
        )
        await db.flush()
    return service


async def restore(db: AsyncSession, by: Person, service_id: int) -> Service:
    """Restore a retired service unchanged. Raises Refused("category") if its category is retired."""
    service = await _locked(db, service_id)
    if service.retired_at is None:
        return service
    category = await CatalogueRepository(db).category(service.category_id)
    if category.retired_at is not None:
        message = _("Its category, %(name)s, is no longer offered. Restore the category first.", name=category.name)
        raise Refused(message, reason="category")
    service.retired_at = None
    service.record("service.offered_again", by=by, before={"state": "retired"}, after={"state": "offered"})
    await db.flush()
    return service


async def remove(db: AsyncSession, by: Person, service_id: int) -> None:
    """Delete a service that never had a booking, paid or not; its events stay (W5)."""
    service = await _locked(db, service_id)
    catalogue = CatalogueRepository(db)
    if await service_usage(db).has_bookings(service.id):
        message = _("This service has bookings, so it can't be deleted. You can retire it.")
        raise Refused(message, reason="booked", about="service")
    draft = draft_facts(await catalogue.service_draft(service))
    service.record("service.deleted", by=by, slug=service.slug, before=draft)
    await db.flush()
    await service_usage(db).delete_offers(service.id)
    await catalogue.delete_service_references(service.id)
    await db.delete(service)
    await db.flush()


async def find_conflicts(
    catalogue: CatalogueRepository, subject: str, version: int, current: Mapping[str, Any], draft: Mapping[str, Any]
) -> list[FieldConflict]:
    """Find the fields that others changed since event number `version` and for which the draft has another value."""
    conflicts: dict[str, FieldConflict] = {}
    # The latest event comes first: it says who changed a field last, the earliest what its value was before.
    for row in await catalogue.events_since(subject, version):
        for field, old_value in row.facts.get("before", {}).items():
            if field in current:
                last = conflicts.get(field)
                changed_by, changed_at = (last.changed_by, last.changed_at) if last else (row.who, row.at)
                conflicts[field] = FieldConflict(field, old_value, current[field], changed_by, changed_at)
    return [
        conflicts[field]
        for field in current
        if field in conflicts and conflicts[field].before != current[field] != draft[field]
    ]


async def _locked(db: AsyncSession, service_id: int) -> Service:
    catalogue = CatalogueRepository(db)
    await catalogue.lock()
    return await catalogue.service(service_id, locked=True)


async def _check(catalogue: CatalogueRepository, draft: ServiceDraft, service: Service | None = None) -> None:
    """Validate the draft against other services and its category."""
    errors: dict[str, str] = {}
    if await catalogue.name_taken(Service, draft.name, service.id if service else None):
        errors["name"] = _("A service with this name already exists. Choose another name.")
    try:
        category = await catalogue.category(draft.category_id)
    except Missing:
        errors["category_id"] = _("Choose an option.")
    else:
        offered = service is None or service.retired_at is None
        if category.retired_at is not None and offered:
            errors["category_id"] = _("%(name)s is no longer offered. Choose another.", name=category.name)
    if errors:
        raise Invalid(errors)


def _write(service: Service, draft: ServiceDraft) -> None:
    for name in DRAFT_COLUMNS:
        value = getattr(draft, name)
        setattr(service, name, value if isinstance(value, str | int) else list(value))


async def _with_category_name(catalogue: CatalogueRepository, facts: dict[str, Any]) -> dict[str, Any]:
    """Add the category's name to the facts; the id stays for comparison."""
    if "category_id" not in facts:
        return facts
    return facts | {"category": (await catalogue.category(facts["category_id"])).name}
