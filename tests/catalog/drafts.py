"""Drafts of services and categories with plausible values; override what matters to the test."""

from app.catalog.repository import CatalogueRepository
from app.catalog.schemas import draft_facts, form_values, read_category, read_service


def a_form(category_id, **differently):
    """The fields of the form of a service, as they are typed."""
    return {
        "name": "Goldfish pond care",
        "category_id": str(category_id),
        "description": "Clear water, and fish that stay alive.",
        "included": "Testing the water\nCleaning the filter",
        "excluded": "New fish",
        "price": "499.50",
        "minutes": "60",
        "mode": "instant",
        "notice_minutes": "120",
        "horizon_days": "7",
        "terms_en": "goldfish, pond, koi carp",
        "terms_hi": "मछली",
        "terms_ta": "மீன் குளம்",
        "terms_translit": "meen kulam",
    } | differently


def a_draft(category_id, **differently):
    return read_service(a_form(category_id, **differently))


def a_category_form(**differently):
    """The fields of the form of a category, read."""
    typed = {"name": "Gardening", "short_name": "Garden", "drawing": "water", "position": "1", "terms_en": "garden"}
    return read_category(typed | differently)


async def redrafted(db, service, **differently):
    """The stored service with these fields replaced."""
    return read_service(form_values(draft_facts(await CatalogueRepository(db).service_draft(service))) | differently)
