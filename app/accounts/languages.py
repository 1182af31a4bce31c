"""The languages that a professional can say they speak, by their ISO 639 codes."""

from collections.abc import Iterable

from app.core.i18n import _
from app.core.validation import FieldError

LANGUAGE_CODES = ("ta", "en", "hi", "te", "ml", "kn", "ur", "bn", "mr", "gu", "or", "pa")


def language_labels() -> dict[str, str]:
    return {
        "ta": _("Tamil"),
        "en": _("English"),
        "hi": _("Hindi"),
        "te": _("Telugu"),
        "ml": _("Malayalam"),
        "kn": _("Kannada"),
        "ur": _("Urdu"),
        "bn": _("Bengali"),
        "mr": _("Marathi"),
        "gu": _("Gujarati"),
        "or": _("Odia"),
        "pa": _("Punjabi"),
    }


def clean_languages(chosen: Iterable[str]) -> list[str]:
    """In the order of the list, each once. FieldError when it has others."""
    codes = set(chosen)
    if not codes <= set(LANGUAGE_CODES):
        raise FieldError(_("Choose from the list."))
    return [code for code in LANGUAGE_CODES if code in codes]
