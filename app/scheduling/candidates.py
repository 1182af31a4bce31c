"""Who could do a job and when: at most three queries for seven days of slots."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import BigInteger, DateTime

from app.core import clock
from app.core.errors import Invalid
from app.core.i18n import _
from app.scheduling.slots import Busy, Day, Offered, Week, Worker, bounds, free_by_day
from app.scheduling.travel import Point, distance_km

WEEK_DAYS = 7
SOON_DAYS = 2  # mostly somebody is free by then, and the rest of the week need not be read
LONGEST_WAY = timedelta(hours=8)

PLACE = text("SELECT pincode, latitude, longitude FROM pincodes WHERE pincode = :pincode")

CREW = text(
    """
    SELECT p.user_id, u.full_name, p.experience_years, h.pincode, h.latitude, h.longitude,
           array_agg(o.service_id) AS services,
           coalesce(r.one + 2 * r.two + 3 * r.three + 4 * r.four + 5 * r.five, 0) AS stars,
           coalesce(r.one + r.two + r.three + r.four + r.five, 0) AS reviews,
           coalesce(r.jobs, 0) AS jobs,
           (SELECT coalesce(json_agg(json_build_array(w.weekday, w.opens, w.closes)), '[]')
              FROM working_hours w WHERE w.professional_id = p.user_id) AS hours
      FROM offerings o
      JOIN coverage c ON c.professional_id = o.professional_id AND c.pincode = :pincode
      JOIN professionals p ON p.user_id = o.professional_id AND p.standing = 'approved'
      JOIN users u ON u.id = p.user_id
      JOIN pincodes h ON h.pincode = p.home_pincode
      LEFT JOIN professional_ratings r ON r.professional_id = p.user_id
     WHERE o.service_id = ANY(:services) AND o.standing = 'approved'
       AND (p.papers_expire_on IS NULL OR p.papers_expire_on > :today)
       AND (CAST(:professional AS bigint) IS NULL OR p.user_id = :professional)
       AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = p.user_id AND b.lifted_at IS NULL)
     GROUP BY p.user_id, u.full_name, p.experience_years, h.pincode, h.latitude, h.longitude,
              r.one, r.two, r.three, r.four, r.five, r.jobs
    """
).bindparams(bindparam("services", type_=ARRAY(BigInteger)), bindparam("professional", type_=BigInteger))

# Lapsed holds take nobody's time, whether or not a worker has cleared them away. Who was blocked after the crew was
# read is away: whoever blocks holds the lock of that person's time.
TAKEN = text(
    """
    SELECT b.reserved_for AS professional_id, b.id, floor(extract(epoch FROM b.starts_at))::bigint AS since,
           ceil(extract(epoch FROM b.ends_at))::bigint AS until,
           b.state IN ('assigned', 'started') AS firm, pin.pincode, pin.latitude, pin.longitude
      FROM bookings b JOIN pincodes pin ON pin.pincode = b.pincode
     WHERE b.reserved_for = ANY(:ids) AND b.state IN ('held', 'requested', 'assigned', 'started')
       AND (b.state <> 'held' OR b.held_until > :now)
       AND b.span && tstzrange(:since, :until) AND b.id IS DISTINCT FROM :ignoring
    UNION ALL
    SELECT t.professional_id, NULL, floor(extract(epoch FROM lower(t.span)))::bigint,
           ceil(extract(epoch FROM upper(t.span)))::bigint, true, NULL, NULL, NULL
      FROM time_off t
     WHERE t.professional_id = ANY(:ids) AND t.span && tstzrange(:since, :until)
    UNION ALL
    SELECT k.user_id, NULL, floor(extract(epoch FROM CAST(:since AS timestamptz)))::bigint,
           ceil(extract(epoch FROM CAST(:until AS timestamptz)))::bigint, true, NULL, NULL, NULL
      FROM blocks k WHERE k.user_id = ANY(:ids) AND k.lifted_at IS NULL
    """
).bindparams(
    bindparam("ids", type_=ARRAY(BigInteger)),
    bindparam("ignoring", type_=BigInteger),
    bindparam("now", type_=DateTime(timezone=True)),
    bindparam("since", type_=DateTime(timezone=True)),
    bindparam("until", type_=DateTime(timezone=True)),
)


async def place(db: AsyncSession, pincode: str) -> Point | None:
    row = (await db.execute(PLACE, {"pincode": pincode})).one_or_none()
    return Point(row.pincode, row.latitude, row.longitude) if row else None


async def known_place(db: AsyncSession, pincode: str) -> Point:
    """Invalid("pincode") when there is no such place."""
    where = await place(db, pincode)
    if where is None:
        raise Invalid({"pincode": _("We do not know this pincode.")})
    return where


async def crew_of(
    db: AsyncSession, services: Collection[int], where: Point, *, professional_id: int | None = None
) -> list[Worker]:
    """Approved, unblocked, papers valid (W7), offering one of the services, covering the pincode; nearest first.

    Their time is not read yet.
    """
    asked = {
        "services": list(services),
        "pincode": where.pincode,
        "professional": professional_id,
        "today": clock.today(),
    }
    rows = await db.execute(CREW, asked)
    crew = [_worker(row, where) for row in rows]
    return sorted(crew, key=lambda one: (one.distance_km is None, one.distance_km or 0, -(one.rating or 0), one.id))


async def fill(
    db: AsyncSession, crew: Sequence[Worker], since: datetime, until: datetime, *, ignoring: int | None = None
) -> None:
    """Read what takes each worker's time between two moments; `ignoring` is a booking that is being moved."""
    asked = {
        "ids": [worker.id for worker in crew],
        "now": clock.now(),
        "since": since - LONGEST_WAY,
        "until": until + LONGEST_WAY,
        "ignoring": ignoring,
    }
    by_id = {worker.id: worker for worker in crew}
    for worker in crew:
        worker.busy, worker.away = [], []
    # Taken apart as tuples: a busy town has a thousand of these rows for one page.
    for who, job, starts, ends, firm, pincode, latitude, longitude in await db.execute(TAKEN, asked) if crew else ():
        if job is None:
            by_id[who].away.append((starts, ends))
        else:
            by_id[who].busy.append(Busy(job, starts, ends, Point(pincode, latitude, longitude), firm))


async def week(
    db: AsyncSession,
    service: Offered,
    pincode: str,
    first_day: date,
    *,
    professional_id: int | None = None,
    ignoring: int | None = None,
) -> Week:
    """Seven days of true slots, for anyone or for one professional; empty days where the pincode is unknown."""
    days = [first_day + timedelta(days=n) for n in range(WEEK_DAYS)]
    where = await place(db, pincode)
    if where is None:
        return Week([Day(day, []) for day in days], [])
    crew = await crew_of(db, [service.id], where)
    asked = [worker for worker in crew if professional_id in (None, worker.id)]
    await fill(db, asked, clock.at(days[0]), clock.at(days[-1], 1440), ignoring=ignoring)
    return Week(_union(asked, service, where, days), crew)


async def next_free(
    db: AsyncSession,
    service: Offered,
    pincode: str,
    after: datetime,
    *,
    professional_id: int | None = None,
    limit: int = 3,
) -> list[datetime]:
    """The first free starts from `after` on, within seven days."""
    day = max(after, clock.now()).astimezone(clock.IST).date()
    found = await week(db, service, pincode, day, professional_id=professional_id)
    return [start for one in found.days for start in one.starts if start >= after][:limit]


async def nearest_free(
    db: AsyncSession,
    service: Offered,
    pincode: str,
    wanted: datetime,
    *,
    professional_id: int | None = None,
    limit: int = 3,
) -> list[datetime]:
    """The free starts nearest to what was wanted, in order: the next ones, and those before where too few follow."""
    later = await next_free(db, service, pincode, wanted, professional_id=professional_id, limit=limit)
    if len(later) >= limit:
        return later
    first = max(clock.today(), wanted.astimezone(clock.IST).date() - timedelta(days=WEEK_DAYS - 1))
    found = await week(db, service, pincode, first, professional_id=professional_id)
    earlier = [start for one in found.days for start in one.starts if start < wanted]
    return earlier[len(later) - limit :] + later


async def earliest(db: AsyncSession, services: Sequence[Offered], pincode: str) -> dict[int, datetime]:
    """For each service that somebody can do there within its horizon, the first free start; one more query if far."""
    where = await place(db, pincode)
    if where is None or not services:
        return {}
    crew = await crew_of(db, [service.id for service in services], where)
    today = clock.today()
    for days in (SOON_DAYS, max(service.horizon_days for service in services)):
        await fill(db, crew, clock.at(today), clock.at(today + timedelta(days=days)))
        found = {service.id: _first(crew, service, where, today, days) for service in services}
        if None not in found.values():
            break
    return {service: start for service, start in found.items() if start is not None}


def _first(crew: Iterable[Worker], service: Offered, where: Point, today: date, within: int) -> datetime | None:
    """The first free start within so many days and the service's horizon."""
    days = [today + timedelta(days=n) for n in range(min(within, service.horizon_days))]
    first, end = bounds(service, clock.now())
    able = (free_by_day(worker, service.minutes, where, days) for worker in crew if service.id in worker.services)
    start = min((next((one for day in free for one in day if one >= first), end) for free in able), default=end)
    return datetime.fromtimestamp(start, clock.IST) if start < end else None


def _union(crew: Iterable[Worker], service: Offered, where: Point, days: Sequence[date]) -> list[Day]:
    first, end = bounds(service, clock.now())
    found: list[set[int]] = [set() for _ in days]
    for worker in crew:
        for starts, more in zip(found, free_by_day(worker, service.minutes, where, days), strict=True):
            starts.update(more)
    return [
        Day(day, [datetime.fromtimestamp(start, clock.IST) for start in sorted(starts) if first <= start < end])
        for day, starts in zip(days, found, strict=True)
    ]


def _worker(row: Row[Any], where: Point) -> Worker:
    home = Point(row.pincode, row.latitude, row.longitude)
    return Worker(
        id=row.user_id,
        full_name=row.full_name,
        years=row.experience_years,
        home=home,
        hours=[tuple(stretch) for stretch in row.hours],
        services=frozenset(row.services),
        stars=int(row.stars),
        reviews=int(row.reviews),
        jobs=int(row.jobs),
        distance_km=distance_km(home, where),
    )
