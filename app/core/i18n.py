"""Every word people read, in their language: gettext over Babel, English where no translation stands."""

from collections.abc import Collection
from contextvars import ContextVar
from pathlib import Path

from babel import Locale
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


def catalogue(name: str) -> NullTranslations:
    return _catalogues.get(name) or _catalogues[DEFAULT]


def offer(folder: Path = FOLDER) -> None:
    """From now on people may read English and every language whose compiled catalogue stands in `folder`."""
    names = sorted(path.parts[-3] for path in folder.glob("*/LC_MESSAGES/messages.mo"))
    found = {str(Locale.parse(name)): Translations.load(folder, [name], domain="messages") for name in names}
    _catalogues.clear()
    _catalogues.update({DEFAULT: NullTranslations()} | found)


def offered() -> Collection[str]:
    """The locales of the languages that people may read."""
    return _catalogues.keys()


_catalogues: dict[str, NullTranslations] = {}
offer()
