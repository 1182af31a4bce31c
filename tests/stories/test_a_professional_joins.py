"""A professional applies, is denied, sends a better document, is approved, and does a first job."""

import re

import pytest

from app.scheduling.working_hours import Offering
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
    """The form that is drawn, with a file in it; what comes back is followed."""
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
    """The address of the one professional whom the desk finds."""
    page = await meena.visit(f"/admin/professionals?q={q}&state={state}")
    [path] = {link.split("?")[0] for link in page.links if re.fullmatch(r"/admin/professionals/\d+(\?.*)?", link)}
    return path


async def approves(meena: Person, desk: str) -> Page:
    page = await meena.visit(desk)
    form = page.form("/approval")
    answer = meena._remember(
        await meena.post(f"{desk}/approval", data=form.fields | {"checked": form.choices["checked"]})
    )
    assert answer.status == 303, answer.text
    return await meena.visit(answer.location)


async def letters(story: StoryApp) -> dict[str, str]:
    """What Geeta was told by mail: the subject and the text, the latest first."""
    return {one.subject: one.text for one in await story.pending_emails() if one.recipient == GEETA["email"]}


async def standing_of_the_new_service(story: StoryApp, geeta_id: int, service_id: int) -> str:
    async with story.database.work() as db:
        return (await db.get_one(Offering, (geeta_id, service_id))).standing


async def test_somebody_joins_is_denied_asks_again_is_approved_and_does_a_first_job(story, meena):
    geeta = await signs_up(story)
    assert (await geeta.visit("/verification")).status == 200
    desk = await found(meena, "geeta")
    public = f"/professionals/{desk.rsplit('/', 1)[1]}"
    assert (await Person(story.app).visit(public)).status == 404

    await denied(story, geeta, meena, desk)
    await asked_again(geeta)
    await approved(story, geeta, meena, desk, public)
    await does_a_first_job(story, geeta)


async def denied(story: StoryApp, geeta: Person, meena: Person, desk: str) -> None:
    page = await meena.visit(desk)
    nothing = await meena.submit(page, "/denial", reason="  ")
    assert nothing.status == 422
    await meena.submit_and_follow(page, "/denial", reason=REASON)
    told = await geeta.visit("/verification")
    assert "too dark to see the face" in told.text
    assert "daylight" in told.text
    [text] = [text for text in (await letters(story)).values() if "too dark" in text]
    assert "/verification" in text
    assert await found(meena, "geeta", "denied") == desk
    late = await meena.submit(page, "/approval", checked=page.form("/approval").choices["checked"])
    assert late.status == 409
    assert "Meena Iyer has denied this already" in late.text


async def asked_again(geeta: Person) -> None:
    page = await geeta.visit("/verification")
    empty = await geeta.submit(page, "/verification", message=MESSAGE)
    assert empty.status == 422
    assert MESSAGE in empty.text
    waits = await sends(geeta, page, "/verification", a_pdf(2), "daylight.pdf", message=MESSAGE)
    assert "too dark" in waits.text, "the history is kept"
    token = page.form("/verification").fields["_csrf_token"]
    again = await geeta.post("/verification", data={"message": "Once more.", "_csrf_token": token})
    assert again.status_code == 409


async def approved(story: StoryApp, geeta: Person, meena: Person, desk: str, public: str) -> None:
    page = await meena.visit(desk)
    assert MESSAGE in page.text
    half = await meena.submit(page, "/approval", checked="name")
    assert half.status == 422
    assert "1 of 5" in half.text
    done = await approves(meena, desk)
    assert "Geeta Menon" in done.text
    assert any("pprove" in subject or "work" in subject for subject in await letters(story))
    assert (await Person(story.app).visit(public)).status == 200
    nobody = await geeta.post(f"{desk}/approval", data={"_csrf_token": await geeta.token()})
    assert nobody.status_code == 403


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
    desk = await found(meena, "geeta")
    await approves(meena, desk)
    await geeta.submit_and_follow(await geeta.visit("/availability"), "/availability/hours", **WEEK)
    page = await geeta.visit("/profile/work")
    own, *others = [str(story.town.service.id), *page.form("/profile/work").choices["service_ids"]]
    new = next(one for one in others if one != own)
    form = page.form("/profile/work")
    answer = await geeta.post("/profile/work", data=form.fields | {"service_ids": [own, new]})
    assert answer.status_code == 303, answer.text
    geeta_id = int(desk.rsplit("/", 1)[1])
    assert await standing_of_the_new_service(story, geeta_id, int(new)) == "pending"
    asha = await story.sign_up()
    async with story.database.work() as db:
        user = await story.user_by_email(db, GEETA["email"])
    reference = (await story.book(asha, at(16), named=user)).path.split("/")[2]
    await story.accept(geeta, reference)
    await meena.submit_and_follow(await meena.visit(desk), "/denial", reason="A permit for that is needed first.")
    assert await standing_of_the_new_service(story, geeta_id, int(new)) == "denied"
    assert await standing_of_the_new_service(story, geeta_id, int(own)) == "approved"
    assert "A permit for that" in (await geeta.visit("/verification")).text
    assert any("A permit for that" in text for text in (await letters(story)).values())
