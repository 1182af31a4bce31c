"""Redis is gone: the pages about money answer all the same, and money moves."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.billing.payouts import make_run
from app.check.run import find_violations
from app.core import clock
from app.promotions.coupon import CouponKind
from app.promotions.coupons import CouponTerms, create_coupon
from tests.application import serving, settings
from tests.billing.money import FIELDS, an_account
from tests.bookings.scenes import VISA, Scene
from tests.core.conftest import ValkeyServer
from tests.factories import a_start, an_admin
from tests.person import Person

CUSTOMERS = ("/credit", "/bookings/{done}/tip", "/bookings/{done}/invoice", "/bookings/{done}/handover.json")
PROFESSIONALS = ("/earnings", "/earnings/statements", "/earnings/invoices", "/bank-account")
ADMINS = (
    "/admin/payouts",
    "/admin/payouts/{run}",
    "/admin/payouts/{run}/file",
    "/admin/coupons",
    "/admin/coupons/new",
    "/admin/invoices",
    "/admin/tax",
    "/admin/ledger",
    "/admin/ledger/balance",
)
VISITORS = ("/receipts/verify", "/.well-known/doorstep-keys.json")


@pytest.fixture
async def scene(own_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    """A job that is done and paid out, a coupon, and then no Redis."""
    line = ValkeyServer(tmp_path)
    try:
        async with serving(settings(own_url, line.url, UPLOADS_DIR=str(tmp_path / "uploads"))) as app:
            scene = await Scene.set(app)
            line.kill()
            yield scene
            await scene.close()
    finally:
        line.stop()


@pytest.fixture
async def values(scene: Scene) -> dict[str, Any]:
    with clock.freeze(clock.now() - timedelta(days=2)):
        done = await scene.done(await scene.browser(scene.asha))
    async with scene.database.work() as db:
        admin = await an_admin(db)
        await an_account(db, scene.encryption, scene.ravi)
        terms = CouponTerms("WELCOME50", CouponKind.AMOUNT, 50_00, None, clock.today(), None, 1, None, False)
        await create_coupon(db, admin, terms)
        run = await make_run(db, admin, clock.today() - timedelta(days=1))
    return {"done": done, "run": run.id, "admin": admin}


async def test_every_page_about_money_answers(scene: Scene, values: dict[str, Any]) -> None:
    people = [
        (await scene.browser(scene.asha), CUSTOMERS),
        (await scene.browser(scene.ravi), PROFESSIONALS),
        (await scene.browser(values["admin"]), ADMINS),
    ]
    async with Person(scene.app) as visitor:
        for person, addresses in (*people, (visitor, VISITORS)):
            for address in addresses:
                assert (await person.visit(address.format(**values))).status == 200, address


async def test_money_moves_and_coupons_are_used(scene: Scene, values: dict[str, Any]) -> None:
    asha, ravi = await scene.browser(scene.asha), await scene.browser(scene.ravi)
    meena = await scene.browser(values["admin"])
    place = f"/bookings/{await scene.held(asha, a_start(3))}/payment"
    assert (await asha.submit(await asha.visit(place), "/payment", coupon="GUESS", **VISA)).status == 422
    assert (await asha.submit(await asha.visit(place), "/payment", coupon="WELCOME50", **VISA)).status == 303
    tip = f"/bookings/{values['done']}/tip"
    assert (await asha.submit(await asha.visit(tip), "/tip", amount="50")).status == 303
    assert (await ravi.submit(await ravi.visit("/bank-account"), "/bank-account", **FIELDS)).status == 303
    run = f"/admin/payouts/{values['run']}"
    assert (await meena.submit(await meena.visit(run), "/paid", reference="UTR1")).status == 303
    async with scene.database.work() as db:
        assert await find_violations(db) == []
