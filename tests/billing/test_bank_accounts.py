"""Where a professional is paid out to: what is accepted and shown, who is notified, and from when it is used."""

import pytest

from app.billing.bank_codes import bank_name
from app.check.run import find_violations
from tests.billing.money import FIELDS
from tests.bookings.scenes import later


async def change(professional, **fields):
    page = await professional.visit("/bank-account")
    return await professional.submit(page, "/bank-account", **{**FIELDS, **fields})


async def test_an_account_is_saved_shown_masked_and_notified(scene, ravi):
    sent = await change(ravi)
    assert (sent.status, sent.location) == (303, "/bank-account")
    page = await ravi.visit("/bank-account")
    assert "…7890" in page.text
    assert "State Bank of India" in page.text
    assert "counts from" in page.text
    assert "001234567890" not in page.text
    assert await scene.scalar("SELECT count(*) FROM outbox WHERE kind = 'bank_account_changed'") == 1
    stored = await scene.scalar("SELECT encrypted_number FROM bank_accounts")
    assert b"001234567890" not in stored
    async with scene.database.work() as db:
        assert await find_violations(db) == []


async def test_a_change_ends_the_account_before_and_erases_its_number(scene, ravi):
    await change(ravi)
    sent = await change(ravi, number="", ifsc="", upi_id="Ravi.Kumar@OkAxis")
    assert sent.status == 303
    page = await ravi.visit("/bank-account")
    assert "ra…@okaxis" in page.text
    assert "…7890" in page.text
    rows = await scene.rows("SELECT ended_at IS NULL, encrypted_number IS NULL FROM bank_accounts ORDER BY id")
    assert rows == [(False, True), (True, False)]


@pytest.mark.parametrize(
    ("fields", "field_name"),
    [
        ({"ifsc": "ZZZZ0000300"}, "ifsc"),  # of a bank that is none
        ({"ifsc": "SBIN1000300"}, "ifsc"),
        ({"ifsc": "SBIN000030"}, "ifsc"),
        ({"ifsc": ""}, "ifsc"),
        ({"number": "12345678"}, "number"),
        ({"number": "1" * 19}, "number"),
        ({"number": "12 34 x6 789"}, "number"),
        ({"number": "4242424242424242"}, "number"),  # a card's
        ({"number": ""}, "number"),
        ({"number": "000000000000"}, "number"),
        ({"holder": ""}, "holder"),
        ({"holder": "=cmd|' /C calc'!A0"}, "holder"),  # the bank's file carries the name unchanged
        ({"holder": "-Ravi Kumar"}, "holder"),
        ({"holder": "Ravi; Kumar"}, "holder"),
        ({"upi_id": "ravi@okaxis"}, "upi_id"),  # besides a number
        ({"number": "", "ifsc": "", "upi_id": "ravi"}, "upi_id"),
    ],
)
async def test_what_is_wrong_is_refused_beside_its_field(scene, ravi, fields, field_name):
    page = await change(ravi, **fields)
    assert page.status == 422
    assert f'id="{field_name}-error"' in page.text
    assert await scene.scalar("SELECT count(*) FROM bank_accounts") == 0


async def test_as_people_write_them(scene, ravi):
    assert (await change(ravi, number="0012 3456-7890", ifsc="sbin 0000300")).status == 303
    assert await scene.rows("SELECT ifsc, masked FROM bank_accounts") == [("SBIN0000300", "…7890")]
    for holder in ("கவிதா ராமன்", "रवि कुमार", "Rao & Sons (Chennai)", "M. D'Souza-Nair"):
        assert (await change(ravi, holder=holder)).status == 303, holder


async def test_an_old_password_is_entered_again(scene, ravi):
    page = await ravi.visit("/bank-account")
    with later(minutes=16):
        sent = await ravi.submit(page, "/bank-account", **FIELDS)
    assert sent.location.startswith("/login/again")
    assert await scene.scalar("SELECT count(*) FROM bank_accounts") == 0


async def test_the_api_does_the_same(scene, client_of):
    client = await client_of(scene.ravi)
    assert (await client.get("/api/bank-account")).json()["account"] is None
    sent = await client.post("/api/bank-account", json=FIELDS)
    assert sent.status_code == 200
    account = sent.json()["account"]
    assert (account["masked"], account["ifsc"], account["bank"]) == ("…7890", "SBIN0000300", "State Bank of India")
    assert (await client.get("/api/bank-account")).json()["account"] == account
    for bad in ({}, {**FIELDS, "ifsc": "ZZZZ0000300"}, {**FIELDS, "number": 12}, {**FIELDS, "more": "x"}):
        assert (await client.post("/api/bank-account", json=bad)).status_code == 422


def test_the_list_of_banks_knows_the_large_ones():
    assert [bank_name(code + "0000001") for code in ("SBIN", "HDFC", "ZZZZ")] == [
        "State Bank of India",
        "HDFC Bank",
        None,
    ]
