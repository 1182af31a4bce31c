"""Rows with sensible defaults: override what matters to the test. Everything is flushed, nothing committed."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Address
from app.accounts.professional import Professional
from app.accounts.user import Block, Role, User
from app.bookings.booking import Booking
from app.bookings.holds import BookingRequest, hold
from app.bookings.moves import State
from app.catalog.service import Category, Service
from app.core import clock
from app.core.references import new_reference
from app.scheduling.reservation import keep_reservation, reserved_professionals
from app.scheduling.working_hours import Coverage, OfferedService, WorkingHours

ADYAR, BESANT_NAGAR, TIRUVANMIYUR, TAMBARAM = "600020", "600090", "600041", "600045"
PASSWORD = "correct horse battery"
# argon2id at its cheapest, of PASSWORD: hashing is not what these tests are about.
PASSWORD_HASH = "$argon2id$v=19$m=8,t=1,p=1$ZG9vcnN0ZXBzYWx0$mY5vkTDx99mgaQiaTuHqM76HqawnjTAIcpe8oAzUyQk"

_numbers = count(1)


async def a_user(db: AsyncSession, role: Role, full_name: str, email: str | None = None, **overrides: Any) -> User:
    number = next(_numbers)
    values = {
        "email": email or f"{full_name.split()[0].lower()}.{number}@example.com",
        "phone": f"+9100000{number % 100000:05d}",
        "password_hash": PASSWORD_HASH,
        "email_verified_at": clock.now(),
        "created_at": clock.now(),
    }
    user = User(role=role, full_name=full_name, **values | overrides)
    db.add(user)
    await db.flush()
    return user


async def a_customer(
    db: AsyncSession, full_name: str = "Asha Raman", *, pincode: str = ADYAR, **overrides: Any
) -> User:
    user = await a_user(db, Role.CUSTOMER, full_name, **overrides)
    line = "Flat 3B, Sri Lakshmi Apartments, Kasturba Nagar"
    db.add(Address(user_id=user.id, line=line, pincode=pincode, is_main=True, created_at=clock.now()))
    await db.flush()
    return user


async def an_admin(db: AsyncSession, full_name: str = "Meena Iyer", **overrides: Any) -> User:
    return await a_user(db, Role.ADMIN, full_name, **overrides)


async def a_service(
    db: AsyncSession,
    name: str = "Fixing leaks and pipes",
    *,
    price: int = 149_00,
    minutes: int = 60,
    **overrides: Any,
) -> Service:
    number = next(_numbers)
    category = Category(
        slug=f"plumbing-{number}", name=f"Plumbing {number}", short_name="Plumbing", drawing="plumbing", position=number
    )
    db.add(category)
    await db.flush()
    values = {
        "slug": f"service-{number}",
        "name": f"{name} {number}",
        "category_id": category.id,
        "description": "The plumber finds the leak and closes it.",
        "included": ["Finding the leak"],
        "excluded": ["New taps"],
        "price": price,
        "minutes": minutes,
        "mode": "instant",
        "created_at": clock.now(),
    }
    service = Service(**values | overrides)
    db.add(service)
    await db.flush()
    return service


async def a_professional(
    db: AsyncSession,
    full_name: str = "Ravi Kumar",
    *,
    services: Iterable[Service] = (),
    pincodes: Iterable[str] = (ADYAR, BESANT_NAGAR, TIRUVANMIYUR),
    opens: int = 8 * 60,
    closes: int = 20 * 60,
    approval: str = "approved",
    home: str = ADYAR,
    **overrides: Any,
) -> User:
    """Works every day from `opens` to `closes` (minutes after midnight) in `pincodes`."""
    user = await a_user(db, Role.PROFESSIONAL, full_name, **overrides)
    now = clock.now()
    db.add(
        Professional(
            user_id=user.id,
            approval_status=approval,
            trade="Plumbing",
            experience_years=8,
            home_pincode=home,
            created_at=now,
            approved_at=now if approval == "approved" else None,
            denial_reason="The photo is not clear." if approval == "denied" else None,
        )
    )
    await db.flush()
    db.add_all(WorkingHours(professional_id=user.id, weekday=day, opens=opens, closes=closes) for day in range(7))
    db.add_all(Coverage(professional_id=user.id, pincode=pincode) for pincode in pincodes)
    db.add_all(
        OfferedService(professional_id=user.id, service_id=service.id, approval_status="approved")
        for service in services
    )
    await db.flush()
    return user


async def a_block(db: AsyncSession, user: User, by: User, reason: str = "Three complaints in a week.") -> Block:
    block = Block(user_id=user.id, blocked_by_id=by.id, reason=reason, created_at=clock.now())
    db.add(block)
    person = await db.get_one(User, user.id)
    person.record("person.blocked", by=by, before="active", after="blocked", personal={"reason": reason})
    await db.flush()
    return block


def a_start(days: int = 1, hour: float = 10, minute: int = 0) -> datetime:
    """So many days from today at that time, Asia/Kolkata."""
    return clock.at(clock.today() + timedelta(days=days), int(hour * 60) + minute)


async def a_hold(
    db: AsyncSession,
    customer: User,
    service: Service,
    starts_at: datetime | None = None,
    *,
    pincode: str = ADYAR,
    professional_id: int | None = None,
) -> Booking:
    booking_request = BookingRequest(
        service.id, starts_at or a_start(), "Flat 3B", pincode, "Ring twice.", professional_id
    )
    return await hold(db, customer, booking_request)


async def a_request(
    db: AsyncSession,
    customer: User,
    service: Service,
    starts_at: datetime | None = None,
    *,
    pincode: str = ADYAR,
    professional_id: int | None = None,
) -> Booking:
    """Held and to be paid after the service."""
    booking = await a_hold(db, customer, service, starts_at, pincode=pincode, professional_id=professional_id)
    booking.pay(customer, "after")
    await keep_reservation(db, booking.id)
    await db.flush()
    return booking


async def past_visits(db: AsyncSession, customer: User, service: Service, professional: User, number: int = 3) -> None:
    """So many completed and paid visits, on the days before last week: the customer is no new one."""
    for days in range(number):
        at = a_start(days=-8 - days)
        booking = Booking(
            reference=new_reference(),
            customer_id=customer.id,
            service_id=service.id,
            service_name=service.name,
            price=service.price,
            minutes=service.minutes,
            address="Flat 3B",
            pincode=ADYAR,
            state=State.CLOSED,
            payment="card",
            professional_id=professional.id,
            **dict.fromkeys(("created_at", "requested_at", "assigned_at"), at - timedelta(days=1)),
            **dict.fromkeys(("started_at", "completed_at", "closed_at"), at),
        )
        booking.set_slot(at)
        db.add(booking)
    await db.flush()


async def reserved_for(db: AsyncSession, booking: Booking) -> int | None:
    """Whose time the booking takes."""
    return (await reserved_professionals(db, [booking.id])).get(booking.id)
