"""What people and admins write when something goes wrong never holds a card's number, and loses no character unsaid."""

import pytest

from app.accounts.session import Sessions
from app.accounts.user import User
from app.blocking.block import block
from app.reviews.submission import submit_review
from tests.cases.steps import asks_for_help, is_sound
from tests.factories import an_admin

CARD_REFUSED, CHARACTER_REFUSED = "This looks like a card number.", "This contains a character that can&#39;t be saved."
REFUSED = {"Pay to 4242 4242 4242 4242, please.": CARD_REFUSED, "Cut \x00 off": CHARACTER_REFUSED}


@pytest.fixture
async def meena(scene):
    async with scene.database.work() as db:
        return await an_admin(db)


async def refuses(person, place, field, **more):
    """Whether the form at the address refuses every such text beside its field, and shows it again."""
    token = await person.token()
    for typed, sentence in REFUSED.items():
        sent = await person.post_fields(place, {field: typed, **more, "_csrf_token": token})
        assert (sent.status, sentence in sent.text) == (422, True), (place, sent.status)
        assert typed.replace("\x00", "") in sent.text, place


async def test_cases_and_reviews_refuse_card_numbers(scene, meena):
    asha, ravi, admin = [await scene.browser(person) for person in (scene.asha, scene.ravi, meena)]
    booking = await scene.done(asha)
    await refuses(asha, f"/bookings/{booking}/help", "message", topic="quality")
    await refuses(ravi, f"/jobs/{booking}/help", "message", topic="other")
    case = await asks_for_help(asha, f"/bookings/{booking}")
    for person in (asha, ravi):
        await refuses(person, f"/cases/{case}/messages", "message")
    await refuses(admin, f"/admin/cases/{case}/messages", "message")
    await refuses(admin, f"/admin/cases/{case}/decision", "reason", outcome="none")
    async with scene.database.work() as db:
        review = (await submit_review(db, scene.asha, booking, 2, "Quick, but rude.")).id
    await refuses(ravi, f"/reviews/{review}/answer", "text")
    await refuses(ravi, f"/reviews/{review}/report", "reason")
    for act in ("hide", "show"):
        await refuses(admin, f"/admin/reviews/{review}/{act}", "reason")
    await refuses(admin, f"/admin/customers/{scene.asha.id}/block", "reason")
    await is_sound(scene)


async def test_an_appeal_and_its_decision_refuse_card_numbers(scene, meena):
    async with scene.database.work() as db:
        await block(db, Sessions(scene.database), meena, scene.asha.id, "Three complaints.")
    async with scene.database.work() as db:
        asha = await scene.browser(await db.get_one(User, scene.asha.id))  # a block ends the sessions of before
    admin = await scene.browser(meena)
    await refuses(asha, "/blocked/appeal", "message")
    await refuses(admin, f"/admin/customers/{scene.asha.id}/unblock", "reason")
    appeal = await asha.submit(await asha.visit("/blocked/appeal"), "/blocked/appeal", message="I did pay.")
    assert appeal.status == 303
    number = await scene.scalar("SELECT max(id) FROM appeals")
    await refuses(admin, f"/admin/appeals/{number}/decision", "reason", outcome="keep")
    await is_sound(scene)


async def test_a_decision_without_the_right_for_money_keeps_its_words(scene, meena):
    """The admin's text is kept in the form, and the refusal names who has the right."""
    asha = await scene.browser(scene.asha)
    booking = await scene.done(asha)
    case = await asks_for_help(asha, f"/bookings/{booking}")
    await scene.scalar("UPDATE users SET admin_right = 'support' WHERE id = :id RETURNING id", id=meena.id)
    support, words = await scene.browser(meena), "The photos show a leak."
    fields = {"outcome": "refund", "amount": "49", "reason": words, "_csrf_token": await support.token()}
    sent = await support.post_fields(f"/admin/cases/{case}/decision", fields)
    assert (sent.status, words in sent.text, "Ask an owner." in sent.text) == (403, True, True)
    assert await scene.scalar("SELECT state FROM cases") == "open"
    page = await support.visit(f"/admin/bookings/{booking}/refund")
    assert (page.status, "Ask an owner." in page.text) == (403, True)
