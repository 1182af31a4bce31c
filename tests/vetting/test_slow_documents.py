"""A flood of documents that take a minute to draw: each is refused in words, and an honest one beside them is taken."""

import asyncio
import time
from itertools import count

import httpx
import pytest
from sqlalchemy import select

from app.accounts.user import User
from app.vetting.document_scan import refusal_messages
from tests.factories import PASSWORD
from tests.person import URL
from tests.vetting.hostile import slow_pdf
from tests.vetting.samples import a_pdf

pytestmark = pytest.mark.slow
_numbers = count(1)
WORDS = {422: "takes too long to open", 503: "We&#39;re checking many documents right now."}


async def apply(scene, address: str, content: bytes) -> tuple[httpx.Response, str, float]:
    """Send an application from this address; return the answer, its email and how long it took."""
    transport = httpx.ASGITransport(scene.app, client=(address, 50_000))
    number = next(_numbers)
    fields = {
        "full_name": "Thenmozhi Chandrasekaran",
        "email": f"thenmozhi.{number}@example.com",
        "phone": f"+91 00000 {number:05}",
        "password": PASSWORD,
        "address": "12, Canal Bank Road, Kasturba Nagar",
        "pincode": "600020",
        "experience_years": "8",
        "service_ids": str(scene.service.id),
    }
    async with httpx.AsyncClient(transport=transport, base_url=URL, timeout=60) as client:
        page = await client.get("/register/professional")
        token = page.text.split('name="_csrf_token" value="')[1].split('"')[0]
        began = time.monotonic()
        files = {"document": ("identity.pdf", content, "application/pdf")}
        answer = await client.post("/register/professional", data=fields | {"_csrf_token": token}, files=files)
        return answer, fields["email"], time.monotonic() - began


def assert_refused_in_words(answer: httpx.Response, seconds: float) -> None:
    assert WORDS[answer.status_code] in answer.text
    assert 'value="Thenmozhi Chandrasekaran"' in answer.text, "what was typed is still there"
    assert ("retry-after" in answer.headers) == (answer.status_code == 503)
    assert seconds < 30


@pytest.mark.parametrize("addresses", [1, 12], ids=["one address", "many addresses"])
async def test_an_honest_document_is_taken_beside_a_flood_of_slow_ones(scene, addresses):
    flood = [asyncio.create_task(apply(scene, f"198.51.100.{number % addresses}", slow_pdf())) for number in range(12)]
    answer, email, seconds = await apply(scene, "203.0.113.5", a_pdf())
    assert (answer.status_code, answer.headers["location"]) == (303, "/login"), answer.text
    assert seconds < 20
    for refused, _email, waited in await asyncio.gather(*flood):
        assert_refused_in_words(refused, waited)
    async with scene.database.work() as db:
        applicants = await db.scalars(select(User.email).where(User.full_name.like("Thenmozhi%")))
        assert list(applicants) == [email]


async def test_a_slow_document_sent_again_and_again_is_refused_each_time(scene):
    for _ in range(2):
        answer, _email, seconds = await apply(scene, "198.51.100.7", slow_pdf())
        assert answer.status_code == 422
        assert refusal_messages()["slow"] in answer.text
        assert_refused_in_words(answer, seconds)
    honest, _email, _seconds = await apply(scene, "198.51.100.7", a_pdf())
    assert honest.status_code == 303
