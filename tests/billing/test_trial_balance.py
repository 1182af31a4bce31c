"""The trial balance: page, API and command, of everything and until a day; lines that belong to no booking."""

import asyncio
import os
import sys
from datetime import timedelta

import pytest

from app.billing.trial_balance_command import main as print_balance
from app.billing.trial_balance_repository import AccountBalance, TrialBalance, trial_balance
from app.core import clock
from app.core.db import Database
from app.core.sql import fetch
from app.exports.queries import compile_export_query
from app.payments.ledger import new_transaction

BROKEN = TrialBalance(None, (AccountBalance("gateway", 149_00, 0), AccountBalance("earnings", 0, 126_65)))


async def pay_out(scene, amount: int = 50_00) -> None:
    """A payout of Ravi's in the ledger."""
    async with scene.database.work() as db:
        db.add(new_transaction("payout", None, None, [("earnings", scene.ravi.id, amount), ("payouts", None, -amount)]))


async def test_every_account_has_its_debit_credit_and_balance(scene, asha):
    await scene.done(asha)
    async with scene.database.work() as db:
        balance = await trial_balance(db)
    assert {account.account: account.balance for account in balance.accounts if account.balance} == {
        "gateway": 149_00,
        "earnings": -126_65,
        "commission": -22_35,
    }
    assert balance.is_balanced
    assert balance.debit == balance.credit == 149_00 * 3


async def test_the_balance_of_a_day_knows_nothing_that_came_later(scene, asha):
    await scene.done(asha)
    async with scene.database.work() as db:
        assert (await trial_balance(db, clock.today() - timedelta(days=1))).accounts == []
        assert (await trial_balance(db, clock.today())).debit == 149_00 * 3


async def test_the_page_shows_the_balance_and_links_the_pages_about_money(scene, asha, meena):
    await scene.done(asha)
    page = await meena.visit("/admin/ledger/balance")
    assert page.status == 200
    assert "Debits and credits are the same." in page.text
    assert "−₹126.65" in page.text
    assert {"/admin/ledger", "/admin/refunds"} <= set(page.links)
    for address in ("/admin/ledger", "/admin/refunds"):
        assert "/admin/ledger/balance" in (await meena.visit(address)).links
    before = await meena.visit("/admin/ledger/balance?until=2020-01-01")
    assert "Nothing was posted" in before.text


@pytest.mark.parametrize("typed", ["yesterday", "2026-13-01", "1e9", "-1"])
async def test_what_is_no_day_is_refused_beside_its_field(meena, typed):
    page = await meena.visit(f"/admin/ledger/balance?until={typed}")
    assert page.status == 422
    assert 'id="until-error"' in page.text


async def test_lines_without_a_booking_are_listed_with_whose_they_are(scene, asha, meena):
    await scene.done(asha)
    await pay_out(scene)
    for query in ("booking=none", "account=payouts", "kind=payout"):
        page = await meena.visit(f"/admin/ledger?{query}")
        assert "₹50" in page.text, query
        assert "₹126.65" not in page.text
    assert "Ravi Kumar" in (await meena.visit("/admin/ledger?booking=none&account=earnings")).text
    every = await meena.visit("/admin/ledger")
    assert "₹126.65" in every.text


async def test_the_command_prints_it(scene, asha, own_url):
    await scene.done(asha)
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.cli", "ledger"),
        env={**os.environ, "DOORSTEP_ENV": "test", "DATABASE_URL": own_url, "REDIS_URL": "redis://localhost"},
        stdout=asyncio.subprocess.PIPE,
    )
    output = (await command.communicate())[0].decode()
    assert command.returncode == 0
    assert ["earnings", "0.00", "126.65", "-126.65"] in [line.split() for line in output.splitlines()]
    assert ["total", "447.00", "447.00", "0.00"] in [line.split() for line in output.splitlines()]


def test_the_command_fails_if_the_ledger_does_not_balance(monkeypatch, capsys):
    monkeypatch.setattr("asyncio.run", lambda reading: reading.close() or BROKEN)
    assert print_balance(Database("postgresql://unused")) == 1
    assert "does not balance" in capsys.readouterr().out


async def test_the_api_says_the_same(scene, asha, admin, client_of):
    await scene.done(asha)
    client = await client_of(admin)
    body = (await client.get("/api/admin/ledger/balance")).json()
    assert (body["is_balanced"], body["debit_paise"], body["until"]) == (True, 149_00 * 3, None)
    earnings = next(account for account in body["accounts"] if account["account"] == "earnings")
    assert (earnings["balance_paise"], earnings["credit"]) == (-126_65, "126.65")
    assert (await client.get("/api/admin/ledger/balance?until=2026-02-30")).status_code == 422


async def test_the_export_of_the_ledger_has_lines_without_a_booking(scene, asha):
    await scene.done(asha)
    await pay_out(scene)
    async with scene.database.work() as db:
        query = await compile_export_query(db, "ledger", {}, 0)
        lines = await fetch(db, query.rows_sql, *query.rows_values)
    assert [(line["account"], line["booking"]) for line in lines if line["kind"] == "payout"] == [
        ("earnings", ""),
        ("payouts", ""),
    ]
