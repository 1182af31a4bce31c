"""Language negotiation among the installed catalogues."""

from collections.abc import AsyncIterator

import httpx
import pytest

from app.core import i18n
from app.core.datetimes import format_day
from app.core.money import format_rupees
from app.web.languages import negotiate
from tests.application import serving, settings
from tests.person import URL
from tests.pseudo import LOCALE, offered_in
from tests.story_app import NINE


@pytest.fixture
def tamil(tmp_path):
    with offered_in(tmp_path):
        yield


@pytest.fixture
async def visitor(services, tamil) -> AsyncIterator[httpx.AsyncClient]:
    """No cookie: whole pages may come from the page cache."""
    configuration = settings(services.app_url(services.clone()), services.redis_url)
    async with (
        serving(configuration) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL) as browser,  # type: ignore[arg-type]
    ):
        yield browser


@pytest.mark.parametrize(
    ("query", "locale"),
    [
        ("ta", "ta_IN"),
        ("TA-in", "ta_IN"),
        ("ta-LK,en;q=0.5", "ta_IN"),
        ("fr, ta;q=0.2", "ta_IN"),
        ("en;q=0.1, ta;q=0.9", "ta_IN"),
        ("en-GB,ta;q=0.9", "en_IN"),
        ("ta;q=0, fr", "en_IN"),
        ("hi", "en_IN"),
        ("*", "en_IN"),
        ("", "en_IN"),
        ("\xff;;q=x,,-", "en_IN"),
    ],
)
def test_the_requested_language_is_given_where_it_is_there(tamil, query: str, locale: str) -> None:
    assert negotiate(query.encode("latin-1")) == locale


def test_where_only_english_is_there_everyone_reads_english(tmp_path) -> None:
    i18n.load_translations(tmp_path)
    try:
        assert negotiate(b"ta") == i18n.DEFAULT_LOCALE
    finally:
        i18n.load_translations()


async def test_each_reads_their_own_language_also_from_the_cache(visitor) -> None:
    for _ in range(2):
        tamil = await visitor.get("/help", headers={"accept-language": "ta"})
        english = await visitor.get("/help", headers={"accept-language": "en-IN"})
        assert '<html lang="ta">' in tamil.text
        assert "⟦" in tamil.text
        assert '<html lang="en">' in english.text
        assert "⟦" not in english.text
        assert "Accept-Language" in tamil.headers["vary"]
        assert "Accept-Language" in english.headers["vary"]


def test_days_and_money_are_written_as_the_language_does(tamil) -> None:
    token = i18n.locale.set(LOCALE)
    try:
        assert (format_day(NINE), format_rupees(149_00)) == ("செவ். 24 நவ.", "₹149")
    finally:
        i18n.locale.reset(token)


async def test_with_english_alone_no_language_is_offered(app) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL) as browser:
        page = await browser.get("/help", headers={"accept-language": "ta"})
    assert "⟦" not in page.text
    assert "Accept-Language" not in page.headers["vary"]
