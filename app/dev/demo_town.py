"""The users of the demo town, their addresses, and the professionals' services and areas."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Address, Pincode
from app.accounts.professional import Professional
from app.accounts.user import Block, Role, User
from app.catalog.service import Category, Service
from app.core import clock
from app.dev import demo_people
from app.scheduling.candidates import Candidate
from app.scheduling.travel import Location, distance_km
from app.scheduling.working_hours import Coverage, OfferedService, WorkingHours

PROFESSIONAL_COUNT, CUSTOMER_COUNT = 60, 240
PENDING_COUNT, DENIED_COUNT, BLOCKED_COUNT = 6, 2, 1
HISTORY_WEEKS = 26


@dataclass(slots=True)
class Resident:
    """A customer and their address."""

    user: User
    address_line: str
    location: Location


@dataclass(slots=True)
class Town:
    """Everything of the demo town that later steps need."""

    rng: random.Random
    password_hash: str
    founded: datetime
    locations: list[Location] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    categories: list[Category] = field(default_factory=list)
    residents: list[Resident] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    professionals: dict[int, User] = field(default_factory=dict)
    covered_pincodes: dict[int, set[str]] = field(default_factory=dict)
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


async def create_town(db: AsyncSession, rng: random.Random, password_hash: str) -> Town:
    """Add the users; pincodes and catalogue must be loaded already."""
    today = clock.today()
    town = Town(rng, password_hash, clock.at(today - timedelta(weeks=HISTORY_WEEKS + 1)))
    rows = await db.scalars(
        select(Pincode).where(Pincode.quality.in_(("checked", "by_hand"))).order_by(Pincode.pincode)
    )
    town.locations = [Location(row.pincode, row.latitude, row.longitude) for row in rows]
    town.services = list(await db.scalars(select(Service).order_by(Service.id)))
    town.categories = list(await db.scalars(select(Category).order_by(Category.position)))
    admin = town.new_user(Role.ADMIN, demo_people.ADMIN_NAME, demo_people.ADMIN_EMAIL)
    db.add(admin)
    await _add_customers(db, town)
    await _add_professionals(db, town)
    await _block_professional(db, town, admin)
    return town


async def _add_customers(db: AsyncSession, town: Town) -> None:
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
        town.residents.append(Resident(user, line, location))
        db.add(Address(user_id=user.id, line=line, pincode=location.pincode, is_main=True, created_at=town.founded))
    await db.flush()


async def _add_professionals(db: AsyncSession, town: Town) -> None:
    for number in range(PROFESSIONAL_COUNT):
        category = town.categories[number % len(town.categories)]
        is_demo_account = number == 0
        name, email = (
            (demo_people.PROFESSIONAL_NAME, demo_people.PROFESSIONAL_EMAIL)
            if is_demo_account
            else (town.new_name(), None)
        )
        user = town.new_user(Role.PROFESSIONAL, name, email)
        db.add(user)
        await db.flush()
        town.professionals[user.id] = user
        home = _location_of(town, "600020") if is_demo_account else town.rng.choice(town.locations)
        await _add_professional(db, town, user, category, home, _approval_status(number))
    await db.flush()


def _approval_status(number: int) -> str:
    """Return the approval state: the last few applications are pending or denied."""
    if number >= PROFESSIONAL_COUNT - PENDING_COUNT:
        return "pending"
    return "denied" if number >= PROFESSIONAL_COUNT - PENDING_COUNT - DENIED_COUNT else "approved"


async def _add_professional(
    db: AsyncSession, town: Town, user: User, category: Category, home: Location, status: str
) -> None:
    years = town.rng.randint(1, 22)
    is_demo_account = user.email == demo_people.PROFESSIONAL_EMAIL
    radius_km = 16 if is_demo_account else town.rng.choice((9, 12, 16))
    covered = [location for location in town.locations if (distance_km(home, location) or 0) <= radius_km]
    hours = demo_people.LONG_WEEKLY_HOURS if is_demo_account else town.rng.choice(demo_people.WEEKLY_HOURS)
    offered = [service.id for service in town.services if service.category_id == category.id]
    db.add(
        Professional(
            user_id=user.id,
            approval_status=status,
            trade=category.name,
            experience_years=years,
            home_pincode=home.pincode,
            created_at=town.founded,
            approved_at=town.founded if status == "approved" else None,
            denial_reason="The photo on the identity card is not readable." if status == "denied" else None,
        )
    )
    await db.flush()
    db.add_all(WorkingHours(professional_id=user.id, weekday=d, opens=o, closes=c) for d, o, c in hours)
    db.add_all(Coverage(professional_id=user.id, pincode=location.pincode) for location in covered)
    db.add_all(
        OfferedService(professional_id=user.id, service_id=service_id, approval_status=status) for service_id in offered
    )
    if status == "approved":
        town.covered_pincodes[user.id] = {location.pincode for location in covered}
        town.candidates.append(
            Candidate(user.id, user.full_name, years, home, tuple(hours), frozenset(offered), 0, 0, 0, 0.0)
        )


async def _block_professional(db: AsyncSession, town: Town, admin: User) -> None:
    """Block the last approved professional, who then has no bookings in the history."""
    blocked = town.candidates.pop()
    since = clock.now() - timedelta(days=20)
    reason = "3 customers reported that you asked for extra money at the door. If you disagree, you can appeal."
    db.add(Block(user_id=blocked.id, blocked_by_id=admin.id, reason=reason, created_at=since))
    person = await db.get_one(User, blocked.id)
    person.record("person.blocked", by=admin, at=since, before="active", after="blocked", personal={"reason": reason})
    await db.flush()


def _location_of(town: Town, pincode: str) -> Location:
    return next(location for location in town.locations if location.pincode == pincode)
