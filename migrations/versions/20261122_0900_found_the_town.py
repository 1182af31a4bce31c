"""People, places, catalogue, bookings, money and history; what the database itself refuses."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


EXTENSIONS = ("pg_trgm", "fuzzystrmatch", "btree_gist")

# Facts and money lines are only ever added, whoever asks.
APPEND_ONLY = ("events", "ledger_transactions", "ledger_entries")

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $$
"""

# An event continues its own record's chain, and no other's.
CHAIN = """
CREATE FUNCTION check_event_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE before bytea;
BEGIN
    IF NEW.seq > 1 THEN
        SELECT hash INTO before FROM events WHERE subject = NEW.subject AND seq = NEW.seq - 1;
        IF before IS DISTINCT FROM NEW.previous THEN
            RAISE EXCEPTION 'event % of % does not continue its chain', NEW.seq, NEW.subject
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    ELSIF NEW.seq <> 1 OR NEW.previous <> sha256(convert_to(NEW.subject, 'UTF8')) THEN
        RAISE EXCEPTION 'event % of % does not begin its chain', NEW.seq, NEW.subject
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$
"""

ZERO_SUM = """
CREATE FUNCTION check_zero_sum() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    which bigint := CASE TG_TABLE_NAME WHEN 'ledger_entries' THEN (to_jsonb(NEW) ->> 'transaction_id')::bigint
                                       ELSE (to_jsonb(NEW) ->> 'id')::bigint END;
    lines bigint;
    total numeric;
BEGIN
    SELECT count(*), coalesce(sum(amount), 0) INTO lines, total FROM ledger_entries WHERE transaction_id = which;
    IF lines < 2 OR total <> 0 THEN
        RAISE EXCEPTION 'ledger transaction % has % lines that sum to %', which, lines, total
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_zero_sum';
    END IF;
    RETURN NULL;
END $$
"""


def guard_history() -> None:
    op.execute(REFUSE_CHANGE)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(CHAIN)
    op.execute("CREATE TRIGGER events_chain BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION check_event_chain()")


def guard_money() -> None:
    op.execute(ZERO_SUM)
    for table in ("ledger_transactions", "ledger_entries"):
        op.execute(
            f"CREATE CONSTRAINT TRIGGER {table}_zero_sum AFTER INSERT ON {table}"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_zero_sum()"
        )


def upgrade() -> None:
    for extension in EXTENSIONS:
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    op.create_table(
        "attempts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wait_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("attempts_pkey")),
    )
    op.create_table(
        "categories",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("short_name", sa.Text(), nullable=False),
        sa.Column("drawing", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("categories_pkey")),
        sa.UniqueConstraint("name", name=op.f("categories_name_key")),
        sa.UniqueConstraint("slug", name=op.f("categories_slug_key")),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_role", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("events_pkey")),
        sa.UniqueConstraint("subject", "seq", name="events_subject_seq_key"),
    )
    op.create_table(
        "pincodes",
        sa.Column("pincode", sa.String(length=6), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("quality", sa.Text(), nullable=False),
        sa.CheckConstraint("pincode ~ '^[1-9][0-9]{5}$'", name=op.f("pincodes_pincode_check")),
        sa.PrimaryKeyConstraint("pincode", name=op.f("pincodes_pkey")),
    )
    op.create_index(
        "pincodes_place_trgm_idx",
        "pincodes",
        ["place"],
        unique=False,
        postgresql_using="gist",
        postgresql_ops={"place": "gist_trgm_ops"},
    )
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("email_verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("event_head", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("role IN ('customer', 'professional', 'admin')", name=op.f("users_role_check")),
        sa.CheckConstraint("length(full_name) BETWEEN 1 AND 120", name=op.f("users_full_name_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("users_pkey")),
    )
    op.create_index("users_email_key", "users", [sa.literal_column("lower(email)")], unique=True)
    op.create_table(
        "addresses",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("pincode", sa.String(length=6), nullable=False),
        sa.Column("is_main", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(line) BETWEEN 1 AND 300", name=op.f("addresses_line_check")),
        sa.ForeignKeyConstraint(["pincode"], ["pincodes.pincode"], name=op.f("addresses_pincode_fkey")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("addresses_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("addresses_pkey")),
    )
    op.create_index("addresses_main_key", "addresses", ["user_id"], unique=True, postgresql_where=sa.text("is_main"))
    op.create_index("addresses_user_id_idx", "addresses", ["user_id"], unique=False)
    op.create_table(
        "blocks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("length(reason) > 0", name=op.f("blocks_reason_check")),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("blocks_by_id_fkey")),
        sa.ForeignKeyConstraint(["lifted_by_id"], ["users.id"], name=op.f("blocks_lifted_by_id_fkey")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("blocks_user_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("blocks_pkey")),
    )
    op.create_index(
        "blocks_in_force_key", "blocks", ["user_id"], unique=True, postgresql_where=sa.text("lifted_at IS NULL")
    )
    op.create_table(
        "event_values",
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("event_values_event_id_fkey")),
        sa.PrimaryKeyConstraint("event_id", "name", name=op.f("event_values_pkey")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("idempotency_keys_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("idempotency_keys_pkey")),
    )
    op.create_table(
        "mail_links",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("purpose IN ('verify', 'reset')", name=op.f("mail_links_purpose_check")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("mail_links_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("mail_links_pkey")),
        sa.UniqueConstraint("digest", name=op.f("mail_links_digest_key")),
    )
    op.create_index("mail_links_user_id_idx", "mail_links", ["user_id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recipient_id", sa.BigInteger(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("recipient_id IS NOT NULL OR address IS NOT NULL", name=op.f("outbox_somebody_check")),
        sa.ForeignKeyConstraint(["recipient_id"], ["users.id"], name=op.f("outbox_recipient_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("outbox_pkey")),
        sa.UniqueConstraint("dedupe_key", name=op.f("outbox_dedupe_key_key")),
    )
    op.create_index(
        "outbox_due_idx",
        "outbox",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("sent_at IS NULL AND parked_at IS NULL"),
    )
    op.create_table(
        "professionals",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("standing", sa.Text(), server_default="pending", nullable=False),
        sa.Column("trade", sa.Text(), nullable=False),
        sa.Column("experience_years", sa.Integer(), nullable=False),
        sa.Column("home_pincode", sa.String(length=6), nullable=False),
        sa.Column("denial_reason", sa.Text(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(standing = 'approved') = (approved_at IS NOT NULL)", name=op.f("professionals_approved_check")
        ),
        sa.CheckConstraint("standing IN ('pending', 'approved', 'denied')", name=op.f("professionals_standing_check")),
        sa.CheckConstraint("experience_years BETWEEN 0 AND 70", name=op.f("professionals_experience_check")),
        sa.ForeignKeyConstraint(["home_pincode"], ["pincodes.pincode"], name=op.f("professionals_home_pincode_fkey")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("professionals_user_id_fkey")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("professionals_pkey")),
    )
    op.create_index(
        "professionals_approved_idx",
        "professionals",
        ["user_id"],
        unique=False,
        postgresql_where=sa.text("standing = 'approved'"),
    )
    op.create_table(
        "services",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("included", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("excluded", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("notice_minutes", sa.Integer(), server_default="120", nullable=False),
        sa.Column("horizon_days", sa.Integer(), server_default="7", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            sa.Computed("to_tsvector('english', name || ' ' || description)", persisted=True),
            nullable=False,
        ),
        sa.Column("event_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("event_head", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("mode IN ('instant', 'offer', 'quote')", name=op.f("services_mode_check")),
        sa.CheckConstraint("minutes BETWEEN 15 AND 720", name=op.f("services_minutes_check")),
        sa.CheckConstraint("notice_minutes >= 0 AND horizon_days BETWEEN 1 AND 60", name=op.f("services_window_check")),
        sa.CheckConstraint("price BETWEEN 100 AND 100000000", name=op.f("services_price_check")),
        sa.ForeignKeyConstraint(["category_id"], ["categories.id"], name=op.f("services_category_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("services_pkey")),
        sa.UniqueConstraint("name", name=op.f("services_name_key")),
        sa.UniqueConstraint("slug", name=op.f("services_slug_key")),
    )
    op.create_index("services_category_id_idx", "services", ["category_id"], unique=False)
    op.create_index(
        "services_name_trgm_idx",
        "services",
        ["name"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"name": "gin_trgm_ops"},
    )
    op.create_index("services_search_idx", "services", ["search"], unique=False, postgresql_using="gin")
    op.create_table(
        "sessions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fresh_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_agent", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("sessions_user_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("sessions_pkey")),
        sa.UniqueConstraint("digest", name=op.f("sessions_digest_key")),
    )
    op.create_index("sessions_expires_at_idx", "sessions", ["expires_at"], unique=False)
    op.create_index("sessions_user_id_idx", "sessions", ["user_id"], unique=False)
    op.create_table(
        "bookings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("reference", sa.String(length=8), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("service_name", sa.Text(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("pincode", sa.String(length=6), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("span", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("named_id", sa.BigInteger(), nullable=True),
        sa.Column("asked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reserved_for", sa.BigInteger(), nullable=True),
        sa.Column("professional_id", sa.BigInteger(), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("payment", sa.Text(), nullable=True),
        sa.Column("fee", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("departed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_as", sa.Text(), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("by_clock", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("event_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("event_head", sa.LargeBinary(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("reserved_for"), "="),
            (sa.column("span"), "&&"),
            where=sa.text("state IN ('held', 'requested', 'assigned', 'started') AND reserved_for IS NOT NULL"),
            using="gist",
            name="bookings_overlap_excl",
        ),
        sa.CheckConstraint(
            "(state = 'cancelled') = (cancelled_as IS NOT NULL) AND (state = 'cancelled') = (cancelled_at IS NOT NULL)",
            name=op.f("bookings_cancelled_check"),
        ),
        sa.CheckConstraint(
            "(state IN ('assigned', 'started')) <= (professional_id IS NOT NULL AND reserved_for IS NOT NULL AND reserved_for = professional_id)",
            name=op.f("bookings_assigned_check"),
        ),
        sa.CheckConstraint(
            "cancelled_as IN ('customer', 'platform', 'unfilled', 'expired', 'no_show', 'professional_absent')",
            name=op.f("bookings_cancelled_as_check"),
        ),
        sa.CheckConstraint("ends_at = starts_at + minutes * interval '1 minute'", name=op.f("bookings_ends_check")),
        sa.CheckConstraint(
            "lower(span) = starts_at AND upper(span) = ends_at + interval '10 minutes'",
            name=op.f("bookings_span_check"),
        ),
        sa.CheckConstraint("payment IN ('card', 'upi', 'after')", name=op.f("bookings_payment_check")),
        sa.CheckConstraint(
            "state <> 'held' OR (reserved_for IS NOT NULL AND held_until IS NOT NULL)", name=op.f("bookings_held_check")
        ),
        sa.CheckConstraint(
            "state <> 'requested' OR (professional_id IS NULL AND requested_at IS NOT NULL AND payment IS NOT NULL)",
            name=op.f("bookings_requested_check"),
        ),
        sa.CheckConstraint(
            "state IN ('held', 'requested', 'assigned', 'started', 'completed', 'closed', 'cancelled')",
            name=op.f("bookings_state_check"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('completed', 'closed') OR (professional_id IS NOT NULL AND completed_at IS NOT NULL)",
            name=op.f("bookings_completed_check"),
        ),
        sa.CheckConstraint(
            "length(note) <= 500 AND length(address) BETWEEN 1 AND 300", name=op.f("bookings_words_check")
        ),
        sa.CheckConstraint("minutes BETWEEN 15 AND 720", name=op.f("bookings_minutes_check")),
        sa.CheckConstraint("price > 0 AND fee BETWEEN 0 AND price", name=op.f("bookings_money_check")),
        sa.ForeignKeyConstraint(["customer_id"], ["users.id"], name=op.f("bookings_customer_id_fkey")),
        sa.ForeignKeyConstraint(["named_id"], ["professionals.user_id"], name=op.f("bookings_named_id_fkey")),
        sa.ForeignKeyConstraint(["pincode"], ["pincodes.pincode"], name=op.f("bookings_pincode_fkey")),
        sa.ForeignKeyConstraint(
            ["professional_id"], ["professionals.user_id"], name=op.f("bookings_professional_id_fkey")
        ),
        sa.ForeignKeyConstraint(["reserved_for"], ["professionals.user_id"], name=op.f("bookings_reserved_for_fkey")),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("bookings_service_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("bookings_pkey")),
        sa.UniqueConstraint("reference", name=op.f("bookings_reference_key")),
    )
    op.create_index(
        "bookings_completed_idx",
        "bookings",
        ["completed_at"],
        unique=False,
        postgresql_where=sa.text("state = 'completed'"),
    )
    op.create_index("bookings_asked_idx", "bookings", ["pincode", "created_at", "service_id"], unique=False)
    op.create_index("bookings_created_idx", "bookings", ["created_at", "id"], unique=False)
    op.create_index("bookings_customer_idx", "bookings", ["customer_id", "starts_at", "id"], unique=False)
    op.create_index(
        "bookings_held_idx", "bookings", ["held_until"], unique=False, postgresql_where=sa.text("state = 'held'")
    )
    op.create_index(
        "bookings_live_jobs_idx",
        "bookings",
        ["professional_id", "starts_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('assigned', 'started')"),
    )
    op.create_index(
        "bookings_offers_idx",
        "bookings",
        ["service_id", "pincode", "starts_at"],
        unique=False,
        postgresql_where=sa.text("state = 'requested'"),
    )
    op.create_index(
        "bookings_open_idx",
        "bookings",
        ["starts_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('held', 'requested', 'assigned', 'started')"),
    )
    op.create_index("bookings_professional_idx", "bookings", ["professional_id", "starts_at", "id"], unique=False)
    op.create_table(
        "coverage",
        sa.Column("professional_id", sa.BigInteger(), nullable=False),
        sa.Column("pincode", sa.String(length=6), nullable=False),
        sa.ForeignKeyConstraint(["pincode"], ["pincodes.pincode"], name=op.f("coverage_pincode_fkey")),
        sa.ForeignKeyConstraint(
            ["professional_id"],
            ["professionals.user_id"],
            name=op.f("coverage_professional_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("professional_id", "pincode", name=op.f("coverage_pkey")),
    )
    op.create_index("coverage_pincode_idx", "coverage", ["pincode", "professional_id"], unique=False)
    op.create_table(
        "offerings",
        sa.Column("professional_id", sa.BigInteger(), nullable=False),
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("standing", sa.Text(), server_default="pending", nullable=False),
        sa.CheckConstraint("standing IN ('pending', 'approved', 'denied')", name=op.f("offerings_standing_check")),
        sa.ForeignKeyConstraint(
            ["professional_id"],
            ["professionals.user_id"],
            name=op.f("offerings_professional_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("offerings_service_id_fkey")),
        sa.PrimaryKeyConstraint("professional_id", "service_id", name=op.f("offerings_pkey")),
    )
    op.create_index("offerings_service_id_idx", "offerings", ["service_id", "professional_id"], unique=False)
    op.create_table(
        "professional_ratings",
        sa.Column("professional_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("jobs", sa.Integer(), server_default="0", nullable=False),
        sa.Column("one", sa.Integer(), server_default="0", nullable=False),
        sa.Column("two", sa.Integer(), server_default="0", nullable=False),
        sa.Column("three", sa.Integer(), server_default="0", nullable=False),
        sa.Column("four", sa.Integer(), server_default="0", nullable=False),
        sa.Column("five", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["professional_id"], ["professionals.user_id"], name=op.f("professional_ratings_professional_id_fkey")
        ),
        sa.PrimaryKeyConstraint("professional_id", name=op.f("professional_ratings_pkey")),
    )
    op.create_table(
        "search_terms",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=True),
        sa.Column("service_id", sa.BigInteger(), nullable=True),
        sa.Column("weight", sa.SmallInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("language IN ('en', 'hi', 'ta', 'translit')", name=op.f("search_terms_language_check")),
        sa.CheckConstraint("num_nonnulls(category_id, service_id) = 1", name=op.f("search_terms_target_check")),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name=op.f("search_terms_category_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name=op.f("search_terms_service_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("search_terms_pkey")),
    )
    op.create_index("search_terms_category_id_idx", "search_terms", ["category_id"], unique=False)
    op.create_index("search_terms_service_id_idx", "search_terms", ["service_id"], unique=False)
    op.create_index(
        "search_terms_term_trgm_idx",
        "search_terms",
        ["term"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"term": "gin_trgm_ops"},
    )
    op.create_table(
        "service_ratings",
        sa.Column("service_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("one", sa.Integer(), server_default="0", nullable=False),
        sa.Column("two", sa.Integer(), server_default="0", nullable=False),
        sa.Column("three", sa.Integer(), server_default="0", nullable=False),
        sa.Column("four", sa.Integer(), server_default="0", nullable=False),
        sa.Column("five", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("service_ratings_service_id_fkey")),
        sa.PrimaryKeyConstraint("service_id", name=op.f("service_ratings_pkey")),
    )
    op.create_table(
        "time_off",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("professional_id", sa.BigInteger(), nullable=False),
        sa.Column("span", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("professional_id"), "="), (sa.column("span"), "&&"), using="gist", name="time_off_overlap_excl"
        ),
        sa.CheckConstraint(
            "NOT isempty(span) AND NOT lower_inf(span) AND NOT upper_inf(span)", name=op.f("time_off_span_check")
        ),
        sa.ForeignKeyConstraint(
            ["professional_id"],
            ["professionals.user_id"],
            name=op.f("time_off_professional_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("time_off_pkey")),
    )
    op.create_table(
        "working_hours",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("professional_id", sa.BigInteger(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("opens", sa.SmallInteger(), nullable=False),
        sa.Column("closes", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("0 <= opens AND opens < closes AND closes <= 1440", name=op.f("working_hours_span_check")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("working_hours_weekday_check")),
        sa.ForeignKeyConstraint(
            ["professional_id"],
            ["professionals.user_id"],
            name=op.f("working_hours_professional_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("working_hours_pkey")),
    )
    op.create_index("working_hours_professional_id_idx", "working_hours", ["professional_id", "weekday"], unique=False)
    op.create_table(
        "charges",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("booking_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), server_default="booking", nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=True),
        sa.Column("last4", sa.String(length=4), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("captured", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refunded", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("last4 ~ '^[0-9]{4}$'", name=op.f("charges_last4_check")),
        sa.CheckConstraint("method IN ('card', 'upi', 'after')", name=op.f("charges_method_check")),
        sa.CheckConstraint("purpose IN ('booking', 'extra', 'fee')", name=op.f("charges_purpose_check")),
        sa.CheckConstraint(
            "state IN ('needs_code', 'timed_out', 'declined', 'authorised', 'captured', 'released', 'due', 'paid', 'refunded')",
            name=op.f("charges_state_check"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("charges_amount_check")),
        sa.CheckConstraint("captured BETWEEN 0 AND amount", name=op.f("charges_captured_check")),
        sa.CheckConstraint("refunded BETWEEN 0 AND captured", name=op.f("charges_refunded_check")),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("charges_booking_id_fkey")),
        sa.ForeignKeyConstraint(["customer_id"], ["users.id"], name=op.f("charges_customer_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("charges_pkey")),
    )
    op.create_index("charges_booking_id_idx", "charges", ["booking_id"], unique=False)
    op.create_index(
        "charges_due_idx", "charges", ["customer_id"], unique=False, postgresql_where=sa.text("state = 'due'")
    )
    op.create_index(
        "charges_live_key",
        "charges",
        ["booking_id"],
        unique=True,
        postgresql_where=sa.text(
            "purpose = 'booking' AND state IN ('needs_code', 'authorised', 'captured', 'due', 'paid')"
        ),
    )
    op.create_table(
        "codes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("booking_id", sa.BigInteger(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("booking_id"), "="),
            (sa.column("phase"), "="),
            where=sa.text("used_at IS NULL AND voided_at IS NULL"),
            deferrable="True",
            initially="DEFERRED",
            using="gist",
            name="codes_live_excl",
        ),
        sa.CheckConstraint("phase IN ('start', 'finish')", name=op.f("codes_phase_check")),
        sa.CheckConstraint("attempts BETWEEN 0 AND 10", name=op.f("codes_attempts_check")),
        sa.CheckConstraint(
            "sealed IS NULL OR (used_at IS NULL AND voided_at IS NULL)", name=op.f("codes_seal_erased_check")
        ),
        sa.CheckConstraint("used_at IS NULL OR voided_at IS NULL", name=op.f("codes_one_end_check")),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("codes_booking_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("codes_pkey")),
    )
    op.create_index(
        "codes_used_key", "codes", ["booking_id", "phase"], unique=True, postgresql_where=sa.text("used_at IS NOT NULL")
    )
    op.create_table(
        "declines",
        sa.Column("booking_id", sa.BigInteger(), nullable=False),
        sa.Column("professional_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('passed', 'returned', 'absent')", name=op.f("declines_kind_check")),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("declines_booking_id_fkey")),
        sa.ForeignKeyConstraint(
            ["professional_id"], ["professionals.user_id"], name=op.f("declines_professional_id_fkey")
        ),
        sa.PrimaryKeyConstraint("booking_id", "professional_id", name=op.f("declines_pkey")),
    )
    op.create_index("declines_professional_id_idx", "declines", ["professional_id"], unique=False)
    op.create_table(
        "disputes",
        sa.Column("booking_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(text) BETWEEN 1 AND 1000", name=op.f("disputes_text_check")),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("disputes_booking_id_fkey")),
        sa.ForeignKeyConstraint(["customer_id"], ["users.id"], name=op.f("disputes_customer_id_fkey")),
        sa.PrimaryKeyConstraint("booking_id", name=op.f("disputes_pkey")),
    )
    op.create_table(
        "extras",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("booking_id", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'proposed') = (answered_at IS NULL)", name=op.f("extras_answered_check")),
        sa.CheckConstraint("state IN ('proposed', 'approved', 'refused')", name=op.f("extras_state_check")),
        sa.CheckConstraint("length(text) BETWEEN 1 AND 300", name=op.f("extras_text_check")),
        sa.CheckConstraint("price BETWEEN 100 AND 10000000", name=op.f("extras_price_check")),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("extras_booking_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("extras_pkey")),
    )
    op.create_index("extras_booking_id_idx", "extras", ["booking_id"], unique=False)
    op.create_table(
        "reviews",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("booking_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("professional_id", sa.BigInteger(), nullable=False),
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("rating", sa.SmallInteger(), nullable=False),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(comment) <= 2000", name=op.f("reviews_comment_check")),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name=op.f("reviews_rating_check")),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("reviews_booking_id_fkey")),
        sa.ForeignKeyConstraint(["customer_id"], ["users.id"], name=op.f("reviews_customer_id_fkey")),
        sa.ForeignKeyConstraint(
            ["professional_id"], ["professionals.user_id"], name=op.f("reviews_professional_id_fkey")
        ),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("reviews_service_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("reviews_pkey")),
        sa.UniqueConstraint("booking_id", name=op.f("reviews_booking_id_key")),
    )
    op.create_index("reviews_professional_id_idx", "reviews", ["professional_id", "id"], unique=False)
    op.create_index("reviews_service_id_idx", "reviews", ["service_id", "id"], unique=False)
    op.create_table(
        "ledger_transactions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("booking_id", sa.BigInteger(), nullable=False),
        sa.Column("charge_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('authorise', 'capture', 'release', 'fee', 'refund', 'receivable', 'settle', 'payout_free')",
            name=op.f("ledger_transactions_kind_check"),
        ),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("ledger_transactions_booking_id_fkey")),
        sa.ForeignKeyConstraint(["charge_id"], ["charges.id"], name=op.f("ledger_transactions_charge_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("ledger_transactions_pkey")),
    )
    op.create_index("ledger_transactions_booking_id_idx", "ledger_transactions", ["booking_id"], unique=False)
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "account IN ('hold', 'hold_contra', 'gateway', 'receivable', 'earnings', 'payout_held', 'commission')",
            name=op.f("ledger_entries_account_check"),
        ),
        sa.CheckConstraint("amount <> 0", name=op.f("ledger_entries_amount_check")),
        sa.ForeignKeyConstraint(["person_id"], ["users.id"], name=op.f("ledger_entries_person_id_fkey")),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["ledger_transactions.id"], name=op.f("ledger_entries_transaction_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("ledger_entries_pkey")),
    )
    op.create_index("ledger_entries_person_id_idx", "ledger_entries", ["person_id", "account"], unique=False)
    op.create_index("ledger_entries_transaction_id_idx", "ledger_entries", ["transaction_id"], unique=False)
    guard_history()
    guard_money()


def downgrade() -> None:
    op.drop_index("ledger_entries_transaction_id_idx", table_name="ledger_entries")
    op.drop_index("ledger_entries_person_id_idx", table_name="ledger_entries")
    op.drop_table("ledger_entries")
    op.drop_index("ledger_transactions_booking_id_idx", table_name="ledger_transactions")
    op.drop_table("ledger_transactions")
    op.drop_index("reviews_service_id_idx", table_name="reviews")
    op.drop_index("reviews_professional_id_idx", table_name="reviews")
    op.drop_table("reviews")
    op.drop_index("extras_booking_id_idx", table_name="extras")
    op.drop_table("extras")
    op.drop_table("disputes")
    op.drop_index("declines_professional_id_idx", table_name="declines")
    op.drop_table("declines")
    op.drop_index("codes_used_key", table_name="codes", postgresql_where=sa.text("used_at IS NOT NULL"))
    op.drop_table("codes")
    op.drop_index(
        "charges_live_key",
        table_name="charges",
        postgresql_where=sa.text(
            "purpose = 'booking' AND state IN ('needs_code', 'authorised', 'captured', 'due', 'paid')"
        ),
    )
    op.drop_index("charges_due_idx", table_name="charges", postgresql_where=sa.text("state = 'due'"))
    op.drop_index("charges_booking_id_idx", table_name="charges")
    op.drop_table("charges")
    op.drop_index("working_hours_professional_id_idx", table_name="working_hours")
    op.drop_table("working_hours")
    op.drop_table("time_off")
    op.drop_table("service_ratings")
    op.drop_index(
        "search_terms_term_trgm_idx",
        table_name="search_terms",
        postgresql_using="gin",
        postgresql_ops={"term": "gin_trgm_ops"},
    )
    op.drop_index("search_terms_service_id_idx", table_name="search_terms")
    op.drop_index("search_terms_category_id_idx", table_name="search_terms")
    op.drop_table("search_terms")
    op.drop_table("professional_ratings")
    op.drop_index("offerings_service_id_idx", table_name="offerings")
    op.drop_table("offerings")
    op.drop_index("coverage_pincode_idx", table_name="coverage")
    op.drop_table("coverage")
    op.drop_index("bookings_professional_idx", table_name="bookings")
    op.drop_index(
        "bookings_open_idx",
        table_name="bookings",
        postgresql_where=sa.text("state IN ('held', 'requested', 'assigned', 'started')"),
    )
    op.drop_index("bookings_offers_idx", table_name="bookings", postgresql_where=sa.text("state = 'requested'"))
    op.drop_index(
        "bookings_live_jobs_idx", table_name="bookings", postgresql_where=sa.text("state IN ('assigned', 'started')")
    )
    op.drop_index("bookings_held_idx", table_name="bookings", postgresql_where=sa.text("state = 'held'"))
    op.drop_index("bookings_customer_idx", table_name="bookings")
    op.drop_index("bookings_created_idx", table_name="bookings")
    op.drop_index("bookings_asked_idx", table_name="bookings")
    op.drop_index("bookings_completed_idx", table_name="bookings", postgresql_where=sa.text("state = 'completed'"))
    op.drop_table("bookings")
    op.drop_index("sessions_user_id_idx", table_name="sessions")
    op.drop_index("sessions_expires_at_idx", table_name="sessions")
    op.drop_table("sessions")
    op.drop_index("services_search_idx", table_name="services", postgresql_using="gin")
    op.drop_index(
        "services_name_trgm_idx",
        table_name="services",
        postgresql_using="gin",
        postgresql_ops={"name": "gin_trgm_ops"},
    )
    op.drop_index("services_category_id_idx", table_name="services")
    op.drop_table("services")
    op.drop_index(
        "professionals_approved_idx", table_name="professionals", postgresql_where=sa.text("standing = 'approved'")
    )
    op.drop_table("professionals")
    op.drop_index(
        "outbox_due_idx", table_name="outbox", postgresql_where=sa.text("sent_at IS NULL AND parked_at IS NULL")
    )
    op.drop_table("outbox")
    op.drop_table("mail_links")
    op.drop_table("idempotency_keys")
    op.drop_table("event_values")
    op.drop_index("blocks_in_force_key", table_name="blocks", postgresql_where=sa.text("lifted_at IS NULL"))
    op.drop_table("blocks")
    op.drop_index("addresses_user_id_idx", table_name="addresses")
    op.drop_index("addresses_main_key", table_name="addresses", postgresql_where=sa.text("is_main"))
    op.drop_table("addresses")
    op.drop_index("users_email_key", table_name="users")
    op.drop_table("users")
    op.drop_index(
        "pincodes_place_trgm_idx",
        table_name="pincodes",
        postgresql_using="gist",
        postgresql_ops={"place": "gist_trgm_ops"},
    )
    op.drop_table("pincodes")
    op.drop_table("events")
    op.drop_table("categories")
    op.drop_table("attempts")
    for function in ("refuse_change", "check_event_chain", "check_zero_sum"):
        op.execute(f"DROP FUNCTION {function}()")
