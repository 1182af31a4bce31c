"""What the desk calls the parts of a service and of a category, and how it says what stands in them."""

from collections.abc import Mapping
from typing import Any

from app.core import money
from app.core.i18n import _, ngettext


def modes() -> dict[str, str]:
    return {
        "instant": _("Booked at once"),
        "offer": _("Offered to professionals"),
        "quote": _("A visit, then a price"),
    }


def drawings() -> dict[str, str]:
    """What each picture shows."""
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


def terms() -> dict[str, str]:
    return {
        "terms_en": _("English"),
        "terms_hi": _("Hindi"),
        "terms_ta": _("Tamil"),
        "terms_translit": _("Hindi and Tamil in Latin letters"),
    }


def parts_of_service() -> dict[str, str]:
    """The labels of its form."""
    return {
        "name": _("Name"),
        "category_id": _("Category"),
        "price": _("Price in rupees"),
        "minutes": _("Minutes of work"),
        "mode": _("Way of booking"),
        "description": _("What is done"),
        "included": _("What is included"),
        "excluded": _("What is not included"),
        "notice_minutes": _("Notice in minutes"),
        "horizon_days": _("Days ahead"),
        **terms(),
    }


def parts_of_category() -> dict[str, str]:
    return {
        "name": _("Name"),
        "short_name": _("Short name"),
        "drawing": _("Drawing"),
        "position": _("Place on the home page"),
        **terms(),
    }


def said(field: str, value: Any, categories: Mapping[int, str]) -> str:
    """A value of a draft, in words."""
    if value is None or value in ("", []):
        return _("nothing")
    if field == "price":
        return money.money(value)
    if field in ("minutes", "notice_minutes"):
        return ngettext("%(num)s minute", "%(num)s minutes", value)
    if field == "category_id":
        return categories.get(value, _("another category"))
    if field in ("mode", "drawing"):
        return (modes() | drawings()).get(str(value), str(value))
    return ", ".join(value) if isinstance(value, list) else str(value)
