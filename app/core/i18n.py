"""Translation of user-facing text: gettext over Babel, English where no translation exists."""

from collections.abc import Collection
from contextvars import ContextVar
from pathlib import Path

from babel import Locale
from babel.support import NullTranslations, Translations

DEFAULT_LOCALE = "en_IN"
TRANSLATIONS_DIR = Path(__file__).resolve().parents[2] / "translations"

locale: ContextVar[str] = ContextVar("locale", default=DEFAULT_LOCALE)


def _(text: str, **values: object) -> str:
    """Translate `text` into the reader's language: _("Kept for you until %(time)s.", time="10:07 am")."""
    translated = translations_for(locale.get()).ugettext(text)
    return translated % values if values else translated


def ngettext(singular: str, plural: str, num: int, **values: object) -> str:
    """Translate the singular or plural form for `num`, which is also %(num)s in the text."""
    return str(translations_for(locale.get()).ungettext(singular, plural, num)) % {"num": num, **values}


def N_(text: str) -> str:
    """Mark a constant for translation; it is translated with _(text) when it is shown."""
    return text


def gettext(text: str) -> str:
    """Translate without substitution; Jinja2 substitutes the values itself."""
    return str(translations_for(locale.get()).ugettext(text))


def raw_ngettext(singular: str, plural: str, num: int) -> str:
    """Translate without substitution; Jinja2 substitutes the values itself."""
    return str(translations_for(locale.get()).ungettext(singular, plural, num))


def translations_for(name: str) -> NullTranslations:
    """Return the translations of a locale, or those of the default one."""
    return _translations.get(name) or _translations[DEFAULT_LOCALE]


def load_translations(folder: Path = TRANSLATIONS_DIR) -> None:
    """Load English and every language that has a compiled catalogue in `folder`."""
    names = sorted(path.parts[-3] for path in folder.glob("*/LC_MESSAGES/messages.mo"))
    loaded = {str(Locale.parse(name)): Translations.load(folder, [name], domain="messages") for name in names}
    _translations.clear()
    _translations.update({DEFAULT_LOCALE: NullTranslations()} | loaded)


def available_locales() -> Collection[str]:
    """Return the locales that users can choose from."""
    return _translations.keys()


_translations: dict[str, NullTranslations] = {}
load_translations()
