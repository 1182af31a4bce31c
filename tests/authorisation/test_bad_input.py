"""Bad input in any field or URL gets an error page, never a server error."""

from urllib.parse import quote, urlencode

import pytest

from app.billing.ledger_repository import FILTERS as LEDGER
from app.dispatch.repository import FILTERS as BOOKINGS
from app.reviews.admin_repository import FILTERS as REVIEWS
from tests.authorisation.people import PARAMETER
from tests.authorisation.table import TABLE, VIEWED_TABLES, Row

NASTY = {
    "a NUL": "tap\0",
    "more than int64": "9" * 30,
    "below int64": "-" + "9" * 30,
    "a fraction of nothing": "NaN",
    "half a megabyte": "x" * 500_000,
    "a lone surrogate": "\udcff",
    "another alphabet's digits": "௧௨௩",
    "SQL": "' OR 1=1; --",
    "markup": "<script>alert(1)</script>{{ 7 * 7 }}",
    "absurd dates": "9999-99-99T99:99",
    "an object": '{"$ne": null}',
    "signs that turn round": "\u202eabc\u200b",
}
QUERIES = {
    "/admin": ["next"],
    "/admin/bookings": ["q", *BOOKINGS, "sort", "after"],
    "/admin/bookings/{ref:str}": ["tab"],
    "/admin/customers/{customer_id:int}": ["tab"],
    "/admin/professionals": ["q", "state", "service", "pincode", "sort", "after"],
    "/admin/professionals/{professional_id:int}": ["tab"],
    "/admin/services": ["q", "state", "category", "mode", "sort", "after"],
    "/admin/services/{service_id:int}": ["tab"],
    "/admin/services/new": ["category_id"],
    "/admin/ledger": ["q", *LEDGER, "sort", "after"],
    "/admin/reviews": ["q", *REVIEWS, "sort", "after"],
    "/admin/dispatch": ["q", "left", "sort", "after"],
    "/admin/reports": ["period", "from", "to", "category", "pincode", "professional", "who"],
    "/admin/reports/unmet": ["from", "to", "category", "pincode"],
    "/admin/exports": ["table", "q", "state", "from", "professional"],
    "/earnings/export": ["table", "q", "from"],
    "/documents/{document_id:str}/preview": ["page"],
    "/notices": ["after"],
    "/admin/admins": ["q", "sort"],
    "/admin/customers": ["q", "state", "sort", "after"],
    "/admin/events": ["q", "record", "by", "name", "from", "until", "sort", "after"],
    "/": ["pincode"],
    "/services": ["q", "pincode", "category", "sort", "after"],
    "/services/{slug:str}": ["pincode", "day", "professional", "start"],
    "/services/{slug:str}/slots": ["pincode", "day", "professional"],
    "/services/{slug:str}/reviews": ["after"],
    "/login": ["next"],
    "/bookings": ["after"],
    "/bookings/new": ["service", "start", "pincode", "professional", "again", "day"],
    "/bookings/{ref:str}": ["steps"],
    "/bookings/{ref:str}/reschedule": ["day"],
    "/jobs": ["tab", "seen"],
    "/jobs/{ref:str}": ["do"],
    "/jobs/history": ["after"],
    "/earnings": ["after"],
    "/earnings/invoices": ["after"],
    "/bookings/{ref:str}/invoice": ["number"],
    "/bookings/{ref:str}/invoice.pdf": ["number"],
    "/admin/payouts": ["due", "held"],
    "/admin/payouts/{run_id:int}": ["after"],
    "/admin/ledger/balance": ["until"],
    "/admin/invoices": ["kind", "number", "from", "to", "sort", "after"],
}


FORMS = [row for row in TABLE if row.method == "POST" and row.sends and row.who_may]
FIELDS = [(row, part.partition("=")[0]) for row in FORMS for part in row.sends.split("&")]
PLACES = [row for row in TABLE if row.at and row.who_may not in (None, "kiran")]  # blocked people are redirected first


@pytest.mark.parametrize(("row", "name"), FIELDS, ids=lambda part: str(part))
async def test_no_field_breaks_a_form(people, row, name):
    for text, typed in NASTY.items():
        answer, written = await send(people, row, row.fields(people.town.values) | {name: typed})
        assert answer.status < 500, f"{text}: {answer.status}"
        assert answer.status < 400 or not written - {"attempts", "codes"}, f"{text} wrote in {written}"
        assert "<script>alert" not in answer.body, text


@pytest.mark.parametrize("row", FORMS, ids=str)
async def test_nothing_sent_and_everything_sent_twice_break_no_form(people, row):
    own = row.fields(people.town.values)
    for fields in ([], [*own.items(), *own.items()]):
        answer, _ = await send(people, row, fields)
        assert answer.status < 500, answer.status


@pytest.mark.parametrize(("route", "name"), [(route, name) for route, names in QUERIES.items() for name in names])
async def test_no_query_breaks_a_page(people, route, name):
    row = next(row for row in TABLE if (row.method, row.route) == ("GET", route))
    for text, typed in NASTY.items():
        if len(typed) > 10_000:
            continue  # longer than the server takes as an address
        query = f"{people.address(row)}?{urlencode({name: typed}, errors='surrogateescape')}"
        answer, written = await people.send(row.who_may, "GET", query, {})
        assert answer.status < 500, f"{text}: {answer.status}"
        assert written <= VIEWED_TABLES.get(route, set()), text
        assert "<script>alert" not in answer.body, text


@pytest.mark.parametrize("row", PLACES, ids=str)
async def test_an_address_that_names_nothing_finds_nothing(people, row):
    who = row.who_may
    for text in ("a NUL", "more than int64", "SQL", "another alphabet's digits", "markup"):
        address = PARAMETER.sub(quote(NASTY[text], safe=""), row.route)
        fields = {"_csrf_token": people.tokens[who]} if row.method == "POST" else {}
        answer, written = await people.send(who, row.method, address, row.fields(people.town.values) | fields)
        assert answer.status in (400, 404, 422), f"{text}: {answer.status}"
        assert not written, text


async def send(people, row: Row, fields):
    """Send by a person who may."""
    pairs = [*(fields.items() if isinstance(fields, dict) else fields), ("_csrf_token", people.tokens[row.who_may])]
    return await people.send(row.who_may, "POST", people.address(row), pairs)
