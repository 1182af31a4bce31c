"""The professional's steps: one next act at a time, each drawn in place."""

from datetime import timedelta

from app.core import clock
from app.core.encryption import Encryption
from app.jobs.acceptance import accept
from tests.factories import a_customer, a_professional, a_request, a_service, a_start

ENCRYPTION = Encryption("a secret for tests only")
AS_HTMX = {"hx-request": "true", "hx-request-type": "partial"}


async def test_each_step_is_answered_with_the_next_one_in_place(app_database, browser_of):
    async with app_database.work() as db:
        service = await a_service(db)
        ravi, asha = await a_professional(db, services=[service]), await a_customer(db)
        booking = await a_request(db, asha, service, a_start(1, 10))
        await accept(db, ravi, booking.reference, ENCRYPTION)
    worker, address = await browser_of(ravi), f"/jobs/{booking.reference}"
    with clock.freeze(booking.starts_at - timedelta(minutes=30)):
        job = await worker.visit(address)
        assert 'id="step-departure"' in job.text
        assert '<details class="more" id="more-code"' in job.text
        job = await worker.post_fields(f"{address}/departure", {}, **AS_HTMX)
        assert job.status == 200
        assert job.text.lstrip().startswith(f'<article id="job-{booking.reference}"')
        assert "on the way" in job.text.partition("data-announce")[2].partition(">")[0]
        assert 'id="step-arrival"' in job.text
        job = await worker.post_fields(f"{address}/arrival", {}, **AS_HTMX)
        assert 'id="step-' not in job.text
        assert 'id="more-code"' not in job.text
        assert 'id="code-card"' in job.text
