"""The main job by plain forms and links, without JavaScript: from a search to a reviewed, paid job."""

from datetime import datetime, timedelta

from app.core import clock
from tests.person import Person
from tests.story_app import at
from tests.town import LEAKS, NOTE, PRIVATE, VISA


async def test_from_a_search_to_a_review(story):
    asha = await story.sign_up()
    ravi = await story.sign_in("ravi@example.com")
    assert "No offers right now" in (await ravi.visit("/jobs")).text

    results = await asha.submit(await asha.visit("/"), "/services", q="tap leking", pincode="600020")
    leaks = next(link for link in results.links if link.startswith(f"/services/{LEAKS}"))
    service = await asha.visit(leaks)
    assert "New here" in service.text
    times = service.form("/bookings/new").choices["start"]
    assert f"{at(12):%Y-%m-%dT%H:%M}" in times
    page = await asha.submit_and_follow(service, "/bookings/new", start=times[-1])
    page = await asha.submit_and_follow(page, "/bookings", note=NOTE)
    assert "We're holding this time until" in page.text
    page = await asha.submit_and_follow(page, "/payment", **VISA)
    reference = page.path.split("/")[2]
    assert "We're finding you a professional" in page.text

    offer = await ravi.visit("/jobs")
    assert "₹126.65" in offer.text
    assert not [term for term in PRIVATE if term in "".join(ravi.page_texts)]
    job = await ravi.submit_and_follow(offer, f"/jobs/{reference}/acceptance")
    assert not [term for term in ("Asha Raman", "Flat 3B", "Ring twice", "412") if term not in job.text]
    confirmation = await ravi.submit(job, "/departure")
    assert confirmation.status == 409
    job = await ravi.submit_and_follow(confirmation, "/departure")
    assert "Ravi is on the way" in (await asha.visit(page.path)).text
    with clock.freeze(datetime.fromisoformat(times[-1]).replace(tzinfo=clock.IST) - timedelta(minutes=60)):
        job = await ravi.submit_and_follow(job, "/arrival")
    booking = await asha.visit(page.path)
    assert "Ravi is at your door" in booking.text

    start = booking.data["start-code"]
    rejected = await ravi.submit(job, "/start", early="yes", code=f"{(int(start) + 1) % 1_000_000:06d}")
    assert rejected.status == 422
    assert "That&#39;s not the right code. 4 tries left" in rejected.text
    job = await ravi.submit_and_follow(rejected, "/start", early="yes", code=f" {start[:3]}-{start[3:]} ")
    booking = await asha.visit(page.path)
    assert "start-code" not in booking.data
    job = await ravi.submit_and_follow(job, "/completion", code=booking.data["finish-code"])
    assert "you earned ₹126.65" in job.text
    assert len(story.codes()) == 2  # both are looked for in what reached the others

    receipt = await asha.visit(f"{page.path}/receipt")
    assert "Visa ending 4242" in receipt.text
    assert "₹149" in receipt.text
    done = await asha.visit(page.path)
    thanks = await asha.submit_and_follow(
        done, "/review", rating="4", comment="Came on time and left the kitchen clean."
    )
    assert "Thank you for your review." in thanks.text
    await _visitor_reads_review(Person(story.app), leaks, f"/professionals/{story.town.ravi.id}")
    assert "₹126.65" in (await ravi.visit("/earnings")).text


async def _visitor_reads_review(visitor: Person, *paths: str) -> None:
    """The averages and the comment appear at once, under the first name only."""
    for path in paths:
        page = await visitor.visit(path)
        assert "Came on time and left the kitchen clean." in page.text
        assert "(1)" in page.text
        assert "Raman" not in page.text


async def test_a_visitor_reads_everything_without_a_cookie(story):
    asha = await story.sign_up()
    asha.cookies.clear()
    for path in ("/", "/services?q=tap&pincode=600020", f"/services/{LEAKS}?pincode=600020", "/about", "/help"):
        page = await asha.visit(path)
        assert page.status == 200
        assert "set-cookie" not in page.response.headers
