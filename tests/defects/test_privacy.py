"""Regression tests: what one person could read, change or decide of another's."""

import asyncio
import re
from itertools import count

import pytest
from sqlalchemy import text

from app.web.guards import EVERYONE, list_routes
from tests.person import Person
from tests.story_app import SLOT_VALUE_FORMAT, at
from tests.town import LEAKS, VISA

_slots = count()


async def booked(story, asha, **payment) -> str:
    """Each two hours after the one before: both plumbers are free for all of them."""
    day, slot = divmod(next(_slots), 4)
    page = await story.book(asha, at(11 + 2 * slot, days=day), **payment)
    return page.path.split("/")[2]


async def state_of(story, reference: str) -> str:
    return await scalar(story, "SELECT state FROM bookings WHERE reference = :r", r=reference)


async def scalar(story, question: str, **params):
    async with story.database.work() as db:
        return await db.scalar(text(question), params)


async def test_no_list_of_people_or_requests_is_open_to_anybody(story, asha):
    await booked(story, asha)
    open_to_all = [path for method, path, who, _ in list_routes(story.app) if method == "GET" and who == EVERYONE]
    paths = [path for path in open_to_all if "{" not in path and path not in ("/live", "/dev/mail")]
    async with story.database.work() as db:
        people = (await db.execute(text("SELECT email, phone, full_name FROM users"))).all()
    async with Person(story.app) as visitor:
        for path in (*paths, f"/services/{LEAKS}?pincode=600020", f"/professionals/{story.town.ravi.id}"):
            page = (await visitor.visit(path)).text
            assert not [person for person in people if person.email in page or person.phone in page], path
            assert not [person for person in people if person.full_name in page], path


async def test_the_price_is_ours_whatever_a_form_says(story, asha):
    page = await asha.visit(f"/services/{LEAKS}?pincode=600020")
    page = await asha.submit_and_follow(page, "/bookings/new", start=at(18).strftime(SLOT_VALUE_FORMAT))
    page = await asha.submit_and_follow(page, "/bookings", price="100", amount="1", fee="0", state="completed")
    assert "₹149" in page.text
    reference = page.path.split("/")[2]
    assert await scalar(story, "SELECT price FROM bookings WHERE reference = :r", r=reference) == 149_00
    assert await state_of(story, reference) == "held"


async def test_no_one_edits_anothers_profile(story, asha, omar, email):
    statement = "SELECT id FROM users WHERE email = :e"
    ashas_id = str(await scalar(story, statement, e=email))
    page = await omar.visit("/profile")
    form = next(form for form in page.forms if "full_name" in form.fields)
    more = {"id": ashas_id, "user_id": ashas_id, "role": "admin", "email": email, "blocked": ""}
    await omar.post_fields(form.action, form.fields | {"full_name": "Another Name", **more})
    assert await scalar(story, "SELECT full_name FROM users WHERE id = :i", i=int(ashas_id)) == "Asha Raman"
    assert await scalar(story, "SELECT count(*) FROM users WHERE role = 'admin'") == 0


@pytest.mark.parametrize(
    "action", ["cancellation", "reschedule", "codes", "absence", "dispute", "review", "payment", ""]
)
async def test_no_one_moves_anothers_booking(story, asha, omar, action):
    reference = await booked(story, asha)
    fields = {
        "reason": "x",
        "rating": "1",
        "answer": "refund",
        "text": "x",
        "start": at(19).strftime(SLOT_VALUE_FORMAT),
        **VISA,
    }
    sent = await omar.post_fields(f"/bookings/{reference}/{action}".rstrip("/"), fields | {"address": "Elsewhere"})
    assert sent.status == 404
    assert await state_of(story, reference) == "requested"


async def test_a_professional_does_not_review_their_own_work(story, asha, ravi):
    reference = await booked(story, asha)
    await story.accept(ravi, reference)
    await story.start(asha, ravi, reference)
    await story.finish(asha, ravi, reference)
    sent = await ravi.post_fields(f"/bookings/{reference}/review", {"rating": "5", "comment": "I was great."})
    assert sent.status == 403
    assert await scalar(story, "SELECT count(*) FROM reviews") == 0


@pytest.mark.parametrize("action", ["acceptance", "pass", "departure", "arrival", "start", "completion"])
async def test_a_get_request_changes_no_state(story, asha, ravi, action):
    reference = await booked(story, asha)
    assert (await ravi.visit(f"/jobs/{reference}/{action}")).status == 405
    assert (await asha.visit(f"/bookings/{reference}/codes")).status == 405
    assert (await asha.visit("/logout")).status == 405
    assert await state_of(story, reference) == "requested"
    assert (await asha.visit(f"/bookings/{reference}")).status == 200


async def test_a_one_time_password_comes_from_no_row_number_and_is_not_in_the_page(story, asha, ravi):
    visited = []
    for _ in range(3):
        reference = await booked(story, asha)
        job = await story.accept(ravi, reference)
        code = (await asha.visit(f"/bookings/{reference}")).data["start-code"]
        number = await scalar(story, "SELECT id FROM bookings WHERE reference = :r", r=reference)
        assert re.fullmatch(r"\d{6}", code)
        assert code not in job.text
        visited.append((number, int(code)))
    steps = {later[1] - before[1] for before, later in zip(visited, visited[1:], strict=False)}
    assert len({code for _, code in visited}) == 3
    assert len(steps) == 2, "codes that follow one another by a rule"


async def test_two_professionals_do_not_both_accept(story, asha, ravi, kumar):
    reference = await booked(story, asha)
    pages = [(item, await item.visit("/jobs?show=50")) for item in (ravi, kumar)]
    sent = await asyncio.gather(*(item.submit(page, f"/jobs/{reference}/acceptance") for item, page in pages))
    assert sorted(answer.status for answer in sent) == [303, 409]
    assert (
        await scalar(
            story,
            "SELECT count(*) FROM events WHERE name = 'booking.assigned' AND subject = :s",
            s=f"booking-{reference}",
        )
        == 1
    )


async def test_address_and_phone_are_not_shown_before_accepting(story, asha, ravi, kumar):
    reference = await booked(story, asha)
    for worker in (ravi, kumar):
        for path in ("/jobs", f"/jobs/{reference}", "/jobs?tab=today", "/notices"):
            page = (await worker.visit(path)).text
            assert not [term for term in ("Raman", "Flat 3B", "00412", "Ring twice") if term in page], path
    emails = [
        code for code in await story.pending_emails() if code.recipient in ("ravi@example.com", "kumar@example.com")
    ]
    assert not [code for code in emails if reference in str(code) and "Flat 3B" in str(code)]
