"""One stage for all of a file's tests: each brings its own customer."""

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count

import pytest

from tests.person import Person
from tests.stage import Stage, set_stage

_numbers = count(1)


@pytest.fixture(scope="module")
async def stage(services) -> AsyncIterator[Stage]:
    name = services.clone()
    async with set_stage(services.app_url(name), services.redis_url) as made:
        yield made


@pytest.fixture
def email() -> str:
    return f"customer.{next(_numbers)}@example.com"


@pytest.fixture
def customer(stage, email) -> Callable[..., Awaitable[Person]]:
    """A new customer, signed up and in."""

    async def sign_up(**differently: str) -> Person:
        return await stage.signs_up(**{"email": email} | differently)

    return sign_up


@pytest.fixture
async def asha(customer) -> Person:
    return await customer()


@pytest.fixture
async def omar(stage) -> Person:
    return await stage.signs_up(email=f"omar.{next(_numbers)}@example.com", full_name="Omar Sheriff")


@pytest.fixture
async def ravi(stage) -> Person:
    return await stage.comes("ravi@example.com")


@pytest.fixture
async def kumar(stage) -> Person:
    return await stage.comes("kumar@example.com")
