"""The main job by the API alone, from sign-up to export; the customer's open page updates at each step."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser

from app.check.run import find_violations
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.secrets import Passwords
from tests.browser import windows
from tests.browser.windows import Window
from tests.factories import ADYAR, an_admin
from tests.processes import SECRET, environment, town_of_processes
from tests.town import ASHA, NOTE, PASSWORD, VISA, build

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
MEENA = "meena.desk@example.com"


@pytest.fixture
async def webs(own_url: str, own_database: Database, services: Any) -> AsyncIterator[list[str]]:
    async with own_database.work() as db:
        await build(db, SECRET)
        admin = await an_admin(db, email=MEENA)
        admin.password_hash = await Passwords(Encryption(SECRET), cheap=True).hash(PASSWORD)
    redis_url = services.redis_url.rpartition("/")[0] + "/6"
    async with town_of_processes(environment(own_url, redis_url)) as urls:
        yield urls


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with windows.browser() as started:
        yield started


class ApiClient(httpx.AsyncClient):
    """Speaks to one web process; `number` is whose token it has."""

    number = 0

    async def sign_in(self, email: str) -> "ApiClient":
        result = await self.call("POST", "/api/login", 200, email=email, password=PASSWORD)
        self.headers["authorization"], self.number = f"Bearer {result['token']}", result["id"]
        return self

    async def call(self, method: str, path: str, status: int, **body: object) -> Any:
        answer = await self.request(method, path, json=body or None)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def move(self, number: int, action: str, status: int = 200, **more: object) -> Any:
        return await self.call("POST", f"/api/request/edit/{number}", status, action=action, **more)

    async def jobs(self) -> list[dict[str, Any]]:
        result = await self.call("GET", f"/api/servicerequest/{self.number}", 200)
        return list(result["items"])


async def test_from_signing_up_to_the_export_by_api_alone(webs, browser, own_database):
    here, there = webs  # the browser is on the one web process, the API clients on the other
    async with ApiClient(base_url=there) as asha, ApiClient(base_url=there) as ravi, ApiClient(base_url=there) as meena:
        assert await asha.call("POST", "/api/register", 201, **ASHA) == {"email": ASHA["email"]}
        await asyncio.gather(asha.sign_in(ASHA["email"]), ravi.sign_in("ravi@example.com"), meena.sign_in(MEENA))
        page = await _asha_watches(browser, here)
        made = await _asha_books(asha, page)
        codes = await _ravi_does_it(asha, ravi, made, page)
        await _asha_reviews(asha, made, page)
        await _meena_takes_it_along(meena, made, codes)
        await _all_sign_out(asha, ravi, meena)
    assert page.complaints == []
    async with own_database.work() as db:
        assert await find_violations(db) == []


async def _asha_watches(browser: Browser, url: str) -> Window:
    page = await Window.open(browser, url)
    await page.goto("/login?next=/bookings")
    await page.page.fill("[name=email]", ASHA["email"])
    await page.page.fill("[name=password]", PASSWORD)
    async with page.page.expect_response(lambda answer: answer.url.endswith("/live")):
        await page.press_and_arrive("Sign in")
    await page.mark()
    return page


async def _asha_books(asha: ApiClient, page: Window) -> dict[str, Any]:
    service = (await asha.call("GET", "/api/service/tap leking", 200))["items"][0]
    slots = await asha.call("GET", f"/api/services/{service['id']}/slots?pincode={ADYAR}", 200)
    start = next(day["slots"][0] for day in slots["days"] if day["slots"])
    order = {"service_id": service["id"], "start": start, "address": ASHA["address"], "pincode": ADYAR, "note": NOTE}
    made: dict[str, Any] = await asha.call("POST", "/api/request/service", 201, **order, payment=VISA)
    assert (made["state"], made["price"], made["start"]) == ("requested", service["price"], start)
    await page.shows(f"a[href='/bookings/{made['ref']}']")
    assert await page.is_marked(), "the list was reloaded"
    async with page.page.expect_response(lambda answer: answer.url.endswith("/live")):
        await page.goto(f"/bookings/{made['ref']}")
    await page.shows("h1", "We're finding you a professional")
    await page.mark()
    return made


async def _ravi_does_it(asha: ApiClient, ravi: ApiClient, made: dict[str, Any], page: Window) -> list[str]:
    """The codes that Asha read out."""
    offer = next(item for item in await ravi.jobs() if item["ref"] == made["ref"])
    assert (offer["customer"], offer["address"], offer["earning"]) == (None, None, "126.65")
    job = await ravi.move(made["id"], "accept")
    assert job["address"] == ASHA["address"]
    await page.shows("#start-code")
    start = (await _own(asha, made))["start_code"]
    assert await page.page.locator("#start-code").get_attribute("value") == start
    await ravi.move(made["id"], "start", 422, early=True, code=f"{(int(start) + 1) % 1_000_000:06d}")
    await ravi.move(made["id"], "start", early=True, code=start)
    await page.shows("#finish-code")
    finish = (await _own(asha, made))["finish_code"]
    done = await ravi.move(made["id"], "complete", code=finish)
    assert (done["state"], done["earning"]) == ("completed", "126.65")
    await page.shows("h1", "Ravi finished")
    assert await page.is_marked(), "the page was reloaded"
    text = str(await ravi.jobs())
    assert start not in text
    assert finish not in text
    return [start, finish]


async def _own(asha: ApiClient, made: dict[str, Any]) -> dict[str, Any]:
    listed = (await asha.call("GET", f"/api/request/service/{asha.number}", 200))["items"]
    return next(item for item in listed if item["id"] == made["id"])


async def _asha_reviews(asha: ApiClient, made: dict[str, Any], page: Window) -> None:
    text = "Came on time and left the kitchen clean."
    result = await asha.call("POST", f"/api/request/close/{made['id']}", 200, rating=5, comment=text)
    assert (result["state"], result["status"], result["rating"]) == ("closed", "closed", 5)
    await page.shows("main", text)
    assert await page.is_marked(), "the page was reloaded"


async def _meena_takes_it_along(meena: ApiClient, made: dict[str, Any], codes: list[str]) -> None:
    export = await meena.call("POST", "/api/exports", 201, table="bookings", filters={"state": "closed"})
    async with asyncio.timeout(30):
        while export["state"] != "ready":
            await asyncio.sleep(0.2)
            export = await meena.call("GET", f"/api/exports/{export['id']}", 200)
    file = await meena.get(export["file"])
    assert made["ref"] in file.text
    assert not [code for code in codes if code in file.text]


async def _all_sign_out(*clients: ApiClient) -> None:
    for client in clients:
        await client.call("POST", "/api/logout", 204)
        await client.call("POST", "/api/logout", 401)
