"""When something goes wrong: bad work, a fee that is contested, and a professional who only said that they came."""

import pytest

from app.core import clock
from tests.factories import an_admin
from tests.person import Person
from tests.story_app import at, frozen_at


@pytest.fixture
async def meena(story):
    """The admin's browser, signed in whenever it is asked for: a decision needs a fresh password."""
    async with story.database.work() as db:
        admin = await an_admin(db)

    async def sign_in():
        story.people[f"{admin.email} {clock.now()}"] = person = Person(story.app)
        return await person.signed_in_as(admin, story.database)

    return sign_in


async def a_job(story, **payment):
    """Asha's booking for twelve o'clock, accepted by Ravi."""
    asha, ravi = await story.sign_up(), await story.sign_in("ravi@example.com")
    page = await story.book(asha, at(12), **payment)
    reference = page.path.split("/")[2]
    await story.accept(ravi, reference)
    return asha, ravi, reference


async def decide(admin, case, outcome, reason, **fields):
    queue = await admin.visit("/admin/cases")
    assert f"/admin/cases/{case}" in queue.links
    page = await admin.visit(f"/admin/cases/{case}")
    await admin.submit_and_follow(page, "/decision", outcome=outcome, reason=reason, **fields)


async def test_bad_work_is_put_right_by_a_second_visit_at_no_price(story, meena):
    asha, ravi, reference = await a_job(story)
    await story.start(asha, ravi, reference)
    await story.finish(asha, ravi, reference)
    with frozen_at(10, days=1):
        page = await asha.visit(f"/bookings/{reference}")
        page = await asha.visit(next(link for link in page.links if link.endswith("/help") and "bookings" in link))
        page = await asha.submit_and_follow(page, "/help", topic="quality", message="It drips again, all night long.")
        case = page.path.split("/")[2]
        page = await ravi.submit_and_follow(
            await ravi.visit(f"/cases/{case}"), "/messages", message="The washer was old. I come again."
        )
        await decide(await meena(), case, "redo", "Ravi comes again and puts in a new washer.")
        page = await asha.visit(f"/cases/{case}")
        assert "Ravi comes again and puts in a new washer." in page.text
        second = next(link for link in page.links if link.startswith("/bookings/") and link != f"/bookings/{reference}")
        await story.accept(ravi, second.split("/")[2])
    with frozen_at(10, days=2):
        start = (await asha.visit(second)).data["start-code"]
        await ravi.submit_and_follow(
            await ravi.visit(f"/jobs/{second.split('/')[2]}"), "/start", code=start, early="yes"
        )
        await story.finish(asha, ravi, second.split("/")[2])
        assert "₹0" in (await asha.visit(f"{second}/receipt")).text
        assert "₹126.65" in (await ravi.visit("/earnings")).text


async def test_a_contested_no_show_fee_is_returned(story, meena):
    asha, ravi, reference = await a_job(story)
    with frozen_at(12):
        job = await ravi.submit_and_follow(await ravi.visit(f"/jobs/{reference}"), "/departure")
        await ravi.submit_and_follow(job, "/arrival")
    with frozen_at(12, 15):
        await ravi.submit_and_follow(await ravi.visit(f"/jobs/{reference}?do=absence"), "/absence")
        page = await asha.visit(f"/bookings/{reference}")
        page = await asha.submit_and_follow(page, "/dispute", text="I was at home all morning, the bell is broken.")
        case = next(link for link in page.links if link.startswith("/cases/")).split("/")[2]
        assert "the bell is broken" in (await ravi.visit(f"/cases/{case}")).text
        await decide(await meena(), case, "fee_returned", "You were at home: the neighbour saw you.")
        page = await asha.visit(f"/cases/{case}")
        assert ("₹100" in page.text, "the neighbour saw you" in page.text) == (True, True)
        mails = [mail for mail in await story.pending_emails() if mail.subject.startswith("Your case is decided")]
        assert ["the neighbour saw you" in mail.text for mail in mails] == [True, True]


async def test_a_professional_who_only_reported_an_arrival_costs_nothing(story, meena):
    asha, ravi, reference = await a_job(story)
    with frozen_at(12):
        job = await ravi.submit_and_follow(await ravi.visit(f"/jobs/{reference}"), "/departure")
        await ravi.submit_and_follow(job, "/arrival")
    with frozen_at(12, 31):
        page = await asha.submit_and_follow(await asha.visit(f"/bookings/{reference}"), "/absence", answer="refund")
        assert "No money moves until it is settled" in page.text
        case = next(link for link in page.links if link.startswith("/cases/")).split("/")[2]
        await decide(await meena(), case, "refund", "Ravi was across the town.")
        page = await asha.visit(f"/bookings/{reference}")
        assert "Professional didn't arrive" in page.text
        assert "₹149" in (await asha.visit(f"/bookings/{reference}/receipt")).text
        assert "Ravi was across the town." in (await ravi.visit(f"/cases/{case}")).text
