"""SQL for favourites, and for what a customer sees of the professionals whom they excluded."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.names import greeting_name, public_name
from app.core import clock
from app.core.errors import Missing
from app.core.events import Person
from app.core.sql import execute, fetch_row, fetch_value, rows

# Whoever has a public card, or visited the customer.
MAY_BE_FAVOURITE = """
    SELECT EXISTS (SELECT 1 FROM professionals p JOIN users u ON u.id = p.user_id
                    WHERE p.user_id = $2 AND p.approval_status = 'approved' AND u.deleted_at IS NULL
                      AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = p.user_id AND b.lifted_at IS NULL))
        OR EXISTS (SELECT 1 FROM bookings b WHERE b.customer_id = $1 AND b.professional_id = $2)
"""
COUNT = "SELECT count(*) FROM favourites WHERE customer_id = $1 AND professional_id <> $2"
ADD = """
    INSERT INTO favourites (customer_id, professional_id, at) VALUES ($1, $2, $3)
        ON CONFLICT (customer_id, professional_id) DO NOTHING
"""
REMOVE = "DELETE FROM favourites WHERE customer_id = $1 AND professional_id = $2"
# Of the customer $1, today $2; all of them, or the first $3 who are available.
# The service is what they did last for the customer of what they offer now, else what is reviewed most; none for who
# may not work, has left or is kept from the customer, and which of these it is is not read.
FAVOURITES = """
    SELECT f.professional_id, u.full_name, p.trade, f.at, s.id, s.slug, s.name
      FROM favourites f
      JOIN professionals p ON p.user_id = f.professional_id
      JOIN users u ON u.id = f.professional_id
      LEFT JOIN LATERAL (
           SELECT s.id, s.slug, s.name
             FROM eligible_services($2) e JOIN services s ON s.id = e.service_id AND s.retired_at IS NULL
             LEFT JOIN service_ratings r ON r.service_id = s.id
            WHERE e.professional_id = f.professional_id
              AND NOT EXISTS (SELECT 1 FROM exclusions x
                               WHERE x.customer_id = $1 AND x.professional_id = f.professional_id)
            ORDER BY (SELECT max(b.starts_at) FROM bookings b
                       WHERE b.customer_id = $1 AND b.professional_id = f.professional_id AND b.service_id = s.id)
                     DESC NULLS LAST,
                     coalesce(r.one + r.two + r.three + r.four + r.five, 0) DESC, s.name LIMIT 1) AS s ON true
     WHERE f.customer_id = $1 AND ($3::int IS NULL OR s.id IS NOT NULL)
     ORDER BY s.id IS NULL, f.at DESC, f.professional_id LIMIT coalesce($3::int, 100)
"""
EXCLUDED = """
    SELECT x.professional_id, u.full_name, x.at
      FROM exclusions x JOIN users u ON u.id = x.professional_id
     WHERE x.customer_id = $1 AND x.excluded_by = 'customer'
     ORDER BY x.at DESC, x.professional_id LIMIT 100
"""
CHOICES = """
    SELECT u.id, u.full_name,
           EXISTS (SELECT 1 FROM favourites f WHERE f.customer_id = pair.customer_id AND f.professional_id = u.id),
           EXISTS (SELECT 1 FROM exclusions x
                    WHERE x.customer_id = pair.customer_id AND x.professional_id = u.id
                      AND x.excluded_by = 'customer'),
           EXISTS (SELECT 1 FROM bookings b WHERE b.customer_id = pair.customer_id AND b.professional_id = u.id)
      FROM {pair} JOIN users u ON u.id = pair.professional_id
"""
CHOICES_ABOUT = CHOICES.format(pair="(VALUES ($1::bigint, $2::bigint)) AS pair (customer_id, professional_id)")
# The same of a booking `b`, for its customer's page (app.listeners).
CHOICES_SQL = f"""(SELECT ROW(choice.*) FROM ({
    CHOICES.format(pair="(SELECT b.customer_id, b.professional_id) AS pair")
}) AS choice)"""


@dataclass(frozen=True, slots=True)
class FavouriteRow:
    """A favourite; without a service they are not available, and nothing says why."""

    professional_id: int
    full_name: str
    trade: str
    at: datetime
    service_id: int | None
    service_slug: str | None
    service_name: str | None

    @property
    def name(self) -> str:
        return public_name(self.full_name)

    @property
    def is_available(self) -> bool:
        return self.service_id is not None

    @property
    def booking_url(self) -> str:
        """The page of the service with this professional chosen."""
        return f"/services/{self.service_slug}?professional={self.professional_id}"


@dataclass(frozen=True, slots=True)
class ExcludedRow:
    """A professional whom the customer excluded."""

    professional_id: int
    full_name: str
    at: datetime

    @property
    def name(self) -> str:
        return public_name(self.full_name)


@dataclass(frozen=True, slots=True)
class CustomerChoices:
    """What the customer chose about one professional; `may_exclude`: they had a booking with them."""

    professional_id: int
    full_name: str
    is_favourite: bool
    is_excluded: bool
    may_exclude: bool

    @property
    def first_name(self) -> str:
        return greeting_name(self.full_name)


class Favourites:
    def __init__(self, db: AsyncSession, me: Person) -> None:
        self._db, self._me = db, me

    async def require(self, professional_id: int) -> None:
        """Raises Missing unless `me` can see the professional, or was visited by them."""
        if not await fetch_value(self._db, MAY_BE_FAVOURITE, self._me.id, professional_id):
            raise Missing

    async def count_others(self, professional_id: int) -> int:
        return int(await fetch_value(self._db, COUNT, self._me.id, professional_id))

    async def add(self, professional_id: int) -> None:
        await execute(self._db, ADD, self._me.id, professional_id, clock.now())

    async def remove(self, professional_id: int) -> bool:
        """Remove the favourite; False when it is none."""
        return bool(await execute(self._db, REMOVE, self._me.id, professional_id))

    async def all(self) -> list[FavouriteRow]:
        """Available ones first, then the latest first."""
        return await rows(self._db, FavouriteRow, FAVOURITES, self._me.id, clock.today(), None)

    async def excluded(self) -> list[ExcludedRow]:
        """The professionals whom `me` excluded, the latest first; not who excluded `me`."""
        return await rows(self._db, ExcludedRow, EXCLUDED, self._me.id)


async def load_choices(db: AsyncSession, customer_id: int, professional_id: int) -> CustomerChoices | None:
    row = await fetch_row(db, CHOICES_ABOUT, customer_id, professional_id)
    return CustomerChoices(*row) if row else None
