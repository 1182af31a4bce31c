"""Ravi is blocked with one job started and one accepted (W1, W2, W4); a customer is blocked (W3)."""

import pytest

from app.accounts.user import User
from app.core.encryption import Encryption
from app.core.secrets import Passwords
from app.settings import Settings
from tests.factories import an_admin
from tests.person import Page, Person
from tests.story_app import StoryApp, at, frozen_at
from tests.town import ASHA, PASSWORD

REASON = "Three customers were asked for more money at the door."


@pytest.fixture
async def meena(story: StoryApp) -> Person:
    settings: Settings = story.app.state.services.settings
    async with story.database.work(story.app.state.services.after_commit) as db:
        user = await an_admin(db, "Meena Iyer", email="meena@example.com")
        user.password_hash = await Passwords(Encryption(settings.secret_key), cheap=True).hash(PASSWORD)
    return await story.sign_in("meena@example.com")


def admin_url_of(user: User) -> str:
    return f"/admin/professionals/{user.id}"


async def with_password(meena: Person, path: str) -> Page:
    """Enter the password again if the sign-in is old, and continue to the page."""
    page = await meena.visit(path)
    return (
        await meena.submit_and_follow(page, "/login/again", password=PASSWORD) if "/login/again" in page.path else page
    )


async def blocks(meena: Person, path: str, reason: str = REASON) -> Page:
    form_page = await with_password(meena, f"{path}/block")
    sent = await meena.submit(form_page, "/block", reason=reason)
    assert sent.status == 303, sent.text
    return form_page


async def unblocks(meena: Person, path: str, reason: str) -> None:
    sent = await meena.submit(await with_password(meena, f"{path}/unblock"), "/unblock", reason=reason)
    assert sent.status == 303, sent.text


async def emails_to(story: StoryApp, email: str) -> str:
    return "\n".join(code.subject + code.text for code in await story.pending_emails() if code.recipient == email)


async def test_a_professional_with_a_started_and_an_accepted_job_is_blocked(story, meena):
    asha, (ravi, kumar) = await story.sign_up(), await story.sign_in_professionals()
    running = (await story.book(asha, at(11), named=story.town.ravi)).path.split("/")[2]
    upcoming = (await story.book(asha, at(16), named=story.town.ravi)).path.split("/")[2]
    for reference in (running, upcoming):
        await story.accept(ravi, reference)
    with frozen_at(11):
        await story.start(asha, ravi, running)
        confirmation = await blocks(meena, admin_url_of(story.town.ravi))
    assert "Offers 1 accepted job to others" in confirmation.text
    assert "1 job in progress will be finished as agreed" in confirmation.text

    with frozen_at(11, 5):
        assert (await ravi.visit("/jobs")).path.startswith("/login")
        assert (await ravi.sign_in("ravi@example.com", PASSWORD)).location == "/blocked"
        closed = await ravi.visit("/blocked")
        assert REASON in closed.text
        for path in ("/jobs", f"/jobs/{upcoming}", "/availability", "/documents", "/profile"):
            assert (await ravi.get(path)).status_code == 403, path
        assert "start-code" not in (await asha.visit(f"/bookings/{upcoming}")).data
        emails = await emails_to(story, ASHA["email"])
        assert "We're finding another professional" in emails
        assert "cancel without a fee" in emails
        assert REASON in await emails_to(story, "ravi@example.com")
        assert REASON not in emails

        await story.accept(kumar, upcoming)
        assert "Kumar is coming" in (await asha.visit(f"/bookings/{upcoming}")).text

        finish = (await asha.visit(f"/bookings/{running}")).data["finish-code"]
        job = await ravi.visit(next(link for link in closed.links if link.endswith(running)))
        after = await ravi.submit_and_follow(job, "/completion", code=finish)
        assert after.path == "/blocked"
        assert "is in progress" not in after.text
        assert "★" not in (await asha.visit(f"/professionals/{story.town.ravi.id}")).text
    with frozen_at(11, 10):
        await unblocks(meena, admin_url_of(story.town.ravi), "He paid it back and apologised.")
        assert "He paid it back" in await emails_to(story, "ravi@example.com")
        assert (await ravi.visit("/jobs")).status == 200
        assert (await ravi.visit(f"/jobs/{upcoming}")).status == 404
        assert "₹126.65" in (await ravi.visit("/earnings")).text


async def test_what_waits_for_others_may_be_cancelled_late_and_free(story, meena):
    asha, (ravi, _) = await story.sign_up(), await story.sign_in_professionals()
    page = await story.book(asha, at(12), named=story.town.ravi)
    await story.accept(ravi, page.path.split("/")[2])
    with frozen_at(10, 30):
        assert "₹100" in (await asha.visit(f"{page.path}/cancellation")).text
        await blocks(meena, admin_url_of(story.town.ravi))
        confirmation = await asha.visit(f"{page.path}/cancellation")
        assert "₹100" not in confirmation.text
        cancelled = await asha.submit_and_follow(confirmation, "/cancellation", reason="Then another day.")
        assert "₹149" in cancelled.text


async def test_opened_again_within_the_last_hour_it_waits_for_its_slot_and_then_for_its_customer(story, meena):
    asha, (ravi, kumar) = await story.sign_up(), await story.sign_in_professionals()
    page = await story.book(asha, at(12), named=story.town.ravi)
    reference = page.path.split("/")[2]
    await story.accept(ravi, reference)
    with frozen_at(11, 30):
        await blocks(meena, admin_url_of(story.town.ravi))
        assert reference in (await kumar.visit("/jobs")).text
    with frozen_at(12):
        waiting = await asha.visit(page.path)
        refunded = await asha.submit_and_follow(waiting, "/absence", answer="refund")
        assert "₹149" in refunded.text


async def test_a_customer_is_blocked_with_everything_open(story, meena):
    asha, (ravi, kumar) = await story.sign_up(), await story.sign_in_professionals()
    running = (await story.book(asha, at(11), named=story.town.ravi)).path.split("/")[2]
    upcoming = (await story.book(asha, at(16), named=story.town.ravi)).path.split("/")[2]
    requested = (await story.book(asha, at(18))).path.split("/")[2]
    for reference in (running, upcoming):
        await story.accept(ravi, reference)
    found = await meena.visit("/admin/customers?q=asha.raman")
    path = next(link for link in found.links if link.startswith("/admin/customers/")).partition("?")[0]
    with frozen_at(11):
        await story.start(asha, ravi, running)
        confirmation = await blocks(meena, path, "Threw a shoe.")
    assert "Cancels 2 bookings, refunds ₹298" in confirmation.text
    with frozen_at(11, 5):
        assert requested not in (await kumar.visit("/jobs")).text
        assert (await asha.visit("/bookings")).path.startswith("/login")
        assert (await asha.sign_in(ASHA["email"], PASSWORD)).location == "/blocked"
        assert (await asha.get("/services")).status_code == 200
        assert (await asha.get("/bookings/new")).status_code == 403
        closed = await asha.visit("/blocked")
        assert "Threw a shoe." in closed.text
        displayed = await asha.visit(next(link for link in closed.links if link.endswith(running)))
        job = await ravi.visit(f"/jobs/{running}")
        assert (
            "you earned ₹126.65"
            in (await ravi.submit_and_follow(job, "/completion", code=displayed.data["finish-code"])).text
        )
        assert "Threw a shoe." not in await emails_to(story, "ravi@example.com")
        assert "cancelled" in (await emails_to(story, "ravi@example.com")).lower()
        await unblocks(meena, path, "It was a sandal, and an accident.")
        await story.book(asha, at(17))
