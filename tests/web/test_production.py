"""Production settings: one host, https only, __Host- cookies."""

import httpx
import pytest

from app.main import create_app
from app.settings import Settings
from tests.test_settings import PRODUCTION
from tests.web.handlers import TEMPLATES, TEST_HANDLERS

METRICS = "a token for tests that measure"  # pragma: allowlist secret


@pytest.fixture(scope="module")
async def shop(web_settings):
    env = {
        **PRODUCTION,
        "METRICS_TOKEN": METRICS,
        "DATABASE_URL": web_settings.database_url,
        "REDIS_URL": web_settings.redis_url,
    }
    app = create_app(Settings.from_env({**env, "LOG_LEVEL": "warning"}), more=TEST_HANDLERS)
    app.state.services.templates.loader.searchpath.append(str(TEMPLATES))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="https://doorstep.example") as client:
        yield client
    await app.state.services.database.close()


async def test_only_our_own_host_is_answered(shop):
    assert (await shop.get("/t/page")).status_code == 200
    for host in ("evil.example", "doorstep.example:8000", "doorstep.example.evil.example", ""):
        response = await shop.get("/t/page", headers={"host": host})
        assert response.status_code == 400, host
        assert response.headers["x-content-type-options"] == "nosniff"


async def test_health_is_answered_by_address(shop):
    assert (await shop.get("/health", headers={"host": "10.0.0.7:8000"})).status_code == 200


@pytest.mark.parametrize("bearer", ["", "Bearer", "Bearer another", "Bearer \u00e9".encode("latin-1"), b"\xff"])
async def test_metrics_need_the_token(shop, bearer):
    assert (await shop.get("/metrics", headers={"authorization": bearer})).status_code == 404
    assert (await shop.get("/metrics", headers={"authorization": f"Bearer {METRICS}"})).status_code == 200


async def test_https_is_demanded_from_now_on(shop):
    assert "max-age=63072000" in (await shop.get("/t/page")).headers["strict-transport-security"]


async def test_cookies_are_bound_to_the_host_and_to_https(shop):
    cookie = (await shop.get("/t/form")).headers["set-cookie"]
    assert cookie.startswith("__Host-pre=")
    assert "Secure" in cookie
    assert "Domain" not in cookie


async def test_the_development_mailbox_is_not_there(shop):
    assert (await shop.get("/dev/mail")).status_code == 404


async def test_a_trace_is_never_shown(shop):
    response = await shop.get("/t/wrong/broken")
    assert response.status_code == 500
    assert "Traceback" not in response.text
    assert "RuntimeError" not in response.text
