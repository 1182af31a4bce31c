"""SQL for candidates: eligibility by area (eligible_coverage), and when they are busy or away."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime, timedelta
from functools import cache, lru_cache

import msgspec
from asyncpg import Record
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.ratings import RATING_SUM_SQL, REVIEW_COUNT_SQL
from app.core import clock
from app.core.errors import Invalid
from app.core.events import Person
from app.core.i18n import _
from app.core.sql import fetch, fetch_row, fetch_value
from app.scheduling.candidates import (
    AssessedCandidate,
    BusyTime,
    Candidate,
    Eligibility,
    ProfessionalSchedule,
    RequestedSlot,
    Stretch,
)
from app.scheduling.travel import Location, distance_km

MAX_TRAVEL_TIME = timedelta(hours=8)
FIRST_BATCH = 24  # of candidates; each further batch is twice as large
STRETCHES = lru_cache(4096)(msgspec.json.Decoder(tuple[Stretch, ...]).decode)  # many people work the same hours
INTERVALS = msgspec.json.Decoder(list[tuple[int, int]]).decode
MAX_ASSESSED = 150  # rows of ASSESSED: first all who cover the pincode, then the nearest others

PINCODE = "SELECT pincode, latitude, longitude FROM pincodes WHERE pincode = $1"

CANDIDATE_COLUMNS = f"""
           p.user_id, u.full_name, p.experience_years, h.pincode, h.latitude, h.longitude, p.week AS hours,
           coalesce({RATING_SUM_SQL}, 0) AS rating_sum,
           coalesce({REVIEW_COUNT_SQL}, 0) AS review_count,
           coalesce(r.jobs, 0) AS job_count"""
CANDIDATE_JOINS = """
      JOIN users u ON u.id = p.user_id
      JOIN pincodes h ON h.pincode = p.home_pincode
      LEFT JOIN professional_ratings r ON r.professional_id = p.user_id"""

# A page of each service. Names and ratings are read for its people alone. To plan the statement takes five times as
# long as to run it, so what the plan depends on (one service or several, how many people) stands in its text: then
# PostgreSQL keeps one plan for all values.
PAGE_OF_CANDIDATES = """
    WITH page AS (
        SELECT near.professional_id, array_agg(wanted.service_id) AS services, min(near.metres) AS metres
          FROM {wanted} AS wanted (service_id)
         CROSS JOIN LATERAL ({near}) AS near
         GROUP BY near.professional_id
    )
    SELECT {columns}, page.services
      FROM page JOIN professionals p ON p.user_id = page.professional_id {joins}
     ORDER BY page.metres, p.stars DESC, p.user_id
"""
# Whom the customer $4 and who excluded the customer (W41), read once for a statement; for a visitor $4 is NULL.
NOT_EXCLUDED = "<> ALL(ARRAY(SELECT x.professional_id FROM exclusions x WHERE x.customer_id = $4::bigint))"
# Home by home from the nearest on, and of each home the best, in the order of coverage_homes_nearest_idx and
# offered_services_nearest_idx: what a page costs does not depend on how many there are.
NEAREST = f"""
             SELECT best.professional_id, h.metres
               FROM (SELECT DISTINCT metres, home_pincode FROM coverage_homes WHERE pincode = $2) AS h
              CROSS JOIN LATERAL (
                    SELECT e.professional_id, e.stars
                      FROM eligible_services($3) e
                     WHERE e.service_id = wanted.service_id AND e.home_pincode = h.home_pincode
                       AND EXISTS (SELECT 1 FROM coverage c
                                    WHERE c.professional_id = e.professional_id AND c.pincode = $2)
                       AND e.professional_id {NOT_EXCLUDED}
                       {{condition}}
                     ORDER BY e.stars DESC, e.professional_id LIMIT {{enough}}) AS best
              ORDER BY h.metres, best.stars DESC, best.professional_id LIMIT {{limit}} OFFSET {{offset}}"""
ONE_PROFESSIONAL = f"""
             SELECT c.professional_id, c.metres
               FROM coverage c JOIN eligible_services($3) e ON e.professional_id = c.professional_id
              WHERE c.pincode = $2 AND c.professional_id = $5 AND e.service_id = wanted.service_id
               AND c.professional_id {NOT_EXCLUDED}"""

# Of those who were not looked at yet, who works at one of some starts and has neither a reservation nor time off then:
# where a time is booked out, this finds the few who are left without reading a city. Whether they have time for the
# way, and until when they work, is decided by app.scheduling.slots.
WITHOUT_RESERVATIONS = """AND e.professional_id <> ALL($5::bigint[]) AND EXISTS (
                    SELECT 1 FROM unnest($6::timestamptz[], $7::int[], $8::int[]) AS start (at, weekday, minute)
                     WHERE EXISTS (SELECT 1 FROM working_hours w
                                    WHERE w.professional_id = e.professional_id AND w.weekday = start.weekday
                                      AND w.opens <= start.minute AND start.minute < w.closes)
                       AND NOT EXISTS (SELECT 1 FROM reservations r
                                        WHERE r.professional_id = e.professional_id
                                          AND r.span && tstzrange(start.at, start.at + $9::interval)
                                          AND r.booking_id IS DISTINCT FROM $10
                                          AND (r.expires_at IS NULL OR r.expires_at > $11){condition})
                       AND NOT EXISTS (SELECT 1 FROM time_off t
                                        WHERE t.professional_id = e.professional_id
                                          AND t.span && tstzrange(start.at, start.at + $9::interval)))"""
FREE = WITHOUT_RESERVATIONS.format(condition="")
ABLE = WITHOUT_RESERVATIONS.format(condition=" AND r.is_committed")  # who accepts makes other reservations move

# First those who cover the pincode, nearest first; where they are enough, the others are not read. Eligibility is
# decided by the shared rule, of the people shown alone; its conditions are read beside it to explain a refusal.
ASSESSED = f"""
    WITH page AS (
        (SELECT o.professional_id, o.approval_status, true AS covers_pincode
           FROM (SELECT DISTINCT metres, home_pincode FROM coverage_homes WHERE pincode = $2) AS h
          CROSS JOIN LATERAL (
                SELECT o.professional_id, o.approval_status FROM offered_services o
                 WHERE o.service_id = $1 AND o.home_pincode = h.home_pincode
                   AND ($5::bigint IS NULL OR o.professional_id = $5)
                   AND EXISTS (SELECT 1 FROM coverage c
                                WHERE c.professional_id = o.professional_id AND c.pincode = $2)
                   AND EXISTS (SELECT 1 FROM users u WHERE u.id = o.professional_id AND u.deleted_at IS NULL)
                 ORDER BY o.professional_id LIMIT $7) AS o
          ORDER BY h.metres, o.professional_id LIMIT $7)
        UNION ALL
        (SELECT o.professional_id, o.approval_status, false
           FROM offered_services o JOIN users u ON u.id = o.professional_id
           JOIN pincodes h ON h.pincode = o.home_pincode
          WHERE o.service_id = $1 AND u.deleted_at IS NULL AND ($5::bigint IS NULL OR o.professional_id = $5)
            AND NOT EXISTS (SELECT 1 FROM coverage c WHERE c.professional_id = o.professional_id AND c.pincode = $2)
          ORDER BY power(h.latitude - $3, 2) + power(h.longitude - $4, 2), o.professional_id LIMIT $7)
        LIMIT $7
    )
    SELECT {CANDIDATE_COLUMNS}, ARRAY[$1] AS services, h.place,
           (SELECT true FROM eligible_coverage($6) e
             WHERE e.professional_id = p.user_id AND e.service_id = $1 AND e.pincode = $2 LIMIT 1) IS NOT NULL
               AS is_eligible,
           p.approval_status = 'approved' AS is_approved,
           p.documents_expire_on IS NULL OR p.documents_expire_on > $6 AS has_valid_documents,
           EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = p.user_id AND b.lifted_at IS NULL) AS is_blocked,
           page.approval_status = 'approved' AS is_approved_for_service, page.covers_pincode,
           ARRAY(SELECT x.excluded_by FROM exclusions x
                  WHERE x.customer_id = $8 AND x.professional_id = p.user_id ORDER BY 1) AS excluded_by
      FROM page JOIN professionals p ON p.user_id = page.professional_id {CANDIDATE_JOINS}
"""

# $1 is the professional, $2 now, $3 today.
SCHEDULE_COLUMNS = f"""
           {CANDIDATE_COLUMNS}, CAST('{{}}' AS bigint[]) AS services, p.trade, h.place,
           EXISTS (SELECT 1 FROM eligible_professionals($3) e WHERE e.professional_id = p.user_id) AS may_work,
           CASE WHEN p.documents_expire_on <= $3 THEN p.documents_expire_on END AS expired_on,
           coalesce((SELECT json_agg(json_build_array(extract(epoch FROM lower(t.span))::bigint,
                                                      ceil(extract(epoch FROM upper(t.span)))::bigint))::text
                       FROM time_off t WHERE t.professional_id = p.user_id AND upper(t.span) > $2), '[]') AS away"""
SCHEDULE_OF_ONE = f"professionals p {CANDIDATE_JOINS} WHERE p.user_id = $1"
SCHEDULE = f"SELECT {SCHEDULE_COLUMNS} FROM {SCHEDULE_OF_ONE}"

# An expired hold takes no time, even before it is deleted. A professional who was blocked after the candidates were
# read counts as away, and one of those who are read again ($6, $7) whose hours or area have changed since, or who no
# longer offers the service, or is kept from the customer $10: all this is changed under the lock of that professional's
# time.
UNAVAILABILITY = """
    SELECT r.professional_id, r.booking_id, extract(epoch FROM lower(r.span))::bigint,
           extract(epoch FROM upper(r.span) - interval '10 minutes')::bigint, r.is_committed,
           pin.pincode, pin.latitude, pin.longitude
      FROM reservations r JOIN pincodes pin ON pin.pincode = r.pincode
     WHERE r.professional_id = ANY($1::bigint[]) AND r.span && tstzrange($2, $3)
       AND r.booking_id IS DISTINCT FROM $4 AND (r.expires_at IS NULL OR r.expires_at > $5)
    UNION ALL
    SELECT t.professional_id, NULL, floor(extract(epoch FROM lower(t.span)))::bigint,
           ceil(extract(epoch FROM upper(t.span)))::bigint, true, NULL, NULL, NULL
      FROM time_off t
     WHERE t.professional_id = ANY($1::bigint[]) AND t.span && tstzrange($2, $3)
    UNION ALL
    SELECT k.user_id, NULL, floor(extract(epoch FROM $2::timestamptz))::bigint,
           ceil(extract(epoch FROM $3::timestamptz))::bigint, true, NULL, NULL, NULL
      FROM blocks k WHERE k.user_id = ANY($1::bigint[]) AND k.lifted_at IS NULL
    UNION ALL
    SELECT p.user_id, NULL, floor(extract(epoch FROM $2::timestamptz))::bigint,
           ceil(extract(epoch FROM $3::timestamptz))::bigint, true, NULL, NULL, NULL
      FROM unnest($6::bigint[], $7::text[]) AS known (id, week) JOIN professionals p ON p.user_id = known.id
     WHERE p.week <> known.week
        OR NOT EXISTS (SELECT 1 FROM coverage c WHERE c.professional_id = p.user_id AND c.pincode = $8)
        OR NOT EXISTS (SELECT 1 FROM offered_services o WHERE o.professional_id = p.user_id AND o.service_id = $9
                          AND o.approval_status = 'approved')
    UNION ALL
    SELECT x.professional_id, NULL, floor(extract(epoch FROM $2::timestamptz))::bigint,
           ceil(extract(epoch FROM $3::timestamptz))::bigint, true, NULL, NULL, NULL
      FROM exclusions x WHERE x.customer_id = $10 AND x.professional_id = ANY($6::bigint[])
"""

NEXT_HOLD_EXPIRY = "SELECT min(expires_at) FROM reservations WHERE expires_at > $1"


async def next_hold_expiry(db: AsyncSession, now: datetime) -> datetime | None:
    """When the next of all holds lapses, which frees its time without a write; None while there is none."""
    expires_at: datetime | None = await fetch_value(db, NEXT_HOLD_EXPIRY, now)
    return expires_at


async def find_pincode(db: AsyncSession, pincode: str) -> Location | None:
    row = await fetch_row(db, PINCODE, pincode)
    return Location(*row) if row else None


async def require_pincode(db: AsyncSession, pincode: str) -> Location:
    """Return the location of `pincode`; Invalid("pincode") when it does not exist."""
    location = await find_pincode(db, pincode)
    if location is None:
        raise unknown_pincode()
    return location


def unknown_pincode() -> Invalid:
    return Invalid({"pincode": _("We don't know this pincode. Check it.")})


async def find_candidates(
    db: AsyncSession,
    services: Collection[int],
    location: Location,
    *,
    customer_id: int | None = None,
    professional_id: int | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[Candidate]:
    """Return who may do the services there, nearest and best first, without busy times: a page of each service.

    `customer_id`: for whom, without those who are kept from them (W41); None for a visitor.
    """
    named = () if professional_id is None else (professional_id,)
    near = ONE_PROFESSIONAL if named else _nearest("", limit, offset)
    query = _page_of_candidates(near, len(services) == 1)
    found = await fetch(db, query, _wanted(services), location.pincode, clock.today(), customer_id, *named)
    return [_candidate(row, location) for row in found]


async def find_free_candidates(
    db: AsyncSession,
    service_id: int,
    location: Location,
    starts: Sequence[datetime],
    minutes: int,
    *,
    without: Collection[int],
    limit: int,
    customer_id: int | None = None,
    ignoring: int | None = None,
    condition: str = FREE,
) -> list[Candidate]:
    """Return who, `without` some people, may be free for a job of `minutes` at one of the starts, nearest first.

    `ignoring`: the id of a booking that is being moved. `condition`: ABLE for those who are free of accepted jobs.
    """
    local = [start.astimezone(clock.IST) for start in starts]
    found = await fetch(
        db,
        _page_of_candidates(_nearest(condition, limit, 0), True),
        *(service_id, location.pincode, clock.today(), customer_id, list(without)),
        *(local, [start.weekday() for start in local], [start.hour * 60 + start.minute for start in local]),
        *(timedelta(minutes=minutes), ignoring, clock.now()),
    )
    return [_candidate(row, location) for row in found]


async def first_candidates(
    db: AsyncSession,
    service_id: int,
    location: Location,
    *,
    customer_id: int | None = None,
    professional_id: int | None = None,
) -> list[Candidate]:
    """Return the first batch of those who may do the service there."""
    return await find_candidates(
        db, [service_id], location, customer_id=customer_id, professional_id=professional_id, limit=FIRST_BATCH
    )


async def candidates_in_batches(
    db: AsyncSession, service_id: int, slot: RequestedSlot, first: Sequence[Candidate]
) -> AsyncIterator[Sequence[Candidate]]:
    """Yield the first candidates, then in growing batches the others who may be free for the slot."""
    batch, size, seen = first, FIRST_BATCH, list[int]()
    while True:
        yield batch
        if len(batch) < size:
            return  # that was everyone
        seen += [candidate.id for candidate in batch]
        size *= 2
        batch = await find_free_candidates(
            db,
            service_id,
            slot.location,
            [slot.starts_at],
            slot.minutes,
            without=seen,
            limit=size,
            customer_id=slot.customer_id,
            ignoring=slot.booking_id,
        )


async def assess_candidates(
    db: AsyncSession,
    service_id: int,
    location: Location,
    *,
    customer_id: int | None = None,
    professional_id: int | None = None,
) -> list[AssessedCandidate]:
    """Return everyone who offers the service, eligible or not, without busy times; at most 150."""
    place = location.pincode, location.latitude, location.longitude
    found = await fetch(db, ASSESSED, service_id, *place, professional_id, clock.today(), MAX_ASSESSED, customer_id)
    return [
        AssessedCandidate(_candidate(row, location), row["place"], _eligibility(row), row["excluded_by"])
        for row in found
    ]


async def load_schedule(db: AsyncSession, me: Person) -> ProfessionalSchedule:
    """Return the hours and time off of `me`, without busy times."""
    (row,) = await fetch(db, SCHEDULE, me.id, clock.now(), clock.today())
    return schedule_of(row, [])


def schedule_of(row: Record, busy: Sequence[BusyTime]) -> ProfessionalSchedule:
    """The schedule in a row with SCHEDULE_COLUMNS."""
    candidate = _candidate(row, None)
    candidate.away = INTERVALS(row["away"])
    candidate.busy = list(busy)
    return ProfessionalSchedule(candidate, row["may_work"], row["trade"], row["place"], row["expired_on"])


async def load_unavailability(
    db: AsyncSession,
    candidates: Sequence[Candidate],
    since: datetime,
    until: datetime,
    *,
    ignoring: int | None = None,
    locked_for: RequestedSlot | None = None,
) -> None:
    """Fill `busy` (bookings) and `away` (time off, blocks) of each candidate between two moments; return None.

    `ignoring`: the id of a booking that is being moved. `locked_for`: the slot, once the transaction has locked the
    candidates' time: whose hours or area have changed since they were read, who withdrew the service, or who is kept
    from the slot's customer, is away.
    """
    if not candidates:
        return
    by_id = {candidate.id: candidate for candidate in candidates}
    for candidate in candidates:
        candidate.busy, candidate.away = [], []
    window = since - MAX_TRAVEL_TIME, until + MAX_TRAVEL_TIME
    known = candidates if locked_for is not None else ()
    reread = [candidate.id for candidate in known], [candidate.week for candidate in known]
    slot: tuple[object, ...] = (None, None, None)
    if locked_for is not None:
        slot = locked_for.location.pincode, locked_for.service_id, locked_for.customer_id
    found = await fetch(db, UNAVAILABILITY, list(by_id), *window, ignoring, clock.now(), *reread, *slot)
    # Unpacked as tuples: a busy town has a thousand of these rows for one page.
    for professional_id, booking_id, starts, ends, is_committed, pincode, latitude, longitude in found:
        if booking_id is None:
            by_id[professional_id].away.append((starts, ends))
        else:
            location = Location(pincode, latitude, longitude)
            by_id[professional_id].busy.append(BusyTime(booking_id, starts, ends, location, is_committed))


@cache
def _page_of_candidates(near: str, is_one_service: bool) -> str:
    return PAGE_OF_CANDIDATES.format(
        columns=CANDIDATE_COLUMNS,
        joins=CANDIDATE_JOINS,
        near=near,
        wanted="(VALUES ($1::bigint))" if is_one_service else "unnest($1::bigint[])",
    )


@cache
def _nearest(condition: str, limit: int | None, offset: int) -> str:
    enough, limited = ("ALL", "ALL") if limit is None else (int(limit) + int(offset), int(limit))
    return NEAREST.format(condition=condition, enough=enough, limit=limited, offset=int(offset))


def _wanted(services: Collection[int]) -> int | list[int]:
    (first, *others) = services
    return [first, *others] if others else first


def _candidate(row: Record, location: Location | None) -> Candidate:
    home = Location(row["pincode"], row["latitude"], row["longitude"])
    return Candidate(
        id=row["user_id"],
        full_name=row["full_name"],
        experience_years=row["experience_years"],
        home=home,
        hours=STRETCHES(row["hours"]),
        services=frozenset(row["services"]),
        rating_sum=row["rating_sum"],
        review_count=row["review_count"],
        job_count=row["job_count"],
        distance_km=distance_km(home, location) if location else None,
        week=row["hours"],
    )


def _eligibility(row: Record) -> Eligibility:
    return Eligibility(
        is_eligible=row["is_eligible"],
        is_approved=row["is_approved"],
        has_valid_documents=row["has_valid_documents"],
        is_blocked=row["is_blocked"],
        is_approved_for_service=row["is_approved_for_service"],
        covers_pincode=row["covers_pincode"],
    )
