"""The catalogue as written in `data/categories/`: one file per category, with its services and search terms."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.service import Category, SearchTerm, Service
from app.catalog.transliteration import sound, words
from app.core import clock
from app.core.events import PLATFORM

CATEGORIES = Path(__file__).parent / "data" / "categories"


async def load_catalogue(db: AsyncSession) -> None:
    """Add the services that are missing; what an admin has changed since stays as it is. Safe to run twice."""
    for written in sorted(read_catalogue(), key=lambda category: category["position"]):
        category = await _category(db, written)
        for entry in written["services"]:
            await _service(db, category, entry)
    await db.flush()


def read_catalogue() -> list[dict[str, Any]]:
    """Every file, with the slug its name gives it; prices in rupees as written there."""
    return [
        {"slug": file.stem, **tomllib.loads(file.read_text(encoding="utf-8"))} for file in CATEGORIES.glob("*.toml")
    ]


def spellings(term: str, language: str) -> Iterator[tuple[str, str]]:
    """(term, language) pairs to store for one term: as people write it, and as it sounds in Latin letters."""
    parts = words(term)
    yield " ".join(parts), language
    if language != "en":
        yield " ".join(sound(part) for part in parts), "translit"


async def _category(db: AsyncSession, written: dict[str, Any]) -> Category:
    category = await db.scalar(select(Category).where(Category.slug == written["slug"]))
    if category is None:
        fields = ("slug", "name", "short_name", "drawing", "position")
        kept = {field: written[field] for field in fields}
        category = Category(**kept)
        db.add(category)
        await db.flush()
        _add_terms(db, written["terms"], category_id=category.id)
        told = {field: written[field] for field in fields if field != "slug"}
        category.record("category.created", by=PLATFORM, slug=category.slug, after=told)
    return category


async def _service(db: AsyncSession, category: Category, entry: dict[str, Any]) -> None:
    if await db.scalar(select(Service.id).where(Service.slug == entry["slug"])) is None:
        fields = ("slug", "name", "description", "included", "excluded", "minutes", "mode")
        kept = {field: entry[field] for field in fields}
        service = Service(**kept, category_id=category.id, price=entry["price"] * 100, created_at=clock.now())
        db.add(service)
        await db.flush()
        _add_terms(db, entry["terms"], service_id=service.id)
        told = {field: kept[field] for field in fields if field != "slug"}
        told |= {"price": service.price, "category_id": category.id, "category": category.name}
        service.record("service.created", by=PLATFORM, slug=service.slug, after=told)


def _add_terms(db: AsyncSession, terms: dict[str, list[str]], **target: int) -> None:
    wanted = {pair for language, told in terms.items() for term in told for pair in spellings(term, language)}
    db.add_all(SearchTerm(term=term, language=language, **target) for term, language in sorted(wanted))
