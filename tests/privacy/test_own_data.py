"""The download of own data: complete, readable, without codes and without others' private data."""

import io
import json
import zipfile
from datetime import timedelta

from app.core import clock
from tests.factories import PASSWORD, an_admin
from tests.person import Person
from tests.vetting.samples import a_pdf

OF_A_CUSTOMER = {"account", "addresses", "bookings", "extra_work", "payments", "objections", "cases", "reviews_written"}
OF_A_PROFESSIONAL = {"work", "services_offered", "areas", "working_hours", "time_off", "papers", "jobs", "earnings"}


async def data_of(browser: Person) -> tuple[dict, zipfile.ZipFile]:
    answer = await browser.get("/profile/data/file")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/zip")
    assert answer.headers["content-disposition"].startswith('attachment; filename="doorstep-your-data-')
    assert answer.headers["cache-control"] == "no-store"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    return json.loads(archive.read("your-data.json")), archive


async def test_a_customer_finds_everything_in_it(scene):
    me = await scene.browser(scene.asha)
    done = await scene.done(me)
    await me.submit_and_follow(
        await me.visit(f"/bookings/{done}/review"), "/review", rating="4", comment="குழாய் சரியானது."
    )
    data, _ = await data_of(me)
    assert set(data) >= OF_A_CUSTOMER
    assert data["account"][0]["name"] == "Asha Raman"
    assert data["account"][0]["email"] == scene.asha.email
    assert data["addresses"][0]["pincode"] == "600020"
    [booking] = data["bookings"]
    assert (booking["reference"], booking["price_paise"], booking["price"]) == (done, 14900, "149.00")
    assert booking["starts_at"].endswith("+05:30")
    assert booking["who_came"] == "Ravi K."
    assert data["reviews_written"][0]["words"] == "குழாய் சரியானது."
    assert data["payments"][0]["card_ends_in"] == "4242"
    recorded = [item["what"] for item in data["history"] if item["record"] == f"booking-{done}"]
    assert recorded[0] == "booking.held"
    assert "booking.completed" in recorded
    assert data["history"][0]["said"] is None or isinstance(data["history"][0]["said"], dict)


async def test_a_professional_finds_work_money_and_documents_with_their_files(scene):
    me, asha = await scene.browser(scene.ravi), await scene.browser(scene.asha)
    content = a_pdf(2)
    files = {"document": ("identity.pdf", content, "application/pdf")}
    sent = await me.post("/documents", data={"kind": "identity", "_csrf_token": await me.token()}, files=files)
    assert sent.status_code == 303
    done = await scene.done(asha)
    data, archive = await data_of(me)
    assert set(data) >= OF_A_PROFESSIONAL
    assert data["jobs"][0]["reference"] == done
    assert [line["amount"] for line in data["earnings"]] == ["126.65"]
    assert data["working_hours"][0] == {"day": "Monday", "opens": "08:00", "closes": "20:00"}
    [document] = [name for name in archive.namelist() if name.startswith("documents/")]
    assert document == f"documents/{data['papers'][0]['number']}-identity.pdf"
    assert archive.read(document).startswith(b"%PDF")


async def test_there_are_no_codes_in_it_and_no_one_elses_address_phone_or_name(scene):
    asha, ravi = await scene.browser(scene.asha), await scene.browser(scene.ravi)
    reference = await scene.paid(asha)
    await scene.accepted(reference)
    code = (await asha.visit(f"/bookings/{reference}")).data["start-code"]
    for browser, other in ((asha, scene.ravi), (ravi, scene.asha)):
        answer = await browser.get("/profile/data/file")
        archive = zipfile.ZipFile(io.BytesIO(answer.content))
        text = archive.read("your-data.json").decode()
        for secret in (code, other.full_name, other.phone, other.email):
            assert secret not in text
    ravis, _ = await data_of(ravi)
    assert "Sri Lakshmi" not in json.dumps(ravis), "the customer's address is theirs"
    assert "digest" not in json.dumps(ravis)


async def test_who_passed_on_a_job_is_hidden_from_its_customer(scene):
    asha, ravi = await scene.browser(scene.asha), await scene.browser(scene.ravi)
    reference = await scene.held(asha, professional=scene.ravi.id)
    await scene.pay(asha, reference)
    await ravi.post_fields(f"/jobs/{reference}/pass", {"reason": "I know that house."})
    data, _ = await data_of(asha)
    assert "booking.passed" not in [item["what"] for item in data["history"]]
    assert "I know that house." not in json.dumps(data)
    ravis, _ = await data_of(ravi)
    assert ravis["jobs_not_taken"][0]["your_reason"] == "I know that house."


async def test_everyone_gets_their_own_and_no_one_a_strangers(scene):
    asha, omar = await scene.browser(scene.asha), await scene.browser(scene.omar)
    await scene.paid(asha)
    data, _ = await data_of(omar)
    assert data["account"][0]["name"] == "Omar Sheriff"
    assert data["bookings"] == []
    assert "Asha" not in json.dumps(data)


async def test_the_password_is_required_once_more_when_it_was_long_ago(scene):
    me = await scene.browser(scene.asha)
    with clock.freeze(clock.now() + timedelta(minutes=16)):
        for path in ("/profile/data", "/profile/data/file"):
            answer = await me.get(path)
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/login/again?next=")
        page = await me.visit("/profile/data")
        page = await me.submit_and_follow(page, "/login/again", password=PASSWORD)
        assert "/profile/data/file" in page.links
        await data_of(me)


async def test_an_admin_finds_their_own_actions_without_what_they_wrote_of_others(scene):
    async with scene.database.work() as db:
        meena = await an_admin(db)
        scene.asha.record("person.details_changed", by=meena, personal={"reason": "Shouted."})
        db.add(scene.asha)
    data, _ = await data_of(await scene.browser(meena))
    assert data["history"][-1]["record"] == f"user-{scene.asha.id}"
    assert data["history"][-1]["said"] is None
    assert "bookings" not in data
