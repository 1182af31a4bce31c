"""Labels of the fields of services and categories, and their values as text."""

from collections.abc import Mapping
from typing import Any

from app.catalog.schemas import QUESTION_NUMBERS
from app.core import money
from app.core.i18n import _, ngettext


def mode_labels() -> dict[str, str]:
    return {
        "instant": _("Instant booking"),
        "offer": _("Offered to professionals"),
        "quote": _("Visit, then quote"),
    }


def drawing_labels() -> dict[str, str]:
    """Describe what each drawing shows."""
    return {
        "plumbing": _("A tap"),
        "electrical": _("A bulb"),
        "carpentry": _("A hammer"),
        "ac": _("An air conditioner"),
        "appliance": _("A washing machine"),
        "cleaning": _("A broom"),
        "kitchen": _("A shower"),
        "pest": _("An insect"),
        "painting": _("A roller"),
        "water": _("A water can"),
        "salon": _("Scissors"),
        "help": _("A house"),
    }


def term_language_labels() -> dict[str, str]:
    return {
        "terms_en": _("English"),
        "terms_hi": _("Hindi"),
        "terms_ta": _("Tamil"),
        "terms_translit": _("Hindi and Tamil in Latin script"),
    }


def service_field_labels() -> dict[str, str]:
    """Label the fields of the service form."""
    return {
        "name": _("Name"),
        "category_id": _("Category"),
        "price": _("Price in rupees"),
        "minutes": _("Duration (minutes)"),
        "mode": _("Booking type"),
        "description": _("Description"),
        "included": _("What's included"),
        "excluded": _("What's not included"),
        "parts": _("Parts and material"),
        "preparation": _("What customers prepare"),
        "guarantee": _("Guarantee"),
        "questions": _("Questions and answers"),
        "notice_minutes": _("Minimum notice (minutes)"),
        "horizon_days": _("Booking window (days)"),
        **term_language_labels(),
    }


def question_labels() -> dict[str, str]:
    """Label the fields of each question and its answer."""
    labels = {
        number: (_("Question %(number)s", number=number), _("Answer %(number)s", number=number))
        for number in QUESTION_NUMBERS
    }
    return {
        f"{name}_{number}": label
        for number, pair in labels.items()
        for name, label in zip(("question", "answer"), pair, strict=True)
    }


def category_field_labels() -> dict[str, str]:
    return {
        "name": _("Name"),
        "short_name": _("Short name"),
        "drawing": _("Icon"),
        "position": _("Position on the home page"),
        **term_language_labels(),
    }


def format_value(field: str, value: Any, categories: Mapping[int, str]) -> str:
    """Format the value of a draft's field as text."""
    if value is None or value in ("", []):
        return _("nothing")
    if field == "price":
        return money.format_rupees(value)
    if field in ("minutes", "notice_minutes"):
        return ngettext("%(num)s minute", "%(num)s minutes", value)
    if field == "category_id":
        return categories.get(value, _("another category"))
    if field in ("mode", "drawing"):
        return (mode_labels() | drawing_labels()).get(str(value), str(value))
    if field == "questions":
        return " · ".join(f"{question} {answer}" for question, answer in value)
    return ", ".join(value) if isinstance(value, list) else str(value)
