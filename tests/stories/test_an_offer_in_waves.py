"""Nobody of the first eight takes the job; the ninth hears of it three minutes later and does."""

from tasks.notifications import send_offer_waves
from tests.application import task_context
from tests.factories import a_professional
from tests.story_app import at, frozen_at


async def test_a_wave_of_offers_is_answered_by_the_ninth(story):
    town = story.town
    async with story.database.work() as db:
        crowd = [
            await a_professional(db, f"Helper {n}", services=[town.service], email=f"helper{n}@example.com")
            for n in range(8)
        ]
        password = (await story.user_by_email(db, "ravi@example.com")).password_hash
        for person in crowd:
            person.password_hash = password
    asha = await story.sign_up()
    ninth = await story.sign_in("kumar@example.com")  # from Besant Nagar: the others live nearer
    page = await story.book(asha, at(15))
    reference = page.path.split("/")[2]
    assert "We're asking available professionals near you." in page.text
    assert f"/jobs/{reference}/acceptance" in {form.action for form in (await ninth.visit("/jobs")).forms}
    await send_offer_waves(task_context(story.database))
    assert "We've asked 8 professionals near you" in (await asha.visit(f"/bookings/{reference}")).text
    assert "New offer" not in (await ninth.visit("/notices")).text
    with frozen_at(9, 4):
        await send_offer_waves(task_context(story.database))
        assert "We've asked 10 professionals near you" in (await asha.visit(f"/bookings/{reference}")).text
        assert "New offer" in (await ninth.visit("/notices")).text
        await story.accept(ninth, reference)
        assert "Kumar is coming" in (await asha.visit(f"/bookings/{reference}")).text
        await send_offer_waves(task_context(story.database))
    emails = [email for email in await story.pending_emails() if "new offer" in email.subject]
    assert emails == []  # nothing is left to be taken
