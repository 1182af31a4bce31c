"""The people of the demo town: who lives and works where."""

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
from app.scheduling.slots import Worker
from app.scheduling.travel import Point, distance_km
from app.scheduling.working_hours import Coverage, Offering, WorkingHours

PROFESSIONALS, CUSTOMERS = 60, 240
PENDING, DENIED, BLOCKED = 6, 2, 1
WEEKS = 26


@dataclass(slots=True)
class Resident:
    """A customer and where they live."""

    user: User
    line: str
    where: Point


@dataclass(slots=True)
class Town:
    dice: random.Random
    password_hash: str
    founded: datetime
    places: list[Point] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    categories: list[Category] = field(default_factory=list)
    residents: list[Resident] = field(default_factory=list)
    crew: list[Worker] = field(default_factory=list)
    people: dict[int, User] = field(default_factory=dict)
    covers: dict[int, set[str]] = field(default_factory=dict)
    used_names: set[str] = field(default_factory=set)
    numbers: int = 0

    def name(self) -> str:
        """A name nobody in town has yet; real towns have namesakes, but a demo is easier to read without."""
        while True:
            name = f"{self.dice.choice(demo_people.FIRST)} {self.dice.choice(demo_people.LAST)}"
            if name not in self.used_names:
                self.used_names.add(name)
                return name

    def person(self, role: Role, full_name: str, email: str | None = None) -> User:
        self.numbers += 1
        return User(
            role=role,
            full_name=full_name,
            email=email or f"{full_name.lower().replace(' ', '.')}@example.com",
            phone=f"+9100000{self.numbers:05d}",
            password_hash=self.password_hash,
            email_verified_at=self.founded,
            created_at=self.founded,
        )


async def found(db: AsyncSession, dice: random.Random, password_hash: str) -> Town:
    """Places and catalogue are there already; people come."""
    today = clock.today()
    town = Town(dice, password_hash, clock.at(today - timedelta(weeks=WEEKS + 1)))
    rows = await db.scalars(
        select(Pincode).where(Pincode.quality.in_(("checked", "by_hand"))).order_by(Pincode.pincode)
    )
    town.places = [Point(row.pincode, row.latitude, row.longitude) for row in rows]
    town.services = list(await db.scalars(select(Service).order_by(Service.id)))
    town.categories = list(await db.scalars(select(Category).order_by(Category.position)))
    admin = town.person(Role.ADMIN, demo_people.LEKHA, demo_people.ADMIN)
    db.add(admin)
    await _settle_customers(db, town)
    await _settle_professionals(db, town)
    await _block_one(db, town, admin)
    return town


async def _settle_customers(db: AsyncSession, town: Town) -> None:
    named = [(demo_people.MEERA, demo_people.CUSTOMER)] + [(town.name(), None) for _ in range(CUSTOMERS - 1)]
    users = [town.person(Role.CUSTOMER, name, email) for name, email in named]
    db.add_all(users)
    await db.flush()
    for user in users:
        where = _place(town, "600020") if user.email == demo_people.CUSTOMER else town.dice.choice(town.places)
        line = f"Flat {town.dice.randint(1, 9)}{town.dice.choice('ABCD')}, {town.dice.choice(demo_people.HOMES)}, "
        line += f"{town.dice.randint(1, 140)} {town.dice.choice(demo_people.STREETS)}"
        town.residents.append(Resident(user, line, where))
        db.add(Address(user_id=user.id, line=line, pincode=where.pincode, is_main=True, created_at=town.founded))
    await db.flush()


async def _settle_professionals(db: AsyncSession, town: Town) -> None:
    for number in range(PROFESSIONALS):
        category = town.categories[number % len(town.categories)]
        known = number == 0
        name, email = (demo_people.RAVI, demo_people.PROFESSIONAL) if known else (town.name(), None)
        user = town.person(Role.PROFESSIONAL, name, email)
        db.add(user)
        await db.flush()
        town.people[user.id] = user
        home = _place(town, "600020") if known else town.dice.choice(town.places)
        await _equip(db, town, user, category, home, _standing(number))
    await db.flush()


def _standing(number: int) -> str:
    """The last few are still to be looked at, or were refused."""
    if number >= PROFESSIONALS - PENDING:
        return "pending"
    return "denied" if number >= PROFESSIONALS - PENDING - DENIED else "approved"


async def _equip(db: AsyncSession, town: Town, user: User, category: Category, home: Point, standing: str) -> None:
    years = town.dice.randint(1, 22)
    known = user.email == demo_people.PROFESSIONAL
    reach = 16 if known else town.dice.choice((9, 12, 16))
    near = [place for place in town.places if (distance_km(home, place) or 0) <= reach]
    hours = demo_people.LONG_HOURS if known else town.dice.choice(demo_people.HOURS)
    offered = [service.id for service in town.services if service.category_id == category.id]
    db.add(
        Professional(
            user_id=user.id,
            standing=standing,
            trade=category.name,
            experience_years=years,
            home_pincode=home.pincode,
            created_at=town.founded,
            approved_at=town.founded if standing == "approved" else None,
            denial_reason="The photo on the identity card cannot be read." if standing == "denied" else None,
        )
    )
    await db.flush()
    db.add_all(WorkingHours(professional_id=user.id, weekday=d, opens=o, closes=c) for d, o, c in hours)
    db.add_all(Coverage(professional_id=user.id, pincode=place.pincode) for place in near)
    db.add_all(Offering(professional_id=user.id, service_id=one, standing=standing) for one in offered)
    if standing == "approved":
        town.covers[user.id] = {place.pincode for place in near}
        town.crew.append(Worker(user.id, user.full_name, years, home, list(hours), frozenset(offered), 0, 0, 0, 0.0))


async def _block_one(db: AsyncSession, town: Town, admin: User) -> None:
    """The last of the approved: nobody books them, so they never appear in the history."""
    blocked = town.crew.pop()
    since = clock.now() - timedelta(days=20)
    reason = "Three customers said that you asked for more money at the door. Write to us with your side."
    db.add(Block(user_id=blocked.id, by_id=admin.id, reason=reason, created_at=since))
    person = await db.get_one(User, blocked.id)
    person.record("person.blocked", by=admin, at=since, before="active", after="blocked", personal={"reason": reason})
    await db.flush()


def _place(town: Town, pincode: str) -> Point:
    return next(place for place in town.places if place.pincode == pincode)
