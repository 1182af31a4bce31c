"""W30: a block is appealed once within 30 days; another admin than the one who blocked decides."""

import zipfile
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.accounts.session import Sessions
from app.accounts.user import User
from app.blocking.appeal import APPEAL_PERIOD, APPEAL_RETENTION, Outcome
from app.blocking.appeal_repository import prune
from app.blocking.appeals import decide_appeal, submit_appeal
from app.blocking.block import block, unblock
from app.check.run import find_violations
from app.core import clock
from app.core.errors import Refused
from app.privacy.own_data import build_archive
from tests.bookings.scenes import later
from tests.factories import an_admin

REASON, APPEAL = "Requested more money at the door.", "I asked for the agreed price; here is what happened."
ANSWER = "Both receipts show the agreed price."


@pytest.fixture
async def meena(scene):
    async with scene.database.work() as db:
        return await an_admin(db)


@pytest.fixture
async def lekha(scene, meena):
    async with scene.database.work() as db:
        return await an_admin(db, "Lekha Narayanan")


async def blocked(scene, by, user=None):
    """Block Asha, or the user, and open a browser in the restricted session."""
    user = user or scene.asha
    async with scene.database.work() as db:
        await block(db, Sessions(scene.database), by, user.id, REASON)
    async with scene.database.work() as db:
        fresh = await db.get_one(User, user.id)  # a block ends the sessions of before
    if user is scene.asha:
        scene.asha = fresh
    return await scene.browser(fresh)


async def appealed(scene, by):
    """Asha's browser after the appeal, and the appeal's address for admins."""
    asha = await blocked(scene, by)
    sent = await asha.submit(await asha.visit("/blocked/appeal"), "/blocked/appeal", message=APPEAL)
    assert (sent.status, sent.location) == (303, "/blocked"), sent.text
    return asha, f"/admin/appeals/{await scene.scalar('SELECT max(id) FROM appeals')}"


async def posts_appeal(asha):
    """Send an appeal without its form, from the restricted session."""
    token = (await asha.visit("/blocked")).form("/logout").fields["_csrf_token"]
    return await asha.post_fields("/blocked/appeal", {"message": APPEAL, "_csrf_token": token}, referer="/blocked")


async def decides(admin, address, outcome, reason=ANSWER):
    return await admin.submit(await admin.visit(address), "/decision", outcome=outcome, reason=reason)


async def sound(scene):
    async with scene.database.work() as db:
        assert await find_violations(db) == []


async def test_a_block_is_appealed_and_lifted_by_another_admin(scene, meena, lekha):
    asha, address = await appealed(scene, meena)
    waiting = await asha.visit("/blocked")
    assert "We have your appeal" in waiting.text
    assert APPEAL in waiting.text
    assert "/blocked/appeal" not in waiting.links
    admin = await scene.browser(lekha)
    queue = await admin.visit("/admin/appeals")
    assert address in queue.links
    assert "overdue" not in queue.text
    record = await admin.visit(address)
    assert (REASON in record.text, APPEAL in record.text) == (True, True)
    decided = await decides(admin, address, "lift")
    assert (decided.status, decided.location) == (303, address)
    assert ANSWER in (await admin.visit(address)).text
    assert address not in (await admin.visit("/admin/appeals")).links
    assert address in (await admin.visit("/admin/appeals?state=decided")).links
    assert (await asha.visit("/bookings")).status == 200
    notices = await scene.rows("SELECT kind FROM inbox_items WHERE user_id = :id", id=scene.asha.id)
    assert ("account_unblocked",) in notices
    assert ("appeal_kept",) not in notices
    assert await scene.scalar("SELECT lifted_reason FROM blocks") == ANSWER
    await sound(scene)


async def test_a_kept_block_shows_the_reason_and_cannot_be_appealed_again(scene, meena, lekha):
    asha, address = await appealed(scene, meena)
    assert (await decides(await scene.browser(lekha), address, "keep")).status == 303
    page = await asha.visit("/blocked")
    assert "the block stays" in page.text
    assert ANSWER in page.text
    assert "no other admin" not in page.text
    again = await posts_appeal(asha)
    assert again.status == 409
    assert "can be appealed once" in again.text
    kinds = await scene.rows("SELECT kind FROM outbox WHERE recipient_id = :id", id=scene.asha.id)
    assert ("appeal_kept",) in kinds
    await sound(scene)


async def test_the_admin_who_blocked_does_not_decide_while_there_is_another(scene, meena, lekha):
    asha, address = await appealed(scene, meena)
    admin = await scene.browser(meena)
    page = await admin.visit(address)
    assert "another admin decides" in page.text
    assert not [form for form in page.forms if form.action.endswith("/decision")]
    for outcome in ("lift", "keep"):
        sent = await admin.post_fields(f"{address}/decision", {"outcome": outcome, "reason": ANSWER}, referer=address)
        assert sent.status == 409
        assert "You blocked this account, so another admin decides" in sent.text
    assert await scene.scalar("SELECT decided_at FROM appeals") is None
    assert "We have your appeal" in (await asha.visit("/blocked")).text


async def test_the_only_admin_decides_and_it_is_marked(scene, meena):
    asha, address = await appealed(scene, meena)
    admin = await scene.browser(meena)
    assert "are the only admin" in (await admin.visit(address)).text
    assert (await decides(admin, address, "keep")).status == 303
    assert await scene.scalar("SELECT only_admin FROM appeals") is True
    for browser, place in ((asha, "/blocked"), (admin, address)):
        assert "because there was no other admin" in (await browser.visit(place)).text
    facts = await scene.scalar("SELECT facts FROM events WHERE name = 'person.appeal_decided'")
    assert (facts["outcome"], facts["only_admin"]) == ("keep", True)
    await sound(scene)


async def test_a_blocked_admin_does_not_count_as_another(scene, meena, lekha):
    async with scene.database.work() as db:
        await block(db, Sessions(scene.database), lekha, meena.id, REASON)
    async with scene.database.work() as db:
        appeal = await submit_appeal(db, meena, APPEAL)
    async with scene.database.work() as db:
        assert (await decide_appeal(db, lekha, appeal.id, Outcome.LIFT, ANSWER)).only_admin is True


@pytest.mark.parametrize(("message", "status"), [("", 422), ("   \n ", 422), ("x" * 2_001, 422), ("x" * 2_000, 303)])
async def test_an_appeal_has_words_and_not_too_many(scene, meena, message, status):
    asha = await blocked(scene, meena)
    sent = await asha.submit(await asha.visit("/blocked/appeal"), "/blocked/appeal", message=message)
    assert sent.status == status
    assert await scene.scalar("SELECT count(*) FROM appeals") == (status == 303)


async def test_a_block_can_be_appealed_for_30_days(scene, meena):
    asha = await blocked(scene, meena)
    with later(days=29, hours=23):
        form = await (await scene.browser(scene.asha)).visit("/blocked/appeal")
        assert form.form("/blocked/appeal", having="message")
    with later(days=APPEAL_PERIOD.days):
        asha = await scene.browser(scene.asha)
        page = await asha.visit("/blocked")
        assert "That time ended on" in page.text
        assert "/blocked/appeal" not in page.links
        sent = await posts_appeal(asha)
        assert sent.status == 409
        assert "That time has passed" in sent.text


async def test_without_a_block_there_is_nothing_to_appeal(scene, meena):
    asha = await scene.browser(scene.asha)
    assert (await asha.visit("/blocked/appeal")).path == "/"
    sent = await asha.post_fields("/blocked/appeal", {"message": APPEAL}, referer="/")
    assert sent.status == 409
    assert "nothing to appeal" in sent.text
    await blocked(scene, meena)
    async with scene.database.work() as db:
        await unblock(db, meena, scene.asha.id, ANSWER)
        with pytest.raises(Refused, match="nothing to appeal"):
            await submit_appeal(db, scene.asha, APPEAL)


async def test_a_second_block_has_an_appeal_of_its_own(scene, meena, lekha):
    _asha, address = await appealed(scene, meena)
    assert (await decides(await scene.browser(lekha), address, "lift")).status == 303
    _asha, second = await appealed(scene, meena)
    assert second != address
    await sound(scene)


async def test_unblocking_decides_a_waiting_appeal(scene, meena, lekha):
    _asha, address = await appealed(scene, meena)
    async with scene.database.work() as db:
        await unblock(db, meena, scene.asha.id, ANSWER)
    assert await scene.rows("SELECT outcome, reason, only_admin FROM appeals") == [("lift", ANSWER, False)]
    late = await (await scene.browser(lekha)).post_fields(
        f"{address}/decision", {"outcome": "keep", "reason": "No."}, referer=address
    )
    assert late.status == 409
    assert "decided already" in late.text
    await sound(scene)


@pytest.mark.parametrize(
    "fields", [{"outcome": "perhaps", "reason": ANSWER}, {"reason": ANSWER}, {"outcome": "lift", "reason": " "}]
)
async def test_a_decision_needs_an_outcome_and_a_reason(scene, meena, lekha, fields):
    _asha, address = await appealed(scene, meena)
    admin = await scene.browser(lekha)
    assert (await admin.post_fields(f"{address}/decision", fields, referer=address)).status == 422
    for missing in ("/admin/appeals/999999", f"/admin/appeals/{2**63}"):
        assert (await admin.visit(missing)).status == 404
        assert (await admin.post_fields(f"{missing}/decision", fields, referer=address)).status == 404


async def test_the_queue_is_oldest_first_counted_and_red_after_7_days(scene, meena, lekha):
    _asha, first = await appealed(scene, meena)
    with later(days=1):
        omar = await blocked(scene, meena, scene.omar)
        assert (await omar.submit(await omar.visit("/blocked/appeal"), "/appeal", message="No.")).status == 303
    with later(days=7, minutes=1):
        admin = await scene.browser(lekha)
        queue = await admin.visit("/admin/appeals")
        places = [link for link in queue.links if link.startswith("/admin/appeals/")]
        assert (len(places), places[0]) == (2, first)
        assert queue.text.count("overdue") == 1
        assert "waiting for more than 7 days" in (await admin.visit(first)).text
        assert '<span class="count">2</span>' in queue.text
        assert "Appeals of blocks" in (await admin.visit("/admin")).text


async def test_own_data_hold_the_appeal_and_old_ones_are_deleted(scene, own_storage, meena, lekha):
    _asha, address = await appealed(scene, meena)
    assert (await decides(await scene.browser(lekha), address, "lift")).status == 303
    async with scene.database.work() as db:
        with zipfile.ZipFile(await build_archive(db, own_storage, scene.asha)) as archive:
            assert any(APPEAL.encode() in archive.read(name) for name in archive.namelist())
        assert await prune(db, clock.now() + APPEAL_RETENTION - timedelta(hours=1)) == 0
        assert await prune(db, clock.now() + APPEAL_RETENTION + timedelta(hours=1)) == 1
        assert await db.scalar(text("SELECT count(*) FROM appeals")) == 0
