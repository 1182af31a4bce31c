"""Change the user's own name, phone, email and password."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import parse_email, parse_name, parse_phone
from app.accounts.email_links import send_verification
from app.accounts.password import validate_password
from app.accounts.repository import EmailLinks
from app.accounts.schemas import Details
from app.accounts.session import LinkPurpose
from app.accounts.user import Role, User
from app.core.encryption import Encryption
from app.core.errors import Invalid, Refused
from app.core.i18n import _
from app.core.validation import collect


async def change_details(db: AsyncSession, user: User, typed: Details) -> None:
    """Change name and phone of the locked `user`, and who sees the phone; an admin's phone may be empty."""
    without_phone = user.role == Role.ADMIN and not typed.phone
    fields = collect(
        {
            "full_name": lambda: parse_name(typed.full_name),
            "phone": lambda: "" if without_phone else parse_phone(typed.phone, user.email),
        }
    )
    changed = [name for name, value in fields.items() if getattr(user, name) != value]
    personal = {f"before.{name}": getattr(user, name) for name in changed}
    personal |= {f"after.{name}": fields[name] for name in changed}
    user.full_name, user.phone = fields["full_name"], fields["phone"]
    if typed.share_phone and user.share_phone != (typed.share_phone == "yes"):
        user.share_phone = not user.share_phone
        changed.append("share_phone")
    if changed:
        user.record("person.details_changed", by=user, personal=personal, fields=changed)


async def start_email_change(db: AsyncSession, encryption: Encryption, user: User, typed: str) -> None:
    """Send a link to the new address, which counts once the link is opened; earlier links are revoked.

    Whether another account has the new address is not revealed before the link is opened.
    """
    email = collect({"email": lambda: parse_email(typed)})["email"]
    if email.lower() == user.email.lower() and user.email_verified_at is not None:
        raise Invalid({"email": _("This is already your email address.")})
    await EmailLinks(db).revoke(LinkPurpose.VERIFY, user.id)
    await send_verification(db, encryption, user, email)


async def resend_verification(db: AsyncSession, encryption: Encryption, user: User) -> None:
    if user.email_verified_at is not None:
        raise Refused(_("Your email address is already confirmed."), about="email")
    await start_email_change(db, encryption, user, user.email)


def check_new_password(typed: str, *own: str) -> None:
    """Raise Invalid at `password` when it is not good enough."""
    collect({"password": lambda: validate_password(typed, *own)})


def browser_name(user_agent: str) -> str:
    """A readable name, as far as browsers identify themselves: "Firefox on Android"."""
    browser = next((name for token, name in BROWSERS if token in user_agent), "")
    system = next((name for token, name in SYSTEMS if token in user_agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or _("Unknown browser")


def program_name(user_agent: str) -> str:
    """The program's own name without its version: "curl"."""
    return user_agent.split("/")[0].split(" ")[0][:40] or _("Unknown app")


# The first match counts: most browsers also name the ones they resemble.
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
