"""Create accounts: customers sign up themselves, admins are created by a command."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import parse_address_line, parse_email, parse_name, parse_phone, parse_pincode
from app.accounts.email_links import NEXT_FIELD, send_verification
from app.accounts.password import validate_password
from app.accounts.repository import Addresses, EmailOutbox, Pincodes, Users
from app.accounts.schemas import NewCustomer
from app.accounts.user import Role, User
from app.core import clock
from app.core.encryption import Encryption
from app.core.errors import Invalid
from app.core.events import PLATFORM
from app.core.i18n import _
from app.core.outbox import Outbox
from app.core.secrets import Passwords
from app.core.validation import collect

# Opens a transaction of its own, which commits whatever the request's own transaction does.
TransactionFactory = Callable[[], AbstractAsyncContextManager[AsyncSession]]


async def sign_up(
    new_transaction: TransactionFactory,
    passwords: Passwords,
    encryption: Encryption,
    new: NewCustomer,
    next_url: str = "",
) -> User | None:
    """Create a customer's account; None if the address has one: its owner is emailed, with the same response.

    The links of both emails continue at `next_url`, a local path.

    Raises Invalid with every wrong field. Nothing is read before the password is hashed, so that many sign-ups wait for
    the two hashing threads and not for database connections.
    """
    fields = collect(field_readers(new))
    hashed = await passwords.hash(fields["password"])
    async with new_transaction() as db:
        await Pincodes(db).require(fields["pincode"])
        user = new_user(Role.CUSTOMER, fields["email"], fields["full_name"], fields["phone"], hashed)
        if await Users(db).add(user):
            await complete_registration(db, encryption, user, fields["address"], fields["pincode"], next_url)
            return user
        await notify_owner(db, fields["email"], next_url)
    return None


async def create_admin(
    db: AsyncSession, passwords: Passwords, *, email: str, password: str, full_name: str = "Admin"
) -> User:
    """Create an admin, from the command line only. Raises Invalid, also when the address has an account."""
    fields = collect(
        {
            "email": lambda: parse_email(email),
            "full_name": lambda: parse_name(full_name),
            "password": lambda: validate_password(password, email, full_name),
        }
    )
    user = new_user(Role.ADMIN, fields["email"], fields["full_name"], "", await passwords.hash(fields["password"]))
    user.email_verified_at = clock.now()
    if not await Users(db).add(user):
        raise Invalid({"email": _("An account with this email address already exists.")})
    user.record("person.registered", by=PLATFORM, role=user.role)
    return user


def field_readers(new: NewCustomer) -> dict[str, Callable[[], str]]:
    """The fields of everyone who signs up."""
    return {
        "full_name": lambda: parse_name(new.full_name),
        "email": lambda: parse_email(new.email),
        "phone": lambda: parse_phone(new.phone, new.email),
        "password": lambda: validate_password(new.password, new.email.strip(), new.full_name.strip()),
        "address": lambda: parse_address_line(new.address),
        "pincode": lambda: parse_pincode(new.pincode),
    }


def new_user(role: Role, email: str, full_name: str, phone: str, hashed: str) -> User:
    return User(
        role=str(role),
        email=email,
        full_name=full_name,
        phone=phone,
        password_hash=hashed,
        epoch=0,
        event_count=0,
        created_at=clock.now(),
    )


async def complete_registration(
    db: AsyncSession, encryption: Encryption, user: User, line: str, pincode: str, next_url: str = ""
) -> None:
    """Record the registration, add the first address, and send the verification email."""
    user.record("person.registered", by=user, role=user.role)
    await Addresses(db, user.id).add(line, pincode)
    await send_verification(db, encryption, user, user.email, next_url)


async def notify_owner(db: AsyncSession, email: str, next_url: str = "") -> None:
    """Email the owner of an address that was used to sign up again, at most once an hour."""
    owner = await Users(db).by_email(email)
    if owner is not None:
        hour = clock.now().strftime("%Y%m%d%H")
        key = f"known_address:{owner.id}:{hour}"
        await EmailOutbox(db).add(
            Outbox(
                kind="known_address",
                dedupe_key=key,
                recipient_id=owner.id,
                address=None,
                data={NEXT_FIELD: next_url} if next_url else {},
            )
        )
