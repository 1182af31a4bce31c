"""Every number of the report equals the count of the list behind its link, for all filters."""

import re
from html import unescape

import pytest

from app.core import clock
from tests.bookings.scenes import Scene
from tests.factories import BESANT_NAGAR, a_start
from tests.person import Person

NUMBER = r"(?P<number>[^<]*)"
SHAPES = (
    re.compile(rf'<a class="number-card" href="(?P<href>[^"]+)"><span>[^<]*</span><b>{NUMBER}</b>'),
    re.compile(rf'<li>\s*<a href="(?P<href>[^"]+)">(?:(?!</li>).)*<b>{NUMBER}</b>\s*</li>', re.S),
    re.compile(rf'<td data-number>\s*<a href="(?P<href>[^"]+)">{NUMBER}</a>\s*</td>'),
)
ROW = re.compile(r'<tr id="(?:booking|review|line)-')
SUM = re.compile(r'id="sum">([^<]*)<')
AS_HTMX = {"hx-request": "true", "hx-request-type": "partial"}


def linked_numbers(page: str) -> list[tuple[str, str]]:
    """(address, number) of everything on the report that is a link."""
    section = page[page.index('<section id="report"') :]
    return [
        (unescape(match["href"]), unescape(match["number"])) for shape in SHAPES for match in shape.finditer(section)
    ]


def days(**more: str) -> str:
    """The report of a fortnight around today, whatever the weekday."""
    fields = {"period": "days", "from": f"{a_start(-3):%Y-%m-%d}", "to": f"{a_start(8):%Y-%m-%d}", **more}
    return "/admin/reports?" + "&".join(f"{name}={value}" for name, value in fields.items())


async def reconcile(meena: Person, address: str) -> dict[str, str]:
    """Follow every link of the report and count what is there; the numbers by address."""
    page = await meena.visit(address)
    assert page.status == 200, page.text
    found = linked_numbers(page.text)
    assert len(found) > 10
    for href, number in found:
        listed = await meena.visit(href)
        assert listed.status == 200, href
        rows = len(ROW.findall(listed.text))
        if href.startswith("/admin/ledger"):
            assert rows < 20
            total = SUM.search(listed.text)
            assert paise(total[1] if total else "₹0") == paise(number) * sign(href), href
        elif href.startswith("/admin/reviews") and "rating=" not in href:
            assert number in ("–", mean(listed.text)), href
        elif "accepted=yes" in href:
            assert (number == "–") == (rows == 0), href
        else:
            assert str(rows) == number, href
    return dict(found)


def paise(text: str) -> int:
    return round(float(text.replace("₹", "").replace(",", "").replace("−", "-")) * 100)


def sign(href: str) -> int:
    """Commission is a credit in the ledger, money received a debit."""
    return -1 if "account=commission" in href else 1


def mean(listed: str) -> str:
    stars = [int(n) for n in re.findall(r"Rated\s*</span>\s*(\d)</b>", listed)]
    return f"{sum(stars) / len(stars):.2f}".rstrip("0").rstrip(".") if stars else "–"


async def test_every_number_is_the_count_of_its_list(booked_scene: Scene, meena: Person):
    await reconcile(meena, days())


async def test_each_filter_is_the_filter_of_the_lists(booked_scene: Scene, meena: Person):
    slug = await booked_scene.scalar("SELECT slug FROM categories ORDER BY id DESC LIMIT 1")
    some = str(
        await booked_scene.scalar(
            "SELECT count(*) FROM bookings b JOIN services s ON s.id = b.service_id"
            " JOIN categories c ON c.id = s.category_id WHERE c.slug = :slug",
            slug=slug,
        )
    )
    whole = await reconcile(meena, days())
    by_category = await reconcile(meena, days(category=str(slug)))
    by_area = await reconcile(meena, days(pincode=BESANT_NAGAR))
    by_person = await reconcile(meena, days(professional=str(booked_scene.ravi.id)))
    firsts = [next(iter(item.values())) for item in (whole, by_category, by_area, by_person)]
    assert firsts[1:3] == [some, "1"]
    assert len(set(firsts)) > 2


async def test_what_happens_is_in_the_number_and_in_the_list_at_once(booked_scene: Scene, meena: Person):
    before = await reconcile(meena, days())
    asha = await booked_scene.browser(booked_scene.asha)
    reference = await booked_scene.paid(asha, a_start(5, 10))
    await booked_scene.accepted(reference)
    await booked_scene.started(reference)
    await booked_scene.completed(reference)
    after = await reconcile(meena, days())
    first = next(iter(before))
    assert int(after[first]) == int(before[first]) + 1


async def test_commission_is_the_ledgers(booked_scene: Scene, meena: Person):
    ours = await booked_scene.scalar("SELECT -sum(amount) FROM ledger_entries WHERE account = 'commission'")
    page = await meena.visit(days())
    displayed = next(number for href, number in linked_numbers(page.text) if "account=commission" in href)
    assert paise(displayed) == ours
    assert ours > 0


async def test_stars_that_are_changed_change_the_report(booked_scene: Scene, meena: Person):
    reference = await booked_scene.scalar(
        "SELECT b.reference FROM bookings b JOIN reviews r ON r.booking_id = b.id WHERE r.rating = 4"
    )
    asha = await booked_scene.browser(booked_scene.asha)
    sent = await asha.submit(await asha.visit(f"/bookings/{reference}/review"), "/review", rating="2", comment="Hm.")
    assert sent.status == 303
    assert await booked_scene.scalar("SELECT rating FROM bookings WHERE reference = :ref", ref=reference) == 2
    await reconcile(meena, days())


async def test_the_median_is_the_middle_of_the_minutes(booked_scene: Scene, meena: Person):
    minutes = [
        row[0]
        for row in await booked_scene.rows(
            "SELECT accepted_minutes FROM bookings WHERE accepted_minutes IS NOT NULL ORDER BY 1"
        )
    ]
    assert len(minutes) == 3
    page = await meena.visit(days())
    displayed = next(number for href, number in linked_numbers(page.text) if "accepted=yes" in href)
    assert displayed == f"{minutes[1]} min"


async def test_a_town_without_bookings_says_so(scene: Scene, meena: Person):
    page = await meena.visit("/admin/reports")
    assert "No bookings in this period" in page.text
    assert "₹0" in page.text


async def test_a_booking_at_half_past_midnight_is_of_that_day(booked_scene: Scene, meena: Person):
    """W20: 00:15 in Chennai is still the day before in UTC."""
    midnight = clock.at(a_start(2).date(), 15)
    async with booked_scene.database.work() as db:
        connection = await db.connection()
        await connection.exec_driver_sql(
            "UPDATE bookings SET starts_at = '%s', ends_at = '%s'::timestamptz + minutes * interval '1 minute'"
            " WHERE state = 'held'" % ((midnight.isoformat(),) * 2)
        )
    day = f"{midnight.astimezone(clock.IST):%Y-%m-%d}"
    page = await meena.visit(f"/admin/reports?period=days&from={day}&to={day}")
    held = [number for href, number in linked_numbers(page.text) if "state=held" in href]
    assert held == ["1"]
    await reconcile(meena, f"/admin/reports?period=days&from={day}&to={day}")


@pytest.mark.parametrize(
    "query",
    [
        "period=banana",
        "category=none",
        "pincode=000000",
        "professional=99999999999999999999",
        "professional=x",
        "who=%25%5F",
        "period=0000-00",
        "from=2026-11-24",
    ],
)
async def test_nonsense_in_the_address_is_no_error(scene: Scene, meena: Person, query: str):
    assert (await meena.visit(f"/admin/reports?{query}")).status == 200


async def test_days_the_wrong_way_round_are_reported_with_and_without_htmx(scene: Scene, meena: Person):
    address = "/admin/reports?period=days&from=2026-11-24&to=2026-11-20"
    page = await meena.visit(address)
    assert page.status == 422
    assert 'id="to-error"' in page.text
    piece = await meena.get(address, headers=AS_HTMX)
    assert piece.status_code == 422
    assert piece.text.lstrip().startswith("<section")
    assert "before the first day" in piece.text


async def test_where_there_are_many_professionals_one_is_found_by_name(scene: Scene, meena: Person, monkeypatch):
    monkeypatch.setattr("app.reports.admin_pages.MAX_PROFESSIONALS_LISTED", 1)
    page = await meena.visit("/admin/reports?who=kumar+raja")
    assert f"professional={scene.kumar.id}" in page.text
    question = await meena.visit("/admin/reports?who=kumar")
    assert "Which person do you mean?" in question.text
    assert "No professionals match that name" in (await meena.visit("/admin/reports?who=zzzz")).text
