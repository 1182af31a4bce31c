"""Categories made, changed, moved among the doors of the home page, taken out and brought back, by an admin."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.change_repository import Catalogue
from app.catalog.schemas import CategoryDraft, differences, slug_of, told
from app.catalog.service import Category
from app.catalog.service_changes import ChangedMeanwhile, changes
from app.core import clock, idempotency
from app.core.errors import Invalid, Refused
from app.core.events import Person
from app.core.i18n import _

MADE = "category"


async def create(db: AsyncSession, by: Person, draft: CategoryDraft, key: str = "") -> Category:
    """A new door, at its place; those behind it move on. The same form sent twice, known by its `key`, makes one."""
    made = await idempotency.made_by(db, by.id, key, MADE, told(draft))
    catalogue = Catalogue(db)
    if made is not None and made.result:
        return await catalogue.category(int(made.result))
    await catalogue.lock()
    await _check(catalogue, draft)
    doors = list(await catalogue.doors(locked=True))
    category = Category(slug=await catalogue.free_slug(Category, slug_of(draft.name)), position=len(doors) + 1)
    _write(category, draft)
    db.add(category)
    await db.flush()
    await catalogue.keep_terms(draft, category_id=category.id)
    _place(doors, category, draft.position, by)
    category.record("category.created", by=by, slug=category.slug, after=told(draft) | {"position": category.position})
    if made is not None:
        made.result = str(category.id)
    await db.flush()
    return category


async def edit(db: AsyncSession, by: Person, category_id: int, draft: CategoryDraft, seen: int) -> Category:
    """As with a service (app.catalog.service_changes): `seen`, and ChangedMeanwhile."""
    catalogue = Catalogue(db)
    await catalogue.lock()
    doors = list(await catalogue.doors(locked=True))
    category = await catalogue.category(category_id, locked=True)
    before, after = told(await catalogue.draft_of_category(category)), told(draft)
    after["position"] = min(draft.position, len(doors))
    if news := [one for one in await changes(catalogue, category.subject, seen, before) if after[one.field] != one.now]:
        raise ChangedMeanwhile(news, category.event_count)
    changed = differences(before, after)
    if not changed:
        return category
    await _check(catalogue, draft, category)
    _write(category, draft)
    await catalogue.keep_terms(draft, category_id=category.id)
    if "position" in changed:
        _place([door for door in doors if door is not category], category, draft.position, by)
    category.record(
        "category.changed",
        by=by,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )
    await db.flush()
    return category


async def retire(db: AsyncSession, by: Person, category_id: int) -> Category:
    """No door any more. Only once nothing in it is offered."""
    category = await _locked(db, category_id)
    _all, offered = await Catalogue(db).shelf(category.id)
    if offered:
        raise Refused(_("Services of it are still offered. Take them out of the catalogue first."), reason="offered")
    if category.retired_at is None:
        category.retired_at = clock.now()
        category.record("category.retired", by=by, before={"state": "offered"}, after={"state": "retired"})
        await db.flush()
    return category


async def offer_again(db: AsyncSession, by: Person, category_id: int) -> Category:
    """Its door is back; its services come back one by one."""
    category = await _locked(db, category_id)
    if category.retired_at is not None:
        category.retired_at = None
        category.record("category.offered_again", by=by, before={"state": "retired"}, after={"state": "offered"})
        await db.flush()
    return category


async def remove(db: AsyncSession, by: Person, category_id: int) -> None:
    """Only an empty one in which nobody ever searched; its history stays."""
    category = await _locked(db, category_id)
    catalogue = Catalogue(db)
    services, _offered = await catalogue.shelf(category.id)
    if services:
        raise Refused(_("There are services in it. Move them to another category first."), reason="services")
    category.record(
        "category.deleted", by=by, slug=category.slug, before=told(await catalogue.draft_of_category(category))
    )
    await db.flush()
    await catalogue.let_go_of_category(category.id)
    await db.delete(category)
    await db.flush()


# How


async def _locked(db: AsyncSession, category_id: int) -> Category:
    catalogue = Catalogue(db)
    await catalogue.lock()
    return await catalogue.category(category_id, locked=True)


async def _check(catalogue: Catalogue, draft: CategoryDraft, category: Category | None = None) -> None:
    if await catalogue.name_taken(Category, draft.name, category.id if category else None):
        raise Invalid({"name": _("There is a category of this name already. Give this one another.")})


def _write(category: Category, draft: CategoryDraft) -> None:
    category.name, category.short_name, category.drawing = draft.name, draft.short_name, draft.drawing


def _place(others: Sequence[Category], category: Category, position: int, by: Person) -> None:
    """Among the doors, counted from 1; whoever has to move on tells so in its own history."""
    row = list(others)
    row.insert(position - 1, category)
    for place, door in enumerate(row, start=1):
        if door is not category and door.position != place:
            door.record("category.moved", by=by, before={"position": door.position}, after={"position": place})
        door.position = place
