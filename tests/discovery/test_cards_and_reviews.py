"""Public cards of professionals, and the reviews of customers."""

import re
from html import unescape

import pytest
from litestar import Litestar

from app.accounts.professional import Professional
from app.core import clock
from app.discovery.professional_pages import areas_text
from app.reviews.repository import Reviews
from app.reviews.review import Review
from app.vetting.document import Document
from tests.discovery.conftest import Town, VisitorBrowser
from tests.factories import a_block, a_customer, a_professional, a_request, a_service, a_start, an_admin


async def test_a_public_card_shows_first_name_trade_years_rating_jobs_and_areas(
    visitor: VisitorBrowser, town: Town
) -> None:
    page = await visitor.visit(f"/professionals/{town.ravi.id}")
    assert page.status == 200
    for text in ("Ravi K.", "Plumbing from Adyar", "8 years", "Documents checked", "0 jobs", "Tiruvanmiyur", "₹149"):
        assert text in page.text, text


async def test_a_public_card_shows_nothing_private(visitor: VisitorBrowser, town: Town) -> None:
    page = await visitor.visit(f"/professionals/{town.ravi.id}")
    for secret in ("Kumar", town.ravi.email, town.ravi.phone):
        assert secret not in page.text


async def test_who_is_not_approved_or_blocked_or_no_professional_has_no_card(
    visitor: VisitorBrowser, town: Town, app: Litestar
) -> None:
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        blocked = await a_professional(db, "Bala Nath")
        await a_block(db, blocked, await an_admin(db))
    for who in (town.geeta.id, blocked.id, town.asha.id):
        assert (await visitor.visit(f"/professionals/{who}")).status == 404


@pytest.mark.parametrize("who", ["0", "-1", "9" * 18, "9223372036854775808", "9" * 400, "banana", "1.5", "%00"])
async def test_there_is_no_such_professional(visitor: VisitorBrowser, who: str) -> None:
    assert (await visitor.visit(f"/professionals/{who}")).status == 404


async def test_reviews_are_paged_newest_first_and_none_is_lost(
    visitor: VisitorBrowser, town: Town, app: Litestar
) -> None:
    slug, worker = await _reviewed(app, 45)
    visited: list[str] = []
    page = await visitor.visit(f"/services/{slug}/reviews")
    assert "45 reviews" in page.text
    while True:
        visited += re.findall(r"Review number (\d+)\.", page.text)
        following = [link for link in page.links if "after=" in link]
        if not following:
            break
        page = await visitor.visit(following[0])
    assert visited == [str(n) for n in reversed(range(45))]
    assert "45 reviews" in (await visitor.visit(f"/professionals/{worker}")).text


async def test_averages_on_the_page_equal_a_recount(visitor: VisitorBrowser, app: Litestar) -> None:
    slug, _ = await _reviewed(app, 7)
    values = [n % 5 + 1 for n in range(7)]
    page = await visitor.visit(f"/services/{slug}?pincode=600020")
    assert f"{sum(values) / 7:.1f}" in page.text
    text = re.findall(r'value="(\d+)"\s+aria-label="(\d) stars?"', page.text)
    assert text == [(str(values.count(stars)), str(stars)) for stars in (5, 4, 3, 2, 1)]


async def test_a_review_shows_first_name_and_place_never_the_surname(visitor: VisitorBrowser, app: Litestar) -> None:
    slug, _ = await _reviewed(app, 1)
    page = await visitor.visit(f"/services/{slug}/reviews")
    assert "Mina P." in page.text
    assert "Adyar, 24 Nov" in page.text
    assert "Pereira" not in page.text


async def test_markup_in_a_review_is_shown_as_typed(visitor: VisitorBrowser, app: Litestar) -> None:
    slug, _ = await _reviewed(app, 1, "<script>alert(1)</script>")
    page = await visitor.visit(f"/services/{slug}/reviews")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text


@pytest.mark.parametrize("after", ["banana", "W10", "WzEsMl0", "bnVsbA", "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5XQ"])
async def test_a_cursor_that_was_not_ours_is_refused_in_words(visitor: VisitorBrowser, town: Town, after: str) -> None:
    for path in ("/services/fixing-leaks-and-pipes/reviews", "/services", f"/professionals/{town.ravi.id}"):
        page = await visitor.visit(f"{path}?after={after}")
        assert page.status in (404, 422), (path, page.status)
        assert "<h1" in page.text


async def _reviewed(app: Litestar, count: int, text: str = "Review number {n}.") -> tuple[str, int]:
    """A service with that many reviews, and who did the work."""
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        service = await a_service(db, "Tuning a sitar", horizon_days=30)
        worker = await a_professional(db, "Sara Bano", services=[service])
        customers = [await a_customer(db, "Mina Pereira") for _ in range(-(-count // 3))]
        for n in range(count):
            customer = customers[n // 3]
            booking = await a_request(db, customer, service, a_start(1 + n // 8, 8 + n % 8 * 1.5))
            review = Review(
                booking_id=booking.id,
                customer_id=customer.id,
                professional_id=worker.id,
                service_id=service.id,
                rating=n % 5 + 1,
                comment=text.format(n=n),
                created_at=clock.now(),
            )
            await Reviews(db).add(review)
    return service.slug, worker.id


async def test_reviews_are_filtered_by_stars_page_by_page(visitor: VisitorBrowser, app: Litestar) -> None:
    slug, _ = await _reviewed(app, 103)
    page = await visitor.visit(f"/services/{slug}/reviews")
    visited: list[int] = []
    page = await visitor.visit(next(link for link in page.links if link.endswith("stars=2")))
    while True:
        visited += [int(n) for n in re.findall(r"Review number (\d+)\.", page.text)]
        following = [link for link in page.links if "after=" in link]
        if not following:
            break
        page = await visitor.visit(following[0])
    assert visited == [n for n in reversed(range(103)) if n % 5 == 1]
    assert "Review number 102." in (await visitor.visit(f"/services/{slug}/reviews?stars=banana")).text


async def test_older_reviews_are_put_below_those_that_are_read(visitor: VisitorBrowser, app: Litestar) -> None:
    slug, _ = await _reviewed(app, 25)
    page = await visitor.visit(f"/services/{slug}/reviews")
    following = next(link for link in page.links if "after=" in link)
    assert 'hx-target="#more"' in page.text
    older = await visitor.visit(following, {"hx-request": "true", "hx-request-type": "partial"})
    assert "<h1" not in older.text
    assert re.findall(r"Review number (\d+)\.", older.text) == ["4", "3", "2", "1", "0"]
    assert "autofocus" in older.text
    assert 'id="more"' not in older.text


async def test_a_public_card_says_when_ravi_is_free_next_and_books_him(visitor: VisitorBrowser, town: Town) -> None:
    page = await visitor.visit(f"/professionals/{town.ravi.id}")
    assert "Next free: Today 11:00\xa0am" in page.text
    assert "Book\n          Ravi" in page.text or "Book Ravi" in page.text
    link = unescape(next(link for link in page.links if "start=2026-11-24T11%3A00" in link or "T11:00" in link))
    form = (await visitor.visit(link)).form("/bookings/new", having="start")
    assert (form.fields["professional"], form.fields["start"]) == (str(town.ravi.id), "2026-11-24T11:00")


async def test_a_public_card_names_the_languages_and_what_was_checked_when(
    visitor: VisitorBrowser, town: Town, app: Litestar
) -> None:
    bare = await visitor.visit(f"/professionals/{town.ravi.id}")
    assert "Languages" not in bare.text
    assert "What we checked" not in bare.text
    async with app.state.services.database.work(app.state.services.after_commit) as db:
        nila, admin = await a_professional(db, "Nila Devi"), await an_admin(db)
        nila_work = await db.get_one(Professional, nila.id)
        nila_work.describe_work("Plumbing", 8, ["ta", "te"])
        for kind, last_day in (("identity", None), ("certificate", clock.today()), ("address", None)):
            document = Document(
                professional_id=nila.id, kind=kind, name="x", media_type="image/png", size=1, sha256=b"x" * 32,
                uploaded_at=clock.now(), expires_on=last_day, event_count=0,
            )  # fmt: skip
            db.add(document)
            await db.flush()
            if kind != "address":
                document.approve(admin)
    page = " ".join((await visitor.visit(f"/professionals/{nila.id}")).text.split())
    assert "Tamil, Telugu" in page
    assert "ID, checked on 24 Nov" in page
    assert "Trade certificate" not in page, "it has expired"
    assert "Proof of address" not in page, "it waits"


def test_areas_are_a_few_names_the_nearest_first_without_post_offices() -> None:
    assert areas_text(["Adyar", "Besant Nagar", "Tiruvanmiyur"]) == "Adyar, Besant Nagar, Tiruvanmiyur"
    assert areas_text(["Adyar", "EGMORE MDO", "Anna Nagar", "Guindy"]) == "Adyar, Egmore and 2 more"
    assert areas_text(["Adyar", *(f"Place {n}" for n in range(67))]) == "Adyar, Place 0 and 66 more"
