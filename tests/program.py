"""A program that speaks to the API inside the application, as a person's browser is tests.person."""

from ipaddress import ip_address
from secrets import randbits

import httpx
from litestar import Litestar

PASSWORD = "mangoes in the month of may"  # pragma: allowlist secret


class Program(httpx.AsyncClient):
    """Speaks JSON; `number` is whose token it has, once it has signed in."""

    number = 0

    def __init__(self, app: Litestar) -> None:
        # Each from a network of its own, so that no test spends the budget of another.
        self.address = str(ip_address("10.0.0.0") + randbits(24))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(self.address, 50_000))
        super().__init__(transport=transport, base_url="http://localhost:8000", timeout=20)

    async def sign_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        answer = await self.post("/api/login", json={"email": email, "password": password})
        if answer.status_code == 200:
            self.number = answer.json()["id"]
            self.headers["authorization"] = f"Bearer {answer.json()['token']}"
        return answer
