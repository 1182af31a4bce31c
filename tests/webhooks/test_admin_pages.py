"""The admin pages of webhooks: register one, see its secret once, test it, and see each delivery."""

import asyncio
from datetime import timedelta

import pytest

from app.core import clock
from app.notifications.http_transport import HttpOutboxWorker
from app.webhooks.repository import WebhookRepository
from app.webhooks.transport import StandardWebhook, WebhookRenderer
from tests.factories import an_admin
from tests.webhook_sink import http_response, webhook_server

URL = "https://chat.example/doorstep?key=k"
PATH = "/admin/webhooks"
OWN_ADDRESSES = (
    "https://127.1/x", "https://0177.0.0.1/x", "https://127.0.0.1。/x", "https://2130706433/", "https://0x7f.1/",
    "https://１２７.0.0.1/", "https://[::ffff:127.0.0.1]/", "https://localhost./", "https://a.localhost/",
    "https://169.254.169.254/latest", "https://metadata.google.internal/",
)  # fmt: skip


@pytest.fixture
async def meena(app_database, browser_of):
    async with app_database.work() as db:
        for left in await WebhookRepository(db).active():
            left.end(await an_admin(db), clock.now())
        user = await an_admin(db)
    return await browser_of(user)


async def registered(meena):
    return await meena.submit_and_follow(await meena.visit(PATH), PATH, url=URL)


async def sent(app, sink) -> None:
    """As the worker does it every second."""
    database = app.state.services.database
    async with database.work() as db:
        (webhook,) = await WebhookRepository(db).active()
    transport = StandardWebhook(database, app.state.services.encryption, webhook, sink.client())
    await HttpOutboxWorker(database, WebhookRenderer(), transport, app.state.services.settings).drain()


async def test_the_secret_is_shown_once_and_a_new_one_once_too(meena):
    page = await registered(meena)
    assert (page.status, page.text.count("whsec_")) == (200, 2)  # the secret and the text about it
    repeated = await meena.visit(page.path)
    assert repeated.text.count("whsec_") == 1
    renewed = await meena.submit_and_follow(repeated, f"{page.path}/secret")
    assert renewed.text.count("whsec_") == 2
    assert "key=k" not in renewed.text


async def test_a_test_is_sent_and_every_try_stands_on_the_page(app, meena, tmp_path):
    page = await registered(meena)
    tested = await meena.submit_and_follow(page, f"{page.path}/test")
    assert "Pending" in tested.text
    async with webhook_server(tmp_path) as sink:
        sink.answers = [http_response(500)]
        await sent(app, sink)
    assert "rejected with 500" in (await meena.visit(page.path)).text


async def test_what_is_switched_off_says_so_and_is_switched_on_again(app, meena, tmp_path):
    page = await registered(meena)
    async with webhook_server(tmp_path) as sink:
        sink.answers = [http_response(500)]
        for _ in range(10):
            await meena.submit_and_follow(await meena.visit(page.path), f"{page.path}/test")
            await sent(app, sink)
    off = await meena.visit(page.path)
    assert "Switched off since" in off.text
    on = await meena.submit_and_follow(off, f"{page.path}/opening")
    assert "Switched off" not in on.text.split('id="history"')[0]


async def test_who_signed_in_a_while_ago_gives_the_password_once_more(meena):
    page = await registered(meena)
    with clock.freeze(clock.now() + timedelta(minutes=16)):
        for action in (PATH, f"{page.path}/secret", f"{page.path}/end"):
            sent = await meena.post_fields(action, {"url": "https://program.example/"})
            assert sent.location.startswith("/login/again"), action
        tested = await meena.post_fields(f"{page.path}/test", {})
    assert tested.location == page.path


async def test_a_wrong_address_is_shown_at_the_field_and_kept(meena):
    page = await meena.submit(await meena.visit(PATH), PATH, url="http://program.example/")
    assert page.status == 422
    assert 'aria-invalid="true"' in page.text
    assert page.form(PATH).fields["url"] == "http://program.example/"


async def test_addresses_of_our_own_network_are_refused_however_often_and_the_honest_one_is_saved(meena, app_database):
    page = await meena.visit(PATH)
    attempts = [meena.submit(page, PATH, url=url) for url in OWN_ADDRESSES * 3]
    *refused, honest = await asyncio.gather(*attempts, meena.submit(page, PATH, url=URL))
    for attempt in refused:
        assert attempt.status == 422
        assert "Enter an address that starts with https:// and leads to a public server." in attempt.text
    assert honest.status == 303
    async with app_database.work() as db:
        assert [webhook.url for webhook in await WebhookRepository(db).active()] == [URL]


async def test_an_ended_one_is_out_of_the_list_and_its_page_says_what_happened(meena):
    page = await registered(meena)
    assert (
        "chat.example"
        not in (await meena.submit_and_follow(page, f"{page.path}/end")).text.split("<main")[1].split("</table>")[0]
    )
    ended = await meena.visit(page.path)
    assert (ended.status, f"{page.path}/test" in ended.text) == (200, False)
