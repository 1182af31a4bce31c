"""Queries on accounts, always scoped to the user they belong to."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, func, insert, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Address, Pincode
from app.accounts.address_details import NO_DETAILS, AddressDetails
from app.accounts.attempts import ACCOUNT, ACCOUNT_HERE, DEVICE, AttemptCount, RateLimitKey, sorted_keys
from app.accounts.contact_fields import phone_fragment
from app.accounts.professional import ApprovalStatus, Professional, ProfessionalRating
from app.accounts.ratings import SELECT_STARS, RatingDistribution, add_counts, load_distribution
from app.accounts.session import (
    DEVICE_LIFETIME,
    SESSION_ENDED,
    Attempts,
    DeviceToken,
    EmailLink,
    LinkPurpose,
    Session,
)
from app.accounts.user import AdminRight, Block, Role, User
from app.core import clock
from app.core.db import violated_constraint
from app.core.errors import Invalid, Missing
from app.core.events import nudge
from app.core.i18n import _
from app.core.outbox import Outbox
from app.core.queue import MAIL_QUEUE, enqueue_after_commit
from app.core.references import RowIds
from app.core.typed_text import containing_pattern, normal_line, search_form

EMAIL_CONSTRAINT = "users_email_key"
MAX_ADDRESSES = 20
MAX_DEVICES = 20
ROW_IDS = RowIds()


def person_patterns(typed: str) -> tuple[str, str]:
    """Patterns of LIKE, but for the case, of the people that a search finds: by the text, and by a phone in it."""
    text = search_form(normal_line(typed))
    return containing_pattern(text), containing_pattern(phone_fragment(typed) or text)


def matches_person(typed: str) -> ColumnElement[bool]:
    """Whether name, email or phone contain the text: without accents, with any quotes, the phone as people write it."""
    conditions = (User.search_text.like(func.lower(pattern)) for pattern in dict.fromkeys(person_patterns(typed)))
    return or_(*conditions)


class Users:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def get(self, user_id: int, *, lock: bool = False) -> User:
        """Lock the row before any change, so that the user's history stays one chain.

        Raises Missing; also to lock a deleted account, which never changes.
        """
        found = await self._db.get(User, user_id, with_for_update=lock or None, populate_existing=lock)
        if found is None or (lock and found.deleted_at is not None):
            raise Missing()
        return found

    async def has_left(self, user_id: int) -> bool:
        """Whether the account has been deleted, also by another transaction meanwhile."""
        return await self._db.scalar(select(User.deleted_at).where(User.id == user_id)) is not None

    def add_block(self, user: User, by_id: int, reason: str) -> None:
        self._db.add(Block(user_id=user.id, blocked_by_id=by_id, reason=reason, created_at=clock.now()))

    async def add_professional(
        self, user: User, home: Pincode, *, trade: str, experience_years: int, languages: list[str]
    ) -> None:
        """Create the professional's side of the account, not approved yet."""
        self._db.add(
            Professional(
                user_id=user.id,
                approval_status=ApprovalStatus.PENDING,
                trade=trade,
                experience_years=experience_years,
                languages=languages,
                home_pincode=home.pincode,
                created_at=clock.now(),
            )
        )
        await self._db.flush()

    async def by_email(self, email: str) -> User | None:
        """Case-insensitive."""
        found: User | None = await self._db.scalar(select(User).where(func.lower(User.email) == func.lower(email)))
        return found

    async def add(self, user: User) -> bool:
        """Insert the user; False if the email is taken, also by a concurrent transaction."""
        try:
            async with self._db.begin_nested():
                self._db.add(user)
                await self._db.flush()
        except IntegrityError as clash:
            if violated_constraint(clash) != EMAIL_CONSTRAINT:
                raise
            return False
        return True

    async def change_email(self, user: User, email: str) -> bool:
        """Change the user's email; False if another account has it by now."""
        before = user.email
        try:
            async with self._db.begin_nested():
                user.email = email
                await self._db.flush()
        except IntegrityError as clash:
            if violated_constraint(clash) != EMAIL_CONSTRAINT:
                raise
            user.email = before
            return False
        return True

    async def credentials(self, email: str) -> tuple[int, str] | None:
        """The id and the password's hash; the same query for known and unknown addresses."""
        found = await self._db.execute(
            select(User.id, User.password_hash).where(func.lower(User.email) == func.lower(email))
        )
        row = found.one_or_none()
        return (row.id, row.password_hash) if row else None

    async def has_password(self, user_id: int) -> bool:
        """Whether the account can be signed in to with a password; else only with a code by email."""
        return await self._db.scalar(select(User.id).where(User.id == user_id, User.password_hash != "")) is not None

    async def admin_ids(self) -> Sequence[int]:
        """The ids of all active admins that are not blocked."""
        blocked = select(Block.id).where(Block.user_id == User.id, Block.lifted_at.is_(None)).exists()
        query = select(User.id).where(User.role == Role.ADMIN, ~blocked).order_by(User.id)
        return (await self._db.scalars(query)).all()

    async def owner_ids(self) -> Sequence[int]:
        """The ids of all active admins with every right that are not blocked."""
        blocked = select(Block.id).where(Block.user_id == User.id, Block.lifted_at.is_(None)).exists()
        query = select(User.id).where(User.role == Role.ADMIN, User.admin_right == AdminRight.OWNER, ~blocked)
        return (await self._db.scalars(query.order_by(User.id))).all()

    async def has_admin_besides(self, admin_id: int) -> bool:
        """Whether an admin besides this one may act."""
        return any(other != admin_id for other in await self.admin_ids())

    async def last_block(self, user_id: int) -> Block | None:
        """The block in force, or the last one."""
        query = select(Block).where(Block.user_id == user_id).order_by(Block.id.desc()).limit(1)
        return (await self._db.scalars(query)).one_or_none()

    async def active_block(self, user_id: int) -> Block | None:
        """The block in force."""
        found: Block | None = await self._db.scalar(
            select(Block).where(Block.user_id == user_id, Block.lifted_at.is_(None))
        )
        return found


class ProfessionalRatings:
    """The reviews of professionals by their stars, and their completed jobs."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def of(self, professional_id: int) -> RatingDistribution:
        query = f"{SELECT_STARS} FROM professional_ratings WHERE professional_id = $1"
        return await load_distribution(self._db, query, professional_id)

    async def completed_jobs(self, professional_id: int) -> int:
        jobs = await self._db.scalar(
            select(ProfessionalRating.jobs).where(ProfessionalRating.professional_id == professional_id)
        )
        return jobs or 0

    async def count_job(self, professional_id: int) -> None:
        """Count one more completed job."""
        await self._count(professional_id, {"jobs": 1})

    async def count_stars(self, professional_id: int, counts: Mapping[str, int]) -> None:
        """Add numbers of reviews, by column of the stars."""
        await self._count(professional_id, counts)

    async def _count(self, professional_id: int, counts: Mapping[str, int]) -> None:
        await add_counts(self._db, ProfessionalRating, {"professional_id": professional_id}, counts)


class Pincodes:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def get(self, pincode: str) -> Pincode | None:
        found: Pincode | None = await self._db.get(Pincode, pincode)
        return found

    async def require(self, pincode: str, field: str = "pincode") -> Pincode:
        """The pincode, or Invalid at `field` when it does not exist."""
        found = await self.get(pincode)
        if found is None:
            raise Invalid({field: _("We can't find a place with the pincode %(pincode)s. Check it.", pincode=pincode)})
        return found


class Addresses:
    """The address book of one user. Every change locks it first, so that there is always one main address."""

    def __init__(self, db: AsyncSession, owner_id: int) -> None:
        self._db = db
        self._owner_id = owner_id

    async def all(self) -> Sequence[Address]:
        """Every address, the main one first."""
        own = select(Address).where(Address.user_id == self._owner_id)
        return (await self._db.scalars(own.order_by(Address.is_main.desc(), Address.id))).all()

    async def get(self, address_id: int, *, lock: bool = False) -> Address:
        if address_id not in ROW_IDS:
            raise Missing()
        if lock:
            await self._lock_book()
        found: Address | None = await self._db.scalar(
            select(Address).where(Address.user_id == self._owner_id, Address.id == address_id)
        )
        if found is None:
            raise Missing()
        return found

    async def main(self) -> Address | None:
        return next(iter(await self.all()), None)

    async def add(self, line: str, pincode: str, details: AddressDetails = NO_DETAILS) -> Address:
        """Add an address; the first one is the main one. Raises Invalid when the book is full."""
        await self._lock_book()
        before = await self.all()
        if len(before) >= MAX_ADDRESSES:
            raise Invalid({"address": _("You can't save any more addresses. Remove one first.")})
        address = Address(
            user_id=self._owner_id, line=line, pincode=pincode, is_main=not before, created_at=clock.now()
        )
        address.details = details
        self._db.add(address)
        await self._db.flush()
        return address

    async def make_main(self, address: Address) -> None:
        await self._db.execute(
            update(Address).where(Address.user_id == self._owner_id, Address.is_main).values(is_main=False)
        )
        address.is_main = True
        await self._db.flush()

    async def remove(self, address: Address) -> None:
        """Remove an address; after the main one, the oldest other becomes the main address."""
        await self._db.delete(address)
        await self._db.flush()
        remaining = await self.all()
        if remaining and not remaining[0].is_main:
            await self.make_main(remaining[0])

    async def _lock_book(self) -> None:
        """Serialize the changes of one book. Raises Missing for a deleted account."""
        owner = select(User.id).where(User.id == self._owner_id, User.deleted_at.is_(None))
        if await self._db.scalar(owner.with_for_update()) is None:
            raise Missing()


class OwnSessions:
    """The browsers and programs in which one user is signed in."""

    def __init__(self, db: AsyncSession, owner_id: int) -> None:
        self._db = db
        self._owner_id = owner_id

    async def all(self) -> Sequence[Session]:
        """The active sessions, the last used first."""
        own = select(Session).where(Session.user_id == self._owner_id, Session.expires_at > clock.now())
        return (await self._db.scalars(own.order_by(Session.last_seen_at.desc(), Session.id).limit(50))).all()

    async def count(self) -> int:
        active = select(func.count()).where(Session.user_id == self._owner_id, Session.expires_at > clock.now())
        return (await self._db.execute(active)).scalar_one()

    async def end(self, session_id: int) -> None:
        if session_id not in ROW_IDS:
            raise Missing()
        ended = await self._db.execute(
            delete(Session).where(Session.user_id == self._owner_id, Session.id == session_id).returning(Session.id)
        )
        if ended.first() is None:
            raise Missing()
        nudge(self._db, f"user:{self._owner_id}", SESSION_ENDED)


class Devices:
    """The browsers and programs that have signed in to an account before, known by the digest of their token."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def knows(self, email: str, digest: bytes) -> bool:
        """Whether the device signed in to the account of this address; the same query for known and unknown ones."""
        query = select(DeviceToken.id).join(User, User.id == DeviceToken.user_id)
        own = query.where(func.lower(User.email) == func.lower(email), *_current_device(digest))
        return await self._db.scalar(own) is not None

    async def is_known_to(self, user_id: int, digest: bytes) -> bool:
        query = select(DeviceToken.id).where(DeviceToken.user_id == user_id, *_current_device(digest))
        return await self._db.scalar(query) is not None

    async def remember(self, user_id: int, digest: bytes, *, previous: bytes | None = None) -> None:
        """Know the device for 90 days from now; of an account's devices the last MAX_DEVICES are known.

        The user's row is locked. `previous` is the token that the device had: what other accounts know it by changes.
        """
        now = clock.now()
        if previous is not None and previous != digest:
            await self._db.execute(update(DeviceToken).where(DeviceToken.digest == previous).values(digest=digest))
        values = {"last_used_at": now, "expires_at": now + DEVICE_LIFETIME}
        await self._db.execute(
            upsert(DeviceToken)
            .values(digest=digest, user_id=user_id, created_at=now, **values)
            .on_conflict_do_update(index_elements=["user_id", "digest"], set_=values)
        )
        own = select(DeviceToken.id).where(DeviceToken.user_id == user_id)
        surplus = own.order_by(DeviceToken.last_used_at.desc(), DeviceToken.id.desc()).offset(MAX_DEVICES)
        await self._db.execute(delete(DeviceToken).where(DeviceToken.id.in_(surplus)))


def _current_device(digest: bytes) -> list[ColumnElement[bool]]:
    return [DeviceToken.digest == digest, DeviceToken.expires_at > clock.now()]


class EmailLinks:
    """Single-use links that were sent by email."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def issue_reset(self, email: str, digest: bytes, expires_at: datetime) -> int | None:
        """Store a reset link in one statement for known and unknown addresses alike; the user's id, if there is one."""
        values = {"digest": digest, "purpose": LinkPurpose.RESET, "created_at": clock.now(), "expires_at": expires_at}
        columns = [literal(value, EmailLink.__table__.c[name].type) for name, value in values.items()]
        owner = select(User.id, User.email, *columns).where(func.lower(User.email) == func.lower(email))
        owner = owner.with_for_update(read=True, key_share=True)  # waits for a concurrent account deletion
        inserted = await self._db.execute(
            insert(EmailLink).from_select(["user_id", "address", *values], owner).returning(EmailLink.user_id)
        )
        user_id: int | None = inserted.scalar_one_or_none()
        return user_id

    async def owner(self, digest: bytes) -> User | None:
        """The owner of the link; None when it was requested for an address without an account."""
        query = select(User).join(EmailLink, EmailLink.user_id == User.id).where(EmailLink.digest == digest)
        owner: User | None = await self._db.scalar(query)
        return owner

    async def open_owner(self, purpose: LinkPurpose, digest: bytes) -> User | None:
        """The owner of the link while it is open."""
        query = select(User).join(EmailLink, EmailLink.user_id == User.id).where(*_open(purpose, digest))
        owner: User | None = await self._db.scalar(query)
        return owner

    async def is_open(self, purpose: LinkPurpose, digest: bytes) -> bool:
        found: bool = await self._db.scalar(select(exists().where(*_open(purpose, digest)))) or False
        return found

    async def redeem(self, purpose: LinkPurpose, digest: bytes) -> EmailLink | None:
        """Use the link up; of two concurrent requests one gets it."""
        used = await self._db.execute(
            update(EmailLink).where(*_open(purpose, digest)).values(used_at=clock.now()).returning(EmailLink)
        )
        found: EmailLink | None = used.scalar_one_or_none()
        return found

    async def revoke(self, purpose: LinkPurpose, user_id: int) -> None:
        """Close the user's open links of this purpose."""
        await self._db.execute(
            update(EmailLink)
            .where(EmailLink.user_id == user_id, EmailLink.purpose == purpose, EmailLink.used_at.is_(None))
            .values(used_at=clock.now())
        )


def _open(purpose: LinkPurpose, digest: bytes) -> list[ColumnElement[bool]]:
    return [
        EmailLink.digest == digest,
        EmailLink.purpose == purpose,
        EmailLink.used_at.is_(None),
        EmailLink.expires_at > clock.now(),
    ]


class RateLimits:
    """Counted attempts. Use a separate transaction, which commits independently of the request."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def hit(self, limits: Sequence[RateLimitKey]) -> list[int]:
        """Count one attempt under every key and return the counts; or raise RateLimited and count it under none."""
        now, keys = clock.now(), sorted_keys(limits)
        await self._db.execute(
            upsert(Attempts)
            .values([{"key": key, "count": 0, "first_at": now, "wait_until": now} for key in keys])
            .on_conflict_do_nothing()
        )
        query = select(Attempts.key, Attempts.count.label("count_"), Attempts.first_at, Attempts.wait_until)
        locked = query.where(Attempts.key.in_(keys)).order_by(Attempts.key).with_for_update()
        rows = await self._db.execute(locked)
        before = {row.key: AttemptCount(row.count_, row.first_at, row.wait_until) for row in rows}
        after = {limit.key: limit.hit(before[limit.key], now) for limit in limits}
        for key in keys:
            await self._db.execute(update(Attempts).where(Attempts.key == key).values(**asdict(after[key])))
        return [after[limit.key].count for limit in limits]

    async def reset(self, limits: Sequence[RateLimitKey]) -> None:
        """After a success: forget the account's attempts, and do not count this one for the network."""
        for key in sorted_keys(limits):
            own = key.startswith(tuple(f"{policy.name}:" for policy in (ACCOUNT_HERE, ACCOUNT, DEVICE)))
            remaining = 0 if own else func.greatest(Attempts.count - 1, 0)
            await self._db.execute(
                update(Attempts).where(Attempts.key == key).values(count=remaining, wait_until=clock.now())
            )


class EmailOutbox:
    """Emails of accounts, queued in the outbox."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def add(self, email: Outbox) -> None:
        """Queue an email; one with the same dedupe key is sent once."""
        values = {name: getattr(email, name) for name in ("kind", "recipient_id", "address", "data", "dedupe_key")} | {
            "priority": 0,
            "created_at": clock.now(),
            "due_at": clock.now(),
        }
        await self._db.execute(upsert(Outbox).values(values).on_conflict_do_nothing())
        enqueue_after_commit(self._db, "drain_outbox", queue=MAIL_QUEUE)
