"""By plain forms alone: two messages with a photo, read on both sides, and phones that are hidden."""

from tests.messages.sending import on_one_line, says
from tests.stories.test_late_twice import on_the_way
from tests.story_app import frozen_at
from tests.town import ASHA
from tests.vetting.samples import a_picture


async def test_a_message_with_a_photo_by_plain_forms(story):
    reference = await on_the_way(story)
    asha, ravi = story.people[ASHA["email"]], story.people["ravi@example.com"]
    booking, job = f"/bookings/{reference}", f"/jobs/{reference}"
    with frozen_at(14, 12):
        await says(asha, booking, "It's this tap.", [("tap.png", a_picture(size=(900, 1200)))])
        page = await ravi.visit(job)
        assert "1 unread message" in page.text
        (link,) = [link for link in page.links if "messages" in link]
        page = await ravi.visit(link)
        assert 'width="120" height="160" loading="lazy"' in page.text
        (photo,) = [link for link in page.links if link.startswith("/messages/photos/")]
        assert (await ravi.get(photo)).headers["content-type"] == "image/jpeg"
    with frozen_at(14, 15):
        await says(ravi, job, "I have the washer with me.")
        assert "Read 2:12 pm" in on_one_line(await asha.visit(f"{booking}/messages")).replace("\u202f", " ")
        page = await ravi.visit(f"{job}/messages")
        await ravi.submit_and_follow(page, "/phone", share_phone="no")
        assert "tel:" not in (await asha.visit(booking)).text
        emails = [email for email in await story.pending_emails() if "New message" in email.subject]
        assert len(emails) == 0, "each has read what the other wrote"
