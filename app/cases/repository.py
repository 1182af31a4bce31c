"""SQL of cases: found through the people of the booking, and the admin's queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, literal, or_, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.accounts.names import public_name
from app.accounts.user import Role, User
from app.bookings.booking import Booking
from app.bookings.repository import Bookings
from app.cases.case import CASE_RETENTION, SAFETY_TOPICS, Case, CaseMessage, CaseState, Side
from app.core.db import violated_constraint
from app.core.errors import Missing, Refused
from app.core.events import Person
from app.core.i18n import _
from app.core.paging import AnyRow, CountedPage, Query, Sort, fetch_page
from app.core.references import RowIds, parse_reference
from app.payments.refund import Refund
from app.photos.photo import PHOTO_RETENTION, Photo, PhotoOwner
from app.photos.repository import PhotoLine, Photos

MAX_CASES_LISTED = 100
ROW_IDS = RowIds()
TABS = ("", "mine", "decided")  # of the admin's queue: all that are open, those assigned to the reader, decided ones
_customer, _professional, _assignee, _decider = (aliased(User) for _ in range(4))
SELECT_CASES: Query = (
    select(
        Case.id,
        Case.reference,
        Case.side,
        Case.topic,
        Case.state,
        Case.opened_at,
        Case.assigned_to_id,
        Case.answer_due_at,
        Case.decide_due_at,
        Case.first_answer_at,
        Case.decided_at,
        Case.decided_by_id,
        Case.outcomes,
        Case.amount,
        Case.borne_by,
        Case.withheld,
        Case.payout_released,
        Case.refund_id,
        Case.booking_id,
        Case.reason,
        Case.only_admin,
        Case.professional_id,
        Case.queue_at,
        Booking.customer_id,
        Booking.reference.label("booking"),
        Booking.service_name,
        _customer.full_name.label("customer"),
        _professional.full_name.label("professional"),
        _assignee.full_name.label("assigned_to"),
        _decider.full_name.label("decided_by"),
    )
    .join(Booking, Booking.id == Case.booking_id)
    .join(_customer, _customer.id == Booking.customer_id)
    .outerjoin(_professional, _professional.id == Case.professional_id)
    .outerjoin(_assignee, _assignee.id == Case.assigned_to_id)
    .outerjoin(_decider, _decider.id == Case.decided_by_id)
)
_OPEN = Case.state == CaseState.OPEN


@dataclass(frozen=True, slots=True)
class ThreadMessage:
    """A message of a case with its author."""

    id: int
    author_id: int
    author: str
    text: str
    photo_count: int
    created_at: datetime
    photos: Sequence[PhotoLine] = ()

    @property
    def public_author(self) -> str:
        """The author's name as customers know it."""
        return public_name(self.author)


@dataclass(frozen=True, slots=True)
class CaseLink:
    """A case as its booking's page names it."""

    reference: str
    topic: str
    side: str
    state: str
    outcomes: list[str] | None
    answer_due_at: datetime
    first_answer_at: datetime | None


# The cases of a booking `b`, latest first: columns of CaseLink (app.listeners).
CASE_LINKS_SQL = """
    ARRAY(SELECT ROW(c.reference, c.topic, c.side, c.state, c.outcomes, c.answer_due_at, c.first_answer_at)
            FROM cases c WHERE c.booking_id = b.id ORDER BY c.id DESC)
"""


class BookingCases:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def open_of(self, booking_id: int, side: Side) -> Case | None:
        """The open case of this side of the booking."""
        query = select(Case).where(Case.booking_id == booking_id, Case.side == side, _OPEN)
        found: Case | None = await self._db.scalar(query)
        return found

    async def add(self, case: Case) -> None:
        """Raises Refused("open") when this side of the booking has an open case."""
        try:
            async with self._db.begin_nested():
                self._db.add(case)
                await self._db.flush()
        except IntegrityError as clash:
            if violated_constraint(clash) != "cases_open_key":
                raise
            raise open_already() from clash

    async def add_message(self, message: CaseMessage) -> None:
        self._db.add(message)
        await self._db.flush()

    async def locked(self, reference: str, me: Person) -> tuple[Case, Booking]:
        """A case that `me` takes part in, as it is once its booking's row is locked. Raises Missing."""
        query = select(Case.id, Case.booking_id).join(Booking, Booking.id == Case.booking_id)
        row = (await self._db.execute(query.where(*_readable(reference, me)))).one_or_none()
        if row is None:
            raise Missing
        booking = (await Bookings(self._db).locked([row.booking_id]))[row.booking_id]
        return await self._db.get_one(Case, row.id, populate_existing=True), booking

    async def row(self, reference: str, me: Person) -> AnyRow:
        """A case that `me` takes part in, with the names of all. Raises Missing."""
        row = (await self._db.execute(SELECT_CASES.where(*_readable(reference, me)))).one_or_none()
        if row is None:
            raise Missing
        return row

    async def messages(self, case: AnyRow, me: Person) -> list[ThreadMessage]:
        """What `me` may read of the thread, oldest first: of a case of safety not what the other side wrote."""
        query = (
            select(
                CaseMessage.id,
                CaseMessage.author_id,
                User.full_name,
                CaseMessage.text,
                CaseMessage.photo_count,
                CaseMessage.created_at,
            )
            .join(User, User.id == CaseMessage.author_id)
            .where(CaseMessage.case_id == case.id)
            .order_by(CaseMessage.id)
        )
        if me.role != Role.ADMIN and case.topic in SAFETY_TOPICS:
            other_side = case.professional_id if me.id == case.customer_id else case.customer_id
            query = query.where(CaseMessage.author_id != other_side)
        rows = (await self._db.execute(query)).all()
        with_photos = [row.id for row in rows if row.photo_count]
        photos = await Photos(self._db).of(PhotoOwner.CASE_MESSAGE, with_photos) if with_photos else {}
        return [ThreadMessage(*row, photos.get(row.id, ())) for row in rows]

    async def photo_for(self, me: Person, photo_id: int) -> str:
        """Where a photo is stored. Missing for who may not read the message that it was sent with."""
        other_side = Case.professional_id if me.role == Role.CUSTOMER else Booking.customer_id
        is_readable = Case.topic.not_in(SAFETY_TOPICS) | CaseMessage.author_id.is_distinct_from(other_side)
        query = (
            select(Photo.stored_as)
            .join(CaseMessage, CaseMessage.id == Photo.case_message_id)
            .join(Case, Case.id == CaseMessage.case_id)
            .join(Booking, Booking.id == Case.booking_id)
            .where(Photo.id == photo_id, _takes_part(me), is_readable | literal(me.role == Role.ADMIN))
        )
        found: str | None = await self._db.scalar(query) if photo_id in ROW_IDS else None
        if found is None:
            raise Missing
        return found

    async def count_photos(self, case_id: int, author_id: int) -> int:
        """How many photos the person has sent in this case."""
        query = select(func.coalesce(func.sum(CaseMessage.photo_count), 0)).where(
            CaseMessage.case_id == case_id, CaseMessage.author_id == author_id
        )
        return int(await self._db.scalar(query) or 0)

    async def messages_with_old_photos(self, now: datetime, limit: int) -> list[int]:
        """Up to `limit` messages with photos, of cases that were decided 180 days ago."""
        query = (
            select(Photo.case_message_id)
            .join(CaseMessage, CaseMessage.id == Photo.case_message_id)
            .join(Case, Case.id == CaseMessage.case_id)
            .where(Case.decided_at < now - PHOTO_RETENTION)
            .distinct()
            .limit(limit)
        )
        return [number for number in await self._db.scalars(query) if number is not None]

    async def listed(self, me: Person) -> Sequence[AnyRow]:
        """The cases that `me` takes part in: open ones first, then the latest."""
        query = SELECT_CASES.where(_takes_part(me)).order_by(Case.state.desc(), Case.id.desc())
        return (await self._db.execute(query.limit(MAX_CASES_LISTED))).all()

    async def of_booking(self, booking_id: int, professional_id: int | None = None) -> Sequence[AnyRow]:
        """The cases of a booking, latest first; `professional_id`: those in which this professional takes part."""
        query = SELECT_CASES.where(Case.booking_id == booking_id).order_by(Case.id.desc())
        if professional_id is not None:
            query = query.where(Case.professional_id == professional_id)
        return (await self._db.execute(query)).all()

    async def page(self, tab: str, me: Person, after: str) -> CountedPage:
        """Open ones by their place in the queue, safety first; decided ones, latest first."""
        query = SELECT_CASES.where(_in_tab(tab, me))
        is_decided = tab == "decided"
        sort = Sort(Case.decided_at if is_decided else Case.queue_at, datetime)
        return await fetch_page(self._db, query, key=Case.id, sort=sort, descending=is_decided, after=after)

    async def first(self, tab: str, me: Person, after: tuple[datetime, int] | None, limit: int) -> Sequence[AnyRow]:
        """As `page`, up to `limit` rows after the one of that time and id."""
        is_decided = tab == "decided"
        time = Case.decided_at if is_decided else Case.queue_at
        query = SELECT_CASES.where(_in_tab(tab, me))
        if after is not None:
            position = tuple_(time, Case.id)
            query = query.where(position < after if is_decided else position > after)
        order = (time.desc(), Case.id.desc()) if is_decided else (time, Case.id)
        return (await self._db.execute(query.order_by(*order).limit(limit))).all()

    async def counts(self, me: Person) -> dict[str, int]:
        """Number of cases by tab."""
        counts = {}
        for tab in TABS:
            counts[tab] = await self._db.scalar(select(func.count(Case.id)).where(_in_tab(tab, me))) or 0
        return counts

    async def next_open(self) -> str | None:
        """The reference of the first case of the queue."""
        query = select(Case.reference).where(_OPEN).order_by(Case.queue_at, Case.id).limit(1)
        reference: str | None = await self._db.scalar(query)
        return reference

    async def count_messages(self, author_id: int, now: datetime) -> tuple[int, datetime | None]:
        """How many messages the person wrote in the last hour, and when the first of these."""
        query = select(func.count(), func.min(CaseMessage.created_at)).where(
            CaseMessage.author_id == author_id, CaseMessage.created_at > now - timedelta(hours=1)
        )
        count, first_at = (await self._db.execute(query)).one()
        return count, first_at

    async def linked_visits(self, booking_id: int) -> tuple[str | None, str | None]:
        """References of the booking that this visit puts right, and of the visit that puts this booking right."""
        original = select(Booking.redo_of_id).where(Booking.id == booking_id).scalar_subquery()
        query = select(Booking.reference, Booking.redo_of_id).where(
            or_(Booking.id == original, Booking.redo_of_id == booking_id)
        )
        linked = {row.redo_of_id == booking_id: row.reference for row in await self._db.execute(query)}
        return linked.get(False), linked.get(True)

    async def refund_state(self, refund_id: int | None) -> str | None:
        """What became of the refund of a decision."""
        if refund_id is None:
            return None
        state: str | None = await self._db.scalar(select(Refund.state).where(Refund.id == refund_id))
        return state

    async def says_refund(self, refund_id: int, done_at: datetime) -> bool:
        """Whether the decision of a case says that this refund was done: not if a second admin confirmed it later."""
        query = select(Case.id).where(Case.refund_id == refund_id, Case.decided_at >= done_at)
        return await self._db.scalar(query.limit(1)) is not None

    async def is_withheld_by_another(self, case: Case) -> bool:
        """Whether another case of the booking withholds its payout."""
        query = select(Case.id).where(
            Case.booking_id == case.booking_id, Case.id != case.id, Case.withheld.is_not(None)
        )
        return await self._db.scalar(query.limit(1)) is not None

    async def redo_of(self, booking_id: int) -> str | None:
        """The reference of the visit that puts the booking's work right."""
        query = select(Booking.reference).where(Booking.redo_of_id == booking_id)
        reference: str | None = await self._db.scalar(query)
        return reference


async def prune(db: AsyncSession, now: datetime) -> int:
    """Delete cases that were decided three years ago, with their messages."""
    old = delete(Case).where(Case.decided_at < now - CASE_RETENTION).returning(Case.id)
    return len((await db.scalars(old)).all())


def open_already() -> Refused:
    return Refused(_("You already have an open case about this booking. Write there."), reason="open", about="case")


def _readable(reference: str, me: Person) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Case.reference == parse_reference(reference), _takes_part(me)


def _takes_part(me: Person) -> ColumnElement[bool]:
    if me.role == Role.ADMIN:
        return Case.id.is_not(None)
    if me.role == Role.CUSTOMER:
        return Booking.customer_id == me.id
    return Case.professional_id == me.id


def _in_tab(tab: str, me: Person) -> ColumnElement[bool]:
    if tab == "decided":
        return Case.state == CaseState.DECIDED
    return _OPEN & (Case.assigned_to_id == me.id) if tab == "mine" else _OPEN
