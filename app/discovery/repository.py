"""What is really bookable where, asked of the database in whole lists."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import BigInteger, Row, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import public_name
from app.core import clock
from app.core.errors import Missing
from app.discovery.service_list import Card
from app.reviews.spread import Spread

LATELY = timedelta(days=90)
INT64 = 2**63 - 1

# For each service one probe that stops at the first professional: cheap for a few and for all.
SHELF = text(
    """
    SELECT s.id, s.slug, s.name, s.price, s.minutes, s.notice_minutes, s.horizon_days,
           c.slug AS category, c.short_name AS category_name,
           coalesce(r.one + 2 * r.two + 3 * r.three + 4 * r.four + 5 * r.five, 0) AS stars,
           coalesce(r.one + r.two + r.three + r.four + r.five, 0) AS reviews
      FROM services s
      JOIN categories c ON c.id = s.category_id
      LEFT JOIN service_ratings r ON r.service_id = s.id
      JOIN LATERAL (
           SELECT 1 FROM offerings o
             JOIN coverage v ON v.professional_id = o.professional_id
                            AND (CAST(:pincode AS text) IS NULL OR v.pincode = :pincode)
             JOIN professionals p ON p.user_id = o.professional_id AND p.standing = 'approved'
                                 AND (p.papers_expire_on IS NULL OR p.papers_expire_on > :today)
            WHERE o.service_id = s.id AND o.standing = 'approved'
              AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = p.user_id AND b.lifted_at IS NULL)
            LIMIT 1
           ) near ON true
     WHERE s.retired_at IS NULL
    """
).bindparams(bindparam("pincode", type_=Text))

# Walked from near to far and left as soon as three are found.
NEAREST = text(
    """
    SELECT q.pincode, q.place
      FROM (SELECT a.pincode, a.place,
                   coalesce((a.latitude - h.latitude) ^ 2
                            + ((a.longitude - h.longitude) * cos(radians(h.latitude))) ^ 2,
                            abs(CAST(a.pincode AS int) - CAST(h.pincode AS int)) + 1000) AS far
              FROM pincodes a CROSS JOIN (SELECT * FROM pincodes WHERE pincode = :pincode) h
             WHERE a.pincode <> :pincode) q
     WHERE EXISTS (
           SELECT 1 FROM coverage v
             JOIN professionals p ON p.user_id = v.professional_id AND p.standing = 'approved'
                                 AND (p.papers_expire_on IS NULL OR p.papers_expire_on > :today)
             JOIN offerings o ON o.professional_id = v.professional_id AND o.standing = 'approved'
             JOIN services s ON s.id = o.service_id AND s.retired_at IS NULL
            WHERE v.pincode = q.pincode AND (CAST(:service AS bigint) IS NULL OR o.service_id = :service)
              AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = p.user_id AND b.lifted_at IS NULL))
     ORDER BY q.far, q.pincode
     LIMIT :limit
    """
).bindparams(bindparam("service", type_=BigInteger))

MOST = text(
    """
    SELECT service_id FROM bookings
     WHERE pincode = :pincode AND created_at > :since AND requested_at IS NOT NULL
     GROUP BY service_id ORDER BY count(*) DESC, service_id
    """
)

BUSIEST = text(
    """
    SELECT v.pincode FROM coverage v
      JOIN professionals p ON p.user_id = v.professional_id AND p.standing = 'approved'
     GROUP BY v.pincode ORDER BY count(*) DESC, v.pincode LIMIT 1
    """
)

PERSON = text(
    """
    SELECT p.user_id, u.full_name, u.left_at IS NOT NULL AS has_left, p.trade, p.experience_years, h.place,
           coalesce(r.one, 0) AS one, coalesce(r.two, 0) AS two, coalesce(r.three, 0) AS three,
           coalesce(r.four, 0) AS four, coalesce(r.five, 0) AS five, coalesce(r.jobs, 0) AS jobs,
           (SELECT coalesce(array_agg(DISTINCT a.place ORDER BY a.place), '{}')
              FROM coverage v JOIN pincodes a ON a.pincode = v.pincode WHERE v.professional_id = p.user_id) AS areas,
           (SELECT coalesce(json_agg(json_build_array(s.slug, s.name, s.price) ORDER BY s.name), '[]')
              FROM offerings o JOIN services s ON s.id = o.service_id AND s.retired_at IS NULL
             WHERE o.professional_id = p.user_id AND o.standing = 'approved') AS services
      FROM professionals p
      JOIN users u ON u.id = p.user_id
      JOIN pincodes h ON h.pincode = p.home_pincode
      LEFT JOIN professional_ratings r ON r.professional_id = p.user_id
     WHERE p.user_id = :id AND p.standing = 'approved'
       AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = p.user_id AND b.lifted_at IS NULL)
    """
)

PLACE = text("SELECT pincode, place FROM pincodes WHERE pincode = :pincode")


@dataclass(frozen=True, slots=True)
class Area:
    """A pincode and what people call it."""

    pincode: str
    place: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A service on somebody's public card; `price` in paise."""

    slug: str
    name: str
    price: int


@dataclass(frozen=True, slots=True)
class PublicCard:
    """A professional as strangers see them: first name and initial, never a surname, a phone or an address.

    Of who has left only the reviews and the number of jobs (W17).
    """

    id: int
    name: str
    trade: str
    years: int
    home: str
    jobs: int
    areas: list[str]
    services: list[Offer]
    spread: Spread
    has_left: bool


UNMET = text("""
    INSERT INTO unmet_searches (day, pincode, category_id, searches) VALUES (:day, :pincode, :category, :searches)
    ON CONFLICT (day, pincode, category_id) DO UPDATE SET searches = unmet_searches.searches + excluded.searches
""")


class Looking:
    """The questions of people who look around."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def bookable(self, pincode: str | None) -> list[Card]:
        """Services that an approved, unblocked professional offers there; with None, anywhere."""
        return [Card(*row) for row in await self._db.execute(SHELF, {"pincode": pincode, "today": clock.today()})]

    async def booked_most(self, pincode: str) -> list[int]:
        """Ids of the services booked there in the last 90 days, most first."""
        asked = {"pincode": pincode, "since": clock.now() - LATELY}
        return list((await self._db.scalars(MOST, asked)).all())

    async def nearest_covered(self, pincode: str, service_id: int | None = None, limit: int = 3) -> list[Area]:
        """Where the nearest bookable places are, or the nearest for one service."""
        asked = {"pincode": pincode, "service": service_id, "limit": limit, "today": clock.today()}
        return [Area(*row) for row in await self._db.execute(NEAREST, asked)]

    async def place(self, pincode: str) -> Area | None:
        row = (await self._db.execute(PLACE, {"pincode": pincode})).one_or_none()
        return Area(*row) if row else None

    async def busiest(self) -> str | None:
        """The pincode that most professionals cover: where a visitor may start to look."""
        found: str | None = await self._db.scalar(BUSIEST)
        return found

    async def professional(self, person_id: int) -> PublicCard:
        """Missing while not approved, or blocked."""
        row = (await self._db.execute(PERSON, {"id": person_id})).one_or_none() if 0 < person_id <= INT64 else None
        if row is None:
            raise Missing()
        return _public(row)


def _public(row: Row[Any]) -> PublicCard:
    return PublicCard(
        id=row.user_id,
        name=public_name(row.full_name),
        trade=row.trade,
        years=row.experience_years,
        home=row.place,
        jobs=row.jobs,
        areas=row.areas,
        services=[Offer(*one) for one in row.services],
        spread=Spread(row.one, row.two, row.three, row.four, row.five),
        has_left=row.has_left,
    )


class Unmet:
    """Searches that met nobody, by day, pincode and category."""

    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def add(self, counts: Mapping[tuple[date, str, int | None, str], int]) -> None:
        """(day, pincode, service that was meant, slug of the category asked for) → searches."""
        slugs = {row.slug: row.id for row in await self._db.execute(text("SELECT id, slug FROM categories"))}
        meant = {service for _, _, service, _ in counts if service}
        asked = text("SELECT id, category_id FROM services WHERE id = ANY(:ids)")
        services = {row.id: row.category_id for row in await self._db.execute(asked, {"ids": list(meant)})}
        summed: dict[tuple[date, str, int], int] = {}
        for (day, pincode, service, slug), searches in counts.items():
            key = (day, pincode, slugs.get(slug) or services.get(service or 0) or 0)
            summed[key] = summed.get(key, 0) + searches
        # In one order everywhere, so that two processes never wait for each other in a ring.
        for (day, pincode, category), searches in sorted(summed.items()):
            one = {"day": day, "pincode": pincode, "category": category or None, "searches": searches}
            await self._db.execute(UNMET, one)
