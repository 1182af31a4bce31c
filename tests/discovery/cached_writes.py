"""Writes that change what visitors' pages and the API show, and a town in which all answers are read after each."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from litestar import Litestar
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.professional import Professional
from app.accounts.profile import change_details
from app.accounts.repository import ProfessionalRatings
from app.accounts.schemas import Details
from app.accounts.session import Sessions
from app.accounts.user import User
from app.blocking.block import block, unblock
from app.bookings.cancellation import cancel_by_customer
from app.bookings.expiry import expire_holds
from app.bookings.holds import BookingRequest, hold
from app.bookings.reservation import reschedule_by_customer
from app.catalog import category_changes, service_changes
from app.catalog.repository import CatalogueRepository
from app.catalog.schemas import draft_facts, form_values, read_service
from app.catalog.service import Service
from app.core import clock
from app.jobs.acceptance import accept, hand_back
from app.jobs.schedule_changes import ScheduleChange, cancel_time_off, change_schedule
from app.privacy.deletion import delete_account
from app.reviews.submission import submit_review
from app.vetting.home_address import move_home
from app.vetting.offered_services import WorkForm, update_work
from tests.api_client import ApiClient
from tests.factories import (
    ADYAR,
    BESANT_NAGAR,
    TIRUVANMIYUR,
    a_professional,
    a_request,
    a_service,
)
from tests.statements import count_statements

TUESDAY = datetime(2026, 11, 24, 9, 0, tzinfo=clock.IST)
MORNING = TUESDAY - timedelta(seconds=30)  # the clock alone changes no slot for half a minute
AS_HTMX = {"hx-request": "true", "hx-request-type": "partial"}
_numbers = count(1)


@dataclass
class WrittenTown:
    """A service that Kabir does, the answers that show it, two processes and writes by the first."""

    app: Litestar
    client: ApiClient
    uncached: ApiClient
    service: Service
    kabir: User
    asha: User
    meena: User

    @property
    def api(self) -> dict[str, str]:
        """The paths of the API whose answers are cached."""
        slots = f"/api/services/{self.service.id}/slots?pincode={ADYAR}"
        return {
            "list": "/api/services?limit=100",
            "named": "/api/service/kite",
            "slots": slots,
            "his": f"{slots}&professional={self.kabir.id}",
        }

    @property
    def pages(self) -> dict[str, str]:
        """The paths of the pages that are cached."""
        service = f"/services/{self.service.slug}"
        return {
            "home": "/",
            "results": f"/services?pincode={ADYAR}",
            "named": f"/services?pincode={ADYAR}&q=kite",
            "service": f"{service}?pincode={ADYAR}",
            "slots": f"{service}/slots?pincode={ADYAR}&professional={self.kabir.id}",
            "reviews": f"{service}/reviews",
            "person": f"/professionals/{self.kabir.id}",
        }

    async def read(self, paths: dict[str, str], client: ApiClient | None = None) -> dict[str, Any]:
        """The content of each answer, of one that is not 200 its status."""
        answers = {}
        for name, path in paths.items():
            headers = AS_HTMX if "/slots?" in path and not path.startswith("/api") else None
            answer = await (client or self.client).get(path, headers=headers)
            answers[name] = answer.text if answer.status_code == 200 else answer.status_code
        return answers

    async def statements(self, paths: dict[str, str]) -> list[str]:
        """The statements that it takes to read all of them."""
        with count_statements(self.app.state.services.database) as statements:
            await self.read(paths)
        return statements

    async def prepare(self, steps: Sequence["Write"]) -> None:
        """Write the steps, and wait until the process has heard of them by Redis too, which drops what it has again."""
        for step in steps:
            await self.write(step)
        cache, version = self.app.state.services.after_commit.cache, -1
        while cache.version != version:
            version = cache.version
            await asyncio.sleep(0.03)

    async def write(self, act: "Write") -> None:
        services = self.app.state.services
        async with services.database.work(services.after_commit) as db:
            await act(self, db)


Write = Callable[[WrittenTown, AsyncSession], Awaitable[object]]


def edit(**fields: object) -> Write:
    """An admin edits these fields of the service in its form."""

    async def write(town: WrittenTown, db: AsyncSession) -> None:
        catalogue = CatalogueRepository(db)
        service = await catalogue.service(town.service.id)
        before = form_values(draft_facts(await catalogue.service_draft(service)))
        draft = read_service({**before, **{name: str(value) for name, value in fields.items()}})
        await service_changes.edit(db, town.meena, service.id, draft, service.event_count)

    return write


def call_it(name: str) -> Write:
    """Another name each time, since no two services have the same."""

    async def write(town: WrittenTown, db: AsyncSession) -> None:
        await edit(name=f"{name} {next(_numbers)}")(town, db)

    return write


async def create(town: WrittenTown, db: AsyncSession) -> None:
    catalogue = CatalogueRepository(db)
    values = form_values(draft_facts(await catalogue.service_draft(await catalogue.service(town.service.id))))
    await service_changes.create(db, town.meena, read_service(values | {"name": f"Painting a kite {next(_numbers)}"}))


async def move_to_another_category(town: WrittenTown, db: AsyncSession) -> None:
    await edit(category_id=(await a_service(db, "Sailing")).category_id)(town, db)


async def name_another_category(town: WrittenTown, db: AsyncSession) -> None:
    """A service is found by a new word for its category."""
    catalogue = CatalogueRepository(db)
    category = await catalogue.category((await a_service(db, "Sailing")).category_id)
    draft = replace(await catalogue.category_draft(category), terms_en=["kite"])
    await category_changes.edit(db, town.meena, category.id, draft, category.event_count)


async def retire(town: WrittenTown, db: AsyncSession) -> None:
    await service_changes.retire(db, town.meena, town.service.id)


async def restore(town: WrittenTown, db: AsyncSession) -> None:
    await service_changes.restore(db, town.meena, town.service.id)


async def hold_ten(town: WrittenTown, db: AsyncSession) -> None:
    """The only professional's time from ten on."""
    ten = clock.at(TUESDAY.date() + timedelta(days=1), 600)
    await hold(db, town.asha, BookingRequest(town.service.id, ten, "Flat 3B", ADYAR, "", None))


async def expire(_town: WrittenTown, db: AsyncSession) -> None:
    with clock.freeze(MORNING + timedelta(minutes=8)):
        await expire_holds(db)


async def book(town: WrittenTown, db: AsyncSession) -> None:
    booking = await a_request(db, town.asha, town.service, clock.at(TUESDAY.date() + timedelta(days=1), 600))
    await accept(db, town.kabir, booking.reference, town.app.state.services.encryption)


async def remove(town: WrittenTown, db: AsyncSession) -> None:
    await service_changes.remove(db, town.meena, town.service.id)


async def _booked(town: WrittenTown, db: AsyncSession) -> str:
    """The reference of the booking that `book` made."""
    query = text("SELECT reference FROM bookings WHERE customer_id = :id AND state = 'assigned'")
    reference: str = await db.scalar(query, {"id": town.asha.id})
    return reference


async def reschedule(town: WrittenTown, db: AsyncSession) -> None:
    two = clock.at(TUESDAY.date() + timedelta(days=1), 14 * 60)
    await reschedule_by_customer(db, town.asha, await _booked(town, db), two)


async def give_up(town: WrittenTown, db: AsyncSession) -> None:
    """The only professional: the time is free again."""
    await hand_back(db, town.kabir, await _booked(town, db), "My scooter broke.")


async def cancel(town: WrittenTown, db: AsyncSession) -> None:
    await cancel_by_customer(db, town.asha, await _booked(town, db), "Not needed")


async def finish_a_job(town: WrittenTown, db: AsyncSession) -> None:
    """Accepted, started and finished by code."""
    encryption, start = town.app.state.services.encryption, clock.at(TUESDAY.date() + timedelta(days=2), 900)
    request = await a_request(db, town.asha, town.service, start)
    booking = await accept(db, town.kabir, request.reference, encryption)
    for phase in ("start", "finish"):
        code = booking.live_code(phase)
        assert code is not None
        booking.start(town.kabir, code, encryption) if phase == "start" else booking.complete(town.kabir, code)
    await ProfessionalRatings(db).count_job(town.kabir.id)


def review(rating: int) -> Write:
    async def write(town: WrittenTown, db: AsyncSession) -> None:
        reference = await db.scalar(
            text("SELECT reference FROM bookings WHERE customer_id = :id AND state IN ('completed', 'closed')"),
            {"id": town.asha.id},
        )
        await submit_review(db, town.asha, reference, rating, "Flew.")

    return write


async def work_less(town: WrittenTown, db: AsyncSession) -> None:
    await change_schedule(db, town.kabir, ScheduleChange(hours=[(2, 600, 900)]), {})


async def go_away(town: WrittenTown, db: AsyncSession) -> None:
    wednesday = clock.at(TUESDAY.date() + timedelta(days=1))
    span = Range(wednesday, wednesday + timedelta(days=1), bounds="[)")
    await change_schedule(db, town.kabir, ScheduleChange(away=span), {})


async def come_back(town: WrittenTown, db: AsyncSession) -> None:
    time_off = await db.scalar(text("SELECT id FROM time_off WHERE professional_id = :id"), {"id": town.kabir.id})
    await cancel_time_off(db, town.kabir, time_off)


async def cover_less(town: WrittenTown, db: AsyncSession) -> None:
    await change_schedule(db, town.kabir, ScheduleChange(pincodes=frozenset([BESANT_NAGAR])), {})


async def block_kabir(town: WrittenTown, db: AsyncSession) -> None:
    await block(db, Sessions(town.app.state.services.database), town.meena, town.kabir.id, "Three complaints.")


async def unblock_kabir(town: WrittenTown, db: AsyncSession) -> None:
    await unblock(db, town.meena, town.kabir.id, "A mistake of ours.")


async def approve(town: WrittenTown, db: AsyncSession) -> None:
    """Nila, of whom nothing was known, is approved."""
    nila = await a_professional(db, "Nila Devi", services=[town.service], approval="pending")
    (await db.get_one(Professional, nila.id)).approve()
    nila.record("person.approved", by=town.meena)


def work(years: str, *, without_service: bool = False) -> Write:
    async def write(town: WrittenTown, db: AsyncSession) -> None:
        rows = await db.scalars(
            text("SELECT service_id FROM offered_services WHERE professional_id = :id"), {"id": town.kabir.id}
        )
        offered = frozenset(rows) - ({town.service.id} if without_service else set())
        await update_work(db, town.kabir, WorkForm("Plumbing", years, offered))

    return write


async def move(town: WrittenTown, db: AsyncSession) -> None:
    """Balu, who lives where Kabir lived, is the nearest now."""
    await move_home(db, town.kabir, "Flat 9, Beach Road", TIRUVANMIYUR)


async def rename(town: WrittenTown, db: AsyncSession) -> None:
    user = await db.get_one(User, town.kabir.id)
    await change_details(db, user, Details(full_name="Kabir Khan", phone=user.phone or ""))


async def leave(town: WrittenTown, db: AsyncSession) -> None:
    services = town.app.state.services
    await delete_account(db, services.storage, Sessions(services.database), town.kabir)


# What happens first, and the write.
WRITES: dict[str, tuple[list[Write], Write]] = {
    "price": ([], edit(price="177.00")),
    "name": ([], call_it("Mending a kite in the rain")),
    "description": ([], edit(description="It flies again.")),
    "duration": ([], edit(minutes=120)),
    "notice": ([], edit(notice_minutes=1440)),
    "search words": ([call_it("Mending a dragon")], edit(terms_en="kite")),
    "another category": ([], move_to_another_category),
    "search words of a category": ([], name_another_category),
    "new service": ([], create),
    "retired": ([], retire),
    "restored": ([retire], restore),
    "deleted": ([], remove),
    "hold": ([], hold_ten),
    "expired hold": ([hold_ten], expire),
    "cancellation": ([book], cancel),
    "rescheduling": ([book], reschedule),
    "job given up": ([book], give_up),
    "finished job": ([], finish_a_job),
    "review": ([finish_a_job], review(4)),
    "changed review": ([finish_a_job, review(4)], review(2)),
    "hours": ([], work_less),
    "time off": ([], go_away),
    "time off taken back": ([go_away], come_back),
    "coverage": ([], cover_less),
    "block": ([], block_kabir),
    "unblock": ([block_kabir], unblock_kabir),
    "approval": ([], approve),
    "service given up": ([], work("8", without_service=True)),
    "experience": ([], work("21")),
    "home": ([approve], move),
    "name of a professional": ([], rename),
    "account deleted": ([], leave),
}
