"""Labels and counts of the public pages."""

from app.core.i18n import _, ngettext


def count_of_services(number: int) -> str:
    return ngettext("%(num)s service", "%(num)s services", number) if number else _("No services")


def sorts() -> list[tuple[str, str]]:
    """Sort orders: (query value, label)."""
    return [
        ("best", _("Best match")),
        ("earliest", _("Earliest time")),
        ("price", _("Lowest price")),
        ("rating", _("Best rated")),
    ]


def language_of(text: str) -> str | None:
    """Detect the language of a text by its script, for the lang attribute; None for Latin script."""
    if any("\u0b80" <= char <= "\u0bff" for char in text):
        return "ta"
    if any("\u0900" <= char <= "\u097f" for char in text):
        return "hi"
    return None
