"""The users of the demo town, their addresses, and the professionals' services and areas."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Address, Pincode
from app.accounts.professional import Professional
from app.accounts.user import Block, Role, User
from app.catalog.service import Category, Service
from app.core import clock
from app.core.orm import Base, NaturalKeyBase
from app.core.sql import copy, fetch, fetch_row, rows
from app.dev import demo_people
from app.scheduling.candidates import Candidate
from app.scheduling.travel import Location, distance_km
from app.scheduling.working_hours import Coverage, OfferedService, WorkingHours

PROFESSIONAL_COUNT, CUSTOMER_COUNT = 60, 240
PENDING_COUNT, DENIED_COUNT, BLOCKED_COUNT = 6, 2, 1
HISTORY_WEEKS = 26
# Numbers of the professionals who work day and night.
ROUND_THE_CLOCK = (1, 2, 3)

FOUNDED = "SELECT created_at FROM users WHERE lower(email) = $1"
PEOPLE = """
    SELECT u.id, u.role, u.full_name FROM users u
     WHERE u.created_at = $1 AND u.deleted_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM blocks k WHERE k.user_id = u.id AND k.lifted_at IS NULL)
     ORDER BY u.id
"""
HOMES = """
    SELECT a.user_id, a.line, p.pincode, p.latitude, p.longitude
      FROM addresses a JOIN pincodes p USING (pincode) WHERE a.is_main AND a.user_id = ANY($1::bigint[])
"""
APPROVED = """
    SELECT r.user_id, r.experience_years, p.pincode, p.latitude, p.longitude,
           ARRAY(SELECT ARRAY[h.weekday, h.opens, h.closes] FROM working_hours h WHERE h.professional_id = r.user_id
                  ORDER BY h.weekday, h.opens),
           ARRAY(SELECT o.service_id FROM offered_services o
                  WHERE o.professional_id = r.user_id AND o.approval_status = 'approved' ORDER BY o.service_id),
           ARRAY(SELECT c.pincode FROM coverage c WHERE c.professional_id = r.user_id)
      FROM professionals r JOIN pincodes p ON p.pincode = r.home_pincode
     WHERE r.approval_status = 'approved' AND r.user_id = ANY($1::bigint[]) ORDER BY r.user_id
"""
DEMO_LANGUAGES = (("ta", "en"), ("ta",), ("ta", "en", "hi"), ("ta", "te"), ("ta", "ml", "en"))
SERVICES = "SELECT id, name, price, minutes FROM services ORDER BY id"


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """A user, as an actor of the domain's verbs."""

    id: int
    role: str
    full_name: str


@dataclass(frozen=True, slots=True)
class DemoService:
    id: int
    name: str
    price: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Resident:
    """A customer and their address."""

    person: DemoPerson
    address_line: str
    location: Location


@dataclass(slots=True)
class Town:
    """Everything that bookings need, as it is in the database. The demo accounts come first."""

    founded: datetime
    admin: DemoPerson
    residents: list[Resident]
    candidates: list[Candidate]
    professionals: dict[int, DemoPerson]
    covered_pincodes: dict[int, set[str]]
    services: dict[int, DemoService]
    _near: dict[int, list[Resident]] = field(default_factory=dict)

    @property
    def first_day(self) -> date:
        """The day on which the town was made."""
        return self.founded.astimezone(clock.IST).date() + timedelta(weeks=HISTORY_WEEKS + 1)

    def service(self, service_id: int) -> DemoService:
        return self.services[service_id]

    def near(self, candidate: Candidate) -> list[Resident]:
        """The residents where the candidate works."""
        if candidate.id not in self._near:
            covered = self.covered_pincodes[candidate.id]
            self._near[candidate.id] = [home for home in self.residents if home.location.pincode in covered]
        return self._near[candidate.id]


async def load_town(db: AsyncSession) -> Town | None:
    """Read the people of the demo town who may still book and work; None when it does not exist."""
    row = await fetch_row(db, FOUNDED, demo_people.CUSTOMER_EMAIL)
    if row is None:
        return None
    people = {person.id: person for person in await rows(db, DemoPerson, PEOPLE, row[0])}
    residents = [
        Resident(people[user_id], line, Location(*place))
        for user_id, line, *place in await fetch(db, HOMES, list(people))
        if people[user_id].role == Role.CUSTOMER
    ]
    residents.sort(key=lambda resident: resident.person.id)
    approved = await fetch(db, APPROVED, list(people))
    return Town(
        founded=row[0],
        admin=next(person for person in people.values() if person.role == Role.ADMIN),
        residents=residents,
        candidates=[_candidate(people[found[0]].full_name, *found) for found in approved],
        professionals={found[0]: people[found[0]] for found in approved},
        covered_pincodes={found[0]: set(found[7]) for found in approved},
        services={service.id: service for service in await rows(db, DemoService, SERVICES)},
    )


def _candidate(
    full_name: str,
    user_id: int,
    years: int,
    pincode: str,
    latitude: float,
    longitude: float,
    hours: Sequence[Sequence[int]],
    services: Sequence[int],
    _covered: Sequence[str],
) -> Candidate:
    home, week = Location(pincode, latitude, longitude), tuple((day, opens, closes) for day, opens, closes in hours)
    return Candidate(user_id, full_name, years, home, week, frozenset(services), 0, 0, 0, 0.0)


@dataclass(slots=True)
class Founding:
    """What the steps of making the town share."""

    rng: random.Random
    password_hash: str
    founded: datetime
    locations: Sequence[Location]
    services: Sequence[Service]
    categories: Sequence[Category]
    approved: list[int] = field(default_factory=list)
    used_names: set[str] = field(default_factory=set)
    user_count: int = 0

    def new_name(self) -> str:
        """Return a name that is not used yet, so that the demo is easier to follow."""
        while True:
            name = f"{self.rng.choice(demo_people.FIRST_NAMES)} {self.rng.choice(demo_people.LAST_NAMES)}"
            if name not in self.used_names:
                self.used_names.add(name)
                return name

    def new_user(self, role: Role, full_name: str, email: str | None = None) -> User:
        """Return a user with the demo password and the next phone number."""
        self.user_count += 1
        return User(
            role=role,
            full_name=full_name,
            email=email or f"{full_name.lower().replace(' ', '.')}@example.com",
            phone=f"+9100000{self.user_count:05d}",
            password_hash=self.password_hash,
            email_verified_at=self.founded,
            created_at=self.founded,
        )


async def create_town(db: AsyncSession, rng: random.Random, password_hash: str) -> list[User]:
    """Add the users, and return the professionals; pincodes and catalogue must be loaded already."""
    pincodes = await db.scalars(
        select(Pincode).where(Pincode.quality.in_(("checked", "by_hand"))).order_by(Pincode.pincode)
    )
    town = Founding(
        rng,
        password_hash,
        clock.at(clock.today() - timedelta(weeks=HISTORY_WEEKS + 1)),
        [Location(row.pincode, row.latitude, row.longitude) for row in pincodes],
        list(await db.scalars(select(Service).order_by(Service.id))),
        list(await db.scalars(select(Category).order_by(Category.position))),
    )
    admin = town.new_user(Role.ADMIN, demo_people.ADMIN_NAME, demo_people.ADMIN_EMAIL)
    db.add(admin)
    await _add_customers(db, town)
    professionals = await _add_professionals(db, town)
    await _block_professional(db, town, admin)
    return professionals


async def _add_customers(db: AsyncSession, town: Founding) -> None:
    named = [(demo_people.CUSTOMER_NAME, demo_people.CUSTOMER_EMAIL)] + [
        (town.new_name(), None) for _ in range(CUSTOMER_COUNT - 1)
    ]
    users = [town.new_user(Role.CUSTOMER, name, email) for name, email in named]
    db.add_all(users)
    await db.flush()
    for user in users:
        location = (
            _location_of(town, "600020")
            if user.email == demo_people.CUSTOMER_EMAIL
            else town.rng.choice(town.locations)
        )
        line = f"Flat {town.rng.randint(1, 9)}{town.rng.choice('ABCD')}, {town.rng.choice(demo_people.BUILDINGS)}, "
        line += f"{town.rng.randint(1, 140)} {town.rng.choice(demo_people.STREETS)}"
        db.add(Address(user_id=user.id, line=line, pincode=location.pincode, is_main=True, created_at=town.founded))
    await db.flush()


async def _add_professionals(db: AsyncSession, town: Founding) -> list[User]:
    named = [(demo_people.PROFESSIONAL_NAME, demo_people.PROFESSIONAL_EMAIL)] + [
        (town.new_name(), None) for _ in range(PROFESSIONAL_COUNT - 1)
    ]
    users = [town.new_user(Role.PROFESSIONAL, name, email) for name, email in named]
    db.add_all(users)
    await db.flush()
    parts = [_professional_rows(town, number, user) for number, user in enumerate(users)]
    db.add_all(professional for professional, _ in parts)
    await db.flush()
    for model in (WorkingHours, Coverage, OfferedService):
        await copy(db, [row for _, more in parts for row in more if isinstance(row, model)])
    return users


def _approval_status(number: int) -> str:
    """Return the approval state: the last few applications are pending or denied."""
    if number >= PROFESSIONAL_COUNT - PENDING_COUNT:
        return "pending"
    return "denied" if number >= PROFESSIONAL_COUNT - PENDING_COUNT - DENIED_COUNT else "approved"


def _professional_rows(town: Founding, number: int, user: User) -> tuple[Professional, list[Base | NaturalKeyBase]]:
    """The professional, and their hours, area and services."""
    category, status = town.categories[number % len(town.categories)], _approval_status(number)
    is_demo_account = number == 0
    home = _location_of(town, "600020") if is_demo_account else town.rng.choice(town.locations)
    radius_km = 16 if is_demo_account else town.rng.choice((9, 12, 16))
    hours = demo_people.LONG_WEEKLY_HOURS if is_demo_account else town.rng.choice(demo_people.WEEKLY_HOURS)
    if number in ROUND_THE_CLOCK:
        hours = demo_people.ROUND_THE_CLOCK
    if status == "approved":
        town.approved.append(user.id)
    professional = Professional(
        user_id=user.id,
        approval_status=status,
        trade=category.name,
        experience_years=town.rng.randint(1, 22),
        languages=list(DEMO_LANGUAGES[number % len(DEMO_LANGUAGES)]),
        home_pincode=home.pincode,
        created_at=town.founded,
        approved_at=town.founded if status == "approved" else None,
        denial_reason="The photo on the identity card is not readable." if status == "denied" else None,
    )
    return professional, [
        *(WorkingHours(professional_id=user.id, weekday=d, opens=o, closes=c) for d, o, c in hours),
        *(
            Coverage(professional_id=user.id, pincode=location.pincode)
            for location in town.locations
            if (distance_km(home, location) or 0) <= radius_km
        ),
        *(
            OfferedService(professional_id=user.id, service_id=service.id, approval_status=status)
            for service in town.services
            if service.category_id == category.id
        ),
    ]


async def _block_professional(db: AsyncSession, town: Founding, admin: User) -> None:
    """Block the last approved professional, who then has no bookings."""
    blocked_id = town.approved[-1]
    since = clock.now() - timedelta(days=20)
    reason = "3 customers reported that you asked for extra money at the door. If you disagree, you can appeal."
    db.add(Block(user_id=blocked_id, blocked_by_id=admin.id, reason=reason, created_at=since))
    person = await db.get_one(User, blocked_id)
    person.record("person.blocked", by=admin, at=since, before="active", after="blocked", personal={"reason": reason})
    await db.flush()


def _location_of(town: Founding, pincode: str) -> Location:
    return next(location for location in town.locations if location.pincode == pincode)
