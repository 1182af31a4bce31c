"""The template filters for money, times and distances."""

import re
from datetime import UTC, date, datetime, timedelta

import jinja2
import pytest

from app.core import clock, i18n
from app.core.addresses import format_address, format_area
from app.core.clock import IST
from app.core.datetimes import format_datetime, format_datetime_range, format_day
from app.core.money import format_rupees
from app.web import templating
from app.web.templating import TEMPLATES

TUESDAY = datetime(2026, 11, 24, 10, 0, tzinfo=IST)
ONE_HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("paise", "written"),
    [(0, "₹0"), (149_00, "₹149"), (149_50, "₹149.50"), (9999, "₹99.99"), (149_900_00, "₹1,49,900"), (-100_00, "−₹100")],
)
def test_money(paise, written):
    assert format_rupees(paise) == written


def test_days_and_times_are_in_asia_kolkata_on_any_server():
    assert format_datetime(TUESDAY.astimezone(UTC)) == "Tue 24 Nov, 10:00\xa0am"
    assert format_datetime_range(TUESDAY, TUESDAY + ONE_HOUR) == "Tue 24 Nov, 10–11\xa0am"
    late = datetime(2026, 11, 30, 18, 0, tzinfo=UTC)  # 23:30 in Chennai
    assert format_datetime_range(late, late + ONE_HOUR) == "Mon 30 Nov, 11:30\xa0pm – Tue 1 Dec, 12:30\xa0am"
    assert format_day(date(2028, 2, 29), full=True) == "Tuesday 29 February 2028"
    assert templating.iso(TUESDAY.astimezone(UTC)) == "2026-11-24T10:00+05:30"
    assert templating.local_iso(TUESDAY.astimezone(UTC)) == "2026-11-24T10:00"


@pytest.mark.parametrize(
    ("away", "text"),
    [
        (timedelta(minutes=40), "in 40 min"),
        (timedelta(minutes=90), "in 1 h 30 min"),
        (timedelta(days=1, hours=2), "in 1 day"),
        (timedelta(days=2), "in 2 days"),
        (timedelta(seconds=20), "now"),
        (timedelta(seconds=-20), "just now"),
        (timedelta(minutes=-5), "5 min ago"),
    ],
)
def test_how_far_a_moment_is(away, text):
    with clock.freeze(TUESDAY):
        assert templating.relative_time(TUESDAY + away) == text


@pytest.mark.parametrize(
    ("km", "written"), [(0.01, "0.5 km"), (0.5, "0.5 km"), (0.51, "1 km"), (2.3, "2.5 km"), (12, "12 km")]
)
def test_a_distance_is_never_finer_than_half_a_kilometre(km, written):
    assert templating.km(km) == written


def test_small_things():
    assert templating.phone("+919876543210") == "+91 98765 43210"
    assert templating.initials("Ravi Kumar") == "RK"
    assert templating.initials("Ravi") == "R"
    assert templating.spaced_code("123456") == "123 456"
    assert templating.stars(4.65) == "4.6"
    assert templating.tint("Ravi Kumar") == templating.tint("Ravi Kumar") in templating.TINTS


def test_a_missing_name_is_an_error_and_text_is_escaped():
    env = templating.Templates().environment()
    with pytest.raises(jinja2.UndefinedError):
        env.from_string("{{ nothing }}").render()
    assert env.from_string("{{ message }}").render(message="<script>") == "&lt;script&gt;"
    rendered = env.from_string("{% trans name=name %}Hello {{ name }}{% endtrans %}").render(name="<b>")
    assert rendered == "Hello &lt;b&gt;"


def test_plurals_and_other_languages_fall_back_to_english():
    env = templating.Templates().environment()
    text = "{% trans n=n %}One job{% pluralize %}{{ n }} jobs{% endtrans %}"
    assert [env.from_string(text).render(n=n) for n in (1, 2)] == ["One job", "2 jobs"]
    token = i18n.locale.set("ta_IN")
    try:
        assert env.from_string("{% trans %}Sign in{% endtrans %}").render() == "Sign in"
        assert format_rupees(149_900_00) == "₹1,49,900"
    finally:
        i18n.locale.reset(token)


async def test_a_macro_that_changes_reaches_every_page_that_imports_it(tmp_path, monkeypatch):
    (tmp_path / "icon.html").write_text("{% macro icon() %}old{% endmacro %}")
    (tmp_path / "note.html").write_text(
        '{% from "icon.html" import icon %}{% macro note() %}{{ icon() }}{% endmacro %}'
    )
    (tmp_path / "page.html").write_text('{% from "note.html" import note %}{{ note() }}')
    templates = templating.Templates(reload=True, folder=tmp_path)
    assert templates.get_template("page.html").render() == "old"
    (tmp_path / "icon.html").write_text("{% macro icon() %}new{% endmacro %}")
    assert templates.loader._watcher
    templates.loader._watcher._checked_at = float("-inf")
    assert templates.get_template("page.html").render() == "new"


@pytest.mark.parametrize(
    ("line", "place", "expected"),
    [
        ("12 Beach Road", "Adyar", "12 Beach Road, Adyar 600020"),
        ("12 Beach Road, Adyar", "Adyar", "12 Beach Road, Adyar 600020"),
        ("12 Beach Road, adyar, Chennai", "Adyar", "12 Beach Road, adyar, Chennai 600020"),
        ("12 Beach Road, Adyar, Chennai 600020", "Adyar", "12 Beach Road, Adyar, Chennai 600020"),
        ("12 Beach Road, Adyar, 600020", "Adyar", "12 Beach Road, Adyar 600020"),
        ("12 Adyar Street", "Adyar", "12 Adyar Street, Adyar 600020"),
        ("12 Beach Road", "", "12 Beach Road, 600020"),
        ("12 Beach Road, Adyar", "Adyar, Chennai", "12 Beach Road, Adyar, Chennai 600020"),
        ("12 Beach Road\nAdyar", "Adyar, Chennai", "12 Beach Road\nAdyar, Chennai 600020"),
    ],
)
def test_an_address_that_names_its_area_names_it_once(line, place, expected):
    assert format_address(line, place, "600020") == expected


def test_an_area_is_written_with_a_blank_before_its_pincode() -> None:
    assert format_area("New Delhi", "110001") == "New Delhi 110001"
    assert format_area("", "110001") == "110001"


def test_templates_join_area_and_pincode_by_the_formatters() -> None:
    joined = re.compile(r"\b(?:place|line|address)\s*-?}}(?:[\s,]|<[^>]*>)*{{-?\s*[\w.]*pincode\s*}}")
    files = [path for path in TEMPLATES.rglob("*") if path.suffix in (".html", ".txt")]
    assert len(files) > 300
    assert [path.name for path in files if joined.search(path.read_text())] == []
