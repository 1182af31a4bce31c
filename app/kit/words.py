"""Every word people read, in their language: gettext over Babel, English where no translation stands."""

from contextvars import ContextVar
from functools import cache
from pathlib import Path

from babel.support import NullTranslations, Translations

DEFAULT = "en_IN"
FOLDER = Path(__file__).resolve().parents[2] / "translations"

locale: ContextVar[str] = ContextVar("locale", default=DEFAULT)


def _(text: str, **values: object) -> str:
    """`text` in the reader's language: _("Kept for you until %(time)s.", time="10:07")."""
    said = catalogue(locale.get()).ugettext(text)
    return said % values if values else said


def ngettext(one: str, many: str, num: int, **values: object) -> str:
    """The form for `num` things, which is also %(num)s in the text."""
    return str(catalogue(locale.get()).ungettext(one, many, num)) % {"num": num, **values}


def N_(text: str) -> str:
    """Marks a text for translation where it is only stored; it is said later with _(text)."""
    return text


def gettext(text: str) -> str:
    """For Jinja2, which puts the values in itself."""
    return str(catalogue(locale.get()).ugettext(text))


def raw_ngettext(one: str, many: str, num: int) -> str:
    """For Jinja2, which puts the values in itself."""
    return str(catalogue(locale.get()).ungettext(one, many, num))


@cache
def catalogue(name: str) -> NullTranslations:
    return Translations.load(FOLDER, [name], domain="messages")
