"""`doorstep check` finds nothing in sound data, and each thing that must never be, when it is planted."""

import pytest
from sqlalchemy import text

from app.check.run import RULES, broken

OPEN = "ALTER TABLE {0} DISABLE TRIGGER USER"
OF = "(SELECT id FROM bookings WHERE reference = '{0}')"

# Rule → what the owner of the tables does to break it; {name} is a word of the town.
PLANTED: dict[str, list[str]] = {
    "no-double-booking": [
        "ALTER TABLE bookings DROP CONSTRAINT bookings_overlap_excl",
        "UPDATE bookings b SET starts_at = a.starts_at, ends_at = a.ends_at, span = a.span,"
        " reserved_for = a.reserved_for FROM bookings a"
        " WHERE a.reference = '{assigned}' AND b.reference = '{requested}'",
    ],
    "codes-in-order": [
        "UPDATE codes SET used_at = NULL, voided_at = now() WHERE phase = 'start' AND booking_id = "
        + OF.format("{started}")
    ],
    "codes-within-tries": ["UPDATE codes SET used_at = issued_at - interval '1 hour' WHERE used_at IS NOT NULL"],
    "codes-sealed-away": [
        "UPDATE codes SET booking_id = " + OF.format("{completed}") + " WHERE booking_id = " + OF.format("{assigned}")
    ],
    "state-follows-history": [
        "UPDATE bookings SET state = 'completed', completed_at = now() WHERE reference = '{started}'"
    ],
    "moves-are-legal": [
        OPEN.format("events"),
        "UPDATE events SET name = 'booking.completed' WHERE name = 'booking.requested'",
    ],
    "people-have-their-roles": ["UPDATE bookings SET customer_id = professional_id WHERE reference = '{started}'"],
    "only-approved-people-accept": ["UPDATE blocks SET created_at = '2026-01-01'"],
    "ledger-sums-to-zero": [
        OPEN.format("ledger_entries"),
        "UPDATE ledger_entries SET amount = amount + 1 WHERE id = (SELECT min(id) FROM ledger_entries)",
    ],
    "money-is-whole-paise": ["ALTER TABLE extras ADD COLUMN rupees numeric(10, 2)"],
    "charges-match-the-ledger": ["UPDATE charges SET captured = captured - 1 WHERE captured > 0"],
    "done-is-charged-once": ["UPDATE bookings SET price = price + 100 WHERE reference = '{completed}'"],
    "nothing-stays-held": [
        OPEN.format("ledger_transactions"),
        "UPDATE ledger_transactions SET booking_id = "
        + OF.format("{completed}")
        + " WHERE booking_id = "
        + OF.format("{assigned}"),
    ],
    "open-bookings-are-secured": [
        "UPDATE charges SET state = 'released' WHERE booking_id = " + OF.format("{assigned}")
    ],
    "reports-are-a-recount": [
        "UPDATE bookings SET commission = commission + 1 WHERE reference = '{completed}'",
        "UPDATE bookings SET rating = 1 WHERE reference = '{started}'",
    ],
    "ratings-are-a-recount": ["UPDATE professional_ratings SET five = five + 1"],
    "the-desk-shows-professionals-as-they-stand": ["UPDATE professionals SET shown_as = 2"],
    "outbox-ends-once": ["UPDATE outbox SET attempts = 21"],
    "sessions-are-current": ["UPDATE sessions SET epoch = epoch + 1"],
    "history-cannot-be-changed": ["DROP TRIGGER events_append_only ON events"],
    "constraints-are-whole": ["ALTER TABLE extras ADD CONSTRAINT dear CHECK (price > 99999999) NOT VALID"],
    "guards-stand": ["ALTER TABLE monthly_reports DROP CONSTRAINT monthly_reports_month_key"],
    "history-is-unbroken": [
        OPEN.format("events"),
        """UPDATE events SET facts = facts || '{{"price": 1}}' WHERE name = 'booking.held'""",
    ],
    "ways-fit-between-jobs": [
        "UPDATE bookings b SET starts_at = a.ends_at + interval '15 minutes', pincode = '600045',"
        " ends_at = a.ends_at + b.minutes * interval '1 minute' + interval '15 minutes', reserved_for = a.reserved_for,"
        " span = tstzrange(a.ends_at + interval '15 minutes', a.ends_at + (b.minutes + 25) * interval '1 minute')"
        " FROM bookings a WHERE a.reference = '{assigned}' AND b.reference = '{requested}'"
    ],
    "who-left-is-forgotten": ["UPDATE users SET left_at = now() WHERE role = 'customer'"],
    "files-match-their-rows": [
        "UPDATE documents SET stored_as = repeat('0', 32) WHERE id = (SELECT min(id) FROM documents)"
    ],
    "retired-is-retired": ["UPDATE services SET retired_at = '2026-01-01' WHERE id = {service_id}"],
    "prices-follow-history": [
        "UPDATE services SET price = price + 1 WHERE id = {unbooked}",
    ],
    "schema-is-current": ["UPDATE alembic_version SET version_num = '0000'"],
    "states-follow-one-another": [
        OPEN.format("events"),
        "UPDATE events SET facts = jsonb_set(facts, '{{before,state}}', '\"held\"') WHERE name = 'booking.started'",
    ],
    "moves-by-those-who-may": [
        OPEN.format("events"),
        "UPDATE events SET actor_role = 'customer' WHERE name = 'booking.started'",
    ],
    "papers-follow-history": ["UPDATE documents SET state = 'approved', decided_at = now()"],
    "standings-follow-history": [
        OPEN.format("events"),
        "INSERT INTO events (subject, seq, name, actor_role, at, facts, previous, hash) SELECT 'user-' || user_id, 99,"
        """ 'person.approved', 'admin', now(), '{{"after": {{"standing": "approved"}}}}', 'x', 'x' FROM professionals"""
        " WHERE standing = 'pending'",
    ],
    "blocks-follow-history": ["UPDATE blocks SET lifted_at = now(), lifted_by_id = by_id, lifted_reason = 'x'"],
    "blocks-end-sessions": ["UPDATE sessions SET created_at = created_at - interval '1 day'"],
    "somebody-looks-after-it": [
        "INSERT INTO blocks (user_id, by_id, reason, created_at) SELECT id, id, 'x', now() FROM users"
        " WHERE role = 'admin'"
    ],
    "sent-forms-made-something": [
        "INSERT INTO idempotency_keys SELECT id, 'k', 'payment', 'd', '', now() FROM users LIMIT 1"
    ],
    "customers-hear-who-comes": [
        OPEN.format("events"),
        """UPDATE events SET at = now(), facts = facts || '{{"channel": "page"}}' WHERE name = 'booking.assigned'""",
        "DELETE FROM outbox",
    ],
    "kept-words-are-true": ["UPDATE event_values SET value = 'Somewhere else' WHERE name = 'address'"],
    "no-card-is-stored": ["UPDATE bookings SET note = 'my card is 4242 4242 4242 4242' WHERE reference = '{started}'"],
}


async def test_sound_data_breaks_no_rule(sound):
    async with sound.trying() as db:
        assert await broken(db, sound.storage) == []


def test_every_rule_is_planted_once():
    assert set(PLANTED) == set(RULES)


@pytest.mark.parametrize("rule", PLANTED)
async def test_what_must_never_be_is_found(sound, rule):
    async with sound.trying(as_owner=True) as db:
        for statement in PLANTED[rule]:
            await db.execute(text(statement.format(**sound.town.words).replace(":", "\\:")))
        found = await broken(db, sound.storage)
    assert rule in {one.rule for one in found}
    assert all(one.what for one in found)


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
        await db.execute(text(change.format(**sound.town.words)))
        assert "history-is-unbroken" in {one.rule for one in await broken(db)}


async def test_an_application_role_that_may_change_history_is_told_of(sound, services):
    role = sound.app.engine.url.username
    services.sql(f"GRANT UPDATE ON events TO {role}", sound.name)
    try:
        async with sound.trying() as db:
            assert {one.rule for one in await broken(db)} == {"history-cannot-be-changed"}
    finally:
        services.sql(f"REVOKE UPDATE ON events FROM {role}", sound.name)
