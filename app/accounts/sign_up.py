"""Becoming somebody here: customers by themselves, admins by a command."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import cleaned, email_of, line_of, name_of, phone_of, pincode_of
from app.accounts.email_links import ask_to_verify
from app.accounts.password import good_password
from app.accounts.repository import Addresses, Mailbox, Pincodes, Users
from app.accounts.schemas import NewCustomer
from app.accounts.user import Role, User
from app.core import clock
from app.core.encryption import Vault
from app.core.errors import Invalid
from app.core.events import PLATFORM
from app.core.i18n import _
from app.core.outbox import Outbox
from app.core.secrets import Passwords

# A transaction of its own: what happens in it is committed, whatever the request answers.
Apart = Callable[[], AbstractAsyncContextManager[AsyncSession]]


async def sign_up(apart: Apart, passwords: Passwords, vault: Vault, new: NewCustomer) -> None:
    """A customer's account, or, when the address has one already, a mail to its owner: nobody else is told which.

    Raises Invalid with everything that is wrong. Nothing is read before the password is hashed, so that a crowd of
    sign-ups waits for the two hashing threads and not for the database's connections.
    """
    kept = cleaned(cleaners_of(new))
    hashed = await passwords.hash(kept["password"])
    async with apart() as db:
        await Pincodes(db).known(kept["pincode"])
        user = a_person(Role.CUSTOMER, kept["email"], kept["full_name"], kept["phone"], hashed)
        if await Users(db).add(user):
            await settle_in(db, vault, user, kept["address"], kept["pincode"])
        else:
            await tell_owner(db, kept["email"])


async def make_admin(
    db: AsyncSession, passwords: Passwords, *, email: str, password: str, full_name: str = "Admin"
) -> User:
    """The command line's way, the only one there is. Raises Invalid, also when the address has an account."""
    kept = cleaned(
        {
            "email": lambda: email_of(email),
            "full_name": lambda: name_of(full_name),
            "password": lambda: good_password(password, email, full_name),
        }
    )
    user = a_person(Role.ADMIN, kept["email"], kept["full_name"], "", await passwords.hash(kept["password"]))
    user.email_verified_at = clock.now()
    if not await Users(db).add(user):
        raise Invalid({"email": _("There is an account with this address already.")})
    user.record("person.registered", by=PLATFORM, role=user.role)
    return user


def cleaners_of(new: NewCustomer) -> dict[str, Callable[[], str]]:
    """What everybody says who signs up."""
    return {
        "full_name": lambda: name_of(new.full_name),
        "email": lambda: email_of(new.email),
        "phone": lambda: phone_of(new.phone, new.email.strip()),
        "password": lambda: good_password(new.password, new.email.strip(), new.full_name.strip()),
        "address": lambda: line_of(new.address),
        "pincode": lambda: pincode_of(new.pincode),
    }


def a_person(role: Role, email: str, full_name: str, phone: str, hashed: str) -> User:
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


async def settle_in(db: AsyncSession, vault: Vault, user: User, line: str, pincode: str) -> None:
    """The first fact, the first address, and the mail that proves the e-mail address."""
    user.record("person.registered", by=user, role=user.role)
    await Addresses(db, user.id).add(line, pincode)
    await ask_to_verify(db, vault, user, user.email)


async def tell_owner(db: AsyncSession, email: str) -> None:
    """At most one such mail an hour."""
    owner = await Users(db).with_email(email)
    if owner is not None:
        hour = clock.now().strftime("%Y%m%d%H")
        key = f"known_address:{owner.id}:{hour}"
        await Mailbox(db).put(
            Outbox(kind="known_address", dedupe_key=key, recipient_id=owner.id, address=None, data={})
        )
