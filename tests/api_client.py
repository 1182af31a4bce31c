"""API clients for tests: `ApiClient`, and the fixtures of an application whose users have passwords."""

from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_address
from itertools import count
from secrets import randbits
from typing import Any

import httpx
import pytest
from litestar import Litestar
from sqlalchemy import text

from app.accounts.user import User
from app.catalog.service import Service
from app.core.secrets import Passwords
from tests.application import serving, settings
from tests.factories import ADYAR, TAMBARAM, a_customer, a_professional, a_service, a_start, an_admin

VISA = {"method": "card", "card_number": "4242 4242 4242 4242", "expiry": "08/40", "cvv": "123"}
AFTER = {"method": "after"}
_slots = count()
PASSWORD = "mangoes in the month of may"  # pragma: allowlist secret


class ApiClient(httpx.AsyncClient):
    """A client that speaks JSON; `number` is the id of the user whose token it has, 0 before signing in."""

    number = 0

    def __init__(self, app: Litestar) -> None:
        # Each from a network of its own, so that no test uses up the rate limit of another.
        self.address = str(ip_address("10.0.0.0") + randbits(24))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(self.address, 50_000))  # type: ignore[arg-type]
        super().__init__(transport=transport, base_url="http://localhost:8000", timeout=20)

    async def sign_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        response = await self.post("/api/login", json={"email": email, "password": password})
        if response.status_code == 200:
            self.number = response.json()["id"]
            self.headers["authorization"] = f"Bearer {response.json()['token']}"
        return response


ApiClientFactory = Callable[[str], Awaitable[ApiClient]]


@pytest.fixture(scope="session")
async def api_app(services: Any) -> AsyncIterator[Litestar]:
    """The application on a database that the API tests share."""
    url = services.app_url(services.clone())
    async with serving(settings(url, services.redis_url)) as app:
        yield app


@pytest.fixture
async def api_client(api_app: Litestar) -> AsyncIterator[ApiClient]:
    """A client that is not signed in."""
    async with ApiClient(api_app) as api_client:
        yield api_client


@pytest.fixture
async def api_client_for(api_app: Litestar, api_people: dict[str, Any]) -> AsyncIterator[ApiClientFactory]:
    """api_client_for("asha"): a client that is signed in as this user."""
    clients: list[ApiClient] = []

    async def open_for(name: str) -> ApiClient:
        clients.append(ApiClient(api_app))
        assert (await clients[-1].sign_in(api_people[name].email)).status_code == 200
        return clients[-1]

    yield open_for
    for api_client in clients:
        await api_client.aclose()


@pytest.fixture(scope="session")
async def api_service(api_app: Litestar) -> Service:
    async with api_app.state.services.database.work() as db:
        return await a_service(db, price=149_00, horizon_days=30)


@pytest.fixture(scope="session")
async def api_people(api_app: Litestar, api_service: Service) -> dict[str, Any]:
    """Ravi and Kumar offer the service in Adyar, where Asha books it; Omar and Balu are unrelated to her bookings."""
    passwords = Passwords(api_app.state.services.encryption, cheap=True)
    hashed = await passwords.hash(PASSWORD)
    async with api_app.state.services.database.work() as db:
        people = {
            "asha": await a_customer(db, email="asha.api@example.com"),
            "omar": await a_customer(db, "Omar Sheriff", email="omar.api@example.com"),
            "ravi": await a_professional(db, "Ravi Kumar", email="ravi.api@example.com", services=[api_service]),
            "kumar": await a_professional(db, "Kumar Raja", email="kumar.api@example.com", services=[api_service]),
            "balu": await a_professional(
                db, "Balu V", email="balu.api@example.com", services=[], pincodes=[TAMBARAM], home=TAMBARAM
            ),
            "meena": await an_admin(db, email="meena.api@example.com"),
        }
        for user in people.values():
            user.password_hash = hashed
    return people


async def scalar(app: Litestar, statement: str, **params: Any) -> Any:
    """Run a SQL statement on the application's database and return the first value."""
    async with app.state.services.database.work() as db:
        return await db.scalar(text(statement), params)


async def sign_up(
    app: Litestar, people: dict[str, Any], create: Callable[..., Awaitable[User]], name: str, **fields: Any
) -> User:
    """Create a user with the password that all users of the API tests have."""
    async with app.state.services.database.work() as db:
        user = await create(db, name, **fields)
        user.password_hash = people["asha"].password_hash
        return user


def a_time():
    """Return a start two hours after the previous one, so that jobs do not overlap."""
    day, slot = divmod(next(_slots), 5)
    return a_start(1 + day, 9 + 2 * slot)


def an_order(service, **differently):
    return {
        "service_id": service.id,
        "start": a_time().isoformat(),
        "address": "Flat 3B, Kasturba Nagar",
        "pincode": ADYAR,
        "note": "Ring twice.",
        "payment": VISA,
    } | differently


async def booked(me: ApiClient, service, **differently):
    answer = await me.post("/api/request/service", json=an_order(service, **differently))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def move(me: ApiClient, number: int, action: str, **more: object) -> httpx.Response:
    return await me.post(f"/api/request/edit/{number}", json={"action": action, **more})


async def own(me: ApiClient, number: int):
    """The customer's own view of one of their bookings."""
    data = (await me.get(f"/api/request/service/{me.number}?limit=100")).json()
    return next(item for item in data["items"] if item["id"] == number)


async def assigned(me: ApiClient, worker: ApiClient, service, **differently):
    made = await booked(me, service, **differently)
    taken = await move(worker, made["id"], "accept")
    assert taken.status_code == 200, taken.text
    return await own(me, made["id"])


async def done(me: ApiClient, worker: ApiClient, service, **differently):
    made = await assigned(me, worker, service, **differently)
    started = await move(worker, made["id"], "start", early=True, code=made["start_code"])
    assert started.status_code == 200, started.text
    ended = await move(worker, made["id"], "complete", code=(await own(me, made["id"]))["finish_code"])
    assert ended.status_code == 200, ended.text
    return await own(me, made["id"])
