"""An application of its own for every test, with an admin and coupons."""

import pytest

from app.core import clock
from app.payments.credit import grant_credit
from app.promotions.coupon import CouponKind
from app.promotions.coupons import CouponTerms, create_coupon
from tests.factories import a_customer, a_professional, a_request, a_service, an_admin
from tests.own_application import own_app, own_storage, scene

__all__ = ["own_app", "own_storage", "scene"]


@pytest.fixture
async def meena(scene):
    async with scene.database.work() as db:
        return await an_admin(db)


@pytest.fixture
def coupon(scene, meena):
    """Add a coupon of ₹50, or as the arguments say."""

    async def add(code="WELCOME50", **terms):
        standard = {
            "kind": CouponKind.AMOUNT,
            "value": 50_00,
            "cap": None,
            "from_day": clock.today(),
            "until_day": None,
            "per_person": 1,
            "total": None,
            "first_visit": False,
        }
        async with scene.database.work() as db:
            return await create_coupon(db, meena, CouponTerms(code, **{**standard, **terms}))

    return add


@pytest.fixture
def credit(scene):
    """Give a customer credit: an apology for a booking of another service."""

    async def give(customer, amount=100_00):
        async with scene.database.work() as db:
            service = await a_service(db, "Fan repair")
            await a_professional(db, "Selvi Mani", services=[service])
            booking = await a_request(db, await a_customer(db, "Latha Rao"), service)
            await grant_credit(db, booking.id, "guarantee", {customer.id: amount})

    return give
