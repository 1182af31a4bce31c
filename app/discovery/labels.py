"""Labels and counts of the public pages."""

from app.core.i18n import _, ngettext


def count_of_services(number: int) -> str:
    """Write the count: "Five services", from 13 on in digits."""
    labels = {
        0: _("No services"),
        1: _("One service"),
        2: _("Two services"),
        3: _("Three services"),
        4: _("Four services"),
        5: _("Five services"),
        6: _("Six services"),
        7: _("Seven services"),
        8: _("Eight services"),
        9: _("Nine services"),
        10: _("Ten services"),
        11: _("Eleven services"),
        12: _("Twelve services"),
    }
    return labels.get(number) or ngettext("%(num)s service", "%(num)s services", number)


def sorts() -> list[tuple[str, str]]:
    """Sort orders: (query value, label)."""
    return [
        ("best", _("Best match")),
        ("earliest", _("Soonest")),
        ("price", _("Lowest price")),
        ("rating", _("Best rated")),
    ]


def language_of(text: str) -> str | None:
    """Detect the language of a text by its script, for the lang attribute; None for Latin script."""
    if any("\u0b80" <= letter <= "\u0bff" for letter in text):
        return "ta"
    if any("\u0900" <= letter <= "\u097f" for letter in text):
        return "hi"
    return None
