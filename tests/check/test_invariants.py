"""`doorstep check` finds nothing in consistent data, and each violation that a test creates."""

import re
from contextlib import aclosing

import pytest
from asyncpg.cursor import Cursor
from sqlalchemy import text

from app.check.chains import find_broken_chains
from app.check.run import RULES, find_violations

OPEN = "ALTER TABLE {0} DISABLE TRIGGER USER"
OF = "(SELECT id FROM bookings WHERE reference = '{0}')"
FORGED_EVENTS = """
    INSERT INTO events (subject, seq, name, actor_role, at, facts, previous, hash)
    SELECT 'a-' || n, 1, 'booking.held', 'customer', now(), '{}', '', '' FROM generate_series(1, 2500) n
"""

# Rule → a statement of the tables' owner that breaks it; {name} is a value of the town.
PLANTED: dict[str, list[str]] = {
    "no-double-booking": [
        "ALTER TABLE reservations DROP CONSTRAINT reservations_overlap_excl",
        "UPDATE reservations r SET span = s.span, professional_id = s.professional_id FROM reservations s"
        " WHERE s.booking_id <> r.booking_id",
    ],
    "reservations-match-bookings": [
        "UPDATE reservations SET is_committed = false WHERE booking_id = " + OF.format("{assigned}"),
        "DELETE FROM reservations WHERE booking_id = " + OF.format("{started}"),
        "UPDATE reservations SET pincode = '600045' WHERE booking_id = " + OF.format("{requested}"),
    ],
    "no-booking-after-exclusion": [
        "INSERT INTO exclusions SELECT customer_id, professional_id, 'customer', '2026-01-01' FROM bookings"
        " WHERE reference = '{assigned}'",
        "INSERT INTO exclusions SELECT b.customer_id, r.professional_id, 'professional', now()"
        " FROM bookings b JOIN reservations r ON r.booking_id = b.id WHERE b.reference = '{requested}'",
    ],
    "codes-in-order": [
        "UPDATE codes SET used_at = NULL, voided_at = now() WHERE phase = 'start' AND booking_id = "
        + OF.format("{started}")
    ],
    "codes-within-attempt-limit": [
        "UPDATE codes SET used_at = issued_at - interval '1 hour' WHERE used_at IS NOT NULL"
    ],
    "handovers-have-receipts": [
        OPEN.format("handover_receipts"),
        "DELETE FROM handover_receipts WHERE booking_id = " + OF.format("{completed}"),
    ],
    "receipts-are-genuine": [
        OPEN.format("handover_receipts"),
        "UPDATE handover_receipts SET receipt = overlay(receipt placing 'AAAA' from length(receipt) - 20 for 4)",
    ],
    "codes-readable-only-while-due": [
        "UPDATE codes SET booking_id = " + OF.format("{completed}") + " WHERE booking_id = " + OF.format("{assigned}")
    ],
    "booking-states-match-history": [
        "UPDATE bookings SET state = 'completed', completed_at = now() WHERE reference = '{started}'"
    ],
    "moves-are-allowed": [
        OPEN.format("events"),
        "UPDATE events SET name = 'booking.completed' WHERE name = 'booking.requested'",
    ],
    "participants-have-roles": ["UPDATE bookings SET customer_id = professional_id WHERE reference = '{started}'"],
    "only-approved-professionals-assigned": ["UPDATE blocks SET created_at = '2026-01-01'"],
    "ledger-sums-to-zero": [
        OPEN.format("ledger_entries"),
        "UPDATE ledger_entries SET amount = amount + 1 WHERE id = (SELECT min(id) FROM ledger_entries)",
    ],
    "money-is-whole-paise": ["ALTER TABLE extras ADD COLUMN rupees numeric(10, 2)"],
    "invoice-numbers-have-no-gaps": ["UPDATE invoice_counters SET last = last + 1 WHERE series = 'DI'"],
    "invoices-match-the-ledger": [
        OPEN.format("invoices"),
        "UPDATE invoices SET total = total + 1, taxable = taxable + 1 WHERE id = (SELECT min(id) FROM invoices)",
    ],
    "finished-jobs-have-invoices": [
        OPEN.format("invoices"),
        "DELETE FROM invoices WHERE kind = 'invoice' AND transaction_id > (SELECT min(transaction_id) FROM invoices)",
    ],
    "charges-match-the-ledger": ["UPDATE charges SET captured = captured - 1 WHERE captured > 0"],
    "held-payouts-are-marked": ["UPDATE charges SET payout_held_until = now() WHERE captured > 0"],
    "completed-jobs-charged-once": ["UPDATE bookings SET price = price + 100 WHERE reference = '{completed}'"],
    "no-money-held-after-end": [
        OPEN.format("ledger_transactions"),
        "UPDATE ledger_transactions SET booking_id = "
        + OF.format("{completed}")
        + " WHERE booking_id = "
        + OF.format("{assigned}"),
    ],
    "authorised-money-is-captured-or-released": [
        "UPDATE charges SET released = released - 1 WHERE released > 0",
        "UPDATE charges SET released = 1 WHERE state = 'authorised'",
    ],
    "refunds-match-charges": [
        "UPDATE refunds SET amount = amount + 1 WHERE state = 'done'",
        "UPDATE charges SET refunded = refunded - 1 WHERE refunded > 0",
    ],
    "large-refunds-are-confirmed": ["UPDATE refunds SET amount = 600000 WHERE state = 'done'"],
    "credit-matches-the-ledger": ["UPDATE credit_balances SET balance = balance + 1"],
    "coupons-within-limits": [
        "UPDATE coupons SET used = used + 1",
        "UPDATE coupon_uses SET freed_at = used_at",
    ],
    "coupons-match-charges": ["UPDATE coupon_uses SET amount = amount + 1"],
    "referrals-are-granted-once": [
        "UPDATE referrals SET outcome = 'granted', decided_at = now()",
    ],
    "payouts-match-the-ledger": ["UPDATE payouts SET earnings = earnings + 100, amount = amount + 100"],
    "payout-runs-match-payouts": ["UPDATE payout_runs SET people = people + 1", "UPDATE payout_runs SET amount = 1"],
    "counted-ledger-matches-entries": [
        "INSERT INTO ledger_days SELECT '2026-01-01', 'tips', 1, 1, max(id) FROM ledger_entries",
        "INSERT INTO earnings_balances SELECT min(user_id), 1, 0, 0 FROM professionals",
    ],
    "balances-match-payouts": [
        "UPDATE payouts SET state = 'paid', reference = 'x', decided_at = now(), decided_by_id = professional_id"
    ],
    "tips-match-the-ledger": [
        "INSERT INTO tips (booking_id, customer_id, professional_id, amount, state, method, created_at, paid_at)"
        " SELECT id, customer_id, professional_id, 100, 'paid', 'upi', now(), now() FROM bookings"
        " WHERE reference = '{completed}'"
    ],
    "numbers-of-earlier-accounts-are-erased": [
        "INSERT INTO bank_accounts (professional_id, kind, holder, encrypted_number, masked, set_at, effective_at,"
        " ended_at) SELECT min(user_id), 'upi', 'x', 'x', 'x', now(), now(), now() FROM professionals"
    ],
    "open-bookings-are-authorised": [
        "UPDATE charges SET state = 'released' WHERE booking_id = " + OF.format("{assigned}")
    ],
    "booking-totals-match-ledger": [
        "UPDATE bookings SET commission = commission + 1 WHERE reference = '{completed}'",
        "UPDATE bookings SET rating = 1 WHERE reference = '{started}'",
    ],
    "service-counts-match-bookings": ["INSERT INTO service_booking_counts SELECT id, 99, 99 FROM services"],
    "flagged-reviews-do-not-count": [
        "ALTER TABLE reviews DISABLE TRIGGER USER",
        "UPDATE reviews SET counts = false",
    ],
    "appeals-match-blocks": [
        "UPDATE appeals SET created_at = created_at - interval '1 day'",
        "UPDATE blocks SET created_at = created_at - interval '31 days' WHERE id IN (SELECT block_id FROM appeals)",
        "UPDATE blocks SET lifted_at = now(), lifted_by_id = blocked_by_id, lifted_reason = 'x'",
        "UPDATE appeals SET outcome = 'lift' WHERE outcome = 'keep'",
        "UPDATE appeals SET decided_at = created_at - interval '1 hour' WHERE outcome = 'keep'",
    ],
    "appeals-decided-by-another-admin": ["UPDATE appeals SET only_admin = false"],
    "reviews-match-history": [
        "UPDATE reviews SET hidden_at = NULL, hidden_by_id = NULL, hidden_reason = NULL WHERE id = {hidden_review}",
        "UPDATE reviews SET hidden_at = now(), hidden_by_id = customer_id, hidden_reason = 'x' WHERE id = {review}",
        "UPDATE review_reports SET settled_at = NULL",
    ],
    "cases-have-their-people": [
        "UPDATE cases SET opened_by_id = professional_id",
        "DELETE FROM case_messages",
    ],
    "cases-keep-their-clock": [
        "UPDATE cases SET answer_due_at = opened_at",
        "UPDATE cases SET queue_at = opened_at",
        "UPDATE cases SET decided_at = opened_at - interval '1 hour' WHERE state = 'decided'",
        "UPDATE case_messages SET created_at = created_at - interval '1 day'",
    ],
    "disputes-settled-with-their-case": [
        "INSERT INTO disputes SELECT id, customer_id, 'x', now() FROM bookings WHERE reference = '{completed}'"
    ],
    "redos-repeat-their-booking": [
        "UPDATE bookings SET redo_of_id = " + OF.format("{completed}") + " WHERE reference = '{started}'"
    ],
    "ratings-match-reviews": ["UPDATE professional_ratings SET five = five + 1"],
    "professional-totals-match": ["UPDATE professionals SET admin_status = 2"],
    "candidates-are-current": [
        "UPDATE professionals SET week = '[]'",
        "UPDATE coverage SET metres = 1",
        "UPDATE coverage_homes SET metres = 1",
        "DELETE FROM coverage_homes",
        "UPDATE offered_services SET stars = 1",
        "UPDATE offered_services SET home_pincode = '600001'",
        "UPDATE offered_hours SET closes = closes - 1",
        "DELETE FROM offered_hours",
    ],
    "messages-match-bookings": [
        "UPDATE booking_messages SET author_id = {meena}",
        "UPDATE booking_messages SET photo_count = 2",
        "UPDATE booking_messages SET created_at = created_at - interval '1 year'",
        "DELETE FROM photos",
    ],
    "withheld-payouts-leave-nothing": [
        "UPDATE cases SET outcomes = ARRAY['payout_withheld'], withheld = 5 WHERE state = 'decided'",
    ],
    "withheld-payouts-have-their-case": [
        "INSERT INTO ledger_transactions (booking_id, kind, at) SELECT booking_id, 'withheld', now() FROM cases",
        "INSERT INTO ledger_transactions (booking_id, kind, at)"
        " SELECT booking_id, 'withholding_released', now() FROM cases",
        "UPDATE cases SET payout_released = 5 WHERE state = 'decided'",
    ],
    "photos-match-what-they-were-sent-with": [
        "UPDATE photos SET uploader_id = {meena} WHERE message_id IS NOT NULL",
        "UPDATE photos SET uploader_id = {meena} WHERE appeal_id IS NOT NULL",
        "UPDATE appeals SET photo_count = 2, created_at = now() WHERE photo_count = 1",
        "UPDATE case_messages SET photo_count = 2, created_at = now() WHERE photo_count = 1",
        "UPDATE case_messages SET photo_count = 0 WHERE photo_count = 1",
    ],
    "outbox-rows-settled-once": ["UPDATE outbox SET attempts = 21"],
    "sessions-are-current": ["UPDATE sessions SET epoch = epoch + 1"],
    "history-cannot-be-changed": ["DROP TRIGGER events_append_only ON events"],
    "constraints-are-valid": ["ALTER TABLE extras ADD CONSTRAINT dear CHECK (price > 99999999) NOT VALID"],
    "constraints-exist": ["ALTER TABLE monthly_reports DROP CONSTRAINT monthly_reports_month_key"],
    "event-chains-are-intact": [
        OPEN.format("events"),
        """UPDATE events SET facts = facts || '{{"price": 1}}' WHERE name = 'booking.held'""",
    ],
    "travel-time-between-jobs": [
        "UPDATE bookings b SET starts_at = a.ends_at + interval '15 minutes', pincode = '600045',"
        " ends_at = a.ends_at + b.minutes * interval '1 minute' + interval '15 minutes'"
        " FROM bookings a WHERE a.reference = '{assigned}' AND b.reference = '{requested}'",
        "UPDATE reservations r SET span = tstzrange(b.starts_at, b.ends_at + interval '10 minutes'),"
        " pincode = b.pincode, professional_id = a.professional_id FROM bookings a, bookings b"
        " WHERE a.reference = '{assigned}' AND b.reference = '{requested}' AND r.booking_id = b.id",
    ],
    "deleted-accounts-are-erased": ["UPDATE users SET deleted_at = now() WHERE role = 'customer'"],
    "files-match-rows": ["UPDATE documents SET stored_as = repeat('0', 32) WHERE id = (SELECT min(id) FROM documents)"],
    "retired-services-not-booked": ["UPDATE services SET retired_at = '2026-01-01' WHERE id = {service_id}"],
    "service-prices-match-history": [
        "UPDATE services SET price = price + 1 WHERE id = {unbooked}",
    ],
    "schema-is-current": ["UPDATE alembic_version SET version_num = '0000'"],
    "booking-states-are-continuous": [
        OPEN.format("events"),
        "UPDATE events SET facts = jsonb_set(facts, '{{before,state}}', '\"held\"') WHERE name = 'booking.started'",
    ],
    "moves-by-permitted-roles": [
        OPEN.format("events"),
        "UPDATE events SET actor_role = 'customer' WHERE name = 'booking.started'",
    ],
    "documents-match-history": ["UPDATE documents SET state = 'approved', decided_at = now()"],
    "approvals-match-history": [
        OPEN.format("events"),
        "INSERT INTO events (subject, seq, name, actor_role, at, facts, previous, hash) SELECT 'user-' || user_id, 99,"
        """ 'person.approved', 'admin', now(), '{{"after": {{"standing": "approved"}}}}', 'x', 'x' FROM professionals"""
        " WHERE approval_status = 'pending'",
    ],
    "blocks-match-history": ["UPDATE blocks SET lifted_at = now(), lifted_by_id = blocked_by_id, lifted_reason = 'x'"],
    "blocks-end-sessions": ["UPDATE sessions SET created_at = created_at - interval '1 day'"],
    "an-admin-is-active": [
        "INSERT INTO blocks (user_id, blocked_by_id, reason, created_at) SELECT id, id, 'x', now() FROM users"
        " WHERE role = 'admin'"
    ],
    "idempotency-keys-have-results": [
        "INSERT INTO idempotency_keys SELECT id, 'k', 'payment', 'd', '', now() FROM users LIMIT 1"
    ],
    "assignment-emails-exist": [
        OPEN.format("events"),
        """UPDATE events SET at = now(), facts = facts || '{{"channel": "page"}}' WHERE name = 'booking.assigned'""",
        "DELETE FROM outbox",
    ],
    "event-values-match-digests": ["UPDATE event_values SET value = 'Somewhere else' WHERE name = 'address'"],
    "no-stored-card-numbers": [
        "UPDATE bookings SET note = 'my card is 4242 4242 4242 4242' WHERE reference = '{started}'"
    ],
}


NAMED_ROW = re.compile(r"[a-z_]+[-. ]\S.*")  # "booking 7K3MQ9WD", "booking-7K3MQ9WD, event 4", "extras.price of 3"


async def test_sound_data_breaks_no_rule(sound):
    async with sound.trying() as db:
        assert await find_violations(db, sound.storage) == []


def test_every_rule_is_planted_once():
    assert set(PLANTED) == set(RULES)


@pytest.mark.parametrize("rule", PLANTED)
async def test_what_must_never_be_is_found(sound, rule):
    async with sound.trying(as_owner=True) as db:
        for statement in PLANTED[rule]:
            await db.execute(text(statement.format(**sound.town.values).replace(":", "\\:")))
        found = await find_violations(db, sound.storage)
    assert rule in {item.rule for item in found}
    assert [item.subject for item in found if not NAMED_ROW.fullmatch(item.subject)] == []


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM events WHERE name = 'booking.closed'",
        "DELETE FROM events WHERE subject = 'booking-{assigned}'",
        "UPDATE events SET subject = 'booking-NOBODYS1' WHERE subject = 'booking-{held}'",
        "UPDATE events SET actor_id = 1 WHERE name = 'booking.assigned'",
        "UPDATE events SET at = at + interval '1 second' WHERE name = 'booking.assigned'",
    ],
)
async def test_history_that_was_tampered_with_shows_it(sound, change):
    async with sound.trying(as_owner=True) as db:
        await db.execute(text("ALTER TABLE event_values DROP CONSTRAINT event_values_event_id_fkey"))
        await db.execute(text(OPEN.format("events")))
        await db.execute(text(change.format(**sound.town.values)))
        assert "event-chains-are-intact" in {violation.rule for violation in await find_violations(db)}


async def test_a_long_history_is_read_in_batches(sound, monkeypatch):
    """PostgreSQL ends a transaction that waits while the program works on too many rows at a time."""
    batches, fetch = [], Cursor.fetch

    async def record_fetch(cursor, n, **options):
        batches.append(await fetch(cursor, n, **options))
        return batches[-1]

    monkeypatch.setattr(Cursor, "fetch", record_fetch)
    async with sound.trying(as_owner=True) as db:
        await db.execute(text(OPEN.format("events")))
        await db.execute(text(FORGED_EVENTS))
        async with aclosing(find_broken_chains(db)) as broken:
            assert await anext(broken) == "a-1, event 1"
    assert 0 < sum(map(len, batches)) <= 1_000


async def test_an_application_role_that_may_change_history_is_reported(sound, services):
    role = sound.app.engine.url.username
    services.sql(f"GRANT UPDATE ON events TO {role}", sound.name)
    try:
        async with sound.trying() as db:
            assert {violation.rule for violation in await find_violations(db)} == {"history-cannot-be-changed"}
    finally:
        services.sql(f"REVOKE UPDATE ON events FROM {role}", sound.name)


async def test_a_mean_of_stars_is_no_card_number_and_a_card_names_its_row(sound):
    async with sound.trying(as_owner=True) as db:
        await db.execute(
            text(
                "INSERT INTO monthly_reports (user_id, month, facts, created_at)"
                " SELECT id, '2026-10-01', :facts, now() FROM users LIMIT 1"
            ),
            {"facts": '{"stars": 4.666666666666667, "other": [4.242424242424242]}'},
        )
        assert await find_violations(db, sound.storage) == []
        note = "UPDATE bookings SET note = '4242 4242 4242 4242' WHERE reference = :reference RETURNING id"
        booking_id = await db.scalar(text(note), {"reference": sound.town.values["started"]})
        (violation,) = [found for found in await find_violations(db) if found.rule == "no-stored-card-numbers"]
        assert violation.subject == f"bookings.note of {booking_id}"
