"""Counts and names as people say them."""

from app.core.i18n import _, ngettext


def count_of_services(number: int) -> str:
    """Five services; from thirteen on in figures."""
    said = {
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
    return said.get(number) or ngettext("%(num)s service", "%(num)s services", number)


def sorts() -> list[tuple[str, str]]:
    """Ways to sort, as the address says them and as people do."""
    return [
        ("best", _("Best match")),
        ("earliest", _("Soonest")),
        ("price", _("Lowest price")),
        ("rating", _("Best rated")),
    ]


def language_of(text: str) -> str | None:
    """The language of a review by its letters, so that it is set and read out right; None for Latin ones."""
    if any("\u0b80" <= letter <= "\u0bff" for letter in text):
        return "ta"
    if any("\u0900" <= letter <= "\u097f" for letter in text):
        return "hi"
    return None
