"""Proving that one is who one says: counted first, compared after, the same answer for every way of being wrong."""

from app.accounts.attempts import mail_purses, sign_in_purses
from app.accounts.contact_fields import Wrong, email_of
from app.accounts.repository import Tries, Users
from app.accounts.sign_up import Apart
from app.core.secrets import Passwords


async def recognise(apart: Apart, passwords: Passwords, email: str, password: str, address: str) -> int | None:
    """The person's id, or None: no such account and a wrong password take the same steps and the same time.

    Raises TooSoon. No connection is held while the password is compared.
    """
    email = as_kept(email)
    purses = sign_in_purses(email, address)
    async with apart() as db:
        await Tries(db).spend(purses)
        known = await Users(db).credentials(email)
    right = await passwords.verify(known[1] if known else None, password)
    if not right or known is None:
        return None
    async with apart() as db:
        await Tries(db).forgive(purses)
    return known[0]


async def count_mail(apart: Apart, email: str, address: str) -> None:
    """A mail to `email` was asked for; raises TooSoon when there were many."""
    async with apart() as db:
        await Tries(db).spend(mail_purses(email, address))


async def forgive(apart: Apart, email: str, address: str) -> None:
    """A new password was set by mail: earlier wrong tries hold nobody up."""
    async with apart() as db:
        await Tries(db).forgive(sign_in_purses(email, address))


def as_kept(email: str) -> str:
    """As sign-up would have kept it, or as it was typed."""
    try:
        return email_of(email)
    except Wrong:
        return email.strip()
