"""Unmet searches are counted outside the request, by day, pincode and category; the query is not stored."""

from tests.bookings.scenes import Scene
from tests.factories import ADYAR, TAMBARAM
from tests.person import Person

AS_HTMX = {"hx-request": "true", "hx-request-type": "partial"}
ROWS = "SELECT pincode, category_id, searches FROM unmet_searches ORDER BY 1, 2"


async def test_a_search_where_no_one_works_is_counted_each_time(scene: Scene, meena: Person):
    async with Person(scene.app) as visitor:
        for _ in range(3):
            assert (await visitor.visit(f"/services?q=leaks&pincode={TAMBARAM}")).status == 200
    assert await scene.rows(ROWS) == [], "never within the request"
    await scene.app.state.services.unmet_searches.flush()
    category = await scene.scalar("SELECT category_id FROM services")
    assert await scene.rows(ROWS) == [(TAMBARAM, category, 3)]


async def test_counts_of_two_processes_add_up(scene: Scene):
    counter = scene.app.state.services.unmet_searches
    for _ in range(2):
        counter.record(TAMBARAM, scene.service.id, "")
        counter.record(TAMBARAM, None, "")
        counter.record(TAMBARAM, None, "no-such-category")
        await counter.flush()
    category = scene.service.category_id
    assert await scene.rows(ROWS) == [(TAMBARAM, category, 2), (TAMBARAM, None, 4)]


async def test_a_search_that_finds_someone_or_nothing_readable_is_not_counted(scene: Scene):
    async with Person(scene.app) as visitor:
        await visitor.visit(f"/services?pincode={ADYAR}")
        await visitor.visit("/services?q=leaks")
        await visitor.visit("/services?q=leaks&pincode=99")
        await visitor.visit(f"/services?pincode={ADYAR}&max_price=1")
        await visitor.get(f"/services?q=zzqzz&pincode={ADYAR}", headers=AS_HTMX)
    await scene.app.state.services.unmet_searches.flush()
    assert await scene.rows(ROWS) == []


async def test_what_cannot_be_written_waits_for_the_next_time(scene: Scene):
    counter = scene.app.state.services.unmet_searches
    counter.record("000000", None, "")
    await counter.flush()
    assert await scene.rows(ROWS) == []
    assert sum(counter._counts.values()) == 1
    counter._counts.clear()


async def test_the_report_links_each_place_to_its_days(scene: Scene, meena: Person):
    counter = scene.app.state.services.unmet_searches
    for _ in range(4):
        counter.record(TAMBARAM, scene.service.id, "")
    await counter.flush()
    page = (await meena.visit("/admin/reports?period=week")).text
    link = next(line for line in page.split('href="') if line.startswith("/admin/reports/unmet") and TAMBARAM in line)
    listed = await meena.visit(link.split('"')[0].replace("&amp;", "&"))
    assert listed.status == 200
    assert ">4</td>" in listed.text


async def test_the_process_writes_down_what_is_left_when_it_stops(scene: Scene):
    counter = scene.app.state.services.unmet_searches
    counter.record(TAMBARAM, None, "")
    await counter.stop()
    assert await scene.rows(ROWS) == [(TAMBARAM, None, 1)]
    await counter.start()
