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


def translate_stored(text: str) -> str:
    """Translate a text that was stored in English; text typed by users is unchanged."""
    return gettext(STORED_TEXTS.get(text, text))


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


# Reasons as earlier versions stored them, and what is shown for them now.
STORED_TEXTS = {
    "Cannot come at the moment.": N_("No longer available."),
    "Did not come.": N_("Didn't arrive."),
    "Does not work with Doorstep any more.": N_("No longer works with Doorstep."),
    "Nobody accepted in time.": N_("No professional accepted in time."),
    "Nobody could come at that time.": N_("No professional was available at that time."),
    "Nobody opened the door.": N_("No answer at the door."),
    "We no longer offer this.": N_("This service is no longer offered."),
    "Who was to come cannot come any more. Nothing was paid.": N_(
        "This professional is no longer available. You haven't been charged."
    ),
}
