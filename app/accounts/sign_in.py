"""Check a password: every attempt is counted first and compared after, with the same answer for every mistake."""

from typing import Protocol

from app.accounts.attempts import email_keys, sign_in_keys
from app.accounts.contact_fields import parse_email
from app.accounts.repository import RateLimits, Users
from app.accounts.sign_up import TransactionFactory
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.secrets import Passwords
from app.core.validation import FieldError


class Account(Protocol):
    """The signed-in user."""

    @property
    def id(self) -> int: ...
    @property
    def email(self) -> str: ...


async def authenticate(
    new_transaction: TransactionFactory, passwords: Passwords, email: str, password: str, address: str
) -> int | None:
    """The user's id; None for an unknown account or a wrong password, after the same steps and the same time.

    Raises RateLimited. No connection is held while the password is compared.
    """
    email = normalized_email(email)
    keys = sign_in_keys(email, address)
    async with new_transaction() as db:
        await RateLimits(db).hit(keys)
        credentials = await Users(db).credentials(email)
    matches = await passwords.verify(credentials[1] if credentials else None, password)
    if not matches or credentials is None:
        return None
    async with new_transaction() as db:
        await RateLimits(db).reset(keys)
    return credentials[0]


async def prove_password(
    new_transaction: TransactionFactory,
    passwords: Passwords,
    me: Account,
    password: str,
    address: str,
    field: str = "current_password",
) -> None:
    """Check the password of the signed-in user; counted like signing in. Raises Invalid at `field`, or RateLimited."""
    if await authenticate(new_transaction, passwords, me.email, password, address) != me.id:
        messages = {
            "current_password": _("That's not your current password. Try again."),
            "password": _("That's not your password. Try again."),
        }
        raise Invalid({field: messages[field]})


async def hit_email_limit(new_transaction: TransactionFactory, email: str, address: str) -> None:
    """Count an email that was requested to `email`. Raises RateLimited after a few."""
    async with new_transaction() as db:
        await RateLimits(db).hit(email_keys(email, address))


async def reset_sign_in_limits(new_transaction: TransactionFactory, email: str, address: str) -> None:
    """Forget earlier wrong attempts, after a password was reset by email."""
    async with new_transaction() as db:
        await RateLimits(db).reset(sign_in_keys(email, address))


def normalized_email(email: str) -> str:
    """The address as sign-up stores it; stripped where it is not valid."""
    try:
        return parse_email(email)
    except FieldError:
        return email.strip()
