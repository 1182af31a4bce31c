"""A professional applies, is denied, sends a better document, is approved, and does a first job."""

import re

import pytest

from app.scheduling.working_hours import OfferedService
from tests.factories import ADYAR, an_admin
from tests.person import Page, Person
from tests.story_app import StoryApp, at
from tests.town import PASSWORD
from tests.vetting.samples import a_pdf, a_picture

GEETA = {
    "full_name": "Geeta Menon",
    "email": "geeta@example.com",
    "phone": "+91 00000 00413",
    "password": PASSWORD,
    "address": "12, Kasturba Nagar 3rd Cross Street",
    "pincode": ADYAR,
    "experience_years": "8",
}
REASON = "The photo is too dark to see the face.\nPlease take it in daylight."
MESSAGE = "Here it is, taken at the window."
WEEK = {f"{side}-{day}-1": time for day in range(7) for side, time in (("from", "08:00"), ("to", "20:00"))}


@pytest.fixture
async def meena(story):
    async with story.database.work() as db:
        admin = await an_admin(db)
    story.people[admin.email] = await Person(story.app).signed_in_as(admin, story.database)
    return story.people[admin.email]


async def sends(me: Person, page: Page, action: str, content: bytes, name: str, **fields: str) -> Page:
    """Submit the rendered form with a file and follow the redirect."""
    form = page.form(action)
    files = {"document": (name, content, "application/octet-stream")}
    answer = me._remember(await me.post(action, data=form.fields | fields, files=files))
    assert answer.status == 303, answer.text
    return await me.visit(answer.location)


async def signs_up(story: StoryApp) -> Person:
    geeta = story.people[GEETA["email"]] = Person(story.app)
    page = await geeta.visit("/register/professional")
    assert str(story.town.service.id) in page.form("/register/professional").choices["service_ids"]
    arrived = await sends(
        geeta,
        page,
        "/register/professional",
        a_picture(),
        "dark.png",
        **GEETA,
        service_ids=str(story.town.service.id),
    )
    assert arrived.path == "/login"
    assert (await geeta.submit(arrived, "/login", email=GEETA["email"], password=PASSWORD)).status == 303
    return geeta


async def found(meena: Person, q: str, state: str = "waiting") -> str:
    """The URL of the one professional that the admin table finds."""
    page = await meena.visit(f"/admin/professionals?q={q}&state={state}")
    [path] = {link.split("?")[0] for link in page.links if re.fullmatch(r"/admin/professionals/\d+(\?.*)?", link)}
    return path


async def approves(meena: Person, admin_url: str) -> Page:
    page = await meena.visit(admin_url)
    form = page.form("/approval")
    answer = meena._remember(
        await meena.post(f"{admin_url}/approval", data=form.fields | {"checked": form.choices["checked"]})
    )
    assert answer.status == 303, answer.text
    return await meena.visit(answer.location)


async def emails_received(story: StoryApp) -> dict[str, str]:
    """Geeta's emails: subject and text, the latest first."""
    return {email.subject: email.text for email in await story.pending_emails() if email.recipient == GEETA["email"]}


async def approval_of_offered_service(story: StoryApp, geeta_id: int, service_id: int) -> str:
    async with story.database.work() as db:
        return (await db.get_one(OfferedService, (geeta_id, service_id))).approval_status


async def test_someone_joins_is_denied_asks_again_is_approved_and_does_a_first_job(story, meena):
    geeta = await signs_up(story)
    assert (await geeta.visit("/verification")).status == 200
    admin_url = await found(meena, "geeta")
    public = f"/professionals/{admin_url.rsplit('/', 1)[1]}"
    assert (await Person(story.app).visit(public)).status == 404

    await denied(story, geeta, meena, admin_url)
    await reapplied(geeta)
    await approved(story, geeta, meena, admin_url, public)
    await does_a_first_job(story, geeta)


async def denied(story: StoryApp, geeta: Person, meena: Person, admin_url: str) -> None:
    page = await meena.visit(admin_url)
    nothing = await meena.submit(page, "/denial", reason="  ")
    assert nothing.status == 422
    await meena.submit_and_follow(page, "/denial", reason=REASON)
    response = await geeta.visit("/verification")
    assert "too dark to see the face" in response.text
    assert "daylight" in response.text
    [text] = [text for text in (await emails_received(story)).values() if "too dark" in text]
    assert "/verification" in text
    assert await found(meena, "geeta", "denied") == admin_url
    late = await meena.submit(page, "/approval", checked=page.form("/approval").choices["checked"])
    assert late.status == 409
    assert "Meena Iyer already rejected this" in late.text


async def reapplied(geeta: Person) -> None:
    page = await geeta.visit("/verification")
    empty = await geeta.submit(page, "/verification", message=MESSAGE)
    assert empty.status == 422
    assert MESSAGE in empty.text
    waits = await sends(geeta, page, "/verification", a_pdf(2), "daylight.pdf", message=MESSAGE)
    assert "too dark" in waits.text, "the history is kept"
    token = page.form("/verification").fields["_csrf_token"]
    repeated = await geeta.post("/verification", data={"message": "Once more.", "_csrf_token": token})
    assert repeated.status_code == 409


async def approved(story: StoryApp, geeta: Person, meena: Person, admin_url: str, public: str) -> None:
    page = await meena.visit(admin_url)
    assert MESSAGE in page.text
    half = await meena.submit(page, "/approval", checked="name")
    assert half.status == 422
    assert "1 of 5" in half.text
    done = await approves(meena, admin_url)
    assert "Geeta Menon" in done.text
    assert any("pprove" in subject or "work" in subject for subject in await emails_received(story))
    assert (await Person(story.app).visit(public)).status == 200
    refused = await geeta.post(f"{admin_url}/approval", data={"_csrf_token": await geeta.token()})
    assert refused.status_code == 403


async def does_a_first_job(story: StoryApp, geeta: Person) -> None:
    await geeta.submit_and_follow(await geeta.visit("/availability"), "/availability/hours", **WEEK)
    asha = await story.sign_up()
    async with story.database.work() as db:
        user = await story.user_by_email(db, GEETA["email"])
    reference = (await story.book(asha, at(15), named=user)).path.split("/")[2]
    await story.accept(geeta, reference)
    await story.start(asha, geeta, reference)
    done = await story.finish(asha, geeta, reference)
    assert done.status == 200
    assert reference in (await geeta.visit("/jobs/history")).text
    assert "₹126.65" in (await geeta.visit("/earnings")).text


async def test_a_new_service_waits_while_the_rest_goes_on(story, meena):
    geeta = await signs_up(story)
    admin_url = await found(meena, "geeta")
    await approves(meena, admin_url)
    await geeta.submit_and_follow(await geeta.visit("/availability"), "/availability/hours", **WEEK)
    page = await geeta.visit("/profile/work")
    own, *others = [str(story.town.service.id), *page.form("/profile/work").choices["service_ids"]]
    new = next(other for other in others if other != own)
    form = page.form("/profile/work")
    answer = await geeta.post("/profile/work", data=form.fields | {"service_ids": [own, new]})
    assert answer.status_code == 303, answer.text
    geeta_id = int(admin_url.rsplit("/", 1)[1])
    assert await approval_of_offered_service(story, geeta_id, int(new)) == "pending"
    asha = await story.sign_up()
    async with story.database.work() as db:
        user = await story.user_by_email(db, GEETA["email"])
    reference = (await story.book(asha, at(16), named=user)).path.split("/")[2]
    await story.accept(geeta, reference)
    await meena.submit_and_follow(await meena.visit(admin_url), "/denial", reason="A permit for that is needed first.")
    assert await approval_of_offered_service(story, geeta_id, int(new)) == "denied"
    assert await approval_of_offered_service(story, geeta_id, int(own)) == "approved"
    assert "A permit for that" in (await geeta.visit("/verification")).text
    assert any("A permit for that" in text for text in (await emails_received(story)).values())
