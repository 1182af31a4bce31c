"""Cases in the API: opened by either side, answered and decided by an admin."""

from sqlalchemy import text

from tests.api_client import ApiClient, done, sign_up
from tests.cases.steps import STORY, WORDS
from tests.factories import an_admin
from tests.vetting.samples import a_pdf, a_picture


async def test_a_case_is_opened_discussed_and_decided_by_programs(api_client_for, api_service):
    asha, ravi, omar, meena = [await api_client_for(name) for name in ("asha", "ravi", "omar", "meena")]
    booking = (await done(asha, ravi, api_service))["ref"]
    place = f"/api/bookings/{booking}/help"
    for bad in ({}, {"topic": "unpaid", "message": STORY}, {"topic": "quality", "message": " "}, {"topic": "quality"}):
        assert (await asha.post(place, json=bad)).status_code == 422, bad
    assert (await omar.post(place, json={"topic": "quality", "message": STORY})).status_code == 404
    key = {"idempotency-key": "case-1"}
    sent = [await asha.post(place, json={"topic": "quality", "message": STORY}, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in sent] == [201, 201]
    case = sent[0].json()
    assert sent[1].json() == case
    assert (case["booking"], case["side"], case["topic"], case["state"]) == (booking, "customer", "quality", "open")
    assert [(message["author"], message["text"]) for message in case["messages"]] == [("you", STORY)]
    assert (await asha.post(place, json={"topic": "price", "message": "Again."})).status_code == 409
    here = f"/api/cases/{case['ref']}"
    assert (await omar.get(here)).status_code == 404
    written = await ravi.post(f"{here}/messages", json={"message": "I come again."})
    assert (written.status_code, [m["author"] for m in written.json()["messages"]]) == (201, ["customer", "you"])
    for person in (asha, ravi):
        assert case["ref"] in [item["ref"] for item in (await person.get("/api/cases")).json()["items"]]
    there = f"/api/admin/cases/{case['ref']}"
    assert case["ref"] in [item["ref"] for item in (await meena.get("/api/admin/cases?limit=100")).json()["items"]]
    assert (await meena.post(f"{there}/assignment")).json()["assigned_to"] == "Meena Iyer"
    assert (await meena.get("/api/admin/cases?tab=mine")).json()["items"][0]["ref"] == case["ref"]
    assert (await meena.post(f"{there}/messages", json={"message": "We look at it."})).status_code == 201
    assert [m["author"] for m in (await asha.get(here)).json()["messages"]] == ["you", "professional", "doorstep"]
    refused: tuple[dict, ...] = (
        {"outcome": [], "reason": WORDS},
        {"outcome": "refund", "reason": WORDS},
        {"outcome": ["refund"], "reason": WORDS},
        {"outcome": ["none", "redo"], "reason": WORDS},
        {"outcome": ["none"]},
    )
    for bad in refused:
        assert (await meena.post(f"{there}/decision", json=bad)).status_code == 422, bad
    decision = {"outcome": ["refund"], "amount": "100.50", "reason": WORDS}
    decided = await meena.post(f"{there}/decision", json=decision)
    assert decided.status_code == 200, decided.text
    assert (decided.json()["amount"], decided.json()["amount_paise"]) == ("100.50", 100_50)
    assert (await meena.post(f"{there}/decision", json=decision)).status_code == 409
    for person in (asha, ravi):
        read = (await person.get(here)).json()
        assert (read["state"], read["outcome"], read["reason"]) == ("decided", ["refund"], WORDS)
        assert "decided_by" not in read
        assert (await person.post(f"{here}/messages", json={"message": "But."})).status_code == 409


async def test_safety_hides_topic_and_words_and_another_admin_reopens(api_app, api_people, api_client_for, api_service):
    asha, ravi, meena = [await api_client_for(name) for name in ("asha", "ravi", "meena")]
    booking = (await done(asha, ravi, api_service))["ref"]
    sent = await ravi.post(f"/api/jobs/{booking}/help", json={"topic": "unsafe", "message": "The dog was let loose."})
    assert (sent.status_code, sent.json()["topic"]) == (201, "unsafe")
    here = f"/api/cases/{sent.json()['ref']}"
    read = (await asha.get(here)).json()
    assert (read["topic"], read["messages"]) == (None, [])
    assert (await meena.get("/api/admin/cases")).json()["items"][0]["ref"] == sent.json()["ref"]
    there = f"/api/admin{here.removeprefix('/api')}"
    assert (await meena.post(f"{there}/decision", json={"outcome": ["none"], "reason": WORDS})).status_code == 200
    lekha = await sign_up(api_app, api_people, an_admin, "Lekha Narayanan")
    async with ApiClient(api_app) as other:
        await other.sign_in(lekha.email)
        assert (await meena.post(f"{there}/reopening")).status_code == 409
        reopened = await other.post(f"{there}/reopening")
        assert (reopened.status_code, reopened.json()["state"]) == (200, "open")
        assert (await other.post(f"{there}/reopening")).status_code == 409
        assert (await other.get("/api/admin/cases/ZZZZZZZZ")).status_code == 404


async def test_a_program_sends_photos_and_reads_them(api_client_for, api_service):
    asha, ravi, omar = [await api_client_for(name) for name in ("asha", "ravi", "omar")]
    booking = (await done(asha, ravi, api_service))["ref"]
    place, key = f"/api/bookings/{booking}/help", {"idempotency-key": "photo-1"}
    files = [("photos", ("tap.png", a_picture(), "image/png"))]
    fields = {"topic": "quality", "message": STORY}
    sent = [await asha.post(place, data=fields, files=files, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in sent] == [201, 201], sent[0].text
    case = sent[0].json()
    assert sent[1].json() == case
    ((photo,),) = [message["photos"] for message in case["messages"]]
    read = await ravi.get(photo["url"])
    assert (read.status_code, read.headers["content-type"]) == (200, "image/jpeg")
    assert (await omar.get(photo["url"])).status_code == 404
    here = f"/api/cases/{case['ref']}/messages"
    written = await ravi.post(here, data={}, files=files)
    assert (written.status_code, [len(m["photos"]) for m in written.json()["messages"]]) == (201, [1, 1])
    refused = await ravi.post(here, files={"photos": ("x.pdf", a_pdf(), "application/pdf")})
    assert (refused.status_code, "photos" in refused.json()["errors"]) == (422, True)


async def test_a_withheld_payout_is_released_with_the_right_for_money(api_app, api_people, api_client_for, api_service):
    asha, ravi, meena = [await api_client_for(name) for name in ("asha", "ravi", "meena")]
    booking = (await done(asha, ravi, api_service))["ref"]
    sent = await asha.post(f"/api/bookings/{booking}/help", json={"topic": "quality", "message": STORY})
    here, there = f"/api/cases/{sent.json()['ref']}", f"/api/admin/cases/{sent.json()['ref']}"
    withheld = await meena.post(f"{there}/decision", json={"outcome": ["payout_withheld"], "reason": WORDS})
    amount = withheld.json()["withheld_paise"]
    assert amount > 0
    lekha = await sign_up(api_app, api_people, an_admin, "Lekha Narayanan")
    async with api_app.state.services.database.work() as db:
        await db.execute(text("UPDATE users SET admin_right = 'support' WHERE id = :id"), {"id": lekha.id})
    decision = {"outcome": ["none"], "reason": WORDS}
    async with ApiClient(api_app) as support:
        await support.sign_in(lekha.email)
        assert (await support.post(f"{there}/reopening")).status_code == 200
        assert (await support.post(f"{there}/decision", json=decision)).status_code == 403
    assert (await meena.post(f"{there}/decision", json=decision)).status_code == 200
    for person, released in ((asha, None), (ravi, amount)):
        read = (await person.get(here)).json()
        assert (read["withheld_paise"], read["payout_released_paise"]) == (None, released)
