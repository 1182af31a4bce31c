"""Drafts of services and categories, read from the fields of a form and compared field by field."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from app.accounts.contact_fields import is_printable
from app.catalog.transliteration import normalized_words, to_latin
from app.core import money
from app.core.card_numbers import contains_card_number
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.references import parse_row_id
from app.core.typed_text import normal_line, plain_line
from app.core.validation import FieldError, collect

Readers = Mapping[str, Callable[[str], Any]]
MIN_PRICE_PAISE, MAX_PRICE_PAISE = 1_00, 10_00_000_00  # paise
MIN_MINUTES, MAX_MINUTES = 15, 720
MAX_NOTICE_MINUTES, MAX_HORIZON_DAYS = 30 * 1440, 60  # minutes, days
MAX_NAME_LENGTH, MAX_SHORT_NAME_LENGTH, MAX_DESCRIPTION_LENGTH, MAX_LINE_LENGTH = 80, 30, 600, 160
MAX_LINES, MAX_TERMS, MAX_TERM_LENGTH = 12, 60, 60
MAX_PARTS_LENGTH, MAX_GUARANTEE_LENGTH, MAX_QUESTIONS, MAX_ANSWER_LENGTH = 600, 300, 8, 600
QUESTION_NUMBERS = range(1, MAX_QUESTIONS + 1)  # question_1 and answer_1, question_2 and answer_2, …
MAX_POSITION = 99
MODES = ("instant", "offer", "quote")
LANGUAGES = ("en", "hi", "ta", "translit")
# The drawings there are (templates/shared/drawings.html).
DRAWINGS = (
    "plumbing", "electrical", "carpentry", "ac", "appliance", "cleaning", "kitchen", "pest", "painting", "water",
    "salon", "help",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Search terms per language; `translit` are Hindi and Tamil in Latin letters."""

    terms_en: Sequence[str] = ()
    terms_hi: Sequence[str] = ()
    terms_ta: Sequence[str] = ()
    terms_translit: Sequence[str] = ()

    @property
    def by_language(self) -> dict[str, Sequence[str]]:
        return {language: getattr(self, f"terms_{language}") for language in LANGUAGES}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDraft(Terms):
    """The editable fields of a service. `price` in paise, `minutes` of work, notice in minutes, horizon in days.

    `questions` are pairs of a question and its answer.
    """

    name: str
    category_id: int
    description: str
    included: Sequence[str]
    excluded: Sequence[str]
    parts: str
    preparation: Sequence[str]
    guarantee: str
    questions: Sequence[Sequence[str]]
    price: int
    minutes: int
    mode: str
    notice_minutes: int
    horizon_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryDraft(Terms):
    """The editable fields of a category; `position` is its place on the home page, from 1."""

    name: str
    short_name: str
    drawing: str
    position: int


Draft = ServiceDraft | CategoryDraft


def draft_facts(draft: Draft) -> dict[str, Any]:
    """Convert a draft to the facts of an event."""
    return {name: _as_lists(value) for name, value in asdict(draft).items()}


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """List the fields in which two drafts differ, in the order of the form."""
    return [name for name in after if before.get(name) != after[name]]


def form_values(facts: Mapping[str, Any]) -> dict[str, str]:
    """Convert the facts of a draft to the values of its form."""
    values = {name: _form_value(name, value) for name, value in facts.items() if name != "questions"}
    return values | question_values(facts["questions"]) if "questions" in facts else values


def question_values(questions: Sequence[Sequence[str]]) -> dict[str, str]:
    """The values of every pair of fields, empty ones too, so that they replace what was there."""
    pairs = [*questions, *(("", "") for _ in QUESTION_NUMBERS)]
    return {
        f"{name}_{number}": pairs[number - 1][column]
        for number in QUESTION_NUMBERS
        for column, name in enumerate(("question", "answer"))
    }


def read_service(form: Mapping[str, str]) -> ServiceDraft:
    """Read the form; raises Invalid with a message for every wrong field."""
    fields = _read(
        form,
        {
            "name": lambda text: _line(text, MAX_NAME_LENGTH, _("Enter a name for the service.")),
            "category_id": _category,
            "description": _description,
            "included": _lines,
            "excluded": _lines,
            "parts": lambda text: _text(text, MAX_PARTS_LENGTH),
            "preparation": _lines,
            "guarantee": lambda text: _text(text, MAX_GUARANTEE_LENGTH),
            **_question_readers(form),
            "price": lambda text: money.parse_rupees(text, MIN_PRICE_PAISE, MAX_PRICE_PAISE),
            "minutes": lambda text: _whole(text, MIN_MINUTES, MAX_MINUTES),
            "mode": lambda text: _choice(text, MODES),
            "notice_minutes": lambda text: _whole(text, 0, MAX_NOTICE_MINUTES),
            "horizon_days": lambda text: _whole(text, 1, MAX_HORIZON_DAYS),
            **TERMS,
        },
    )
    pairs = [(fields.pop(f"question_{number}"), fields.pop(f"answer_{number}")) for number in QUESTION_NUMBERS]
    return ServiceDraft(**fields, questions=[pair for pair in pairs if pair[0]])


def read_category(form: Mapping[str, str]) -> CategoryDraft:
    """Read the form; raises Invalid with a message for every wrong field."""
    fields = _read(
        form,
        {
            "name": lambda text: _line(text, MAX_NAME_LENGTH, _("Enter a name for the category.")),
            "short_name": lambda text: _line(
                text, MAX_SHORT_NAME_LENGTH, _("Enter a short name. It appears on the home page.")
            ),
            "drawing": lambda text: _choice(text, DRAWINGS),
            "position": lambda text: _whole(text, 1, MAX_POSITION),
            **TERMS,
        },
    )
    return CategoryDraft(**fields)


def slug_of(name: str) -> str:
    """Make a slug: "Geyser installation" → geyser-installation; Tamil and Hindi are transliterated."""
    plain = (_ascii(unicodedata.normalize("NFKD", word)) or _ascii(to_latin(word)) for word in normalized_words(name))
    return "-".join(word for word in plain if word)[:60].strip("-") or "service"


def _read(form: Mapping[str, str], readers: Readers) -> dict[str, Any]:
    """What each reader makes of its field. Raises Invalid with the error of every field that failed."""

    def read(name: str) -> Any:
        try:
            return readers[name](_bounded(form.get(name, "")))
        except Invalid as error:  # of a money field
            raise FieldError(next(iter(error.errors.values()))) from error

    return collect({name: partial(read, name) for name in readers})


def _question_readers(form: Mapping[str, str]) -> Readers:
    """A question and its answer are both filled in, or neither is."""

    def reader(name: str, other: str, length: int, message: str) -> Callable[[str], str]:
        return lambda text: _line(text, length, message) if text or form.get(other, "").strip() else ""

    readers: dict[str, Callable[[str], str]] = {}
    for number in QUESTION_NUMBERS:
        question, answer = f"question_{number}", f"answer_{number}"
        readers[question] = reader(question, answer, MAX_LINE_LENGTH, _("Enter the question, or empty its answer."))
        readers[answer] = reader(answer, question, MAX_ANSWER_LENGTH, _("Enter the answer, or empty its question."))
    return readers


def _bounded(text: str) -> str:
    if len(text) > 4_000:
        raise FieldError(_("That's too long. Shorten it."))
    if contains_card_number(text):
        raise FieldError(_("This looks like a card number. Enter it only when you pay."))
    return text.strip()


def _line(text: str, max_length: int, empty_message: str) -> str:
    line = normal_line(text)
    if not line:
        raise FieldError(empty_message)
    if len(line) > max_length:
        raise FieldError(_("Use %(most)s characters or fewer. You've used %(many)s.", most=max_length, many=len(line)))
    if not is_printable(line):
        raise FieldError(_("This contains an invisible character. Enter it again."))
    if not any(unicodedata.category(sign)[0] == "L" for sign in line):
        raise FieldError(_("Use letters."))
    return line


def _description(text: str) -> str:
    return _line(text, MAX_DESCRIPTION_LENGTH, _("Describe the service in 1 or 2 sentences."))


def _text(text: str, max_length: int) -> str:
    return _line(text, max_length, "") if text else ""


def _lines(text: str) -> list[str]:
    lines = [_line(line, MAX_LINE_LENGTH, "") for line in text.splitlines() if line.strip()]
    if len(lines) > MAX_LINES:
        raise FieldError(_("Use %(most)s lines or fewer.", most=MAX_LINES))
    return lines


def _terms(text: str) -> list[str]:
    """Split at commas and line breaks into distinct normalized terms."""
    candidates = list(dict.fromkeys(" ".join(normalized_words(term)) for term in re.split(r"[,;\n]", text)))
    terms = [term for term in candidates if term]
    if len(terms) > MAX_TERMS or any(len(term) > MAX_TERM_LENGTH for term in terms):
        raise FieldError(
            _(
                "Use at most %(many)s words of up to %(long)s letters, separated by commas.",
                many=MAX_TERMS,
                long=MAX_TERM_LENGTH,
            )
        )
    return sorted(terms)


def _whole(text: str, minimum: int, maximum: int) -> int:
    text = plain_line(text)
    if not re.fullmatch(r"[0-9]{1,9}", text) or not minimum <= int(text) <= maximum:
        raise FieldError(_("Enter a whole number from %(least)s to %(most)s.", least=minimum, most=maximum))
    return int(text)


def _choice(text: str, choices: Sequence[str]) -> str:
    if text not in choices:
        raise FieldError(_("Choose an option."))
    return text


def _category(text: str) -> int:
    category_id = parse_row_id(text)
    if category_id is None:
        raise FieldError(_("Choose an option."))
    return category_id


def _ascii(word: str) -> str:
    return "".join(character for character in word if character.isascii() and character.isalnum())


def _as_lists(value: Any) -> Any:
    """As JSON gives it back."""
    return [_as_lists(item) for item in value] if isinstance(value, tuple | list) else value


def _form_value(name: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        return (", " if name.startswith("terms_") else "\n").join(value)
    return money.format_for_input(value) if name == "price" else str(value)


TERMS: Readers = {f"terms_{language}": _terms for language in LANGUAGES}
