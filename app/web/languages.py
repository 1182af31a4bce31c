"""Which language somebody reads, of those that Doorstep speaks."""

import re

from babel import negotiate_locale

from app.core import i18n

LONGEST = 500  # bytes of a header; browsers send a few dozen
ASKED = re.compile(r"([a-z]{2,3}(?:-[a-z0-9]{1,8})*)(?:;q=(0(?:\.\d{1,3})?|1(?:\.0{1,3})?))?", re.IGNORECASE)


def several() -> bool:
    """Whether there is anything to choose at all."""
    return len(i18n.offered()) > 1


def reads(accepted: bytes) -> str:
    """The locale for an Accept-Language header; English for whoever asks for nothing that we have."""
    if not accepted or not several():
        return i18n.DEFAULT
    by_tag = {name.lower(): name for name in i18n.offered()}
    by_tag |= {name.split("_")[0]: name for name in (*i18n.offered(), i18n.DEFAULT)}
    # Babel answers as it was asked, with a browser's capitals.
    return by_tag[(negotiate_locale(_preferred(accepted), by_tag) or i18n.DEFAULT).lower()]


def _preferred(accepted: bytes) -> list[str]:
    """Dearest first, as Babel writes them."""
    parts = accepted[:LONGEST].decode("latin-1").replace(" ", "").split(",")
    asked = [(float(found[2] or 1), found[1]) for found in map(ASKED.fullmatch, parts) if found]
    return [tag.replace("-", "_") for weight, tag in sorted(asked, key=lambda one: -one[0]) if weight]
