"""One application for all tests of a file; each test signs up its own customer."""

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count

import pytest

from tests.person import Person
from tests.story_app import StoryApp, open_story_app

_numbers = count(1)


@pytest.fixture(scope="module")
async def story(services) -> AsyncIterator[StoryApp]:
    name = services.clone()
    async with open_story_app(services.app_url(name), services.redis_url) as story:
        yield story


@pytest.fixture
def email() -> str:
    return f"customer.{next(_numbers)}@example.com"


@pytest.fixture
def customer(story, email) -> Callable[..., Awaitable[Person]]:
    """A new customer, signed up and in."""

    async def sign_up(**changes: str) -> Person:
        return await story.sign_up(**{"email": email} | changes)

    return sign_up


@pytest.fixture
async def asha(customer) -> Person:
    return await customer()


@pytest.fixture
async def omar(story) -> Person:
    return await story.sign_up(email=f"omar.{next(_numbers)}@example.com", full_name="Omar Sheriff")


@pytest.fixture
async def ravi(story) -> Person:
    return await story.sign_in("ravi@example.com")


@pytest.fixture
async def kumar(story) -> Person:
    return await story.sign_in("kumar@example.com")
