"""Load the catalogue from `data/categories/`: one file per category, with its services and search terms."""

import tomllib
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.service import Category, SearchTerm, Service, ServiceQuestion
from app.catalog.transliteration import term_spellings
from app.core import clock
from app.core.events import PLATFORM

# What a service says itself, or its category for it.
SHARED_FIELDS = ("parts", "preparation", "questions")
# Asked about every service; docs/rules.md says why the answers are true.
COMMON_QUESTIONS = (
    (
        "What if more work is needed?",
        "The professional describes it and sets a price. Only what you approve on your booking page is billed.",
    ),
    (
        "Can I reschedule or cancel?",
        "It's free until 3 hours before the start, or at any time before a professional accepts. After that it costs "
        "₹100, never more than the price of the booking.",
    ),
    (
        "Must I be at home?",
        "You, or someone you trust. The start code is read out at your door, the finish code once the work is done.",
    ),
)
# What holds today for every service; admins may write more for one.
GUARANTEE = (
    "Share the finish code only once the work is right: it is how you confirm that the job is done. Extra work is "
    "billed only if you approve it."
)
CATEGORIES = Path(__file__).parent / "data" / "categories"


async def load_catalogue(db: AsyncSession) -> None:
    """Add missing categories and services; existing ones stay as admins changed them. Safe to run twice."""
    for category_entry in sorted(read_catalogue(), key=lambda entry: entry["position"]):
        category = await _category(db, category_entry)
        for entry in _entries(category_entry):
            await _service(db, category, entry)
    await db.flush()


def read_services() -> list[dict[str, Any]]:
    """The services of every file, with all their texts."""
    return [entry for category_entry in read_catalogue() for entry in _entries(category_entry)]


def _entries(category_entry: dict[str, Any]) -> list[dict[str, Any]]:
    shared = {field: category_entry[field] for field in SHARED_FIELDS} | {"guarantee": GUARANTEE}
    services = (shared | entry for entry in category_entry["services"])
    return [entry | {"questions": [*entry["questions"], *map(list, COMMON_QUESTIONS)]} for entry in services]


def read_catalogue() -> list[dict[str, Any]]:
    """Read every file; the file name is the slug, prices are in rupees.

    What a service does not say about parts, preparation and questions is said by its category.
    """
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
        fields = (
            *("slug", "name", "description", "included", "excluded", "parts", "preparation", "guarantee"),
            *("minutes", "mode"),
        )
        values = {field: entry[field] for field in fields}
        service = Service(**values, category_id=category.id, price=entry["price"] * 100, created_at=clock.now())
        db.add(service)
        await db.flush()
        _add_terms(db, entry["terms"], service_id=service.id)
        questions = entry["questions"]
        db.add_all(
            ServiceQuestion(service_id=service.id, position=position, question=question, answer=answer)
            for position, (question, answer) in enumerate(questions, 1)
        )
        facts = {field: value for field, value in values.items() if field != "slug"} | {"questions": questions}
        facts |= {"price": service.price, "category_id": category.id, "category": category.name}
        service.record("service.created", by=PLATFORM, slug=service.slug, after=facts)


def _add_terms(db: AsyncSession, terms: dict[str, list[str]], **target: int) -> None:
    spellings = {pair for language, words in terms.items() for term in words for pair in term_spellings(term, language)}
    db.add_all(SearchTerm(term=term, language=language, **target) for term, language in sorted(spellings))
