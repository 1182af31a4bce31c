"""A person's name as it is shown: in a greeting, and to strangers."""

from app.core.i18n import N_, _
from app.core.person_names import first_letter, split_name

# The names of deleted accounts by role; no active account can take one (app.accounts.contact_fields).
FORMER_NAMES = {
    "customer": N_("Former customer"),
    "professional": N_("Former professional"),
    "admin": N_("Former admin"),
}


def greeting_name(full_name: str) -> str:
    """The first part that is neither an initial nor a title: Ravi for "Mr. S. Ravi Kumar".

    Without such a part the initials, and for a title alone the title. A deleted account: "Former professional".
    """
    if full_name in FORMER_NAMES.values():
        return _(full_name)
    parts = split_name(full_name)
    if parts.full:
        return parts.full[0]
    return " ".join(parts.initials) or full_name.strip()


def public_name(full_name: str) -> str:
    """The name as strangers see it: "Ravi K." for "S. Ravi Kumar", and "Raman S." for "S. Raman"."""
    name = greeting_name(full_name)
    parts = split_name(full_name)
    if not parts.full or full_name in FORMER_NAMES.values():
        return name
    initial = f"{first_letter(parts.full[1])}." if len(parts.full) > 1 else next(iter(parts.initials), "")
    return f"{name} {initial}".rstrip()
