"""Links that go out by mail: to prove an address, or to choose a new password.

Only a link's digest is stored. The link itself travels sealed in the mail's own row, and is erased there once sent.
"""

import base64
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import cleaned
from app.accounts.password import good_password
from app.accounts.repository import RESET, VERIFY, Links, Mailbox, Users
from app.accounts.session import MailLink, Sessions
from app.accounts.user import User
from app.core import clock
from app.core.encryption import Vault
from app.core.errors import Missing, Refused
from app.core.i18n import _
from app.core.outbox import Outbox
from app.core.secrets import Passwords, digest, new_token

VERIFY_FOR = timedelta(days=3)
RESET_FOR = timedelta(hours=1)
SEALED = "token"


async def ask_to_verify(db: AsyncSession, vault: Vault, user: User, address: str) -> None:
    """A mail to `address` with a link; the account's address is the one whose link was opened."""
    token, now = new_token(), clock.now()
    db.add(
        MailLink(
            digest=digest(token),
            user_id=user.id,
            purpose=VERIFY,
            address=address,
            created_at=now,
            expires_at=now + VERIFY_FOR,
        )
    )
    await Mailbox(db).put(_mail(VERIFY, token, vault, recipient_id=user.id, address=address))


async def verify(db: AsyncSession, token: str) -> User:
    """The address of the link is the account's, and proven. Missing when the link opens nothing (any more)."""
    link = await Links(db).redeem(VERIFY, digest(token))
    if link is None:
        raise Missing()
    users = Users(db)
    user = await users.get(link.user_id, lock=True)
    if link.address.lower() != user.email.lower():
        await _change_address(db, users, user, link.address)
    if user.email_verified_at is None:
        user.email_verified_at = clock.now()
        user.record("person.email_verified", by=user)
    await Links(db).void(VERIFY, user.id)
    return user


async def _change_address(db: AsyncSession, users: Users, user: User, address: str) -> None:
    before = user.email
    if not await users.take_email(user, address):
        raise Refused(_("Another account has this address by now."), reason="taken")
    user.email_verified_at = None
    user.record("person.email_changed", by=user, personal={"before.email": before, "after.email": user.email})
    await Links(db).void(RESET, user.id)
    key = f"{user.subject}:{user.event_count}:email_changed"
    await Mailbox(db).put(_plain("email_changed", key, recipient_id=user.id, address=before))


async def ask_to_reset(db: AsyncSession, vault: Vault, email: str) -> None:
    """The same rows are written whether there is such an account or not; the mail of nobody is dropped unsent."""
    token = new_token()
    whose = await Links(db).issue_reset(email, digest(token), clock.now() + RESET_FOR)
    await Mailbox(db).put(_mail(RESET, token, vault, recipient_id=whose, address=None if whose else email))


async def reset_password(db: AsyncSession, sessions: Sessions, passwords: Passwords, token: str, typed: str) -> User:
    """A new password ends every session and every other link. Missing when the link opens nothing (any more)."""
    if not await Links(db).is_open(RESET, digest(token)):
        raise Missing()
    cleaned({"password": lambda: good_password(typed)})
    hashed = await passwords.hash(typed)
    link = await Links(db).redeem(RESET, digest(token))
    if link is None:
        raise Missing()
    user = await Users(db).get(link.user_id, lock=True)
    if link.address.lower() == user.email.lower() and user.email_verified_at is None:
        user.email_verified_at = clock.now()
    await set_password(db, sessions, user, hashed)
    return user


async def set_password(db: AsyncSession, sessions: Sessions, user: User, hashed: str, keep: int | None = None) -> None:
    """Signed out everywhere, but for the session `keep`."""
    user.password_hash = hashed
    user.record("person.password_changed", by=user)
    await Links(db).void(RESET, user.id)
    await sessions.close_all(db, user.id, but=keep)


def sealed_token(mail: Outbox, vault: Vault) -> str | None:
    """The link's token, for the mail that carries it; None when it is erased."""
    sealed = mail.data.get(SEALED)
    return vault.open(base64.b64decode(sealed), mail.dedupe_key) if sealed else None


def _mail(kind: str, token: str, vault: Vault, *, recipient_id: int | None, address: str | None) -> Outbox:
    key = f"{kind}:{digest(token).hex()}"
    sealed = base64.b64encode(vault.seal(token, key)).decode()
    return _plain(kind, key, recipient_id=recipient_id, address=address, **{SEALED: sealed})


def _plain(kind: str, key: str, *, recipient_id: int | None, address: str | None, **data: Any) -> Outbox:
    return Outbox(kind=kind, dedupe_key=key, recipient_id=recipient_id, address=address, data=data)
