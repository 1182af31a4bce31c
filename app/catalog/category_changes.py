"""Create, change, reorder, retire, restore and delete categories, by an admin."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.repository import CatalogueRepository
from app.catalog.schemas import CategoryDraft, changed_fields, draft_facts, slug_of
from app.catalog.service import Category
from app.catalog.service_changes import EditConflict, find_conflicts
from app.core import clock, idempotency
from app.core.errors import Invalid, Refused
from app.core.events import Person
from app.core.i18n import _

IDEMPOTENCY_KIND = "category"


async def create(db: AsyncSession, by: Person, draft: CategoryDraft, key: str = "") -> Category:
    """Create a category at its position. A form submitted twice with the same idempotency `key` creates one."""
    submission = await idempotency.claim_key(db, by.id, key, IDEMPOTENCY_KIND, draft_facts(draft))
    catalogue = CatalogueRepository(db)
    if submission is not None and submission.result:
        return await catalogue.category(int(submission.result))
    await catalogue.lock()
    await _check(catalogue, draft)
    categories = list(await catalogue.categories(locked=True))
    category = Category(slug=await catalogue.free_slug(Category, slug_of(draft.name)), position=len(categories) + 1)
    _write(category, draft)
    db.add(category)
    await db.flush()
    await catalogue.save_terms(draft, category_id=category.id)
    _reorder(categories, category, draft.position, by)
    category.record(
        "category.created", by=by, slug=category.slug, after=draft_facts(draft) | {"position": category.position}
    )
    if submission is not None:
        submission.result = str(category.id)
    await db.flush()
    return category


async def edit(db: AsyncSession, by: Person, category_id: int, draft: CategoryDraft, version: int) -> Category:
    """Change a category; `version` and EditConflict as in app.catalog.service_changes.edit."""
    catalogue = CatalogueRepository(db)
    await catalogue.lock()
    categories = list(await catalogue.categories(locked=True))
    category = await catalogue.category(category_id, locked=True)
    before, after = draft_facts(await catalogue.category_draft(category)), draft_facts(draft)
    after["position"] = min(draft.position, len(categories))
    if conflicts := await find_conflicts(catalogue, category.subject, version, before, after):
        raise EditConflict(conflicts, category.event_count)
    changed = changed_fields(before, after)
    if not changed:
        return category
    await _check(catalogue, draft, category)
    _write(category, draft)
    await catalogue.save_terms(draft, category_id=category.id)
    if "position" in changed:
        _reorder([each for each in categories if each is not category], category, draft.position, by)
    category.record(
        "category.changed",
        by=by,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )
    await db.flush()
    return category


async def retire(db: AsyncSession, by: Person, category_id: int) -> Category:
    """Retire a category. Raises Refused("offered") while a service of it is offered."""
    category = await _locked(db, category_id)
    _total, offered = await CatalogueRepository(db).service_counts(category.id)
    if offered:
        raise Refused(_("This category still has services on offer. Retire them first."), reason="offered")
    if category.retired_at is None:
        category.retired_at = clock.now()
        category.record("category.retired", by=by, before={"state": "offered"}, after={"state": "retired"})
        await db.flush()
    return category


async def restore(db: AsyncSession, by: Person, category_id: int) -> Category:
    """Restore a retired category; its services are restored one by one."""
    category = await _locked(db, category_id)
    if category.retired_at is not None:
        category.retired_at = None
        category.record("category.offered_again", by=by, before={"state": "retired"}, after={"state": "offered"})
        await db.flush()
    return category


async def remove(db: AsyncSession, by: Person, category_id: int) -> None:
    """Delete an empty category; its events stay. Raises Refused("services") if it has services."""
    category = await _locked(db, category_id)
    catalogue = CatalogueRepository(db)
    services, _offered = await catalogue.service_counts(category.id)
    if services:
        raise Refused(_("This category has services. Move them to another category first."), reason="services")
    category.record(
        "category.deleted", by=by, slug=category.slug, before=draft_facts(await catalogue.category_draft(category))
    )
    await db.flush()
    await catalogue.delete_category_terms(category.id)
    await db.delete(category)
    await db.flush()


async def _locked(db: AsyncSession, category_id: int) -> Category:
    catalogue = CatalogueRepository(db)
    await catalogue.lock()
    return await catalogue.category(category_id, locked=True)


async def _check(catalogue: CatalogueRepository, draft: CategoryDraft, category: Category | None = None) -> None:
    if await catalogue.name_taken(Category, draft.name, category.id if category else None):
        raise Invalid({"name": _("A category with this name already exists. Choose another name.")})


def _write(category: Category, draft: CategoryDraft) -> None:
    category.name, category.short_name, category.drawing = draft.name, draft.short_name, draft.drawing


def _reorder(others: Sequence[Category], category: Category, position: int, by: Person) -> None:
    """Insert the category at `position` (from 1); each category that moves records an event of its own."""
    ordered = list(others)
    ordered.insert(position - 1, category)
    for new_position, each in enumerate(ordered, start=1):
        if each is not category and each.position != new_position:
            each.record("category.moved", by=by, before={"position": each.position}, after={"position": new_position})
        each.position = new_position
