"""The customer's list of bookings, by pages, months, search and filter."""

import re

from app.web.templating import month_of
from tests.bookings.scenes import later
from tests.factories import a_start, past_visits
from tests.statements import count_statements, returned_rows


async def test_the_list_shows_what_is_coming_and_what_was_page_by_page(scene, asha):
    empty = await asha.visit("/bookings")
    assert "No bookings yet" in empty.text
    upcoming = await scene.paid(asha)
    cancelled = [await scene.paid(asha, a_start(days=2, hour=hour)) for hour in (9, 11)]
    for reference in cancelled:
        await asha.submit(await asha.visit(f"/bookings/{reference}/cancellation"), "/cancellation")
    lapsed = await scene.held(asha, a_start(days=3))
    with later(minutes=10):
        page = await asha.visit("/bookings")
    assert page.text.index(upcoming) < page.text.index(cancelled[1]) < page.text.index(cancelled[0])
    assert lapsed not in page.text


async def test_past_bookings_stand_by_month_and_can_be_searched_and_filtered(scene, asha, omar):
    async with scene.database.work() as db:
        await past_visits(db, scene.asha, scene.service, scene.ravi, 60)
        await past_visits(db, scene.omar, scene.service, scene.kumar, 1)
    cancelled = await scene.paid(asha, a_start(days=2, hour=9))
    await asha.submit(await asha.visit(f"/bookings/{cancelled}/cancellation"), "/cancellation")
    page = await asha.visit("/bookings")
    months = {month_of((a_start(days=-8 - day)).date()) for day in range(60)}
    pages, references = [page], []
    while following := [link for link in pages[-1].links if "after=" in link]:
        pages.append(await asha.visit(following[0]))
    assert all(any(f'<h3 class="t2 up-3">{month}</h3>' in page.text for page in pages) for month in months)
    references = [link for page in pages for link in page.links if re.fullmatch(r"/bookings/\w{8}", link)]
    assert len(references) == len(set(references)) == 61
    done = await asha.visit("/bookings?state=done")
    assert cancelled not in done.text
    only = await asha.visit("/bookings?state=cancelled")
    assert [link for link in only.links if re.fullmatch(r"/bookings/\w{8}", link)] == [f"/bookings/{cancelled}"]
    for typed in ("ravi", scene.service.name.split()[0].upper(), references[5].rsplit("/", 1)[1].lower()):
        assert references[5] in (await asha.visit(f"/bookings?q={typed}")).links, typed
    for typed in ("kumar", "%25", "_", "%00zz", "zzz"):
        page = await asha.visit(f"/bookings?q={typed}")
        assert page.status == 200, typed
        assert "No bookings found." in page.text, typed


async def test_a_done_booking_is_rated_from_the_list(scene, asha):
    reference = await scene.done(asha)
    page = await asha.visit("/bookings")
    assert f"/bookings/{reference}#review" in page.links
    assert ">Rate<" in page.text


async def test_a_list_of_300_bookings_asks_as_much_as_a_short_one(scene, asha):
    async with scene.database.work() as db:
        await past_visits(db, scene.asha, scene.service, scene.ravi, 300)
    with returned_rows(scene.database) as rows, count_statements(scene.database) as statements:
        page = await asha.get("/bookings")
    assert len(statements) <= 3, statements
    assert sum(rows) <= 25
    assert len(page.content) <= 60_000


async def test_of_300_bookings_the_oldest_is_found_by_pages_search_and_filter(scene, asha):
    async with scene.database.work() as db:
        await past_visits(db, scene.asha, scene.service, scene.ravi, 300)
    oldest = "SELECT reference FROM bookings WHERE customer_id = :id ORDER BY starts_at LIMIT 1"
    path = "/bookings/" + await scene.scalar(oldest, id=scene.asha.id)
    assert path in (await asha.visit("/bookings?q=" + path.rsplit("/", 1)[1])).links
    pages = [await asha.visit("/bookings?state=done&q=ravi")]
    while following := [link for link in pages[-1].links if "after=" in link]:
        with count_statements(scene.database) as statements:
            pages.append(await asha.visit(following[0]))
        assert len(statements) <= 4, statements
    assert len(pages) == 15
    assert path in pages[-1].links
    assert "/reports" in (await asha.visit("/bookings")).links
    months = await asha.visit("/reports")
    assert "No month yet" not in months.text
    first = f"/reports/{a_start(days=-307):%Y-%m}"
    assert first in months.links
    assert (await asha.visit(first)).status == 200


async def test_a_cursor_that_was_not_ours_is_not_found(asha):
    for cursor in ("x", "WyJhIl0", "W10", "WyJiYW5hbmEiLDFd"):
        assert (await asha.visit(f"/bookings?after={cursor}")).status == 404
