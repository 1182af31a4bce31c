"""Rename tables, columns, constraints, indexes, triggers and functions to the standard terms. Rows stay as they are.

Expressions of checks, indexes, generated columns and SQL functions follow a rename by themselves. The bodies of
PL/pgSQL functions are text: those that name a renamed column are replaced.
"""

from collections.abc import Iterator

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = {
    "mail_links": "email_links",
    "muted": "muted_topics",
    "notices": "inbox_items",
    "offerings": "offered_services",
    "webhook_tries": "webhook_attempts",
}
# Everything below by the new name of its table.
COLUMNS = {
    "blocks": {"by_id": "blocked_by_id"},
    "bookings": {
        "asked_until": "exclusive_until",
        "by_clock": "completed_automatically",
        "named_id": "requested_professional_id",
    },
    "codes": {"sealed": "encrypted_code"},
    "exports": {"by_id": "requested_by_id", "heard_at": "heartbeat_at"},
    "monthly_reports": {"made_at": "created_at"},
    "offered_services": {"standing": "approval_status"},
    "outbox": {"lane": "priority"},
    "professionals": {
        "papers_expire_on": "documents_expire_on",
        "shown_as": "admin_status",
        "standing": "approval_status",
    },
    "schedule_runs": {"handed_until": "claimed_until", "running_until": "leased_until", "told": "result"},
    "users": {"left_at": "deleted_at", "words": "search_text"},
    "webhook_attempts": {"told": "result", "took": "duration_ms"},
    "webhooks": {
        "by_id": "created_by_id",
        "old_sealed": "previous_encrypted_secret",
        "old_until": "previous_secret_until",
        "sealed": "encrypted_secret",
    },
}
# Of a primary key or a unique constraint, the index too.
CONSTRAINTS = {
    "blocks": {"blocks_by_id_fkey": "blocks_blocked_by_id_fkey"},
    "bookings": {
        "bookings_named_id_fkey": "bookings_requested_professional_id_fkey",
        "bookings_words_check": "bookings_text_check",
    },
    "codes": {"codes_seal_erased_check": "codes_erased_check"},
    "email_links": {
        "mail_links_digest_key": "email_links_digest_key",
        "mail_links_pkey": "email_links_pkey",
        "mail_links_purpose_check": "email_links_purpose_check",
        "mail_links_user_id_fkey": "email_links_user_id_fkey",
    },
    "exports": {"exports_by_id_fkey": "exports_requested_by_id_fkey"},
    "inbox_items": {
        "notices_dedupe_key_key": "inbox_items_dedupe_key_key",
        "notices_pkey": "inbox_items_pkey",
        "notices_user_id_fkey": "inbox_items_user_id_fkey",
    },
    "muted_topics": {
        "muted_channel_check": "muted_topics_channel_check",
        "muted_pkey": "muted_topics_pkey",
        "muted_topic_check": "muted_topics_topic_check",
        "muted_user_id_fkey": "muted_topics_user_id_fkey",
    },
    "offered_services": {
        "offerings_pkey": "offered_services_pkey",
        "offerings_professional_id_fkey": "offered_services_professional_id_fkey",
        "offerings_service_id_fkey": "offered_services_service_id_fkey",
        "offerings_standing_check": "offered_services_approval_status_check",
    },
    "outbox": {
        "outbox_lane_check": "outbox_priority_check",
        "outbox_somebody_check": "outbox_recipient_check",
    },
    "professionals": {"professionals_standing_check": "professionals_approval_status_check"},
    "webhook_attempts": {
        "webhook_tries_outbox_id_fkey": "webhook_attempts_outbox_id_fkey",
        "webhook_tries_pkey": "webhook_attempts_pkey",
    },
    "webhooks": {
        "webhooks_by_id_fkey": "webhooks_created_by_id_fkey",
        "webhooks_old_check": "webhooks_previous_secret_check",
    },
}
INDEXES = {
    "blocks_in_force_key": "blocks_active_key",
    "bookings_asked_idx": "bookings_demand_idx",
    "bookings_by_clock_idx": "bookings_completed_automatically_idx",
    "bookings_ended_idx": "bookings_cancelled_as_idx",
    "bookings_place_idx": "bookings_pincode_idx",
    "exports_by_id_idx": "exports_requested_by_id_idx",
    "mail_links_user_id_idx": "email_links_user_id_idx",
    "notices_unread_idx": "inbox_items_unread_idx",
    "notices_user_idx": "inbox_items_user_idx",
    "offerings_service_id_idx": "offered_services_service_id_idx",
    "professionals_shown_as_idx": "professionals_admin_status_idx",
    "users_left_idx": "users_deleted_idx",
    "users_professional_words_idx": "users_professional_search_text_idx",
    "users_since_idx": "users_created_idx",
    "users_words_idx": "users_search_text_idx",
    "webhook_tries_outbox_id_idx": "webhook_attempts_outbox_id_idx",
    "webhooks_living_key": "webhooks_active_key",
}
SEQUENCES = {
    "mail_links_id_seq": "email_links_id_seq",
    "notices_id_seq": "inbox_items_id_seq",
    "webhook_tries_id_seq": "webhook_attempts_id_seq",
}
TRIGGERS = {
    "blocks": {"blocks_settle_shown": "blocks_admin_status"},
    "bookings": {"bookings_nobody_blocked": "bookings_refuse_blocked"},
    "events": {"events_never_emptied": "events_no_truncate"},
    "ledger_entries": {
        "ledger_entries_add_up": "ledger_entries_booking_totals",
        "ledger_entries_never_emptied": "ledger_entries_no_truncate",
    },
    "ledger_transactions": {"ledger_transactions_never_emptied": "ledger_transactions_no_truncate"},
    "professional_ratings": {"professional_ratings_copy_record": "professional_ratings_totals"},
    "professionals": {"professionals_settle_shown": "professionals_admin_status"},
    "reviews": {"reviews_copy_rating": "reviews_booking_rating"},
    "users": {"users_settle_shown": "users_admin_status"},
    "verifications": {"verifications_settle_shown": "verifications_admin_status"},
}
# By the types of their arguments.
FUNCTIONS = {
    "": {
        "add_up_money": "update_booking_totals",
        "copy_rating": "update_booking_rating",
        "copy_record": "update_professional_totals",
        "settle_shown": "update_admin_status",
    },
    "date": {"eligible_offerings": "eligible_services"},
}

# Whoever is blocked, deleted or an admin neither books, pays for nor accepts a booking. The key-share lock waits for a
# running block of that person, and makes the block wait for this transaction.
REFUSE_BLOCKED = """
CREATE OR REPLACE FUNCTION refuse_blocked() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE who bigint;
BEGIN
    IF TG_OP = 'INSERT' OR (OLD.state = 'held' AND NEW.state = 'requested') THEN
        who := NEW.customer_id;
    ELSIF NEW.state = 'assigned' AND OLD.state <> 'assigned' THEN
        who := NEW.professional_id;
    ELSE
        RETURN NEW;
    END IF;
    PERFORM 1 FROM users WHERE id = who FOR KEY SHARE;
    IF EXISTS (SELECT 1 FROM blocks WHERE user_id = who AND lifted_at IS NULL)
       OR EXISTS (SELECT 1 FROM users WHERE id = who AND ({deleted_at} IS NOT NULL OR role = 'admin')) THEN
        RAISE EXCEPTION 'person % may not book or accept', who
            USING ERRCODE = 'check_violation', CONSTRAINT = '{constraint}';
    END IF;
    RETURN NEW;
END $$
"""
# The status by which the admin's table of professionals is sorted: 0 waiting, 1 approved, 2 denied, 3 blocked,
# 4 deleted. The trigger's argument is the column that holds the professional's id.
ADMIN_STATUS = """
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE who bigint := (to_jsonb(NEW) ->> TG_ARGV[0])::bigint;
BEGIN
    UPDATE professionals t SET {admin_status} = s.shown
      FROM (SELECT CASE WHEN u.{deleted_at} IS NOT NULL THEN 4
            WHEN EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = u.id AND b.lifted_at IS NULL) THEN 3
            WHEN p.{approval_status} = 'pending' THEN 0
            WHEN EXISTS (SELECT 1 FROM verifications v WHERE v.professional_id = u.id AND v.state = 'open') THEN 0
            WHEN p.{approval_status} = 'approved' THEN 1 ELSE 2 END AS shown"""
ADMIN_STATUS += """ FROM professionals p JOIN users u ON u.id = p.user_id WHERE p.user_id = who) s
     WHERE t.user_id = who AND t.{admin_status} <> s.shown;
    RETURN NULL;
END $$
"""


def renames() -> Iterator[tuple[str, str, str]]:
    """Yield each statement with the old and the new name."""
    for kind, names in (("TABLE", TABLES), ("INDEX", INDEXES), ("SEQUENCE", SEQUENCES)):
        yield from ((f"ALTER {kind} {{}} RENAME TO {{}}", *pair) for pair in names.items())
    for table, names in COLUMNS.items():
        yield from ((f"ALTER TABLE {table} RENAME COLUMN {{}} TO {{}}", *pair) for pair in names.items())
    for table, names in CONSTRAINTS.items():
        yield from ((f"ALTER TABLE {table} RENAME CONSTRAINT {{}} TO {{}}", *pair) for pair in names.items())
    for table, names in TRIGGERS.items():
        yield from ((f"ALTER TRIGGER {{}} ON {table} RENAME TO {{}}", *pair) for pair in names.items())
    for arguments, names in FUNCTIONS.items():
        yield from ((f"ALTER FUNCTION {{}}({arguments}) RENAME TO {{}}", *pair) for pair in names.items())


def upgrade() -> None:
    for statement, old, new in renames():
        op.execute(statement.format(old, new))
    op.execute(REFUSE_BLOCKED.format(deleted_at="deleted_at", constraint="bookings_refuse_blocked"))
    op.execute(
        ADMIN_STATUS.format(
            function="update_admin_status",
            admin_status="admin_status",
            approval_status="approval_status",
            deleted_at="deleted_at",
        )
    )


def downgrade() -> None:
    for statement, old, new in reversed(list(renames())):
        op.execute(statement.format(new, old))
    op.execute(REFUSE_BLOCKED.format(deleted_at="left_at", constraint="bookings_nobody_blocked"))
    op.execute(
        ADMIN_STATUS.format(
            function="settle_shown", admin_status="shown_as", approval_status="standing", deleted_at="left_at"
        )
    )
