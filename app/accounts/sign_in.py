"""Check a password: every attempt is counted first and compared after, with the same answer for every mistake."""

from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.attempts import email_keys, session_keys, sign_in_keys
from app.accounts.contact_fields import parse_email
from app.accounts.password_hash_repository import PasswordHashes
from app.accounts.repository import Devices, RateLimits, Users
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
    @property
    def session_id(self) -> int: ...
    @property
    def is_fresh(self) -> bool: ...


async def authenticate(
    new_transaction: TransactionFactory,
    passwords: Passwords,
    email: str,
    password: str,
    address: str,
    device: bytes | None,
) -> int | None:
    """The user's id; None for an unknown account or a wrong password, after the same steps and the same time.

    `device` is the digest of the token that came with the request. Raises RateLimited. No connection is held while the
    password is compared.
    """
    email = normalized_email(email)
    async with new_transaction() as db:
        keys = sign_in_keys(email, address, await _known_device(db, email, device))
        await RateLimits(db).hit(keys)
        credentials = await Users(db).credentials(email)
    matches = await passwords.verify(credentials[1] if credentials else None, password)
    if not matches or credentials is None:
        return None
    renewed = await passwords.renewed(credentials[1], password)
    async with new_transaction() as db:
        await RateLimits(db).reset(keys)
        if renewed is not None:
            await PasswordHashes(db).renew(*credentials, renewed)
    return credentials[0]


async def prove_password(
    new_transaction: TransactionFactory,
    passwords: Passwords,
    me: Account,
    password: str,
    field: str = "current_password",
) -> None:
    """Check the password of the signed-in user; counted for this session alone. Raises Invalid at `field`, RateLimited.

    A stranger's wrong attempts at the account count elsewhere, so that they do not hold up who is signed in. An account
    without a password is proven by a sign-in within the last 15 minutes.
    """
    keys = session_keys(me.session_id)
    async with new_transaction() as db:
        await RateLimits(db).hit(keys)
        credentials = await Users(db).credentials(me.email)
    is_proven = credentials == (me.id, "") and me.is_fresh
    matches = is_proven or await passwords.verify(credentials[1] if credentials else None, password)
    if not matches or credentials is None or credentials[0] != me.id:
        messages = {
            "current_password": _("That's not your current password. Try again."),
            "password": _("That's not your password. Try again."),
        }
        raise Invalid({field: messages[field]})
    async with new_transaction() as db:
        await RateLimits(db).reset(keys)


async def hit_email_limit(new_transaction: TransactionFactory, email: str, address: str, device: bytes | None) -> None:
    """Count an email that was requested to `email`; `device` as in authenticate(). Raises RateLimited after a few."""
    async with new_transaction() as db:
        await RateLimits(db).hit(email_keys(email, address, await _known_device(db, email, device)))


async def reset_sign_in_limits(new_transaction: TransactionFactory, email: str, address: str) -> None:
    """Forget earlier wrong attempts, after a password was reset by email."""
    async with new_transaction() as db:
        await RateLimits(db).reset(sign_in_keys(email, address))


async def _known_device(db: AsyncSession, email: str, device: bytes | None) -> bytes | None:
    """The device, if it has signed in to this account before."""
    return device if device is not None and await Devices(db).knows(email, device) else None


def normalized_email(email: str) -> str:
    """The address as sign-up stores it; stripped where it is not valid."""
    try:
        return parse_email(email)
    except FieldError:
        return email.strip()
