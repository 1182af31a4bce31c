"""Error responses: status, message, the requested format, and no stack trace."""

import logging

import httpx
import pytest

from app.web.security import SECURITY_HEADERS

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
    response = await visitor.get(f"/t/wrong/{how}")
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html")
    assert "Traceback" not in response.text
    assert "sqlalchemy" not in response.text
    assert "asyncpg" not in response.text


async def test_a_refusal_is_headed_by_what_happened_and_titled_by_its_sentence_in_the_api(visitor):
    page = await visitor.get("/t/wrong/taken")
    assert '<h1 class="t4">This job has been taken</h1>' in page.text
    assert "<title>This job has been taken" in page.text
    problem = (await visitor.get("/t/wrong/taken", headers={"accept": "application/json"})).json()
    assert problem["title"] == problem["detail"] == "Just taken."
    assert problem["type"] == "urn:doorstep:taken"


@pytest.mark.parametrize("how", ["refused", "missing", "invalid", "often", "locked"])
async def test_an_error_page_says_what_to_do_and_links_to_the_pages_of_the_reader(visitor, ashas, ravis, how):
    for reader, own_page in ((visitor, "/"), (ashas, "/bookings"), (ravis, "/jobs")):
        response = await reader.get(f"/t/wrong/{how}?of=this")
        actions = response.text.partition('<div class="empty__actions">')[2].partition("</div>")[0]
        assert f'href="{own_page}"' in actions
        assert 'href="/help"' in actions
        assert (f'href="/t/wrong/{how}?of=this"' in actions) == (how in ("often", "locked"))


async def test_another_role_is_shown_where_to_go(ravis):
    response = await ravis.get("/t/customer")
    assert response.status_code == 403
    actions = response.text.partition('<div class="empty__actions">')[2].partition("</div>")[0]
    assert 'href="/jobs"' in actions
    assert 'href="/profile"' in actions


@pytest.mark.parametrize(("how", "status"), CASES)
async def test_a_program_gets_problem_json(visitor, how, status):
    response = await visitor.get(f"/t/wrong/{how}", headers={"accept": "application/json"})
    assert response.status_code == status
    assert response.headers["content-type"].startswith("application/problem+json")
    problem = response.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["request_id"] == response.headers["x-request-id"]


async def test_invalid_names_its_fields_to_programs(visitor):
    response = await visitor.get("/t/wrong/invalid", headers={"accept": "application/json"})
    assert response.json()["errors"] == {"pincode": "Enter 6 digits."}


@pytest.mark.parametrize(("how", "status"), CASES)
async def test_htmx_gets_a_toast(visitor, how, status):
    response = await visitor.get(f"/t/wrong/{how}", headers=HTMX)
    assert response.status_code == status
    assert response.headers["hx-retarget"] == "#toasts"
    assert "<html" not in response.text


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
    response = await visitor.request(method, path)
    assert response.status_code == status
    for name, value in SECURITY_HEADERS.items():
        assert response.headers[name] == value
    assert "strict-transport-security" not in response.headers  # plain http here
    assert "unsafe-inline" not in response.headers["content-security-policy"]
    assert response.headers["x-request-id"]


async def test_the_request_id_is_ours_alone(visitor):
    response = await visitor.get("/t/page", headers={"x-request-id": "chosen-by-the-client"})
    assert response.headers["x-request-id"] != "chosen-by-the-client"


async def test_head_answers_like_get_without_a_body(visitor):
    response = await visitor.head("/t/page")
    assert response.status_code == 200
    assert response.content == b""
    assert int(response.headers["content-length"]) > 0
    assert (await visitor.head("/nowhere")).status_code == 404


async def test_the_server_still_knows_that_it_was_a_head(visitor):
    """Else it misses the body whose length was announced, and breaks the connection."""
    expected: list[str] = []

    async def server(scope, receive, send):
        await visitor.app(scope, receive, send)
        expected.append(scope["method"])

    async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://localhost:8000") as client:
        await client.head("/t/page")
    assert expected == ["HEAD"]


@pytest.mark.parametrize(
    "path", ["/t/text?message=%00", "/t/page?message=%00", "/t/page?message=%ED%A0%80", "/%00", "/t/wrong/%00"]
)
async def test_odd_bytes_in_an_address_are_no_server_error(visitor, path):
    assert (await visitor.get(path)).status_code in (200, 404, 422)


async def test_a_word_too_odd_for_the_host_header_is_refused(visitor):
    assert (await visitor.get("/t/page", headers={"host": "a b"})).status_code == 400
