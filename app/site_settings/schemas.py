"""The form of the settings, and its fields as they are stored."""

from collections.abc import Callable, Mapping
from functools import partial

from app.accounts.contact_fields import parse_detail, parse_email, parse_name, parse_phone
from app.accounts.gstin import parse_gstin
from app.core.errors import Invalid
from app.core.i18n import N_, _
from app.core.validation import collect
from app.site_settings.setting import NAMES

MAX_HOURS_LENGTH = 120  # characters
MAX_LEGAL_NAME_LENGTH = 120  # characters
READERS: dict[str, Callable[[str], str]] = {
    "support_email": parse_email,
    "support_phone": partial(parse_phone, email=""),  # no account, so no number of the demo town
    "support_whatsapp": partial(parse_phone, email=""),
    "grievance_name": parse_name,
    "grievance_email": parse_email,
    "grievance_hours": partial(parse_detail, max_length=MAX_HOURS_LENGTH),
    "legal_name": partial(parse_detail, max_length=MAX_LEGAL_NAME_LENGTH),
    "gstin": parse_gstin,
}
SETTING_LABELS = {
    "support_email": N_("Support email"),
    "support_phone": N_("Support phone"),
    "support_whatsapp": N_("WhatsApp number"),
    "grievance_name": N_("Name"),
    "grievance_email": N_("Email"),
    "grievance_hours": N_("Hours"),
    "legal_name": N_("Legal name"),
    "gstin": N_("GSTIN"),
}


def read_settings(typed: Mapping[str, str]) -> dict[str, str]:
    """The typed settings as they are stored; what is not typed is left out. Raises Invalid with the wrong fields."""
    given = {name: typed[name].strip() for name in NAMES if name in typed}
    return collect({name: partial(_read, name, text) for name, text in given.items()})


def check_officer(values: Mapping[str, str]) -> None:
    """Raise Invalid unless the grievance officer has both a name and an email, or nothing."""
    name, email, hours = (values.get(f"grievance_{field}", "") for field in ("name", "email", "hours"))
    errors = {}
    if not name and (email or hours):
        errors["grievance_name"] = _("Enter the name of the grievance officer.")
    if not email and (name or hours):
        errors["grievance_email"] = _("Enter an email address, so that the grievance officer can be reached.")
    if errors:
        raise Invalid(errors)


def _read(name: str, text: str) -> str:
    return READERS[name](text) if text else ""


def setting_labels() -> dict[str, str]:
    return {name: _(label) for name, label in SETTING_LABELS.items()}
