"""The outbox, claimed and settled; and what a mail must know of the booking it is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Pincode
from app.accounts.session import MailLink
from app.accounts.user import Block, User, public_name
from app.bookings.booking import Booking
from app.core.orm import Base
from app.core.outbox import Outbox
from app.payments.charge import Charge
from app.payments.repository import Charges
from app.reviews.repository import Reviews
from app.reviews.review import ProfessionalRating
from app.reviews.spread import Spread
from app.vetting.verification import Verification


class Mails:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def claim(self, channel: str, most: int, now: datetime, until: datetime) -> Sequence[Outbox]:
        """Up to `most` of the channel that are due, ours alone until `until`; each claim counts as a try.

        Lane by lane: a thousand reports wait behind one code.
        """
        due = (
            select(Outbox.id)
            .where(
                Outbox.channel == channel,
                Outbox.sent_at.is_(None),
                Outbox.parked_at.is_(None),
                Outbox.due_at <= now,
                or_(Outbox.claimed_until.is_(None), Outbox.claimed_until <= now),
            )
            .order_by(Outbox.lane, Outbox.due_at, Outbox.id)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        claimed = await self._db.scalars(
            update(Outbox)
            .where(Outbox.id.in_(due.scalar_subquery()))
            .values(claimed_until=until, attempts=Outbox.attempts + 1)
            .returning(Outbox)
            .execution_options(populate_existing=True)
        )
        return sorted(claimed, key=lambda mail: (mail.lane, mail.due_at, mail.id))

    async def hold(self, mail_ids: Sequence[int], until: datetime) -> None:
        """A sign of life of whoever has them in hand."""
        mine = update(Outbox).where(Outbox.id.in_(mail_ids), Outbox.claimed_until.is_not(None))
        await self._db.execute(mine.values(claimed_until=until))

    async def is_mine(self, mail: Outbox, until: datetime) -> bool:
        """Still: False when its claim ran out (this process stood still) and somebody else took it up or settled it."""
        mine = update(Outbox).where(
            Outbox.id == mail.id, Outbox.attempts == mail.attempts, Outbox.claimed_until.is_not(None)
        )
        held = await self._db.execute(mine.values(claimed_until=until).returning(Outbox.id))
        return held.scalar_one_or_none() is not None

    async def give_back(self, mail_ids: Sequence[int], now: datetime) -> None:
        """Not tried: whoever is there may have them at once."""
        back = {"due_at": now, "claimed_until": None, "attempts": Outbox.attempts - 1}
        mine = update(Outbox).where(Outbox.id.in_(mail_ids), Outbox.claimed_until.is_not(None))
        await self._db.execute(mine.values(**back))

    async def sent(self, mail_id: int, now: datetime, *, erase: str | None) -> None:
        """`erase` names the value of `data` that nobody needs any more."""
        data = Outbox.data if erase is None else Outbox.data.op("-")(erase)
        values = {"sent_at": now, "claimed_until": None, "last_error": None, "data": data}
        await self._db.execute(update(Outbox).where(Outbox.id == mail_id).values(values))

    async def again(self, mail_id: int, due_at: datetime, why: str) -> None:
        await self._db.execute(
            update(Outbox).where(Outbox.id == mail_id).values(due_at=due_at, claimed_until=None, last_error=why)
        )

    async def wait(self, mail_id: int, due_at: datetime) -> None:
        """Not a try: its reader sleeps."""
        later = {"due_at": due_at, "claimed_until": None, "attempts": Outbox.attempts - 1}
        await self._db.execute(update(Outbox).where(Outbox.id == mail_id).values(**later))

    async def park(self, mail_id: int, now: datetime, why: str) -> None:
        """Given up; the row stays for whoever looks after the service."""
        await self._db.execute(
            update(Outbox).where(Outbox.id == mail_id).values(parked_at=now, claimed_until=None, last_error=why)
        )

    async def forget(self, mail_id: int) -> None:
        await self._db.execute(delete(Outbox).where(Outbox.id == mail_id))

    async def forget_channel(self, channel: str) -> None:
        """What waits for a channel that is not there."""
        waits = Outbox.sent_at.is_(None), Outbox.parked_at.is_(None)
        await self._db.execute(delete(Outbox).where(Outbox.channel == channel, *waits))

    async def once(self, row: Base) -> bool:
        """Write a message or notice of any channel; False when its key stands there already."""
        table = type(row).__table__
        given = {column.name: getattr(row, column.key) for column in table.columns}
        values = {name: value for name, value in given.items() if value is not None}
        made = insert(type(row)).values(**values).on_conflict_do_nothing(index_elements=["dedupe_key"])
        return (await self._db.execute(made.returning(table.c.id))).scalar_one_or_none() is not None

    async def latest(self, most: int) -> Sequence[Outbox]:
        return (await self._db.scalars(select(Outbox).order_by(Outbox.id.desc()).limit(most))).all()

    async def get(self, mail_id: int) -> Outbox | None:
        found: Outbox | None = await self._db.get(Outbox, mail_id)
        return found


@dataclass(frozen=True, slots=True)
class Told:
    """Around a booking: who comes, how they are rated, where it is, how it is paid."""

    customer: User
    professional: User | None
    spread: Spread
    jobs: int
    place: str
    charge: Charge | None

    @property
    def who(self) -> str:
        """As the public knows them: "Ravi K."."""
        return public_name(self.professional.full_name) if self.professional else ""


class Around:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def person(self, user_id: int | None) -> User | None:
        """None also for who has left: nobody reads a letter to them."""
        found: User | None = await self._db.get(User, user_id) if user_id is not None else None
        return found if found is not None and found.left_at is None else None

    async def last_block(self, user_id: int) -> Block | None:
        """The block that lies on them, or the one that lay there last."""
        query = select(Block).where(Block.user_id == user_id).order_by(Block.id.desc()).limit(1)
        return (await self._db.scalars(query)).one_or_none()

    async def last_denial(self, professional_id: int) -> str | None:
        """The reason of the last case that was decided; None when that was an approval."""
        query = select(Verification.reason).where(
            Verification.professional_id == professional_id, Verification.state.in_(("approved", "denied"))
        )
        return (await self._db.scalars(query.order_by(Verification.id.desc()).limit(1))).one_or_none()

    async def owner_of_link(self, digest: bytes) -> User | None:
        """Whose link this is; nobody's when it was asked for an address that has no account."""
        found: User | None = await self._db.scalar(
            select(User).join(MailLink, MailLink.user_id == User.id).where(MailLink.digest == digest)
        )
        return found

    async def of(self, booking: Booking, professional_id: int | None) -> Told:
        wanted = {booking.customer_id, professional_id} - {None}
        people = {user.id: user for user in await self._db.scalars(select(User).where(User.id.in_(wanted)))}
        place = await self._db.scalar(select(Pincode.place).where(Pincode.pincode == booking.pincode))
        spread, jobs = Spread(), 0
        if professional_id is not None:
            spread = await Reviews(self._db).spread_of_professional(professional_id)
            jobs = await self._jobs(professional_id)
        return Told(
            customer=people[booking.customer_id],
            professional=people.get(professional_id) if professional_id is not None else None,
            spread=spread,
            jobs=jobs,
            place=place or "",
            charge=await Charges(self._db).instrument_of(booking.id),
        )

    async def _jobs(self, professional_id: int) -> int:
        done = select(func.coalesce(func.max(ProfessionalRating.jobs), 0))
        return (await self._db.execute(done.where(ProfessionalRating.professional_id == professional_id))).scalar_one()
