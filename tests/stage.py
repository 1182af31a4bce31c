"""The whole application on a database of its own, on a Tuesday morning, and people who come to it by its forms."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from litestar import Litestar
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.user import User
from app.core import clock
from app.core.db import Database
from app.notifications.messages import Letter, Letters, OutOfDate
from app.notifications.repository import Mails
from tests.application import serving, settings
from tests.person import Page, Person
from tests.town import ASHA, LEAKS, NOTE, PASSWORD, VISA, Town, build

NINE = datetime(2026, 11, 24, 9, 0, tzinfo=clock.IST)
START = "%Y-%m-%dT%H:%M"
KEPT = ("bookings", "events", "event_values", "outbox", "charges", "idempotency_keys", "sessions", "users", "extras")


@dataclass
class Stage:
    app: Litestar
    town: Town
    people: dict[str, Person] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        return self.app.state.database

    async def comes(self, email: str) -> Person:
        """Somebody of the town, signed in by the form."""
        person = self.people[email] = Person(self.app)
        assert (await person.sign_in(email, PASSWORD)).status == 303
        return person

    async def workers(self) -> tuple[Person, Person]:
        return await self.comes("ravi@example.com"), await self.comes("kumar@example.com")

    async def signs_up(self, **differently: str) -> Person:
        """Asha, or somebody of another name and address, by the sign-up form."""
        given = ASHA | differently
        person = self.people[given["email"]] = Person(self.app)
        arrived = await person.go(await person.visit("/register"), "/register", **given)
        assert arrived.path == "/login"
        assert (await person.submit(arrived, "/login", email=given["email"], password=PASSWORD)).status == 303
        return person

    async def books(self, me: Person, start: datetime, *, named: User | None = None, **way: str) -> Page:
        """From the service's page to the paid booking."""
        who = {"professional": str(named.id)} if named else {}
        page = await me.visit(f"/services/{LEAKS}?pincode={ASHA['pincode']}&professional={who.get('professional', '')}")
        page = await me.go(page, "/bookings/new", start=start.strftime(START), **who)
        page = await me.go(page, "/bookings", note=NOTE)
        return await me.go(page, "/payment", **(way or VISA))

    async def accepted(self, worker: Person, reference: str) -> Page:
        return await worker.go(await worker.visit("/jobs"), f"/jobs/{reference}/acceptance")

    async def started(self, me: Person, worker: Person, reference: str) -> Page:
        """The code is read out at the door."""
        code = (await me.visit(f"/bookings/{reference}")).data["start-code"]
        return await worker.go(await worker.visit(f"/jobs/{reference}"), "/start", code=code)

    async def finished(self, me: Person, worker: Person, reference: str) -> Page:
        code = (await me.visit(f"/bookings/{reference}")).data["finish-code"]
        return await worker.go(await worker.visit(f"/jobs/{reference}"), "/completion", code=code)

    async def person_of(self, db: AsyncSession, email: str) -> User:
        return (await db.scalars(select(User).where(User.email == email))).one()

    def codes(self) -> set[str]:
        """Every code that a customer was ever shown."""
        pages = [page for person in self.people.values() for page in person.pages]
        return {code for page in pages for name, code in page.data.items() if name in ("start-code", "finish-code")}

    async def letters(self) -> list[Letter]:
        """All mail that would go out now."""
        state, found = self.app.state, []
        writer = Letters(state.templates, state.vault, state.settings.base_url)
        async with self.database.work() as db:
            for mail in await Mails(db).latest(500):
                try:
                    found.append(await writer.write(db, mail))
                except OutOfDate:
                    continue
        return found

    async def kept(self) -> str:
        """What the tables hold about all this."""
        async with self.database.work() as db:
            return "\n".join(
                [row for table in KEPT for row in await db.scalars(text(f"SELECT t::text FROM {table} t"))]
            )


def shown(code: str, words: str) -> bool:
    return code in words or f"{code[:3]} {code[3:]}" in words


def at(hour: int, minute: int = 0, *, days: int = 0) -> datetime:
    return NINE.replace(hour=hour, minute=minute) + timedelta(days=days)


def stopped(hour: int, minute: int = 0, *, days: int = 0) -> AbstractContextManager[None]:
    return clock.stopped(at(hour, minute, days=days))


@asynccontextmanager
async def set_stage(database_url: str, redis_url: str) -> AsyncIterator[Stage]:
    """Nine o'clock, and the town as it is built."""
    with clock.stopped(NINE):
        async with serving(settings(database_url, redis_url)) as app:
            async with app.state.database.work(app.state.after) as db:
                made = Stage(app, await build(db, app.state.settings.secret_key))
            yield made
            for person in made.people.values():
                await person.aclose()
