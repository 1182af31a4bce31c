"""Sign in with a six-digit code by email: one flow and the same answers for known and unknown addresses.

A code works for ten minutes and five tries, in the browser that asked for it; of a browser and an address one is live.
A stranger's request is another browser's, so it ends no one's code. Only a keyed digest is stored; the code itself is
encrypted in the row of the outgoing email, and erased once sent.
"""

import secrets
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.attempts import MAX_CODES_PER_HOUR, NETWORK, RateLimitKey, rate_limited
from app.accounts.contact_fields import parse_address_line, parse_name, parse_phone, parse_pincode
from app.accounts.email_links import encrypted_email
from app.accounts.repository import Addresses, Devices, EmailOutbox, Pincodes, RateLimits, Users
from app.accounts.schemas import NewPerson
from app.accounts.session import CODE_LIFETIME, MAX_CODE_TRIES, SignInCode
from app.accounts.sign_in_code_repository import SignInCodes
from app.accounts.sign_up import TransactionFactory, new_user
from app.accounts.user import Role, User
from app.core import clock
from app.core.encryption import Encryption
from app.core.errors import Invalid, Missing, RateLimited
from app.core.i18n import _, ngettext
from app.core.network import client_network
from app.core.validation import collect

CODE_EMAIL = "sign_in_code"
WELCOME_DURATION = timedelta(hours=1)  # how long a new person may take to fill in the rest
LIMIT_PERIOD = timedelta(hours=1)
CODE_DIGITS = 6
MAX_TYPED_LENGTH = 20


async def request_code(
    new_transaction: TransactionFactory,
    encryption: Encryption,
    email: str,
    browser: bytes,
    address: str,
    device: bytes | None,
) -> None:
    """Send a code to `email`, with the same rows and steps whether it has an account or not. Raises RateLimited.

    Requests from devices that the account knows are counted for themselves (docs/decisions/0035-device-tokens.md).
    """
    email = email.lower()
    async with new_transaction() as db:
        await RateLimits(db).hit([RateLimitKey(NETWORK, f"codes {client_network(address)}")])
    async with new_transaction() as db:
        codes, now, typed = SignInCodes(db), clock.now(), f"{secrets.randbelow(1_000_000):06d}"
        known = device if device is not None and await Devices(db).knows(email, device) else None
        recent = await codes.recent(email, known, now - LIMIT_PERIOD)
        if len(recent) >= MAX_CODES_PER_HOUR:
            until = recent[-MAX_CODES_PER_HOUR] + LIMIT_PERIOD
            raise rate_limited(until) if known else _used_up(until)
        credentials = await Users(db).credentials(email)
        user_id = credentials[0] if credentials else None
        row = await codes.issue(
            email, browser, known, user_id, _digest(encryption, email, browser, typed), now, now + CODE_LIFETIME
        )
        key = f"{CODE_EMAIL}:{row.id}"
        recipient = None if user_id else email
        await EmailOutbox(db).add(encrypted_email(CODE_EMAIL, key, typed, encryption, user_id, recipient))


async def redeem_code(
    new_transaction: TransactionFactory, encryption: Encryption, browser: bytes, email: str, typed: str
) -> SignInCode:
    """Use up the browser's live code for `email`, or its latest where `email` is "". Raises Invalid at `code`.

    The row is locked and the try counted before the comparison, whatever becomes of the request.
    """
    code = "".join(str(int(character)) for character in typed if character.isdecimal())
    if len(code) != CODE_DIGITS or len(typed) > MAX_TYPED_LENGTH:
        raise Invalid({"code": _("Enter the 6 digits of the code in our email.")})
    async with new_transaction() as db:
        row = await SignInCodes(db).live(browser, email.lower(), lock=True)
        if row is None:
            raise Invalid({"code": _("This code doesn't work here any more. Get a new one.")})
        row.attempts += 1
        await db.flush()
        if secrets.compare_digest(row.digest, _digest(encryption, row.email, browser, code)):
            row.used_at = clock.now()
            return row
        left = MAX_CODE_TRIES - row.attempts
        if not left:
            row.ended_at = clock.now()
    if not left:
        raise Invalid({"code": _("That was the fifth wrong code, so it doesn't work any more. Get a new one.")})
    raise Invalid(
        {
            "code": ngettext(
                "That's not the right code. You have 1 more try.",
                "That's not the right code. You have %(num)s more tries.",
                left,
            )
        }
    )


async def confirm_account(db: AsyncSession, email: str) -> User | None:
    """The account of a proven address, locked, with its address confirmed; None when there is none."""
    users = Users(db)
    credentials = await users.credentials(email)
    if credentials is None:
        return None
    try:
        user = await users.get(credentials[0], lock=True)
    except Missing:  # deleted at this very moment
        return None
    _confirm_email(user)
    return user


async def create_account(db: AsyncSession, proven: SignInCode, new: NewPerson) -> User:
    """Make the customer's account of a proven address, without a password; or take the one that it has by now.

    Raises Invalid with every wrong field.
    """
    fields = collect(
        {
            "full_name": lambda: parse_name(new.full_name),
            "phone": lambda: parse_phone(new.phone, proven.email),
            "address": lambda: parse_address_line(new.address),
            "pincode": lambda: parse_pincode(new.pincode),
        }
    )
    await Pincodes(db).require(fields["pincode"])
    user = new_user(Role.CUSTOMER, proven.email, fields["full_name"], fields["phone"], "")
    if not await Users(db).add(user):
        existing = await confirm_account(db, proven.email)
        if existing is None:
            raise Missing()
        return existing
    user.record("person.registered", by=user, role=user.role)
    await Addresses(db, user.id).add(fields["address"], fields["pincode"])
    _confirm_email(user)
    return user


def proven_since() -> datetime:
    """Since when a code must have been used for /welcome."""
    return clock.now() - WELCOME_DURATION


def _used_up(until: datetime) -> RateLimited:
    """The refusal where others may have used up the codes of the address: it says how to sign in all the same."""
    minutes = max(1, -(-int((until - clock.now()).total_seconds()) // 60))
    message = ngettext(
        "This address has been sent all its codes for this hour. Sign in with your password, or use a browser where you"
        " signed in before. A new code is possible in 1 minute.",
        "This address has been sent all its codes for this hour. Sign in with your password, or use a browser where you"
        " signed in before. A new code is possible in %(num)s minutes.",
        minutes,
    )
    return RateLimited(message, rate_limited(until).seconds)


def _confirm_email(user: User) -> None:
    if user.email_verified_at is None:
        user.email_verified_at = clock.now()
        user.record("person.email_verified", by=user)


def _digest(encryption: Encryption, email: str, browser: bytes, code: str) -> bytes:
    return encryption.digest(f"{email}|{browser.hex()}|{code}", "sign-in code")
