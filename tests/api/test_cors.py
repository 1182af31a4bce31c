"""CORS: other origins may use the API only where configured, and never with a cookie."""

import pytest

from app.settings import BadSettings, Settings
from tests.api_client import ApiClient
from tests.application import serving, settings

ORIGIN, OTHER = "https://desk.example", "https://evil.example"
NAMES = [f"access-control-{name}" for name in ("allow-origin", "allow-methods", "allow-headers", "allow-credentials")]


@pytest.fixture(scope="module")
async def crossed(services):
    configuration = settings(
        services.app_url(services.clone()), services.redis_url, CORS_ORIGINS=f"{ORIGIN}, http://localhost:3000"
    )
    async with serving(configuration) as made:
        yield made


async def test_no_other_site_is_answered_unless_it_is_named(api_client):
    for response in (
        await api_client.get("/api/services", headers={"origin": ORIGIN}),
        await api_client.options("/api/services", headers={"origin": ORIGIN, "access-control-request-method": "POST"}),
    ):
        assert [name for name in NAMES if name in response.headers] == []


async def test_a_named_site_may_ask_and_read_without_a_cookie(crossed):
    async with ApiClient(crossed) as api_client:
        preflight = await api_client.options(
            "/api/services", headers={"origin": ORIGIN, "access-control-request-method": "POST"}
        )
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, ORIGIN)
        assert preflight.headers["access-control-allow-methods"] == "GET, OPTIONS, POST"
        assert "Authorization" in preflight.headers["access-control-allow-headers"]
        read = await api_client.get("/api/services", headers={"origin": ORIGIN})
        refused = await api_client.get("/api/request", headers={"origin": ORIGIN})
        assert refused.status_code == 401
        for response in (preflight, read, refused):
            assert response.headers["access-control-allow-origin"] == ORIGIN
            assert "access-control-allow-credentials" not in response.headers
            assert "Origin" in response.headers["vary"]
        assert "ETag" in read.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", [OTHER, f"{ORIGIN}.evil.example", "null", ""])
async def test_another_site_is_not_answered_beside_a_named_one(crossed, origin):
    async with ApiClient(crossed) as api_client:
        response = await api_client.get("/api/services", headers={"origin": origin})
    assert [name for name in NAMES if name in response.headers] == []


async def test_pages_are_for_our_own_site_alone(crossed):
    async with ApiClient(crossed) as api_client:
        response = await api_client.get("/", headers={"origin": ORIGIN})
    assert [name for name in NAMES if name in response.headers] == []


async def test_an_address_says_all_its_methods(api_client):
    assert (await api_client.options("/api/services")).headers["allow"] == "GET, OPTIONS, POST"
    assert (await api_client.options("/login")).headers["allow"] == "GET, OPTIONS, POST"


@pytest.mark.parametrize("values", ["*", "desk.example", "https://desk.example/", "javascript://x", "null"])
def test_a_site_that_is_none_keeps_the_application_from_starting(values):
    with pytest.raises(BadSettings, match="CORS_ORIGINS"):
        Settings.from_env({"CORS_ORIGINS": values})
