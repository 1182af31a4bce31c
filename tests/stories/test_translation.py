"""Every visible string can be translated: each page is rendered in a pseudo-language with brackets."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest
from litestar import Litestar
from sqlalchemy import text

from app.core import clock, i18n
from app.core.cache import ALL_TAGS
from app.notifications.messages import MessageRenderer, OutOfDate
from app.notifications.repository import OutboxRepository
from app.web.templating import initials
from app.webhooks.channel import topics
from tests.application import serving, settings
from tests.authorisation.people import PARAMETER
from tests.authorisation.table import TABLE, Row
from tests.authorisation.town import NINE, Town, build
from tests.person import Page, Person
from tests.pseudo import LOCALE, offered_in, untranslated

# What people and the catalogue wrote is shown as they wrote it.
WRITTEN = r"""
    SELECT unnest(ARRAY[full_name, split_part(full_name, ' ', 1), substring(full_name from '^\S+ \S')]) FROM users
    UNION SELECT email FROM users
    UNION SELECT line FROM addresses UNION SELECT text FROM extras
    UNION SELECT unnest(ARRAY[name, short_name]) FROM categories UNION SELECT reason FROM blocks
    UNION SELECT unnest(ARRAY[name, description, parts, guarantee] || included || excluded || preparation) FROM services
    UNION SELECT unnest(ARRAY[question, answer]) FROM service_questions
    UNION SELECT unnest(ARRAY[reference, service_name, address, note]) FROM bookings
    UNION SELECT code FROM coupons
    UNION SELECT reference FROM exports UNION SELECT trade FROM professionals UNION SELECT reason FROM time_off
    UNION SELECT unnest(ARRAY[comment, answer, hidden_reason, shown_reason]) FROM reviews
    UNION SELECT name FROM documents UNION SELECT reason FROM review_reports
    UNION SELECT unnest(ARRAY[message, reason]) FROM appeals UNION SELECT reason FROM cases
    UNION SELECT text FROM case_messages UNION SELECT text FROM booking_messages UNION SELECT reason FROM refunds
    UNION SELECT value FROM settings UNION SELECT unnest(ARRAY[holder, masked, ifsc]) FROM bank_accounts
    UNION SELECT unnest(ARRAY[reference, reason]) FROM payouts
    UNION SELECT unnest(ARRAY[number, content ->> 'in_words', content #>> '{recipient,address}',
                              content #>> '{supplier,address}']) FROM invoices
    UNION SELECT unnest(ARRAY[place, district, state]) FROM pincodes WHERE pincode IN
        (SELECT pincode FROM coverage UNION SELECT pincode FROM addresses)
"""
OURS = ["Doorstep", *topics()]  # webhook topics are shown as the contract writes them
DAY_PERIODS = ["AM", "PM"]  # CLDR writes a Tamil clock with these
TYPED = ["State Bank of India", "name@bank", "success@doorstep", "zzz", "tap"]
# A record and a link of its chain, as the history and a search for them write these.
MARK = re.compile(r"[a-z]+-[0-9A-Z]+|7K3MQ9WD|[0-9a-f]{64}|2026-W[0-9]{2}")
STATES = ("requested", "assigned", "nobody_came", "started", "completed", "no_show")
FILES = (
    *("/documents/{document_id:str}", "/documents/{document_id:str}/preview", "/profile/data/file"),
    *("/admin/exports/{ref:str}/file", "/earnings/exports/{ref:str}/file"),
    *("/professionals/{person_id:int}/photo", "/messages/photos/{photo_id:int}"),
    *("/messages/photos/{photo_id:int}/thumbnail", "/admin/payouts/{run_id:int}/file"),
    *("/cases/photos/{photo_id:int}", "/cases/photos/{photo_id:int}/thumbnail"),
    *("/appeals/photos/{photo_id:int}", "/appeals/photos/{photo_id:int}/thumbnail"),
    *("/bookings/{ref:str}/invoice.pdf", "/earnings/invoices/{file_name:str}", "/admin/invoices/{file_name:str}"),
    *(f"/earnings/statements/{{week:str}}/statement.{kind}" for kind in ("csv", "pdf")),
    *("/bookings/{ref:str}/handover.json", "/.well-known/doorstep-keys.json"),
    *("/bookings/{ref:str}/calendar", "/jobs/{ref:str}/calendar", "/calendar/{token:str}"),
)
# Read by who writes programs: its names are the contract's, in English.
PROGRAMS = ("/api", "/api/openapi.json")
UNREAD = (*FILES, *PROGRAMS, "/health", "/health/ready", "/live", "/metrics", "/static/{digest:str}/{name:path}")
PAGES = [row for row in TABLE if row.method == "GET" and row.route not in UNREAD and row.who_may]
FORMS = [row for row in TABLE if row.method == "POST" and row.who_may not in (None, "kiran")]


@dataclass
class Readers:
    """The people of the town; all read Tamil."""

    app: Litestar
    town: Town
    written: list[str]
    people: dict[str, Person] = field(default_factory=dict)

    def reader(self, who: str) -> Person:
        if who not in self.people:
            person = self.people[who] = Person(self.app)
            person.headers["accept-language"] = "ta"
            person.cookies.update({"ds": self.town.tokens[who]} if who in self.town.tokens else {})
        return self.people[who]

    def address(self, row: Row) -> str:
        values = iter(self.town.values[name] for name in row.at.split())
        return PARAMETER.sub(lambda _: next(values), row.route)

    def understood(self, page: Page) -> None:
        assert page.status < 500
        left = [item for item in untranslated(page.text, self.written) if not MARK.fullmatch(item)]
        assert left == [], page.path


@pytest.fixture(scope="module")
def tamil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with offered_in(tmp_path_factory.mktemp("translations")):
        yield


@pytest.fixture(scope="module")
async def readers(services, tamil) -> AsyncIterator[Readers]:
    async with serving(settings(services.app_url(services.clone()), services.redis_url)) as app:
        with clock.freeze(NINE):
            # Other tests keep their towns in the same Redis.
            await app.state.services.after_commit.cache.invalidate([ALL_TAGS])
            town = await build(app)
            async with app.state.services.database.work() as db:
                written = [scalar for scalar in await db.scalars(text(WRITTEN)) if scalar]
            readers = Readers(app, town, [*OURS, *DAY_PERIODS, *TYPED, *written, *{initials(item) for item in written}])
            yield readers
            for person in readers.people.values():
                await person.aclose()
            await app.state.services.after_commit.cache.invalidate([ALL_TAGS])


@pytest.mark.parametrize("row", PAGES, ids=str)
async def test_every_page_is_understood(readers: Readers, row: Row) -> None:
    query = "&".join(f"{name}={value}" for name, value in row.fields(readers.town.values).items())
    for who in [who for who, status in row.expected.items() if status in ("200", "403")]:
        page = await readers.reader(who).visit(f"{readers.address(row)}?{query}")
        readers.understood(page)


@pytest.mark.parametrize("state", STATES)
async def test_a_booking_is_understood_in_every_state(readers: Readers, state: str) -> None:
    reference = readers.town.values[state]
    readers.understood(await readers.reader("asha").visit(f"/bookings/{reference}"))
    readers.understood(await readers.reader("ravi").visit(f"/jobs/{reference}"))


@pytest.mark.parametrize("address", ["/nowhere", "/services?q=zzz&pincode=600020", "/services?q=tap&pincode=1"])
async def test_what_is_not_there_is_understood(readers: Readers, address: str) -> None:
    readers.understood(await readers.reader("visitor").visit(address))


async def test_every_email_is_understood(readers: Readers) -> None:
    services, written = readers.app.state.services, 0
    writer = MessageRenderer(
        services.templates, services.encryption, services.settings.base_url, services.settings.mail_from
    )
    token = i18n.locale.set(LOCALE)
    async with readers.app.state.services.database.work() as db:
        for mail in await OutboxRepository(db).latest(500):
            try:
                email = await writer.render(db, mail)
            except OutOfDate:
                continue
            written += 1
            for read in (email.subject, email.html, email.text):
                assert untranslated(read, readers.written) == [], mail.kind
    i18n.locale.reset(token)
    assert written > 3


@pytest.mark.parametrize("row", FORMS, ids=str)
async def test_what_is_wrong_with_a_form_is_understood(readers: Readers, row: Row) -> None:
    """Sent empty; where that is enough, the next page is read."""
    assert row.who_may
    page = await readers.reader(row.who_may).post_fields(readers.address(row), {})
    if page.status >= 400:
        readers.understood(page)
