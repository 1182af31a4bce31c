"""What an admin writes of a service or a category: read from the fields of a form, and told field by field."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from app.accounts.contact_fields import is_plain
from app.catalog.transliteration import latin, words
from app.core import money
from app.core.card_numbers import holds_card_number
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.references import row_number

T = TypeVar("T")
Readers = Mapping[str, Callable[[str], Any]]
LEAST_PRICE, MOST_PRICE = 1_00, 10_00_000_00  # paise
LEAST_MINUTES, MOST_MINUTES = 15, 720
MOST_NOTICE, MOST_HORIZON = 30 * 1440, 60  # minutes, days
LONGEST_NAME, LONGEST_SHORT, LONGEST_TEXT, LONGEST_LINE = 80, 30, 600, 160
MOST_LINES, MOST_TERMS, LONGEST_TERM = 12, 60, 60
MOST_PLACES = 99
MODES = ("instant", "offer", "quote")
LANGUAGES = ("en", "hi", "ta", "translit")
# The drawings there are (templates/shared/drawings.html).
DRAWINGS = (
    "plumbing", "electrical", "carpentry", "ac", "appliance", "cleaning", "kitchen", "pest", "painting", "water",
    "salon", "help",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The words by which people ask for it, per language; `translit` are Hindi and Tamil in Latin letters."""

    terms_en: Sequence[str] = ()
    terms_hi: Sequence[str] = ()
    terms_ta: Sequence[str] = ()
    terms_translit: Sequence[str] = ()

    @property
    def by_language(self) -> dict[str, Sequence[str]]:
        return {language: getattr(self, f"terms_{language}") for language in LANGUAGES}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDraft(Terms):
    """`price` in paise, `minutes` of work, notice in minutes, horizon in days."""

    name: str
    category_id: int
    description: str
    included: Sequence[str]
    excluded: Sequence[str]
    price: int
    minutes: int
    mode: str
    notice_minutes: int
    horizon_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryDraft(Terms):
    """`position` is its place among the doors of the home page, from 1 on."""

    name: str
    short_name: str
    drawing: str
    position: int


Draft = ServiceDraft | CategoryDraft


def told(draft: Draft) -> dict[str, Any]:
    """As a history keeps it."""
    return {name: list(value) if isinstance(value, tuple | list) else value for name, value in asdict(draft).items()}


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names of the fields in which two drafts differ, in the order of the form."""
    return [name for name in after if before.get(name) != after[name]]


def as_typed(told: Mapping[str, Any]) -> dict[str, str]:
    """A draft as it stands in the fields of its form."""
    return {name: _typed(name, value) for name, value in told.items()}


def read_service(said: Mapping[str, str]) -> ServiceDraft:
    """Invalid with a sentence for every field that cannot be so."""
    return _read(
        said,
        ServiceDraft,
        {
            "name": lambda text: _line(text, LONGEST_NAME, _("Every service has a name.")),
            "category_id": _category,
            "description": _description,
            "included": _lines,
            "excluded": _lines,
            "price": lambda text: money.paise(text, LEAST_PRICE, MOST_PRICE),
            "minutes": lambda text: _whole(text, LEAST_MINUTES, MOST_MINUTES),
            "mode": lambda text: _one_of(text, MODES),
            "notice_minutes": lambda text: _whole(text, 0, MOST_NOTICE),
            "horizon_days": lambda text: _whole(text, 1, MOST_HORIZON),
            **TERMS,
        },
    )


def read_category(said: Mapping[str, str]) -> CategoryDraft:
    """Invalid with a sentence for every field that cannot be so."""
    return _read(
        said,
        CategoryDraft,
        {
            "name": lambda text: _line(text, LONGEST_NAME, _("Every category has a name.")),
            "short_name": lambda text: _line(text, LONGEST_SHORT, _("The short name stands under its door.")),
            "drawing": lambda text: _one_of(text, DRAWINGS),
            "position": lambda text: _whole(text, 1, MOST_PLACES),
            **TERMS,
        },
    )


def slug_of(name: str) -> str:
    """The name as it stands in an address: "Geyser installation" → geyser-installation, Tamil and Hindi by letters."""
    plain = (_ascii(unicodedata.normalize("NFKD", word)) or _ascii(latin(word)) for word in words(name))
    return "-".join(word for word in plain if word)[:60].strip("-") or "service"


# How


def _read(said: Mapping[str, str], kind: type[T], readers: Readers) -> T:
    errors: dict[str, str] = {}
    kept: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]  # every draft is a dataclass
        try:
            kept[field.name] = readers[field.name](_bounded(said.get(field.name, "")))
        except Invalid as error:
            errors[field.name] = next(iter(error.errors.values()))
    if errors:
        order = list(readers)
        raise Invalid(dict(sorted(errors.items(), key=lambda one: order.index(one[0]))))
    return kind(**kept)


def _bounded(text: str) -> str:
    if len(text) > 4_000:
        raise _wrong(_("That is too long."))
    if holds_card_number(text):
        raise _wrong(_("This looks like the number of a card. Please write it nowhere but where you pay."))
    return text.strip()


def _line(text: str, longest: int, empty: str) -> str:
    line = unicodedata.normalize("NFC", " ".join(text.split()))
    if not line:
        raise _wrong(empty)
    if len(line) > longest:
        raise _wrong(_("At most %(most)s characters, please. These are %(many)s.", most=longest, many=len(line)))
    if not is_plain(line):
        raise _wrong(_("This holds a sign that nobody can see. Please type it again."))
    if not any(unicodedata.category(sign)[0] == "L" for sign in line):
        raise _wrong(_("Write it in letters."))
    return line


def _description(text: str) -> str:
    return _line(text, LONGEST_TEXT, _("Say in a sentence or two what is done."))


def _lines(text: str) -> list[str]:
    lines = [_line(line, LONGEST_LINE, "") for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_LINES:
        raise _wrong(_("At most %(most)s lines, please.", most=MOST_LINES))
    return lines


def _terms(text: str) -> list[str]:
    """Commas or new lines between them; each once, as the search compares them."""
    terms = list(dict.fromkeys(" ".join(words(term)) for term in re.split(r"[,;\n]", text)))
    found = [term for term in terms if term]
    if len(found) > MOST_TERMS or any(len(term) > LONGEST_TERM for term in found):
        raise _wrong(
            _("At most %(many)s words of %(long)s letters, with commas between.", many=MOST_TERMS, long=LONGEST_TERM)
        )
    return sorted(found)


def _whole(text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise _wrong(_("A whole number from %(least)s to %(most)s, please.", least=least, most=most))
    return int(text)


def _one_of(text: str, choices: Sequence[str]) -> str:
    if text not in choices:
        raise _wrong(_("Please choose one."))
    return text


def _category(text: str) -> int:
    known = row_number(text)
    if known is None:
        raise _wrong(_("Please choose one."))
    return known


def _ascii(word: str) -> str:
    return "".join(sign for sign in word if sign.isascii() and sign.isalnum())


def _wrong(words: str) -> Invalid:
    return Invalid({"": words})


def _typed(name: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        return (", " if name.startswith("terms_") else "\n").join(value)
    return money.plain(value) if name == "price" else str(value)


TERMS: Readers = {f"terms_{language}": _terms for language in LANGUAGES}
