"""Where accounts are found: always through the person they belong to."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Address, Pincode
from app.accounts.attempts import ACCOUNT, ACCOUNT_HERE, Purse, Tally, keys_of
from app.accounts.session import SESSION_ENDED, Attempts, MailLink, Session
from app.accounts.user import Block, Role, User
from app.core import clock
from app.core.errors import Invalid, Missing
from app.core.events import nudge
from app.core.i18n import _
from app.core.outbox import Outbox
from app.core.queue import MAIL, later
from app.core.references import RowNumbers

MOST_ADDRESSES = 20
IDS = RowNumbers()
VERIFY, RESET = "verify", "reset"


class Users:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def get(self, user_id: int, *, lock: bool = False) -> User:
        """Locked when something about the person is about to change, so that their history stays one chain.

        Of who has left nothing changes any more: Missing.
        """
        found = await self._db.get(User, user_id, with_for_update=lock or None, populate_existing=lock)
        if found is None or (lock and found.left_at is not None):
            raise Missing()
        return found

    async def with_email(self, email: str) -> User | None:
        """Whatever the case."""
        found: User | None = await self._db.scalar(select(User).where(func.lower(User.email) == func.lower(email)))
        return found

    async def add(self, user: User) -> bool:
        """False when somebody has the address already, also somebody quicker."""
        try:
            async with self._db.begin_nested():
                self._db.add(user)
                await self._db.flush()
        except IntegrityError as clash:
            if "users_email_key" not in str(clash.orig):
                raise
            return False
        return True

    async def take_email(self, user: User, email: str) -> bool:
        """Give the person a new address; False when it is another account's by now."""
        before = user.email
        try:
            async with self._db.begin_nested():
                user.email = email
                await self._db.flush()
        except IntegrityError as clash:
            if "users_email_key" not in str(clash.orig):
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

    async def admins(self) -> Sequence[int]:
        """Who looks after the service, and may: nobody who is blocked."""
        blocked = select(Block.id).where(Block.user_id == User.id, Block.lifted_at.is_(None)).exists()
        query = select(User.id).where(User.role == Role.ADMIN, ~blocked).order_by(User.id)
        return (await self._db.scalars(query)).all()

    async def block_of(self, user_id: int) -> Block | None:
        """The block in force."""
        found: Block | None = await self._db.scalar(
            select(Block).where(Block.user_id == user_id, Block.lifted_at.is_(None))
        )
        return found


class Pincodes:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def get(self, pincode: str) -> Pincode | None:
        found: Pincode | None = await self._db.get(Pincode, pincode)
        return found

    async def known(self, pincode: str, field: str = "pincode") -> Pincode:
        """Raises Invalid beside `field` when there is no such place."""
        found = await self.get(pincode)
        if found is None:
            raise Invalid({field: _("We know no place with the pincode %(pincode)s.", pincode=pincode)})
        return found


class Addresses:
    """The address book of one person. Whatever changes it takes its lock first: one main address, always."""

    def __init__(self, db: AsyncSession, owner_id: int) -> None:
        self._db = db
        self._owner_id = owner_id

    async def all(self) -> Sequence[Address]:
        """The main one first."""
        mine = select(Address).where(Address.user_id == self._owner_id)
        return (await self._db.scalars(mine.order_by(Address.is_main.desc(), Address.id))).all()

    async def get(self, address_id: int, *, lock: bool = False) -> Address:
        if address_id not in IDS:
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

    async def add(self, line: str, pincode: str) -> Address:
        """The first one is the main one."""
        await self._lock_book()
        before = await self.all()
        if len(before) >= MOST_ADDRESSES:
            raise Invalid({"address": _("Your address book is full. Remove an address first.")})
        made = Address(user_id=self._owner_id, line=line, pincode=pincode, is_main=not before, created_at=clock.now())
        self._db.add(made)
        await self._db.flush()
        return made

    async def make_main(self, address: Address) -> None:
        await self._db.execute(
            update(Address).where(Address.user_id == self._owner_id, Address.is_main).values(is_main=False)
        )
        address.is_main = True
        await self._db.flush()

    async def remove(self, address: Address) -> None:
        """When the main one goes, the oldest of the others takes its place."""
        await self._db.delete(address)
        await self._db.flush()
        left = await self.all()
        if left and not left[0].is_main:
            await self.make_main(left[0])

    async def _lock_book(self) -> None:
        """Two changes of one book stand in line, so that there is always exactly one main address."""
        here = select(User.id).where(User.id == self._owner_id, User.left_at.is_(None))
        if await self._db.scalar(here.with_for_update()) is None:
            raise Missing()


class Browsers:
    """The browsers in which one person is signed in."""

    def __init__(self, db: AsyncSession, owner_id: int) -> None:
        self._db = db
        self._owner_id = owner_id

    async def all(self) -> Sequence[Session]:
        """The live ones, the last used first."""
        mine = select(Session).where(Session.user_id == self._owner_id, Session.expires_at > clock.now())
        return (await self._db.scalars(mine.order_by(Session.last_seen_at.desc(), Session.id).limit(50))).all()

    async def end(self, session_id: int) -> None:
        if session_id not in IDS:
            raise Missing()
        ended = await self._db.execute(
            delete(Session).where(Session.user_id == self._owner_id, Session.id == session_id).returning(Session.id)
        )
        if ended.first() is None:
            raise Missing()
        nudge(self._db, f"user:{self._owner_id}", SESSION_ENDED)


class Links:
    """Single-use links that went out by mail."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def issue_reset(self, email: str, digest: bytes, expires_at: datetime) -> int | None:
        """One statement for known and unknown addresses alike; whose it is, when it is anybody's."""
        values = {"digest": digest, "purpose": RESET, "created_at": clock.now(), "expires_at": expires_at}
        columns = [literal(value, MailLink.__table__.c[name].type) for name, value in values.items()]
        whose = select(User.id, User.email, *columns).where(func.lower(User.email) == func.lower(email))
        whose = whose.with_for_update(read=True, key_share=True)  # whoever is leaving now has left by then
        made = await self._db.execute(
            insert(MailLink).from_select(["user_id", "address", *values], whose).returning(MailLink.user_id)
        )
        found: int | None = made.scalar_one_or_none()
        return found

    async def is_open(self, purpose: str, digest: bytes) -> bool:
        found: bool = await self._db.scalar(select(exists().where(*_open(purpose, digest)))) or False
        return found

    async def redeem(self, purpose: str, digest: bytes) -> MailLink | None:
        """Spend it: of two that come at once, one gets it."""
        spent = await self._db.execute(
            update(MailLink).where(*_open(purpose, digest)).values(used_at=clock.now()).returning(MailLink)
        )
        found: MailLink | None = spent.scalar_one_or_none()
        return found

    async def void(self, purpose: str, user_id: int) -> None:
        """The person's other links of this purpose open nothing any more."""
        await self._db.execute(
            update(MailLink)
            .where(MailLink.user_id == user_id, MailLink.purpose == purpose, MailLink.used_at.is_(None))
            .values(used_at=clock.now())
        )


def _open(purpose: str, digest: bytes) -> list[ColumnElement[bool]]:
    return [
        MailLink.digest == digest,
        MailLink.purpose == purpose,
        MailLink.used_at.is_(None),
        MailLink.expires_at > clock.now(),
    ]


class Tries:
    """Counted tries. Used in a transaction of its own, which commits whatever becomes of the request."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def spend(self, purses: Sequence[Purse]) -> None:
        """Counts one try under all of them, or under none and raises TooSoon."""
        now, keys = clock.now(), keys_of(purses)
        await self._db.execute(
            upsert(Attempts)
            .values([{"key": key, "count": 0, "first_at": now, "wait_until": now} for key in keys])
            .on_conflict_do_nothing()
        )
        asked = select(Attempts.key, Attempts.count.label("count_"), Attempts.first_at, Attempts.wait_until)
        locked = asked.where(Attempts.key.in_(keys)).order_by(Attempts.key).with_for_update()
        rows = await self._db.execute(locked)
        found = {row.key: Tally(row.count_, row.first_at, row.wait_until) for row in rows}
        spent = {purse.key: purse.spend(found[purse.key], now) for purse in purses}
        for key in keys:
            await self._db.execute(update(Attempts).where(Attempts.key == key).values(**asdict(spent[key])))

    async def forgive(self, purses: Sequence[Purse]) -> None:
        """It was the right person: their tries are forgotten, and this one does not count for the network."""
        for key in keys_of(purses):
            own = key.startswith((f"{ACCOUNT_HERE.name}:", f"{ACCOUNT.name}:"))
            left = 0 if own else func.greatest(Attempts.count - 1, 0)
            await self._db.execute(
                update(Attempts).where(Attempts.key == key).values(count=left, wait_until=clock.now())
            )


class Mailbox:
    """Mails to be sent, and which were asked for already."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def put(self, mail: Outbox) -> None:
        """A mail with the same dedupe key goes out once."""
        values = {name: getattr(mail, name) for name in ("kind", "recipient_id", "address", "data", "dedupe_key")} | {
            "lane": 0,
            "created_at": clock.now(),
            "due_at": clock.now(),
        }
        await self._db.execute(upsert(Outbox).values(values).on_conflict_do_nothing())
        later(self._db, "drain_outbox", queue=MAIL)
