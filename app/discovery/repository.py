"""Queries of the public pages: which services can be booked where, and professionals' public cards."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from asyncpg import Record
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.names import greeting_name, public_name
from app.accounts.ratings import RATING_SUM_SQL, REVIEW_COUNT_SQL, RatingDistribution
from app.catalog.search import Place
from app.core import clock
from app.core.errors import Missing
from app.core.sql import fetch, fetch_row, fetch_value, rows
from app.discovery.service_list import ServiceCard
from app.favourites.repository import FAVOURITES, FavouriteRow
from app.scheduling.offered_weeks_repository import UNAVAILABLE_SERVICES
from app.scheduling.travel import Location

MOST_BOOKED_WINDOW = timedelta(days=90)
MAX_JOBS_COUNTED = 500
MAX_INT64 = 2**63 - 1

# One probe per service that stops at the first professional.
BOOKABLE_SERVICES = f"""
    SELECT s.id, s.slug, s.name, s.price, s.minutes, s.notice_minutes, s.horizon_days,
           c.slug AS category, c.short_name AS category_name,
           coalesce({RATING_SUM_SQL}, 0) AS stars,
           coalesce({REVIEW_COUNT_SQL}, 0) AS reviews, c.drawing
      FROM services s
      JOIN categories c ON c.id = s.category_id
      LEFT JOIN service_ratings r ON r.service_id = s.id
      JOIN LATERAL (
           SELECT 1 FROM eligible_coverage($2) e
            WHERE e.service_id = s.id AND ($1::text IS NULL OR e.pincode = $1)
            LIMIT 1
           ) near ON true
     WHERE s.retired_at IS NULL
"""

# Walks from near to far and stops as soon as enough are found.
NEAREST_COVERED = """
    SELECT q.pincode, q.place, q.latitude, q.longitude
      FROM (SELECT a.pincode, a.place, a.latitude, a.longitude,
                   coalesce((a.latitude - h.latitude) ^ 2
                            + ((a.longitude - h.longitude) * cos(radians(h.latitude))) ^ 2,
                            abs(CAST(a.pincode AS int) - CAST(h.pincode AS int)) + 1000) AS far
              FROM pincodes a CROSS JOIN (SELECT * FROM pincodes WHERE pincode = $1) h
             WHERE a.pincode <> $1) q
     WHERE EXISTS (
           SELECT 1 FROM eligible_coverage($2) e
             JOIN services s ON s.id = e.service_id AND s.retired_at IS NULL
            WHERE e.pincode = q.pincode AND ($3::bigint IS NULL OR e.service_id = $3))
     ORDER BY q.far, q.pincode
     LIMIT $4
"""

MOST_BOOKED = """
    SELECT service_id FROM bookings
     WHERE pincode = $1 AND created_at > $2 AND requested_at IS NOT NULL
     GROUP BY service_id ORDER BY count(*) DESC, service_id
"""

BUSIEST_PINCODE = """
    SELECT v.pincode FROM coverage v
      JOIN eligible_professionals($1) e ON e.professional_id = v.professional_id
     GROUP BY v.pincode ORDER BY count(*) DESC, v.pincode LIMIT 1
"""

PUBLIC_CARD = """
    SELECT p.user_id, u.full_name, u.deleted_at IS NOT NULL AS has_left, p.trade, p.experience_years, h.place,
           coalesce(r.one, 0) AS one, coalesce(r.two, 0) AS two, coalesce(r.three, 0) AS three,
           coalesce(r.four, 0) AS four, coalesce(r.five, 0) AS five, coalesce(r.jobs, 0) AS jobs,
           p.home_pincode, p.languages,
           (SELECT coalesce(json_agg(json_build_array(d.kind, CAST(d.decided_at AT TIME ZONE 'Asia/Kolkata' AS date))
                                     ORDER BY d.decided_at, d.id), '[]')
              FROM documents d
             WHERE d.professional_id = p.user_id AND d.state = 'approved' AND d.kind <> 'photo'
               AND (d.expires_on IS NULL OR d.expires_on > $2)) AS checks,
           (SELECT d.id FROM documents d
             WHERE d.professional_id = p.user_id AND d.state = 'approved' AND d.kind = 'photo'
               AND d.stored_as IS NOT NULL) AS photo_id,
           (SELECT coalesce(array_agg(a.place ORDER BY a.far, a.place), '{}')
              FROM (SELECT a.place, min(coalesce((a.latitude - h.latitude) ^ 2 + (a.longitude - h.longitude) ^ 2, 1000))
                           AS far
                      FROM coverage v JOIN pincodes a ON a.pincode = v.pincode
                     WHERE v.professional_id = p.user_id GROUP BY a.place) a) AS areas,
           (SELECT coalesce(json_agg(json_build_array(s.slug, s.name, s.price) ORDER BY
                   coalesce(sr.one + sr.two + sr.three + sr.four + sr.five, 0) DESC, s.name), '[]')
              FROM eligible_services($2) e JOIN services s ON s.id = e.service_id AND s.retired_at IS NULL
              LEFT JOIN service_ratings sr ON sr.service_id = s.id
             WHERE e.professional_id = p.user_id) AS services
      FROM professionals p
      JOIN users u ON u.id = p.user_id
      JOIN pincodes h ON h.pincode = p.home_pincode
      LEFT JOIN professional_ratings r ON r.professional_id = p.user_id
     WHERE p.user_id = $1 AND p.approval_status = 'approved'
       AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = p.user_id AND b.lifted_at IS NULL)
"""

# Counted up to a limit: who has done more has done many.
JOBS_OF_SERVICE = """
    SELECT count(*) FROM (
           SELECT FROM bookings b
            WHERE b.professional_id = $1 AND b.service_id = $2 AND b.state IN ('completed', 'closed') LIMIT $3) done
"""
SERVICE_NAME = "SELECT name FROM services WHERE id = $1"
MAIN_AREA = """
    SELECT p.pincode, p.place, p.latitude, p.longitude FROM addresses a JOIN pincodes p ON p.pincode = a.pincode
     WHERE a.user_id = $1 ORDER BY a.is_main DESC, a.id LIMIT 1
"""
# What the home page of a customer needs besides bookings: the area, the favourites ($2 today, $3 how many), and the
# services that exclusions make unavailable there.
AREA_AND_FAVOURITES = f"""
    WITH area AS ({MAIN_AREA})
    SELECT ARRAY(SELECT ROW(area.*) FROM area), ARRAY(SELECT ROW(marked.*) FROM ({FAVOURITES}) marked),
           ARRAY({UNAVAILABLE_SERVICES.format(customer_id="$1", today="$2", pincode="(SELECT pincode FROM area)")})
"""
AREA = "SELECT pincode, place, latitude, longitude FROM pincodes WHERE pincode = $1"


@dataclass(frozen=True, slots=True)
class Area:
    """A pincode, the name of its place, and its coordinates in degrees, None when unknown."""

    pincode: str
    place: str
    latitude: float | None
    longitude: float | None

    @property
    def location(self) -> Location:
        return Location(self.pincode, self.latitude, self.longitude)

    @classmethod
    def of(cls, place: Place) -> "Area":
        return cls(place.pincode, place.name, place.latitude, place.longitude)


@dataclass(frozen=True, slots=True)
class CardService:
    """A service on a professional's public card; `price` in paise."""

    slug: str
    name: str
    price: int


@dataclass(frozen=True, slots=True)
class PublicCard:
    """A professional as visitors see them: first name and initial, never a surname, a phone or an address.

    `areas` come the nearest first, `services` the most reviewed first. `languages` are codes, `checks` the kinds of
    the approved, valid documents with the day of their approval; `photo_id` is the document of the approved photo.

    After the account is deleted only the reviews and the number of jobs remain (W17).
    """

    id: int
    name: str
    first_name: str
    trade: str
    years: int
    home: str
    home_pincode: str
    jobs: int
    areas: list[str]
    services: list[CardService]
    spread: RatingDistribution
    has_left: bool
    languages: list[str]
    checks: list[tuple[str, date]]
    photo_id: int | None


ADD_UNMET_SEARCHES = text("""
    INSERT INTO unmet_searches (day, pincode, category_id, searches) VALUES (:day, :pincode, :category, :searches)
    ON CONFLICT (day, pincode, category_id) DO UPDATE SET searches = unmet_searches.searches + excluded.searches
""")


class CatalogueQueries:
    """Queries of visitors."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def bookable(self, pincode: str | None) -> list[ServiceCard]:
        """List services that an approved, unblocked professional offers in the pincode; with None, anywhere."""
        return await rows(self._db, ServiceCard, BOOKABLE_SERVICES, pincode, clock.today())

    async def most_booked(self, pincode: str) -> list[int]:
        """List ids of the services booked there in the last 90 days, most booked first."""
        return [row[0] for row in await fetch(self._db, MOST_BOOKED, pincode, clock.now() - MOST_BOOKED_WINDOW)]

    async def nearest_covered(self, pincode: str, service_id: int | None = None, limit: int = 3) -> list[Area]:
        """List the nearest areas where any service, or the given one, can be booked."""
        return await rows(self._db, Area, NEAREST_COVERED, pincode, clock.today(), service_id, limit)

    async def area(self, pincode: str) -> Area | None:
        row = await fetch_row(self._db, AREA, pincode)
        return Area(*row) if row else None

    async def job_count(self, professional_id: int, service_id: int) -> int:
        """How many jobs of the service the professional has done, at most MAX_JOBS_COUNTED."""
        return int(await fetch_value(self._db, JOBS_OF_SERVICE, professional_id, service_id, MAX_JOBS_COUNTED))

    async def service_name(self, service_id: int) -> str | None:
        name: str | None = await fetch_value(self._db, SERVICE_NAME, service_id)
        return name

    async def main_area(self, user_id: int) -> Area | None:
        """The area of a person's main address."""
        row = await fetch_row(self._db, MAIN_AREA, user_id)
        return Area(*row) if row else None

    async def area_and_favourites(
        self, customer_id: int, limit: int
    ) -> tuple[Area | None, list[FavouriteRow], set[int]]:
        """The area of a customer's main address, the first available favourites, and services unavailable there."""
        (found,) = await fetch(self._db, AREA_AND_FAVOURITES, customer_id, clock.today(), limit)
        area = next((Area(*area) for area in found[0]), None)
        return area, [FavouriteRow(*row) for row in found[1]], set(found[2])

    async def busiest_pincode(self) -> str | None:
        """Find the pincode that most professionals cover."""
        found: str | None = await fetch_value(self._db, BUSIEST_PINCODE, clock.today())
        return found

    async def public_card(self, person_id: int) -> PublicCard:
        """Load the public card; raises Missing if the professional is not approved, or blocked."""
        known = 0 < person_id <= MAX_INT64
        row = await fetch_row(self._db, PUBLIC_CARD, person_id, clock.today()) if known else None
        if row is None:
            raise Missing()
        return _public_card(row)


def _public_card(row: Record) -> PublicCard:
    return PublicCard(
        id=row["user_id"],
        name=public_name(row["full_name"]),
        first_name=greeting_name(row["full_name"]),
        trade=row["trade"],
        years=row["experience_years"],
        home=row["place"],
        home_pincode=row["home_pincode"],
        jobs=row["jobs"],
        areas=row["areas"],
        services=[CardService(*fields) for fields in row["services"]],
        spread=RatingDistribution(row["one"], row["two"], row["three"], row["four"], row["five"]),
        has_left=row["has_left"],
        languages=row["languages"],
        checks=[(kind, date.fromisoformat(day)) for kind, day in row["checks"]],
        photo_id=row["photo_id"],
    )


class UnmetSearches:
    """Counts of unmet searches by day, pincode and category."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def add(self, counts: Mapping[tuple[date, str, int | None, str], int]) -> None:
        """Add counts by (day, pincode, id of the matched service, slug of the category filter)."""
        slugs = {row.slug: row.id for row in await self._db.execute(text("SELECT id, slug FROM categories"))}
        service_ids = {service for _, _, service, _ in counts if service}
        category_query = text("SELECT id, category_id FROM services WHERE id = ANY(:ids)")
        services = {
            row.id: row.category_id for row in await self._db.execute(category_query, {"ids": list(service_ids)})
        }
        summed: dict[tuple[date, str, int], int] = {}
        for (day, pincode, service, slug), searches in counts.items():
            key = (day, pincode, slugs.get(slug) or services.get(service or 0) or 0)
            summed[key] = summed.get(key, 0) + searches
        # In a fixed order, so that two processes never deadlock.
        for (day, pincode, category), searches in sorted(summed.items()):
            row = {"day": day, "pincode": pincode, "category": category or None, "searches": searches}
            await self._db.execute(ADD_UNMET_SEARCHES, row)
