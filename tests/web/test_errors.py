"""Whatever goes wrong: the right status, words, the shape that was asked for, and no trace."""

import logging

import httpx
import pytest

from app.web.security import HEADERS

HTMX = {"hx-request": "true", "hx-request-type": "partial"}
CASES = [
    ("refused", 409),
    ("missing", 404),
    ("invalid", 422),
    ("broken", 500),
    ("locked", 503),
    ("number", 422),
    ("big", 422),
]


@pytest.mark.parametrize(("how", "status"), CASES)
async def test_a_page_says_it_in_words(visitor, how, status):
    answer = await visitor.get(f"/t/wrong/{how}")
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert "Traceback" not in answer.text
    assert "sqlalchemy" not in answer.text
    assert "asyncpg" not in answer.text


@pytest.mark.parametrize(("how", "status"), CASES)
async def test_a_program_gets_problem_json(visitor, how, status):
    answer = await visitor.get(f"/t/wrong/{how}", headers={"accept": "application/json"})
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    told = answer.json()
    assert told["status"] == status
    assert told["title"]
    assert told["request_id"] == answer.headers["x-request-id"]


async def test_invalid_names_its_fields_to_programs(visitor):
    answer = await visitor.get("/t/wrong/invalid", headers={"accept": "application/json"})
    assert answer.json()["errors"] == {"pincode": "Six digits, please."}


@pytest.mark.parametrize(("how", "status"), CASES)
async def test_htmx_gets_a_toast(visitor, how, status):
    answer = await visitor.get(f"/t/wrong/{how}", headers=HTMX)
    assert answer.status_code == status
    assert answer.headers["hx-retarget"] == "#toasts"
    assert "<html" not in answer.text


async def test_away_asks_to_come_back(visitor):
    assert int((await visitor.get("/t/wrong/locked")).headers["retry-after"]) > 0


async def test_what_people_typed_is_in_no_log(visitor, capsys, caplog):
    caplog.set_level(logging.DEBUG)
    await visitor.get("/t/wrong/broken")
    await visitor.get("/t/wrong/broken?q=secret-word")
    written = capsys.readouterr()
    assert "unexpected" in written.err + caplog.text
    assert "4242424242424242" not in written.err + written.out
    assert "secret-word" not in written.err + written.out


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("POST", "/t/page", 405), ("GET", "/t/page", 200), ("GET", "/t/wrong/broken", 500)],
)
async def test_every_answer_carries_the_security_headers(visitor, method, path, status):
    answer = await visitor.request(method, path)
    assert answer.status_code == status
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "strict-transport-security" not in answer.headers  # plain http here
    assert "unsafe-inline" not in answer.headers["content-security-policy"]
    assert answer.headers["x-request-id"]


async def test_the_request_id_is_ours_alone(visitor):
    answer = await visitor.get("/t/page", headers={"x-request-id": "chosen-by-the-client"})
    assert answer.headers["x-request-id"] != "chosen-by-the-client"


async def test_head_answers_like_get_without_a_body(visitor):
    answer = await visitor.head("/t/page")
    assert answer.status_code == 200
    assert answer.content == b""
    assert int(answer.headers["content-length"]) > 0
    assert (await visitor.head("/nowhere")).status_code == 404


async def test_the_server_still_knows_that_it_was_a_head(visitor):
    """Else it misses the body whose length was announced, and breaks the connection."""
    known: list[str] = []

    async def server(scope, receive, send):
        await visitor.app(scope, receive, send)
        known.append(scope["method"])

    async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://localhost:8000") as client:
        await client.head("/t/page")
    assert known == ["HEAD"]


@pytest.mark.parametrize(
    "path", ["/t/text?said=%00", "/t/page?said=%00", "/t/page?said=%ED%A0%80", "/%00", "/t/wrong/%00"]
)
async def test_odd_bytes_in_an_address_are_no_server_error(visitor, path):
    assert (await visitor.get(path)).status_code in (200, 404, 422)


async def test_a_word_too_odd_for_the_host_header_is_refused(visitor):
    assert (await visitor.get("/t/page", headers={"host": "a b"})).status_code == 400
