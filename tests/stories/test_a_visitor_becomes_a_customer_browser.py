"""From the home page to a paid booking on a phone: as somebody new, as a customer, and with a session that ends."""

import base64
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import delete, select

from app.accounts.email_links import TOKEN_FIELD
from app.accounts.session import Session
from app.check.run import find_violations
from app.core.encryption import Encryption
from app.core.outbox import Outbox
from app.payments.pretend_bank import Instrument
from app.payments.saved_methods_repository import SavedMethods
from tests.browser import windows
from tests.browser.walker import Walker
from tests.factories import ADYAR, a_customer, past_visits
from tests.processes import SECRET, environment, web_process
from tests.town import LEAKS, PASSWORD, build

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(420)]

# Taps, typed fields, loaded pages. Promised are (14, 8, 8) and (6, …, …): a walk may get shorter, never longer.
MOST_FOR_SOMEONE_NEW = (8, 8, 8)
MOST_FOR_A_CUSTOMER = (3, 0, 4)
EMAIL = "divya.menon@example.com"
WHO = {"full_name": "Divya Menon", "phone": "+91 00000 00431", "address": "12 Canal Bank Road"}
UPI_ID = "success@doorstep"


@pytest.fixture
async def town(own_database):
    async with own_database.work() as db:
        return await build(db, SECRET)


@pytest.fixture
async def url(town, own_url, services) -> AsyncIterator[str]:
    redis_url = services.redis_url.rpartition("/")[0] + "/9"
    async with web_process(environment(own_url, redis_url)) as web:  # without a worker emails wait, and can be read
        yield web.url


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with windows.browser() as started:
        yield started


async def emailed_code(database) -> str:
    async with database.work() as db:
        row = await db.scalar(select(Outbox).where(Outbox.kind == "sign_in_code").order_by(Outbox.id.desc()).limit(1))
    code = Encryption(SECRET).decrypt(base64.b64decode(row.data[TOKEN_FIELD]), row.dedupe_key)
    assert code is not None
    return code


async def chooses_a_time(walker: Walker) -> None:
    """From the home page; the earliest start is chosen already."""
    page = walker.window.page
    await walker.window.goto("/")
    await walker.type("q", "tap leking")
    await walker.type("pincode", ADYAR)
    await walker.press("Search")
    assert f"pincode={ADYAR}" in page.url, page.url
    await walker.tap_and_arrive(page.get_by_role("link", name="Choose Fixing leaks and pipes"))
    assert LEAKS in page.url
    await walker.press("Book")


async def pays_by_upi(walker: Walker) -> None:
    await expect(walker.window.page.get_by_text("We're holding this time until")).to_be_visible()
    await walker.press("Continue")
    await walker.type("upi_id", UPI_ID)
    await walker.press("Pay ₹149")
    await expect(walker.window.page.locator("h1")).to_contain_text("We're finding you a professional")


async def is_consistent(database) -> bool:
    async with database.work() as db:
        return await find_violations(db) == []


async def test_someone_new_books_and_pays_by_a_code(url, browser, own_database):
    walker = await Walker.open(browser, url)
    page = walker.window.page
    await chooses_a_time(walker)
    await walker.type("email", EMAIL)
    await walker.tap(page.get_by_role("button", name="Email me a code instead"))
    await walker.window.shows("h1", "Enter your code")
    assert "/login/code?next=" in page.url, "Back and reload find the code's page"
    assert await page.title() == "Enter your code · Doorstep"
    await expect(page.locator("[name=code]")).to_be_focused()
    await walker.window.check_page()
    await walker.type("code", await emailed_code(own_database))
    await walker.press("Continue")
    for name, text in WHO.items():
        await walker.type(name, text)
    await walker.press("Create my account")
    assert "/bookings/new?" in page.url
    await pays_by_upi(walker)
    assert walker.window.complaints == []
    counted = dict(zip(("taps", "typed", "loads"), (walker.taps, walker.typed, walker.loads), strict=True))
    assert all(n <= limit for n, limit in zip(walker.counted, MOST_FOR_SOMEONE_NEW, strict=True)), counted
    assert await is_consistent(own_database)


async def test_a_customer_books_again_and_pays(url, browser, own_database, town):
    async with own_database.work() as db:
        asha = await a_customer(db, email="asha@example.com", password_hash=town.ravi.password_hash)
        await past_visits(db, asha, town.service, town.ravi)
        before = await find_violations(db)  # these visits have no history
        card = Instrument("upi", masked_id="as…@okbank")
        await SavedMethods(db, asha).remember(Encryption(SECRET), card, confirmed=True)
    walker = await Walker.open(browser, url)
    page = walker.window.page
    await walker.window.goto("/login")
    await page.fill("[name=email]", "asha@example.com")
    await page.fill("[name=password]", PASSWORD)
    await walker.window.press_and_arrive("Sign in")
    walker.loads.clear()
    await walker.window.goto("/")
    again = page.locator('a[href^="/bookings/new?again="]')
    await walker.tap_and_arrive(again)
    await walker.press("Continue")
    await expect(page.locator("[name=method][value=saved]")).to_be_checked()
    await walker.press("Pay ₹149")
    await expect(page.locator("h1")).to_contain_text("asked Ravi")
    counted = dict(zip(("taps", "typed", "loads"), (walker.taps, walker.typed, walker.loads), strict=True))
    assert all(n <= limit for n, limit in zip(walker.counted, MOST_FOR_A_CUSTOMER, strict=True)), counted
    assert walker.window.complaints == []
    async with own_database.work() as db:
        assert await find_violations(db) == before


async def test_someone_new_signs_up_with_a_password_and_sees_the_place(url, browser, own_database):
    walker = await Walker.open(browser, url)
    page = walker.window.page
    await chooses_a_time(walker)
    await walker.tap_and_arrive(page.get_by_role("link", name="Create an account"))
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    await expect(page.locator("#place")).to_contain_text("Adyar")
    fields = {**WHO, "email": EMAIL, "password": PASSWORD}
    await page.fill("[name=phone]", "12")
    await page.get_by_role("button", name="Create my account").tap()
    await expect(page.locator("#phone-error")).to_be_visible()
    await page.fill("[name=password]", PASSWORD)
    await page.fill("[name=pincode]", "600 041")
    await page.locator("[name=pincode]").blur()
    await expect(page.locator("#place")).to_contain_text("Tiruvanmiyur")
    assert not [address for address in urls if "password" in address or "mangoes" in address]
    await page.fill("[name=phone]", fields["phone"])
    await page.locator("[name=phone]").blur()
    await expect(page.locator("#phone-error")).to_have_count(0)
    assert await page.locator("[name=phone]").get_attribute("aria-invalid") is None
    for name, text in (fields | {"pincode": ADYAR}).items():
        await page.fill(f"[name={name}]", text)
    walker.window.complaints[:] = [text for text in walker.window.complaints if "status of 422" not in text]
    await walker.press("Create my account")
    await page.fill("[name=email]", EMAIL)
    await page.fill("[name=password]", PASSWORD)
    await walker.press("Sign in")
    assert "/bookings/new?" in page.url
    await pays_by_upi(walker)
    assert walker.window.complaints == []
    assert await is_consistent(own_database)


async def test_a_session_that_ends_in_the_middle_loses_nothing_typed(url, browser, own_database, town):
    async with own_database.work() as db:
        asha = await a_customer(db, email="asha@example.com", password_hash=town.ravi.password_hash)
    walker = await Walker.open(browser, url)
    page = walker.window.page
    await chooses_a_time(walker)
    for _ in range(2):
        await page.fill("[name=email]", "asha@example.com")
        await page.fill("[name=password]", PASSWORD)
        await walker.press("Sign in")
        assert "/bookings/new?" in page.url
        if await page.locator("[name=note]").input_value():
            break
        await page.fill("[name=note]", "The dog's name is Pongal")
        async with own_database.work() as db:
            await db.execute(delete(Session).where(Session.user_id == asha.id))
        await walker.press("Continue")
        assert "/login?next=" in page.url
        assert "Pongal" not in page.url
    await expect(page.get_by_text("What you typed is here again")).to_be_visible()
    assert await page.locator("[name=note]").input_value() == "The dog's name is Pongal"
    await pays_by_upi(walker)
    assert walker.window.complaints == []
    assert await is_consistent(own_database)
