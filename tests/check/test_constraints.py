"""Raw SQL tries to break every rule of the schema, and is refused by that rule's name."""

import pytest
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, text
from sqlalchemy.exc import DBAPIError

from app.core.migrate import APPEND_ONLY
from app.models import metadata
from tests.check.breaking import CHECKS, ROWS, UNIQUE
from tests.check.broken_rows import RECEIPT, TAX_RATE, invoice, made

KEYS_BY_ID = {f"{table.name}_pkey" for table in metadata.tables.values() if "id" in table.primary_key.columns}
FOREIGN = sorted(
    (table.name, constraint.name, constraint.columns.keys()[0])
    for table in metadata.tables.values()
    for constraint in table.constraints
    if isinstance(constraint, ForeignKeyConstraint)
)
# Whose own key points elsewhere while others point at it, or whose rows cannot be changed: a new row tries.
BY_A_NEW_ROW = {
    "handover_receipts_booking_id_fkey": RECEIPT.format("-1", "key_id", "receipt", "substr(sha256('x'), 1, 16)"),
    "handover_receipts_key_id_fkey": RECEIPT.format(
        "(SELECT min(id) FROM bookings WHERE state = 'held')", "'x'", "receipt", "substr(sha256('x'), 1, 16)"
    ),
    "settings_changed_by_id_fkey": "INSERT INTO settings (name, value, changed_at, changed_by_id)"
    " VALUES ('support_phone', '', now(), -1)",
    "tax_identities_user_id_fkey": "INSERT INTO tax_identities VALUES (-1, '', 'x')",
    "tax_rates_category_id_fkey": made("tax_rates", TAX_RATE, category_id="-1") + " LIMIT 1",
    "tax_rates_created_by_id_fkey": made("tax_rates", TAX_RATE, created_by_id="-1") + " LIMIT 1",
    "invoices_booking_id_fkey": invoice(booking_id="-1"),
    "invoices_person_id_fkey": invoice(person_id="-1"),
    "invoices_corrects_id_fkey": invoice(kind="'credit_note'", corrects_id="-1"),
    "invoices_transaction_id_fkey": invoice(transaction_id="-t.id", transaction_ids="ARRAY[-t.id]"),
    "service_questions_service_id_fkey": "INSERT INTO service_questions VALUES (-1, 1, 'x', 'x')",
    "professionals_user_id_fkey": "INSERT INTO professionals (user_id, approval_status, trade, home_pincode,"
    " created_at, experience_years) VALUES (-1, 'pending', 'x', '600020', now(), 1)",
    "event_values_event_id_fkey": "INSERT INTO event_values VALUES (-1, 'x', 'x', 'x')",
    "ledger_transactions_booking_id_fkey": "INSERT INTO ledger_transactions (booking_id, kind, at)"
    " VALUES (-1, 'capture', now())",
    "ledger_transactions_charge_id_fkey": "INSERT INTO ledger_transactions (booking_id, charge_id, kind, at)"
    " SELECT id, -1, 'capture', now() FROM bookings LIMIT 1",
    "ledger_transactions_refund_id_fkey": "INSERT INTO ledger_transactions (booking_id, refund_id, kind, at)"
    " SELECT id, -1, 'refund', now() FROM bookings LIMIT 1",
    "ledger_entries_transaction_id_fkey": "INSERT INTO ledger_entries (transaction_id, account, amount)"
    " VALUES (-1, 'gateway', 1)",
    "ledger_entries_person_id_fkey": "INSERT INTO ledger_entries (transaction_id, account, person_id, amount)"
    " SELECT transaction_id, account, -1, 1 FROM ledger_entries LIMIT 1",
}


async def refusal(db, statement: str) -> DBAPIError:
    with pytest.raises(DBAPIError) as caught:
        await _executed(db, statement)
    return caught.value


async def _executed(db, statement: str) -> None:
    await db.execute(text(statement.replace(":", "\\:")))
    await db.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))  # deferred constraints are otherwise checked at the commit


def named(problem: DBAPIError) -> str:
    """The rule that refused."""
    return getattr(problem.orig.__cause__, "constraint_name", None) or str(problem.orig)


def test_no_rule_is_left_out():
    rules = [item for table in metadata.tables.values() for item in (*table.constraints, *_unique_indexes(table))]
    checks = {rule.name for rule in rules if isinstance(rule, CheckConstraint)}
    others = {rule.name for rule in rules} - checks - {name for _, name, _ in FOREIGN} - KEYS_BY_ID
    assert set(CHECKS) == checks
    assert set(UNIQUE) == others


def _unique_indexes(table):
    return [index for index in table.indexes if index.unique]


@pytest.mark.parametrize(("rule", "statement"), (CHECKS | UNIQUE).items(), ids=(CHECKS | UNIQUE).keys())
async def test_the_database_refuses_what_breaks_a_rule(sound, rule, statement):
    async with sound.trying() as db:
        assert named(await refusal(db, statement.format(**sound.town.values))) == rule


@pytest.mark.parametrize(("table", "rule", "column"), FOREIGN, ids=[str(rule) for _, rule, _ in FOREIGN])
async def test_nothing_points_at_what_is_not_there(sound, table, rule, column):
    refused = "'999999'" if "pincode" in column else "-1"
    changed = (
        f"UPDATE {table} SET {column} = {refused} WHERE ctid = (SELECT ctid FROM {table} WHERE {column} IS NOT NULL"
    )
    changed += " AND state = 'closed' LIMIT 1)" if table == "bookings" else " LIMIT 1)"
    async with sound.trying() as db:
        for row in ROWS.format(**sound.town.values).split(";"):
            await db.execute(text(row))
        assert named(await refusal(db, BY_A_NEW_ROW.get(rule, changed))) == rule


NEW_TRANSACTION = (
    "INSERT INTO ledger_transactions (booking_id, kind, at) SELECT id, 'capture', now() FROM bookings LIMIT 1"
)
NEW_LINES = "INSERT INTO ledger_entries (transaction_id, account, amount) VALUES (:t, 'gateway', 3), (:t, 'hold', -2)"


async def _commit_unbalanced(database) -> None:
    async with database.work() as db:
        number = await db.scalar(text(NEW_TRANSACTION + " RETURNING id"))
        await db.execute(text(NEW_LINES), {"t": number})


async def test_a_ledger_transaction_that_does_not_sum_to_zero_cannot_be_committed(sound):
    with pytest.raises(DBAPIError, match="sum to 1"):
        await _commit_unbalanced(sound.app)


async def test_a_line_added_later_to_a_transaction_is_refused_too(sound):
    line = "INSERT INTO ledger_entries (transaction_id, account, amount) SELECT min(id), 'gateway', 1"
    async with sound.trying() as db:
        assert "sum to 1" in str(await refusal(db, line + " FROM ledger_transactions"))


async def test_a_ledger_transaction_without_lines_is_refused(sound):
    async with sound.trying() as db:
        assert "has 0 lines" in str(await refusal(db, NEW_TRANSACTION))


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("change", ["UPDATE {} SET id = DEFAULT", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
@pytest.mark.parametrize("as_owner", [False, True], ids=["app", "owner"])
async def test_history_and_ledger_are_only_ever_added_to(sound, table, change, as_owner):
    async with sound.trying(as_owner=as_owner) as db:
        message = str(await refusal(db, change.format(table)))
    assert ("append-only" if as_owner else "permission denied") in message


@pytest.mark.parametrize(
    ("changes", "expected_text"),
    [
        ("subject, 99, hash", "does not continue its chain"),
        ("subject, seq + 1, 'forged'", "does not continue its chain"),
        ("'booking-ELSEWHER', 1, hash", "does not begin its chain"),
        ("'booking-ELSEWHER', 0, hash", "does not begin its chain"),
    ],
)
async def test_an_event_that_does_not_continue_its_chain_is_refused(sound, changes, expected_text):
    added = (
        "INSERT INTO events (subject, seq, previous, name, actor_role, at, facts, hash)"
        f" SELECT {changes}, name, actor_role, at, facts, 'forged' FROM events"
        " WHERE subject = 'booking-{held}' ORDER BY seq DESC LIMIT 1"
    )
    async with sound.trying() as db:
        assert expected_text in str(await refusal(db, added.format(**sound.town.values)))


async def test_the_application_owns_nothing_and_can_change_no_rule(sound):
    async with sound.trying() as db:
        owned = "SELECT relname FROM pg_class WHERE pg_get_userbyid(relowner) = current_user"
        assert (await db.scalars(text(owned))).all() == []
        privilege_query = (
            "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
        assert await db.scalar(text(privilege_query)) is False


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE reservations DROP CONSTRAINT reservations_overlap_excl",
        "ALTER TABLE events DISABLE TRIGGER events_append_only",
        "DROP TABLE reviews",
        "CREATE TABLE mine (id int)",
        "CREATE OR REPLACE FUNCTION check_zero_sum() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "UPDATE alembic_version SET version_num = '0000'",
        "UPDATE event_values SET value = 'another'",
        "SET session_replication_role = replica",
    ],
)
async def test_the_application_cannot_loosen_anything(sound, change):
    async with sound.trying() as db:
        message = str(await refusal(db, change))
    assert "permission denied" in message or "must be owner" in message
