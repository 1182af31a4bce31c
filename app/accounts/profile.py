"""What people change about themselves."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import cleaned, email_of, name_of, phone_of
from app.accounts.email_links import ask_to_verify
from app.accounts.password import good_password
from app.accounts.repository import VERIFY, Links
from app.accounts.schemas import Details
from app.accounts.user import Role, User
from app.core.encryption import Vault
from app.core.errors import Invalid, Refused
from app.core.i18n import _


async def change_details(db: AsyncSession, user: User, typed: Details) -> None:
    """`user` is locked. An admin, whom nobody calls, may leave the phone empty."""
    without_phone = user.role == Role.ADMIN and not typed.phone
    kept = cleaned(
        {
            "full_name": lambda: name_of(typed.full_name),
            "phone": lambda: "" if without_phone else phone_of(typed.phone, user.email),
        }
    )
    changed = [name for name, value in kept.items() if getattr(user, name) != value]
    personal = {f"before.{name}": getattr(user, name) for name in changed}
    personal |= {f"after.{name}": kept[name] for name in changed}
    user.full_name, user.phone = kept["full_name"], kept["phone"]
    if changed:
        user.record("person.details_changed", by=user, personal=personal, fields=changed)


async def start_email_change(db: AsyncSession, vault: Vault, user: User, typed: str) -> None:
    """A mail to the new address; until its link is opened nothing changes. Earlier links lose their power.

    Whether the new address is another account's is told to nobody before somebody has proven to read its mails.
    """
    email = cleaned({"email": lambda: email_of(typed)})["email"]
    if email.lower() == user.email.lower() and user.email_verified_at is not None:
        raise Invalid({"email": _("This is your address already.")})
    await Links(db).void(VERIFY, user.id)
    await ask_to_verify(db, vault, user, email)


async def resend_verification(db: AsyncSession, vault: Vault, user: User) -> None:
    if user.email_verified_at is not None:
        raise Refused(_("Your address is confirmed already."))
    await start_email_change(db, vault, user, user.email)


def check_new_password(typed: str, *own: str) -> None:
    """Raises Invalid beside the field."""
    cleaned({"password": lambda: good_password(typed, *own)})


def browser_name(user_agent: str) -> str:
    """For people, as near as browsers let us know: "Firefox on Android"."""
    browser = next((name for sign, name in BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in SYSTEMS if sign in user_agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or _("A browser")


def program_name(user_agent: str) -> str:
    """As the program calls itself, without its version: "curl"."""
    return user_agent.split("/")[0].split(" ")[0][:40] or _("A program")


# The first that is found: most browsers also name the ones they resemble.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("UCBrowser", "UC Browser"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)
