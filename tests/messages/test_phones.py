"""Each side of a booking sees the other's phone only if that person shows it, by the profile or for this booking."""

import pytest

from app.accounts.user import User
from app.bookings.repository import Bookings
from app.jobs.acceptance import hand_back
from app.notifications.repository import NotificationContext
from tests.bookings.scenes import later


@pytest.fixture
def sees_phone(scene, asha, ravi):
    """Whether Asha sees Ravi's phone on the booking's page, and Ravi hers on the job's."""

    async def look(ref):
        booking, job = await asha.visit(f"/bookings/{ref}"), await ravi.visit(f"/jobs/{ref}")
        return f"tel:{scene.ravi.phone}" in booking.links, f"tel:{scene.asha.phone}" in job.links

    return look


async def chooses(person, path, shown):
    page = await person.visit(f"{path}/messages")
    sent = await person.submit(page, "/phone", share_phone=shown)
    assert (sent.status, sent.location) == (303, f"{path}/messages"), sent.text
    return await person.visit(sent.location)


async def test_phones_are_shown_unless_the_profile_says_otherwise(asha, ravi, ref, sees_phone):
    assert await sees_phone(ref) == (True, True)
    profile = await ravi.visit("/profile")
    assert profile.form("/profile", having="share_phone").fields["share_phone"] == "yes"
    assert (await ravi.submit(profile, "/profile", share_phone="no")).status == 303
    assert await sees_phone(ref) == (False, True)
    assert (await asha.submit(await asha.visit("/profile"), "/profile", share_phone="no")).status == 303
    assert await sees_phone(ref) == (False, False)
    assert (await asha.visit("/profile")).form("/profile", having="share_phone").fields["share_phone"] == "no"


async def test_a_profile_that_is_sent_without_the_choice_keeps_it(scene, asha):
    await asha.submit(await asha.visit("/profile"), "/profile", share_phone="no")
    sent = await asha.post_fields("/profile", {"full_name": "Asha Raman", "phone": "+91 98400 12345"})
    assert sent.status == 303
    assert await scene.scalar("SELECT share_phone FROM users WHERE id = :id", id=scene.asha.id) is False
    assert (await asha.post_fields("/profile", {"full_name": "Asha", "share_phone": "perhaps"})).status == 422


async def test_the_choice_for_one_booking_wins(asha, ravi, ref, sees_phone):
    page = await chooses(asha, f"/bookings/{ref}", "no")
    assert "Your number is hidden." in page.text
    assert await sees_phone(ref) == (True, False)
    assert "Show my number" in page.text
    await asha.submit(await asha.visit("/profile"), "/profile", share_phone="no")
    await chooses(asha, f"/bookings/{ref}", "yes")
    await chooses(ravi, f"/jobs/{ref}", "no")
    assert await sees_phone(ref) == (False, True)


async def test_the_choice_of_a_professional_ends_with_the_assignment(scene, ravi, ref, sees_phone):
    await chooses(ravi, f"/jobs/{ref}", "no")
    async with scene.database.work() as db:
        await hand_back(db, scene.ravi, ref, "The van broke down.")
    await scene.accepted(ref, scene.kumar)
    booking = await scene.booking(ref)
    assert booking.professional_shares_phone is None


async def test_no_phone_is_shown_a_day_after_the_job(scene, asha, ravi, ref, sees_phone):
    await chooses(asha, f"/bookings/{ref}", "yes")
    await scene.started(ref)
    await scene.completed(ref)
    with later(hours=25):
        assert await sees_phone(ref) == (False, False)
        token = {"_csrf_token": await asha.token(), "share_phone": "no"}
        assert (await asha.post(f"/bookings/{ref}/messages/phone", data=token)).status_code == 409


async def test_emails_and_calendars_follow_the_choice(scene, asha, ravi, ref):
    async def in_email():
        async with scene.database.work() as db:
            booking = await Bookings(db).by_reference(ref)
            context = await NotificationContext(db).of_booking(booking, scene.ravi.id)
            return context.professional_phone

    async def in_calendars():
        booking, job = await asha.get(f"/bookings/{ref}/calendar"), await ravi.get(f"/jobs/{ref}/calendar")
        return scene.ravi.phone in booking.text, scene.asha.phone in job.text

    assert (await in_email(), await in_calendars()) == (scene.ravi.phone, (True, True))
    await chooses(ravi, f"/jobs/{ref}", "no")
    assert (await in_email(), await in_calendars()) == (None, (False, True))
    async with scene.database.work() as db:
        user = await db.get_one(User, scene.asha.id)
        user.share_phone = False
    assert await in_calendars() == (False, False)
