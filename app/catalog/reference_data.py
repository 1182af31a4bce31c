"""Load the catalogue from `data/categories/`: one file per category, with its services and search terms."""

import tomllib
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.service import Category, SearchTerm, Service
from app.catalog.transliteration import term_spellings
from app.core import clock
from app.core.events import PLATFORM

CATEGORIES = Path(__file__).parent / "data" / "categories"


async def load_catalogue(db: AsyncSession) -> None:
    """Add missing categories and services; existing ones stay as admins changed them. Safe to run twice."""
    for category_entry in sorted(read_catalogue(), key=lambda entry: entry["position"]):
        category = await _category(db, category_entry)
        for entry in category_entry["services"]:
            await _service(db, category, entry)
    await db.flush()


def read_catalogue() -> list[dict[str, Any]]:
    """Read every file; the file name is the slug, prices are in rupees."""
    return [
        {"slug": file.stem, **tomllib.loads(file.read_text(encoding="utf-8"))} for file in CATEGORIES.glob("*.toml")
    ]


async def _category(db: AsyncSession, entry: dict[str, Any]) -> Category:
    category = await db.scalar(select(Category).where(Category.slug == entry["slug"]))
    if category is None:
        fields = ("slug", "name", "short_name", "drawing", "position")
        category = Category(**{field: entry[field] for field in fields})
        db.add(category)
        await db.flush()
        _add_terms(db, entry["terms"], category_id=category.id)
        facts = {field: entry[field] for field in fields if field != "slug"}
        category.record("category.created", by=PLATFORM, slug=category.slug, after=facts)
    return category


async def _service(db: AsyncSession, category: Category, entry: dict[str, Any]) -> None:
    if await db.scalar(select(Service.id).where(Service.slug == entry["slug"])) is None:
        fields = ("slug", "name", "description", "included", "excluded", "minutes", "mode")
        values = {field: entry[field] for field in fields}
        service = Service(**values, category_id=category.id, price=entry["price"] * 100, created_at=clock.now())
        db.add(service)
        await db.flush()
        _add_terms(db, entry["terms"], service_id=service.id)
        facts = {field: values[field] for field in fields if field != "slug"}
        facts |= {"price": service.price, "category_id": category.id, "category": category.name}
        service.record("service.created", by=PLATFORM, slug=service.slug, after=facts)


def _add_terms(db: AsyncSession, terms: dict[str, list[str]], **target: int) -> None:
    spellings = {pair for language, words in terms.items() for term in words for pair in term_spellings(term, language)}
    db.add_all(SearchTerm(term=term, language=language, **target) for term, language in sorted(spellings))
