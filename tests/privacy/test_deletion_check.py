"""`doorstep check` finds personal data that remains after an account deletion, column by column."""

import re
from pathlib import Path

import pytest
from sqlalchemy import text

from app.bookings.commitments_repository import OpenCommitments
from app.check.deletion import REMAINS
from app.check.run import find_violations
from app.core.db import Database
from app.reviews.submission import submit_review
from tests.factories import PASSWORD, a_start

DECISIONS = Path(__file__).parents[2] / "docs" / "decisions" / "0014-account-deletion.md"
BOOKING_OF_CUSTOMER = "(SELECT id FROM bookings WHERE customer_id = {c} LIMIT 1)"
EVENT = "INSERT INTO event_values SELECT id, 'x', 'x', 'x' FROM events WHERE "
INSERT_DOCUMENT = (
    "INSERT INTO documents (professional_id, kind, state, name, media_type, size, sha256, uploaded_at, decided_at)"
    " VALUES ({p}, 'address', 'replaced', 'Zaphira.pdf', 'application/pdf', 1, decode(repeat('00', 32), 'hex'),"
    " now(), now())"
)
DECIDED_CASE = (
    "INSERT INTO cases (reference, booking_id, opened_by_id, side, professional_id, topic, state, opened_at,"
    " answer_due_at, decide_due_at, queue_at, decided_at, decided_by_id, outcomes, reason)"
    f" VALUES ('SAMESAME', {BOOKING_OF_CUSTOMER}, {{c}}, 'customer', {{p}}, 'late', 'decided', now(),"
    " now() + interval '24 hours', now() + interval '72 hours', now() + interval '72 hours', now(), {p},"
    " ARRAY['none'], 'Zaphira paid late')"
)
PAYOUT = (
    "WITH a AS (INSERT INTO bank_accounts (professional_id, kind, holder, masked, set_at, effective_at, ended_at)"
    " VALUES ({p}, 'upi', '–', '–', now(), now(), now()) RETURNING id), r AS (INSERT INTO payout_runs (until,"
    " created_at, people, amount) VALUES ('2026-11-01', now(), 1, 100) RETURNING id)"
    " INSERT INTO payouts (run_id, professional_id, bank_account_id,"
    " amount, earnings, tips, state, transaction_id, reason, decided_at, decided_by_id)"
    " SELECT r.id, {p}, a.id, 100, 100, 0, 'failed', (SELECT min(id) FROM ledger_transactions), 'Zaphira left', now(),"
    " {p} FROM a, r"
)
# What the owner of the tables does, {c} has left as a customer and {p} as a professional; what is found then.
PLANTED = {
    "name": "UPDATE users SET full_name = 'Zaphira Quillon' WHERE id = {c}",
    "email address": "UPDATE users SET email = 'zaphira@example.com' WHERE id = {c}",
    "password": "UPDATE users SET password_hash = 'x' WHERE id = {p}",
    "address book": "INSERT INTO addresses (user_id, line, pincode, created_at) VALUES ({c}, 'x', '600020', now())",
    "GSTIN": "INSERT INTO tax_identities VALUES ({c}, '', 'Raman and Sons')",
    "sessions": "INSERT INTO sessions (digest, user_id, epoch, created_at, last_seen_at, expires_at, fresh_at)"
    " VALUES ('x', {c}, 0, now(), now(), now(), now())",
    "known devices": "INSERT INTO device_tokens (digest, user_id, created_at, last_used_at, expires_at)"
    " VALUES (decode(repeat('00', 32), 'hex'), {c}, now(), now(), now() + interval '90 days')",
    "sign-in codes": "INSERT INTO sign_in_codes (email, browser, user_id, digest, created_at, expires_at)"
    " VALUES ('zaphira@example.com', decode(repeat('00', 32), 'hex'), {c}, decode(repeat('00', 32), 'hex'), now(),"
    " now() + interval '10 minutes')",
    "remembered payment methods": "INSERT INTO saved_methods (customer_id, method, last4, expires_on, encrypted_token,"
    " created_at, used_at) VALUES ({c}, 'card', '4242', now(), 'x', now(), now())",
    "links": "INSERT INTO email_links (digest, user_id, purpose, address, created_at, expires_at)"
    " VALUES ('x', {c}, 'reset', 'zaphira@example.com', now(), now())",
    "submitted forms": "INSERT INTO idempotency_keys VALUES ({c}, 'k', 'p', 'd', '', now())",
    "emails": "INSERT INTO outbox (kind, recipient_id, address, data, dedupe_key, created_at, due_at)"
    " VALUES ('reset', {c}, 'zaphira@example.com', '{{}}', 'k', now(), now())",
    "inbox": "INSERT INTO inbox_items (user_id, kind, data, dedupe_key, created_at, read_at)"
    " VALUES ({c}, 'x', '{{}}', 'k', now(), now())",
    "monthly reports": "INSERT INTO monthly_reports (user_id, month, facts, created_at)"
    " VALUES ({c}, '2026-11-01', '{{}}', now())",
    "muted notifications": "INSERT INTO muted_topics VALUES ({c}, 'bookings', 'email')",
    "quiet hours": "INSERT INTO quiet_hours VALUES ({c}, 60, 120)",
    "exports": "INSERT INTO exports (reference, requested_by_id, kind, filters, created_at)"
    """ VALUES ('SAMESAME', {p}, 'earnings', '{{"q": "Zaphira"}}', now())""",
    "blocks": "INSERT INTO blocks (user_id, blocked_by_id, reason, created_at, lifted_at, lifted_by_id, lifted_reason)"
    " VALUES ({c}, {p}, 'Zaphira shouted', now(), now(), {p}, '–')",
    "messages": "INSERT INTO booking_messages (booking_id, professional_id, author_id, text, created_at)"
    " SELECT id, professional_id, {c}, 'Zaphira waits', created_at FROM bookings"
    " WHERE customer_id = {c} AND professional_id IS NOT NULL LIMIT 1",
    "reports of reviews": "INSERT INTO review_reports SELECT id, {c}, 'It names Zaphira', now() FROM reviews"
    " WHERE booking_id IN (SELECT id FROM bookings WHERE customer_id = {c}) LIMIT 1",
    "reasons of hidden reviews": "UPDATE reviews SET hidden_at = now(), hidden_by_id = {p}, hidden_reason = 'Zaphira'"
    " WHERE customer_id = {c}",
    "answers to reviews": "UPDATE reviews SET answer = 'Thank you, Zaphira', answered_at = now()"
    " WHERE professional_id = {p}",
    "appeals": "WITH k AS (INSERT INTO blocks (user_id, blocked_by_id, reason, created_at, lifted_at, lifted_by_id,"
    " lifted_reason) VALUES ({c}, {p}, '–', now(), now(), {p}, '–') RETURNING id) INSERT INTO appeals (block_id,"
    " message, created_at, decided_at, decided_by_id, outcome, reason)"
    " SELECT id, 'Zaphira paid', now(), now(), {p}, 'lift', '–'"
    " FROM k",
    "words in cases": "WITH k AS (" + DECIDED_CASE.replace("Zaphira paid late", "–") + " RETURNING id)"
    " INSERT INTO case_messages (case_id, author_id, text, created_at) SELECT id, {c}, 'Zaphira waits', now() FROM k",
    "decisions of cases": "WITH k AS (" + DECIDED_CASE + " RETURNING id)"
    " INSERT INTO case_messages (case_id, author_id, text, created_at) SELECT id, {c}, '–', now() FROM k",
    "photos": "WITH m AS (INSERT INTO booking_messages (booking_id, professional_id, author_id, text, photo_count,"
    " created_at) SELECT id, professional_id, {p}, '–', 0, created_at FROM bookings WHERE customer_id = {c}"
    " AND professional_id IS NOT NULL LIMIT 1 RETURNING id) INSERT INTO photos (uploader_id, message_id, position,"
    " stored_as, width, height, bytes) SELECT {c}, id, 1, 'SAMESAME', 1, 1, 1 FROM m",
    "open block": "INSERT INTO blocks (user_id, blocked_by_id, reason, created_at) VALUES ({c}, {p}, '–', now())",
    "bookings": "UPDATE bookings SET note = 'Ring twice' WHERE customer_id = {c}",
    "open bookings": "UPDATE bookings SET state = 'started' WHERE customer_id = {c}"
    " AND state IN ('completed', 'closed')",
    "cards": "UPDATE charges SET last4 = '4242' WHERE customer_id = {c}",
    "reasons of refunds": "INSERT INTO refunds (booking_id, amount, reason, state, requested_at, requested_by_id)"
    f" VALUES ({BOOKING_OF_CUSTOMER}, 100, 'Zaphira waited', 'requested', now(), {{p}})",
    "cards of tips": "INSERT INTO tips (booking_id, customer_id, professional_id, amount, state, method, last4,"
    f" created_at) VALUES ({BOOKING_OF_CUSTOMER}, {{c}}, {{p}}, 100, 'needs_code', 'card', '4242', now())",
    "bank accounts": "INSERT INTO bank_accounts (professional_id, kind, holder, masked, set_at, effective_at, ended_at)"
    " VALUES ({p}, 'upi', 'Zaphira Quillon', '–', now(), now(), now())",
    "reasons of payouts": PAYOUT,
    "debts": "UPDATE charges SET state = 'due' WHERE customer_id = {c}",
    "disputes": f"INSERT INTO disputes VALUES ({BOOKING_OF_CUSTOMER}, {{c}}, 'I was at home', now())",
    "reasons of declined jobs": f"INSERT INTO declines VALUES ({BOOKING_OF_CUSTOMER}, {{p}}, 'passed', 'Far', now())",
    "offers received": f"INSERT INTO offer_recipients VALUES ({BOOKING_OF_CUSTOMER}, {{p}}, now(), 'k')",
    "extra work": "INSERT INTO extras (booking_id, text, price, state, proposed_at)"
    f" VALUES ({BOOKING_OF_CUSTOMER}, 'A tap', 100, 'proposed', now())",
    "work": "UPDATE professionals SET trade = 'Plumbing' WHERE user_id = {p}",
    "services": "INSERT INTO offered_services SELECT {p}, id FROM services LIMIT 1",
    "areas": "INSERT INTO coverage VALUES ({p}, '600020')",
    "hours": "INSERT INTO working_hours (professional_id, weekday, opens, closes) VALUES ({p}, 0, 0, 60)",
    "calendar": "INSERT INTO calendar_feeds VALUES ({p}, 'x', now())",
    "time off": "INSERT INTO time_off (professional_id, span, created_at)"
    " VALUES ({p}, tstzrange(now(), now() + interval '1 day'), now())",
    "exclusions": "INSERT INTO exclusions VALUES ({c}, {p}, 'customer', now())",
    "referrals": "INSERT INTO referrals (friend_id, inviter_id, at) VALUES ({c}, {p}, now())",
    "favourites": "INSERT INTO favourites VALUES ({c}, {p}, now())",
    "documents": INSERT_DOCUMENT,
    "verifications": "INSERT INTO verifications (professional_id, kind, message, submitted_at)"
    " VALUES ({p}, 'joining', 'I am Zaphira', now())",
    "values in the history of the account": EVENT + "subject = 'user-{c}' LIMIT 1",
    "values in the history of bookings": EVENT + "subject LIKE 'booking-%' AND actor_role = 'platform' LIMIT 1",
    "values in the history of jobs": EVENT + "subject LIKE 'booking-%' AND actor_id = {p} LIMIT 1",
    "reasons of reassigned jobs and messages about jobs": EVENT + "name = 'booking.offered_again' LIMIT 1",
    "values in the history of documents": INSERT_DOCUMENT
    + "; INSERT INTO events (subject, seq, name, actor_role, at, facts, previous, hash)"
    " SELECT 'document-' || id, 1, 'x', 'platform', now(), '{{}}', 'x', 'x' FROM documents; "
    + EVENT
    + "subject LIKE 'document-%' LIMIT 1",
}


@pytest.fixture
async def after_deletion(scene, services, own_url):
    """Asha and Ravi have left, with a job done, one taken away and a hold that lapsed behind them."""
    asha, ravi = await scene.browser(scene.asha), await scene.browser(scene.ravi)
    done = await scene.done(asha)
    async with scene.database.work() as db:
        await submit_review(db, scene.asha, done, 5, "Quick.")
    taken = await scene.paid(asha, a_start(days=2))
    await scene.accepted(taken)
    for who in (ravi, asha):
        if who is asha:
            await asha.submit_and_follow(await asha.visit(f"/bookings/{taken}/cancellation"), "/cancellation")
        sent = await who.submit(await who.visit("/profile/leaving"), "/leaving", current_password=PASSWORD)
        assert sent.status == 303, sent.text
    owner = Database(services.owner_url(own_url.rpartition("/")[2].partition("?")[0]))
    yield owner, {"c": scene.asha.id, "p": scene.ravi.id}
    await owner.close()


def test_every_place_where_something_could_remain_is_planted_once():
    assert set(PLANTED) == set(REMAINS)


async def test_whatever_remains_is_found_and_named(after_deletion):
    owner, people = after_deletion
    missed = []
    async with owner.sessions() as db:
        assert await find_violations(db) == []
    for what, statements in PLANTED.items():
        async with owner.sessions() as db:
            for table in ("events", "bookings"):
                await db.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            for statement in statements.split(";"):
                await db.execute(text(statement.format(**people).replace(":", "\\:")))
            result = [
                violation.subject
                for violation in await find_violations(db)
                if violation.rule == "deleted-accounts-are-erased"
            ]
            if not any(item.endswith(f": {what}") for item in result):
                missed.append((what, result))
            await db.rollback()
    assert missed == []


async def test_every_column_of_the_schema_is_decided(scene):
    """Every new column must declare what an account deletion does to it."""
    statement = "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'"
    columns = {str(name) for (name,) in await scene.rows(statement) if not str(name).startswith("alembic")}
    decided: set[str] = set()
    for line in DECISIONS.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"\| `(\w+)` \| ([^|]+) \|", line):
            decided |= {f"{found[1]}.{name}" for name in re.findall(r"`(\w+)`", found[2])}
    assert columns - decided == set(), "not decided"
    assert decided - columns == set(), "no such column"


async def test_forgetting_twice_changes_nothing_more(after_deletion, scene):
    _, people = after_deletion
    async with scene.database.work() as db:
        assert await OpenCommitments(db, people["c"]).outstanding_bookings() == []
        assert await find_violations(db) == []
