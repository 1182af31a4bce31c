"""Cached responses of the API over HTTP: validators, variants, and rate limits that every request counts for."""

import asyncio
import gzip
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest

from app.core.rate_limiter import RateLimitPolicy
from app.web.api_limits import ADDRESS_LIMIT, TOKEN_LIMIT
from app.web.security import client_address
from tests.api.test_every_handler import use_up
from tests.api_client import ApiClient
from tests.application import serving, settings
from tests.factories import a_service
from tests.statements import count_statements

ORIGIN, OTHER = "https://desk.example", "http://localhost:3000"
LIST = "/api/services?limit=100"


@pytest.fixture(scope="module")
async def catalogue(api_app):
    """Long enough to be compressed."""
    async with api_app.state.services.database.work() as db:
        return [await a_service(db, f"Mending kite {number}") for number in range(4)]


@pytest.fixture
async def cached(api_app, api_client, catalogue, api_people):
    """A response that the process caches."""
    api_app.state.services.after_commit.cache.clear()
    answer = await api_client.get(LIST)
    assert answer.status_code == 200
    return answer


@pytest.fixture
def no_statements(api_app):
    with count_statements(api_app.state.services.database) as statements:
        yield
    assert statements == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("{etag}", 304),
        ("{strong}", 304),  # compared weakly
        ('"old", {etag}, W/"older"', 304),
        ('W/"old",{strong}', 304),
        ("*", 304),
        (" * ", 304),
        ('"*"', 200),  # a version of this name
        ("{bare}", 200),  # not quoted
        ('"old", "older"', 200),
        ('W/"{bare}x"', 200),
        ("", 200),
    ],
)
async def test_if_none_match_is_read_as_the_standard_says(cached, api_client, no_statements, sent, status):
    etag = cached.headers["etag"]
    strong = etag.removeprefix("W/")
    header = sent.format(etag=etag, strong=strong, bare=strong.strip('"'))
    for method in ("GET", "HEAD"):
        answer = await api_client.request(method, LIST, headers={"if-none-match": header})
        assert answer.status_code == status
        assert answer.content == (cached.content if (method, status) == ("GET", 200) else b"")
        assert {name: answer.headers[name] for name in ("etag", "vary", "cache-control")} == {
            name: cached.headers[name] for name in ("etag", "vary", "cache-control")
        }
        about_a_body = {"content-type", "content-length", "content-encoding"} & set(answer.headers)
        assert about_a_body == (set() if status == 304 else {"content-type", "content-length", "content-encoding"})


async def test_several_lines_of_if_none_match_are_one_list(cached, api_client, no_statements):
    lines = [("if-none-match", '"old"'), ("if-none-match", cached.headers["etag"]), ("if-none-match", '"older"')]
    assert (await api_client.get(LIST, headers=lines)).status_code == 304


async def test_who_has_it_gets_not_modified_also_from_a_process_without_a_cache(cached, api_app):
    url = api_app.state.services.settings.database_url
    async with serving(settings(url, "redis://127.0.0.1:1/0")) as uncached, ApiClient(uncached) as client:
        answer = await client.get(LIST, headers={"if-none-match": cached.headers["etag"]})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["vary"] == cached.headers["vary"]
        assert "content-type" not in answer.headers


async def test_the_first_request_fills_the_cache_also_when_its_client_has_the_answer(cached, api_app, api_client):
    api_app.state.services.after_commit.cache.clear()
    etag = {"if-none-match": cached.headers["etag"]}
    assert (await api_client.get(LIST, headers=etag)).status_code == 304
    with count_statements(api_app.state.services.database) as statements:
        assert (await api_client.get(LIST)).json() == cached.json()
        assert (await api_client.get(LIST, headers=etag)).status_code == 304
    assert statements == []


async def test_each_encoding_has_its_own_bytes_and_the_same_version(cached, api_client):
    decode = {"br": brotli.decompress, "gzip": gzip.decompress, "identity": bytes}
    for _ in range(2):
        for encoding, decoded in decode.items():
            async with api_client.stream("GET", LIST, headers={"accept-encoding": encoding}) as answer:
                raw = b"".join([part async for part in answer.aiter_raw()])
            assert answer.headers.get("content-encoding", "identity") == encoding
            assert (decoded(raw), answer.headers["etag"]) == (cached.content, cached.headers["etag"])
            assert answer.headers["content-length"] == str(len(raw))


async def test_each_cached_response_counts(cached, api_client, no_statements):
    for headers in ({}, {"if-none-match": cached.headers["etag"]}, {"if-none-match": "*"}):
        left = [int((await api_client.get(LIST, headers=headers)).headers["ratelimit-remaining"]) for _ in range(2)]
        assert left[1] == left[0] - 1
        assert left[0] < ADDRESS_LIMIT.limit
    left.append(int((await api_client.head(LIST)).headers["ratelimit-remaining"]))
    assert left[2] == left[1] - 1


async def test_a_token_counts_for_itself_and_changes_nothing_else(cached, api_app, api_client_for):
    asha, omar = await api_client_for("asha"), await api_client_for("omar")
    first = [await client.get(LIST) for client in (asha, omar)]  # each token is looked up once
    with count_statements(api_app.state.services.database) as statements:
        second = [await client.get(LIST, headers={"if-none-match": '"old"'}) for client in (asha, omar)]
        unchanged = [await client.get(LIST, headers={"if-none-match": "*"}) for client in (asha, omar)]
    assert statements == []
    for answers in zip(first, second, unchanged, strict=True):
        assert {answer.headers["ratelimit-limit"] for answer in answers} == {str(TOKEN_LIMIT.limit)}
        left = [int(answer.headers["ratelimit-remaining"]) for answer in answers]
        assert left == [left[0], left[0] - 1, left[0] - 2]
    own = {"x-request-id", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"}
    for answer in (*first, *second):
        assert answer.content == cached.content
        assert {name: value for name, value in answer.headers.items() if name not in own} == {
            name: value for name, value in cached.headers.items() if name not in own
        }


@pytest.mark.parametrize("credentials", ["Bearer nobody-has-this-token", "Basic bWU6bWU=", "Bearer", "Bearer "])
async def test_who_has_no_valid_token_is_a_visitor(cached, api_client, credentials):
    for _ in range(2):  # looked up, then known as nobody's
        answer = await api_client.get(LIST, headers={"authorization": credentials})
        assert (answer.status_code, answer.content) == (200, cached.content)
        assert answer.headers["ratelimit-limit"] == str(ADDRESS_LIMIT.limit)


async def test_a_token_that_ended_opens_nothing_although_it_was_known(cached, api_client_for):
    asha = await api_client_for("asha")
    assert (await asha.get(LIST)).status_code == 200
    assert (await asha.post("/api/logout")).status_code == 204
    assert (await asha.get(LIST)).status_code == 200
    assert (await asha.get(f"/api/customer/{asha.number}")).status_code == 401


@pytest.mark.parametrize("headers", [{}, {"if-none-match": "*"}])
async def test_a_spent_limit_refuses_a_cached_response_too(cached, api_app, api_client, api_client_for, headers):
    asha = await api_client_for("asha")
    spent = await asha.get(LIST)
    assert spent.status_code == 200
    await use_up(api_app, ADDRESS_LIMIT, api_client.address)
    await use_up(api_app, ADDRESS_LIMIT, asha.address)
    for client in (api_client, asha):
        refused = await client.get(LIST, headers=headers)
        assert refused.status_code == 429
        assert refused.headers["content-type"].startswith("application/problem+json")
        assert 0 < int(refused.headers["retry-after"]) <= ADDRESS_LIMIT.window_seconds
        assert refused.headers["ratelimit-remaining"] == "0"
        assert "etag" not in refused.headers
    async with ApiClient(api_app) as elsewhere:
        assert (await elsewhere.get(LIST)).content == cached.content


async def test_a_refused_request_is_counted_once(cached, api_app, api_client):
    await use_up(api_app, ADDRESS_LIMIT, api_client.address)
    limiter = api_app.state.services.rate_limiter
    key = f"{limiter._bus.prefix}limit:{ADDRESS_LIMIT.name}:{api_client.address}"
    before = int(await limiter._bus.redis.get(key))
    assert (await api_client.get(LIST)).status_code == 429
    assert int(await limiter._bus.redis.get(key)) == before + 1


async def test_nothing_personal_and_nothing_refused_is_cached(api_app, api_client, api_client_for, api_service):
    asha = await api_client_for("asha")
    cache = api_app.state.services.api_cache
    before = set(cache._responses)
    for client, path in (
        (asha, f"/api/customer/{asha.number}"),
        (asha, f"/api/request/service/{asha.number}"),
        (api_client, "/api/services?limit=0"),
        (api_client, "/api/services/987654321/slots?pincode=600020"),
        (api_client, f"/api/services/{api_service.id}/slots?pincode=abcdefgh"),
        (api_client, "/api/request"),
        (api_client, "/api/openapi.json"),
        (api_client, "/api/nowhere"),
    ):
        first, second = await client.get(path), await client.get(path)
        assert first.status_code == second.status_code
        assert set(cache._responses) == before, path


async def test_a_cached_response_is_for_the_origin_that_it_names(services, api_service):
    configuration = settings(services.app_url(services.clone()), services.redis_url, CORS_ORIGINS=f"{ORIGIN}, {OTHER}")
    async with serving(configuration) as app, ApiClient(app) as client:
        for _ in range(2):
            for origin in (ORIGIN, OTHER, "https://evil.example", None):
                for headers in ({}, {"if-none-match": "*"}):
                    answer = await client.get(LIST, headers={"origin": origin, **headers} if origin else headers)
                    allowed = origin if origin in (ORIGIN, OTHER) else None
                    assert answer.status_code == (304 if headers else 200)
                    assert answer.headers.get("access-control-allow-origin") == allowed
                    assert "Origin" in answer.headers["vary"]


def test_the_address_is_the_last_that_our_own_proxy_did_not_add():
    def address(*lines: bytes, proxies: int = 1) -> str:
        headers = [(b"x-forwarded-for", line) for line in lines]
        scope: Any = {"headers": headers, "client": ("10.0.0.9", 5)}
        return client_address(scope, proxies)

    assert address(b"198.51.100.7, 203.0.113.5") == "203.0.113.5"
    assert address(b"198.51.100.7", b"203.0.113.5") == "203.0.113.5", "a proxy that adds a line of its own"
    assert address(b"198.51.100.7", b"203.0.113.5", proxies=2) == "198.51.100.7"
    assert address(b"203.0.113.5", proxies=0) == address() == "10.0.0.9"


async def test_counts_of_one_trip_do_not_mix(api_app):
    limiter, policies = api_app.state.services.rate_limiter, [RateLimitPolicy(f"together-{n}", 9, 60) for n in range(3)]
    answers = await asyncio.gather(
        *(limiter.hit_all([(policy, "asha") for policy in policies[: 1 + number % 3]]) for number in range(6))
    )
    used = [[(result.policy.name, 9 - result.remaining) for result in results] for results in answers]
    assert used[0] == [("together-0", 1)]
    assert used[5] == [("together-0", 6), ("together-1", 4), ("together-2", 2)]


async def test_a_request_that_is_given_up_takes_no_other_count_with_it(api_app):
    limiter, policy = api_app.state.services.rate_limiter, RateLimitPolicy("given-up", 9, 60)
    waiting = [asyncio.create_task(limiter.hit(policy, "asha")) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    assert [(await result).remaining for result in waiting[1:]] == [7, 6]
