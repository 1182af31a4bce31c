"""The page of a service: choosing a professional and a slot."""

import re
from datetime import datetime, timedelta

import pytest
from litestar import Litestar

from app.bookings.holds import BookingRequest, hold
from app.catalog.service import Service
from app.core import clock
from app.core.errors import Invalid, Refused
from app.scheduling.slot_search import find_week
from tests.discovery.conftest import LEAKS, TUESDAY, Town, VisitorBrowser
from tests.factories import ADYAR, a_professional, a_service, past_visits
from tests.person import Page
from tests.statements import count_statements

PAGE = f"/services/{LEAKS}?pincode={ADYAR}"
SLOTS = f"/services/{LEAKS}/slots?pincode={ADYAR}"
AS_HTMX = {"hx-request": "true", "hx-request-type": "partial"}


def starts(page: Page) -> list[str]:
    return re.findall(r'name="start" value="([^"]+)"', page.text)


async def test_the_page_shows_price_minutes_what_is_included_who_and_when(visitor: VisitorBrowser) -> None:
    page = await visitor.visit(PAGE)
    for text in (
        "₹149",
        "60 min",
        "Finding the leak and closing it",
        "Any available professional",
        "Ravi K.",
        "Tue",
        "Morning",
    ):
        assert text in page.text, text
    assert "Kumar" not in page.text


async def test_slots_are_radios_on_the_half_hour_grid_within_notice_and_horizon(visitor: VisitorBrowser) -> None:
    displayed = starts(await visitor.visit(PAGE))
    assert displayed[0] == "2026-11-24T11:00"
    assert displayed[-1] == "2026-11-30T19:00"
    assert all(re.fullmatch(r"2026-11-\d\dT\d\d:(00|30)", start) for start in displayed)


async def test_every_shown_slot_can_be_held_and_one_not_shown_cannot(
    visitor: VisitorBrowser, town: Town, app: Litestar
) -> None:
    displayed = starts(await visitor.visit(PAGE))
    attempted = {
        start: await _holds(app, town, start) for start in (displayed[0], displayed[-1], displayed[len(displayed) // 2])
    }
    assert all(attempted.values()), attempted
    hidden = ["2026-11-24T10:30", "2026-11-25T07:30", "2026-11-25T19:30", "2026-12-01T10:00", "2026-11-25T10:15"]
    assert not any([await _holds(app, town, start) for start in hidden if start not in displayed])


async def _holds(app: Litestar, town: Town, start: str) -> bool:
    """Would a hold of this start be taken? It is undone."""
    at = datetime.fromisoformat(start).replace(tzinfo=clock.IST)
    async with app.state.services.database.sessions() as db:
        try:
            await hold(db, town.asha, BookingRequest(town[LEAKS].id, at, "Flat 3B", ADYAR, "", None))
        except (Invalid, Refused):
            return False
        finally:
            await db.rollback()
    return True


async def test_the_form_leads_to_the_booking_by_plain_get(visitor: VisitorBrowser, town: Town) -> None:
    form = (await visitor.visit(PAGE)).form("/bookings/new", having="start")
    assert form.method == "get"
    assert form.fields["service"] == str(town[LEAKS].id)
    assert form.fields["pincode"] == ADYAR
    assert form.fields["professional"] == ""
    assert set(form.choices) >= {"start", "professional"}


async def test_what_is_chosen_arrives_at_the_booking(asha: VisitorBrowser) -> None:
    page = await asha.visit(PAGE)
    form = page.form("/bookings/new", having="start")
    booking = await asha.visit("/bookings/new", **form.fields | {"start": starts(page)[0]})  # type: ignore[arg-type]
    assert booking.status == 200
    assert "Fixing leaks and pipes" in booking.text
    assert "Tue 24 Nov, 11:00\xa0am" in booking.text


async def test_a_named_professional_shows_their_times_alone(visitor: VisitorBrowser, town: Town, app: Litestar) -> None:
    page = await visitor.visit(f"{SLOTS}&professional={town.ravi.id}", AS_HTMX)
    assert "More about Ravi K." in page.text
    assert page.response.headers["hx-replace-url"] == f"/services/{LEAKS}?pincode={ADYAR}&professional={town.ravi.id}"
    async with app.state.services.database.work() as db:
        found = await find_week(db, town[LEAKS], ADYAR, clock.today(), professional_id=town.ravi.id)
    assert starts(page) == [start.strftime("%Y-%m-%dT%H:%M") for day in found.days for start in day.starts]


async def test_slots_are_a_piece_for_htmx_and_a_page_for_everyone_else(visitor: VisitorBrowser) -> None:
    piece, page = await visitor.visit(SLOTS, AS_HTMX), await visitor.visit(SLOTS)
    assert "<html" not in piece.text
    assert piece.text.lstrip().startswith('<div class="when')
    assert "<html" in page.text
    assert "What's included" in page.text
    assert starts(piece) == starts(page)


async def test_a_later_first_day_shows_seven_days_from_it(visitor: VisitorBrowser) -> None:
    page = await visitor.visit(f"{SLOTS}&day=2026-11-27", AS_HTMX)
    days = re.findall(r'name="shown-day" form="days"\s+value="([^"]+)"', page.text)
    assert days == [f"2026-11-{27 + n}" if n < 4 else f"2026-12-0{n - 3}" for n in range(7)]
    assert starts(page)[0].startswith("2026-11-27")


@pytest.mark.parametrize(
    ("day", "text"),
    [
        ("banana", "can&#39;t read this day"),
        ("2026-11-23", "This day is in the past"),
        ("9999-12-31", "too far ahead"),
        ("2026-12-01", "too far ahead"),
        ("0001-01-01", "This day is in the past"),
        ("2026-02-30", "can&#39;t read this day"),
        ("20261124", "can&#39;t read this day"),
        ("2026-11-24T10:00", "can&#39;t read this day"),
    ],
)
async def test_an_absurd_day_is_explained_and_today_shown(visitor: VisitorBrowser, day: str, text: str) -> None:
    page = await visitor.visit(f"{PAGE}&day={day}")
    assert page.status == 422
    assert text in page.text
    assert starts(page)[0] == "2026-11-24T11:00"


@pytest.mark.parametrize("who", ["banana", "-1", "0", "9" * 19, "9" * 400, "1.5", "%00", "١٢"])
async def test_an_absurd_person_is_explained_and_anyone_shown(visitor: VisitorBrowser, who: str) -> None:
    page = await visitor.visit(f"{PAGE}&professional={who}")
    assert page.status == 422
    assert starts(page)


async def test_someone_who_does_not_come_there_is_explained(visitor: VisitorBrowser, town: Town) -> None:
    for stranger in (town.arun, town.geeta, town.asha):
        page = await visitor.visit(f"{PAGE}&professional={stranger.id}")
        assert "can&#39;t take this job in Adyar" in page.text
        assert stranger.full_name.split()[0] not in page.text
        assert starts(page)


async def test_without_a_pincode_the_page_asks_for_it_first(visitor: VisitorBrowser) -> None:
    page = await visitor.visit(f"/services/{LEAKS}")
    assert page.status == 200
    assert page.form(f"/services/{LEAKS}", having="pincode").method == "get"
    assert starts(page) == []


async def test_an_unknown_pincode_is_shown_beside_its_field(visitor: VisitorBrowser) -> None:
    page = await visitor.visit(f"/services/{LEAKS}?pincode=999999")
    assert page.status == 422
    assert 'id="pincode-error"' in page.text
    assert 'value="999999"' in page.text


async def test_where_no_one_does_it_the_page_names_who_is_nearest(visitor: VisitorBrowser) -> None:
    page = await visitor.visit(f"/services/{LEAKS}?pincode=600045")
    assert "No professionals offer this in Tambaram yet" in page.text
    assert f"/services/{LEAKS}?pincode=600090" in page.links
    assert starts(page) == []
    elsewhere = await visitor.visit(f"/services/ceiling-fan-installation?pincode={ADYAR}")
    assert "/services/ceiling-fan-installation?pincode=600090" in elsewhere.links


async def test_a_signed_in_customer_begins_at_home(asha: VisitorBrowser) -> None:
    assert "Plumbing in Adyar" in (await asha.visit(f"/services/{LEAKS}")).text
    assert 'value="600020"' in (await asha.visit("/")).text


async def test_a_retired_service_cannot_be_chosen(visitor: VisitorBrowser, app: Litestar) -> None:
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        removed = await a_service(db, "Winding clocks", retired_at=clock.now())
    page = await visitor.visit(f"/services/{removed.slug}?pincode={ADYAR}")
    assert page.status == 200
    assert "No longer offered" in page.text
    assert starts(page) == []
    assert "/bookings/new" not in [form.action for form in page.forms if form.choices]


async def test_a_horizon_beyond_a_week_can_be_leafed_through(
    visitor: VisitorBrowser, town: Town, app: Litestar
) -> None:
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        service = await db.get_one(Service, town["blocked-drain-or-floor-trap"].id)
        service.horizon_days = 14
    page = await visitor.visit(f"/services/blocked-drain-or-floor-trap?pincode={ADYAR}")
    later = next(link for link in page.links if "day=2026-12-01" in link)
    second = await visitor.visit(later)
    assert starts(second)[0].startswith("2026-12-01")
    assert any(link.endswith("day=2026-11-24") for link in second.links)


async def test_there_is_no_such_service(visitor: VisitorBrowser) -> None:
    for slug in ("nothing", "%00", "%E2%98%83", "a" * 5000, "..%2f", "'; DROP TABLE services; --"):
        page = await visitor.visit(f"/services/{slug}")
        assert page.status in (404, 422), slug


async def test_the_page_asks_the_database_few_things(app: Litestar, visitor: VisitorBrowser) -> None:
    app.state.services.after_commit.cache.clear()
    with count_statements(app.state.services.database) as statements:
        await visitor.visit(PAGE)
    assert len(statements) <= 5, statements
    app.state.services.after_commit.cache.clear()
    with count_statements(app.state.services.database) as statements:
        await visitor.visit(SLOTS, AS_HTMX)
    assert len(statements) <= 4, statements


async def test_at_the_minute_when_a_start_comes_too_near_it_goes(visitor: VisitorBrowser) -> None:
    with clock.freeze(TUESDAY + timedelta(seconds=55)):
        assert "2026-11-24T11:00" not in starts(await visitor.visit(f"{PAGE}&x=1"))


async def test_the_times_come_before_what_is_included_and_who_is_one_folded_row(visitor: VisitorBrowser) -> None:
    text = (await visitor.visit(PAGE)).text
    folded = re.search(r'<details[^>]*id="more-professionals"[^>]*>.*?</details>', text, re.DOTALL)
    assert folded
    assert " open" not in folded[0].split(">")[0]
    assert "Ravi K." in folded[0]
    assert text.index("<h1") < folded.start() < text.index('name="start"') < text.index("What's included")


async def test_what_is_good_to_know_is_folded_below_the_times(visitor: VisitorBrowser) -> None:
    text = (await visitor.visit(PAGE)).text
    assert "Share the finish code only once the work is right" in text
    folds = re.findall(r'<details class="more up-2">\s*<summary class="link">([^<]*)</summary>', text)
    assert folds[:2] == ["What to prepare", "Parts and material"]
    assert "Can I reschedule or cancel?" in folds
    assert "Clear the space under the sink" in text
    assert text.index('name="start"') < text.index("Good to know") < text.index("What customers say")


async def test_a_service_of_which_nothing_more_is_known_says_nothing(visitor: VisitorBrowser, app: Litestar) -> None:
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        bare = await a_service(db, "Bare bones")
    assert "Good to know" not in (await visitor.visit(f"/services/{bare.slug}")).text


async def test_the_earliest_start_by_day_is_preselected_and_book_never_goes_without_one(
    visitor: VisitorBrowser, town: Town, app: Litestar
) -> None:
    page = await visitor.visit(PAGE)
    assert page.form("/bookings/new", having="start").fields["start"] == "2026-11-24T11:00"
    assert "Tue 24 Nov, 11:00\xa0am</b>" in page.text
    assert 'data-needs="start"' in page.text
    radios = re.findall(r'<input type="radio" name="start"[^>]*>', page.text)
    assert radios
    assert all("required" in radio for radio in radios)
    later = (await visitor.visit(f"{PAGE}&start=2026-11-26T15:30")).form("/bookings/new", having="start")
    assert later.fields["start"] == "2026-11-26T15:30"
    taken = (await visitor.visit(f"{PAGE}&start=2026-11-26T03:30")).form("/bookings/new", having="start")
    assert taken.fields["start"] == "2026-11-24T11:00"


async def test_nothing_at_night_is_preselected_on_a_service(visitor: VisitorBrowser, town: Town, app: Litestar) -> None:
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        night = await a_service(db, "Night watch", notice_minutes=0)
        await a_professional(db, "Nila Devi", services=[night], opens=0, closes=5 * 60)
    page = await visitor.visit(f"/services/{night.slug}?pincode={ADYAR}")
    assert starts(page)
    assert "start" not in page.form("/bookings/new", having="start").fields
    assert "Pick a time</b>" in page.text


async def test_a_sentence_each_says_why_this_person_and_this_price(
    visitor: VisitorBrowser, town: Town, app: Litestar
) -> None:
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        await past_visits(db, town.asha, town[LEAKS], town.ravi, 3)
    anyone = await visitor.visit(PAGE)
    assert "₹149 is our list price" in anyone.text
    assert "₹126.65 of it goes to them. Extra work is billed only if" in anyone.text
    assert "The first one who accepts" in anyone.text
    ravi = await visitor.visit(f"{PAGE}&professional={town.ravi.id}")
    assert "Ravi K. starts 0.5 km from you." in ravi.text
    assert "Has done 3 jobs like this." in " ".join(ravi.text.split())
