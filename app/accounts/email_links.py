"""Single-use links sent by email: to verify an address, or to set a new password.

Only a link's digest is stored. The token itself is encrypted in the row of the outgoing email, and erased once sent.
"""

import base64
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.password import validate_password
from app.accounts.repository import EmailLinks, EmailOutbox, Users
from app.accounts.session import EmailLink, LinkPurpose, Sessions
from app.accounts.user import User
from app.core import clock
from app.core.encryption import Encryption
from app.core.errors import Missing, Refused
from app.core.i18n import _
from app.core.outbox import Outbox
from app.core.secrets import Passwords, digest, new_token
from app.core.validation import collect

VERIFY_LIFETIME = timedelta(days=3)
RESET_LIFETIME = timedelta(hours=1)
TOKEN_FIELD = "token"
NEXT_FIELD = "next"


async def send_verification(
    db: AsyncSession, encryption: Encryption, user: User, address: str, next_url: str = ""
) -> None:
    """Send a verification link to `address`, which becomes the account's address when the link is opened.

    `next_url`: the local path to continue at then.
    """
    token, now = new_token(), clock.now()
    db.add(
        EmailLink(
            digest=digest(token),
            user_id=user.id,
            purpose=LinkPurpose.VERIFY,
            address=address,
            created_at=now,
            expires_at=now + VERIFY_LIFETIME,
        )
    )
    await EmailOutbox(db).add(
        _link_email(LinkPurpose.VERIFY, token, encryption, recipient_id=user.id, address=address, next_url=next_url)
    )


async def verify(db: AsyncSession, token: str) -> User:
    """Verify the link's address and make it the account's. Raises Missing when the link is not open."""
    link = await EmailLinks(db).redeem(LinkPurpose.VERIFY, digest(token))
    if link is None:
        raise Missing()
    users = Users(db)
    user = await users.get(link.user_id, lock=True)
    if link.address.lower() != user.email.lower():
        await _change_address(db, users, user, link.address)
    if user.email_verified_at is None:
        user.email_verified_at = clock.now()
        user.record("person.email_verified", by=user)
    await EmailLinks(db).revoke(LinkPurpose.VERIFY, user.id)
    return user


async def _change_address(db: AsyncSession, users: Users, user: User, address: str) -> None:
    before = user.email
    if not await users.change_email(user, address):
        raise Refused(_("Another account now uses this email."), reason="taken", about="email")
    user.email_verified_at = None
    user.record("person.email_changed", by=user, personal={"before.email": before, "after.email": user.email})
    await EmailLinks(db).revoke(LinkPurpose.RESET, user.id)
    key = f"{user.subject}:{user.event_count}:email_changed"
    await EmailOutbox(db).add(_email("email_changed", key, recipient_id=user.id, address=before))


async def send_reset(db: AsyncSession, encryption: Encryption, email: str, next_url: str = "") -> None:
    """Write the same rows whether or not there is such an account; an email without a recipient is dropped unsent.

    `next_url`: the local path to continue at after signing in with the new password.
    """
    token = new_token()
    user_id = await EmailLinks(db).issue_reset(email, digest(token), clock.now() + RESET_LIFETIME)
    await EmailOutbox(db).add(
        _link_email(
            LinkPurpose.RESET,
            token,
            encryption,
            recipient_id=user_id,
            address=None if user_id else email,
            next_url=next_url,
        )
    )


async def reset_password(db: AsyncSession, sessions: Sessions, passwords: Passwords, token: str, typed: str) -> User:
    """Set a new password, which ends every session and link. Raises Missing when the link is not open."""
    owner = await EmailLinks(db).open_owner(LinkPurpose.RESET, digest(token))
    if owner is None:
        raise Missing()
    collect({"password": lambda: validate_password(typed, owner.email, owner.full_name)})
    hashed = await passwords.hash(typed)
    link = await EmailLinks(db).redeem(LinkPurpose.RESET, digest(token))
    if link is None:
        raise Missing()
    user = await Users(db).get(link.user_id, lock=True)
    if link.address.lower() == user.email.lower() and user.email_verified_at is None:
        user.email_verified_at = clock.now()
    await set_password(db, sessions, user, hashed)
    return user


async def set_password(
    db: AsyncSession, sessions: Sessions, user: User, hashed: str, keep_session_id: int | None = None
) -> None:
    """Set the password and end every session except `keep_session_id`."""
    user.password_hash = hashed
    user.record("person.password_changed", by=user)
    await EmailLinks(db).revoke(LinkPurpose.RESET, user.id)
    await sessions.close_all(db, user.id, except_id=keep_session_id)


def link_token(mail: Outbox, encryption: Encryption) -> str | None:
    """The token of the link in an outgoing email; None when it is erased."""
    encrypted = mail.data.get(TOKEN_FIELD)
    return encryption.decrypt(base64.b64decode(encrypted), mail.dedupe_key) if encrypted else None


def _link_email(
    kind: str, token: str, encryption: Encryption, *, recipient_id: int | None, address: str | None, next_url: str
) -> Outbox:
    key = f"{kind}:{digest(token).hex()}"
    return encrypted_email(kind, key, token, encryption, recipient_id, address, next_url)


def encrypted_email(
    kind: str,
    key: str,
    secret: str,
    encryption: Encryption,
    recipient_id: int | None,
    address: str | None,
    next_url: str = "",
) -> Outbox:
    """An email with a secret, which link_token() reads; `key` is its dedupe key."""
    encrypted = base64.b64encode(encryption.encrypt(secret, key)).decode()
    data = {TOKEN_FIELD: encrypted} | ({NEXT_FIELD: next_url} if next_url else {})
    return _email(kind, key, recipient_id=recipient_id, address=address, **data)


def _email(kind: str, key: str, *, recipient_id: int | None, address: str | None, **data: Any) -> Outbox:
    return Outbox(kind=kind, dedupe_key=key, recipient_id=recipient_id, address=address, data=data)
