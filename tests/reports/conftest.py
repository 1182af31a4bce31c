"""Fixtures of the reports: an application of its own, bookings in every state, and an admin."""

import pytest
from sqlalchemy import text

from app.core import clock
from tests.bookings.scenes import Scene
from tests.factories import ADYAR, BESANT_NAGAR, a_hold, a_request, a_service, a_start, an_admin
from tests.own_application import own_app, scene
from tests.person import Person

__all__ = ["booked_scene", "meena", "own_app", "scene"]


@pytest.fixture
async def meena(scene: Scene) -> Person:
    async with scene.database.work() as db:
        admin = await an_admin(db)
    return await scene.browser(admin)


@pytest.fixture
async def booked_scene(scene: Scene) -> Scene:
    """Bookings completed with and without a review, paid later, refunded, cancelled late and early, requested, held."""
    asha, omar = await scene.browser(scene.asha), await scene.browser(scene.omar)
    rated = await scene.done(asha)
    await asha.submit(await asha.visit(f"/bookings/{rated}/review"), "/review", rating="4", comment="Good.")
    await scene.done(omar, method="upi", upi_id="success@doorstep")
    async with scene.database.work() as db:
        other = await a_service(db, "Mending a kite", price=499_00)
        await db.execute(
            text("INSERT INTO offered_services VALUES (:ravi, :id, 'approved'), (:kumar, :id, 'approved')"),
            {"ravi": scene.ravi.id, "kumar": scene.kumar.id, "id": other.id},
        )
        await a_hold(db, scene.omar, scene.service, a_start(2, 9))
        await a_request(db, scene.omar, other, a_start(2, 12), pincode=BESANT_NAGAR)
        await a_request(db, scene.asha, other, a_start(4, 12), pincode=ADYAR)
    late = await scene.paid(asha, a_start(3, 10))
    await scene.accepted(late)
    early = await scene.paid(asha, a_start(3, 15))
    await asha.submit(await asha.visit(f"/bookings/{early}/cancellation"), "/cancellation", reason="Rain")
    with clock.freeze(a_start(3, 9)):
        new_browser = await scene.browser(scene.asha)
        await new_browser.submit(
            await new_browser.visit(f"/bookings/{late}/cancellation"), "/cancellation", reason="Sick"
        )
    return scene
