"""The application on a database of its own, on a Tuesday morning, and people who use its forms."""

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
from app.notifications.messages import MessageRenderer, OutOfDate, RenderedMessage
from app.notifications.repository import OutboxRepository
from tests.application import serving, settings
from tests.person import Page, Person
from tests.town import ASHA, LEAKS, NOTE, PASSWORD, VISA, Town, build

NINE = datetime(2026, 11, 24, 9, 0, tzinfo=clock.IST)
SLOT_VALUE_FORMAT = "%Y-%m-%dT%H:%M"
STORED_TABLES = (
    "bookings",
    "events",
    "event_values",
    "outbox",
    "charges",
    "idempotency_keys",
    "sessions",
    "users",
    "extras",
)


@dataclass
class StoryApp:
    app: Litestar
    town: Town
    people: dict[str, Person] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        return self.app.state.services.database

    async def sign_in(self, email: str) -> Person:
        """Sign in a person of the town by the form."""
        person = self.people[email] = Person(self.app)
        assert (await person.sign_in(email, PASSWORD)).status == 303
        return person

    async def sign_in_professionals(self) -> tuple[Person, Person]:
        return await self.sign_in("ravi@example.com"), await self.sign_in("kumar@example.com")

    async def sign_up(self, **changes: str) -> Person:
        """Sign up Asha, with other values where values, by the form, and sign in."""
        values = ASHA | changes
        person = self.people[values["email"]] = Person(self.app)
        arrived = await person.submit_and_follow(await person.visit("/register"), "/register", **values)
        assert arrived.path == "/login"
        assert (await person.submit(arrived, "/login", email=values["email"], password=PASSWORD)).status == 303
        return person

    async def book(self, me: Person, start: datetime, *, named: User | None = None, **payment: str) -> Page:
        """Book and pay, from the service's page on."""
        who = {"professional": str(named.id)} if named else {}
        page = await me.visit(f"/services/{LEAKS}?pincode={ASHA['pincode']}&professional={who.get('professional', '')}")
        page = await me.submit_and_follow(page, "/bookings/new", start=start.strftime(SLOT_VALUE_FORMAT), **who)
        page = await me.submit_and_follow(page, "/bookings", note=NOTE)
        return await me.submit_and_follow(page, "/payment", **(payment or VISA))

    async def accept(self, worker: Person, reference: str) -> Page:
        return await worker.submit_and_follow(await worker.visit("/jobs?show=50"), f"/jobs/{reference}/acceptance")

    async def start(self, me: Person, worker: Person, reference: str) -> Page:
        """Start the job with the code that the customer reads out."""
        code = (await me.visit(f"/bookings/{reference}")).data["start-code"]
        return await worker.submit_and_follow(
            await worker.visit(f"/jobs/{reference}"), "/start", code=code, early="yes"
        )

    async def finish(self, me: Person, worker: Person, reference: str) -> Page:
        code = (await me.visit(f"/bookings/{reference}")).data["finish-code"]
        return await worker.submit_and_follow(await worker.visit(f"/jobs/{reference}"), "/completion", code=code)

    async def user_by_email(self, db: AsyncSession, email: str) -> User:
        return (await db.scalars(select(User).where(User.email == email))).one()

    def codes(self) -> set[str]:
        """All codes that were shown to customers."""
        pages = [page for person in self.people.values() for page in person.pages]
        return {code for page in pages for name, code in page.data.items() if name in ("start-code", "finish-code")}

    async def pending_emails(self) -> list[RenderedMessage]:
        """Render all emails that would be sent now."""
        services, emails = self.app.state.services, []
        writer = MessageRenderer(
            services.templates, services.encryption, services.settings.base_url, services.settings.mail_from
        )
        async with self.database.work() as db:
            for mail in await OutboxRepository(db).latest(500):
                try:
                    emails.append(await writer.render(db, mail))
                except OutOfDate:
                    continue
        return emails

    async def stored_text(self) -> str:
        """All rows of the stored tables as text."""
        async with self.database.work() as db:
            return "\n".join(
                [row for table in STORED_TABLES for row in await db.scalars(text(f"SELECT t::text FROM {table} t"))]
            )


def contains_code(code: str, expected_text: str) -> bool:
    return code in expected_text or f"{code[:3]} {code[3:]}" in expected_text


def at(hour: int, minute: int = 0, *, days: int = 0) -> datetime:
    return NINE.replace(hour=hour, minute=minute) + timedelta(days=days)


def frozen_at(hour: int, minute: int = 0, *, days: int = 0) -> AbstractContextManager[None]:
    return clock.freeze(at(hour, minute, days=days))


@asynccontextmanager
async def open_story_app(database_url: str, redis_url: str) -> AsyncIterator[StoryApp]:
    """Start the application at nine o'clock with the town."""
    with clock.freeze(NINE):
        async with serving(settings(database_url, redis_url)) as app:
            async with app.state.services.database.work(app.state.services.after_commit) as db:
                story = StoryApp(app, await build(db, app.state.services.settings.secret_key))
            yield story
            for person in story.people.values():
                await person.aclose()
