"""Papers and their verification, who has left, searches that met nobody; nobody blocked books or accepts."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ONE_OF_A_KIND = ["professional_id", "kind"]

# Behind every verb: a booking cannot be made, paid for or accepted by somebody who is blocked or has left. The key-share
# lock waits for whoever is blocking that person now, and is what makes them wait for us.
REFUSE_BLOCKED = """
CREATE FUNCTION refuse_blocked() RETURNS trigger LANGUAGE plpgsql AS $$
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
       OR EXISTS (SELECT 1 FROM users WHERE id = who AND (left_at IS NOT NULL OR role = 'admin')) THEN
        RAISE EXCEPTION 'person % may not book or accept', who
            USING ERRCODE = 'check_violation', CONSTRAINT = 'bookings_nobody_blocked';
    END IF;
    RETURN NEW;
END $$
"""

# What reports count of a booking stands in its own row, true at any moment: whoever writes the ledger or a review holds
# that booking's lock anyway, so nobody waits for anybody.
ADD_UP_MONEY = """
CREATE FUNCTION add_up_money() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE bookings b SET commission = b.commission + s.commission, revenue = b.revenue + s.revenue
      FROM (SELECT t.booking_id, coalesce(-sum(a.amount) FILTER (WHERE a.account = 'commission'), 0) AS commission,
                   coalesce(sum(a.amount) FILTER (WHERE a.account IN ('gateway', 'receivable')), 0) AS revenue
              FROM added a JOIN ledger_transactions t ON t.id = a.transaction_id GROUP BY 1) s
     WHERE b.id = s.booking_id AND (s.commission <> 0 OR s.revenue <> 0);
    RETURN NULL;
END $$
"""
COPY_RATING = """
CREATE FUNCTION copy_rating() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE bookings SET rating = CASE TG_OP WHEN 'DELETE' THEN NULL ELSE NEW.rating END
     WHERE id = CASE TG_OP WHEN 'DELETE' THEN OLD.booking_id ELSE NEW.booking_id END;
    RETURN NULL;
END $$
"""
# How a professional stands on the desk, and what they have done, in their own row: so that each order of that table has
# an index. 0 waiting, 1 approved, 2 denied, 3 blocked, 4 left.
SHOWN = """CASE WHEN u.left_at IS NOT NULL THEN 4
            WHEN EXISTS (SELECT 1 FROM blocks b WHERE b.user_id = u.id AND b.lifted_at IS NULL) THEN 3
            WHEN p.standing = 'pending' THEN 0
            WHEN EXISTS (SELECT 1 FROM verifications v WHERE v.professional_id = u.id AND v.state = 'open') THEN 0
            WHEN p.standing = 'approved' THEN 1 ELSE 2 END"""
SETTLE_SHOWN = f"""
CREATE FUNCTION settle_shown() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE who bigint := (to_jsonb(NEW) ->> TG_ARGV[0])::bigint;
BEGIN
    UPDATE professionals t SET shown_as = s.shown
      FROM (SELECT {SHOWN} AS shown FROM professionals p JOIN users u ON u.id = p.user_id WHERE p.user_id = who) s
     WHERE t.user_id = who AND t.shown_as <> s.shown;
    RETURN NULL;
END $$
"""
STARS = """coalesce(round(100.0 * (r.one + 2 * r.two + 3 * r.three + 4 * r.four + 5 * r.five)
               / nullif(r.one + r.two + r.three + r.four + r.five, 0)), 0)"""
COPY_RECORD = f"""
CREATE FUNCTION copy_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE professionals SET jobs = NEW.jobs, stars = {STARS.replace("r.", "NEW.")} WHERE user_id = NEW.professional_id;
    RETURN NULL;
END $$
"""
# Where somebody's standing on the desk comes from: the table, what happens to it, which column says whose it is.
STANDINGS = (
    ("professionals", "INSERT OR UPDATE OF standing", "user_id"),
    ("verifications", "INSERT OR UPDATE OF state", "professional_id"),
    ("blocks", "INSERT OR UPDATE OF lifted_at", "user_id"),
    ("users", "UPDATE OF left_at", "id"),
)
SORTED = ("shown_as", "jobs", "stars", "home_pincode")
ACCEPTED_IN = "(floor(extract(epoch FROM assigned_at - coalesce(reopened_at, requested_at)) / 60))::integer"
REPORTED = ["state", "cancelled_as", "service_id", "pincode", "professional_id", "accepted_minutes", "rating"]
SUMMED = ["commission", "revenue"]


def upgrade() -> None:
    keep_papers()
    keep_cases()
    count_unmet_searches()
    op.add_column("professionals", sa.Column("papers_expire_on", sa.Date(), nullable=True))
    op.add_column("users", sa.Column("left_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("categories", sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("categories", sa.Column("event_count", sa.Integer(), server_default="0", nullable=False))
    op.add_column("categories", sa.Column("event_head", sa.LargeBinary(), nullable=True))
    say_why_blocks_end()
    index_lists()
    keep_figures()
    line_up_professionals()
    op.execute(REFUSE_BLOCKED)
    op.execute(
        "CREATE TRIGGER bookings_nobody_blocked BEFORE INSERT OR UPDATE OF state ON bookings"
        " FOR EACH ROW EXECUTE FUNCTION refuse_blocked()"
    )


def keep_papers() -> None:
    op.create_table(
        "documents",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("professional_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="submitted", nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("stored_as", sa.Text(), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("pages", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        sa.Column("denial_reason", sa.Text(), nullable=True),
        sa.Column("event_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("event_head", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("kind IN ('identity', 'certificate', 'address')", name=op.f("documents_kind_check")),
        sa.CheckConstraint(
            "state IN ('submitted', 'approved', 'denied', 'replaced')", name=op.f("documents_state_check")
        ),
        sa.CheckConstraint(
            "media_type IN ('application/pdf', 'image/jpeg', 'image/png')", name=op.f("documents_media_type_check")
        ),
        sa.CheckConstraint("size BETWEEN 1 AND 10485760", name=op.f("documents_size_check")),
        sa.CheckConstraint("octet_length(sha256) = 32", name=op.f("documents_sha256_check")),
        sa.CheckConstraint("pages BETWEEN 1 AND 200", name=op.f("documents_pages_check")),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 120", name=op.f("documents_name_check")),
        sa.CheckConstraint(
            "(state = 'submitted') = (decided_at IS NULL) AND (state = 'denied') = (denial_reason IS NOT NULL)",
            name=op.f("documents_decided_check"),
        ),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name=op.f("documents_decided_by_id_fkey")),
        sa.ForeignKeyConstraint(
            ["professional_id"], ["professionals.user_id"], name=op.f("documents_professional_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("documents_pkey")),
        sa.UniqueConstraint("stored_as", name=op.f("documents_stored_as_key")),
    )
    op.create_index("documents_professional_id_idx", "documents", ["professional_id", "id"])
    for name, state in (("documents_current_key", "approved"), ("documents_waiting_key", "submitted")):
        op.create_index(name, "documents", ONE_OF_A_KIND, unique=True, postgresql_where=sa.text(f"state = '{state}'"))


def keep_cases() -> None:
    op.create_table(
        "verifications",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("professional_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("checked", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('joining', 'again', 'change')", name=op.f("verifications_kind_check")),
        sa.CheckConstraint(
            "state IN ('open', 'approved', 'denied', 'withdrawn')", name=op.f("verifications_state_check")
        ),
        sa.CheckConstraint("length(message) <= 1000", name=op.f("verifications_message_check")),
        sa.CheckConstraint(
            "(state = 'open') = (decided_at IS NULL) AND (state = 'denied') = (reason IS NOT NULL)",
            name=op.f("verifications_decided_check"),
        ),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name=op.f("verifications_decided_by_id_fkey")),
        sa.ForeignKeyConstraint(
            ["professional_id"], ["professionals.user_id"], name=op.f("verifications_professional_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("verifications_pkey")),
    )
    is_open = sa.text("state = 'open'")
    op.create_index(
        "verifications_open_key", "verifications", ["professional_id"], unique=True, postgresql_where=is_open
    )
    op.create_index("verifications_professional_id_idx", "verifications", ["professional_id", "id"])
    op.create_index("verifications_waiting_idx", "verifications", ["submitted_at", "id"], postgresql_where=is_open)


def count_unmet_searches() -> None:
    op.create_table(
        "unmet_searches",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1, increment=1), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("pincode", sa.String(length=6), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=True),
        sa.Column("searches", sa.Integer(), nullable=False),
        sa.CheckConstraint("searches > 0", name=op.f("unmet_searches_searches_check")),
        sa.ForeignKeyConstraint(["category_id"], ["categories.id"], name=op.f("unmet_searches_category_id_fkey")),
        sa.ForeignKeyConstraint(["pincode"], ["pincodes.pincode"], name=op.f("unmet_searches_pincode_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("unmet_searches_pkey")),
    )
    op.create_index(
        "unmet_searches_key",
        "unmet_searches",
        ["day", "pincode", "category_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )


def say_why_blocks_end() -> None:
    op.add_column("blocks", sa.Column("lifted_reason", sa.Text(), nullable=True))
    op.execute(
        "UPDATE blocks SET lifted_by_id = coalesce(lifted_by_id, by_id), lifted_reason = '–' WHERE lifted_at IS NOT NULL"
    )
    op.create_check_constraint(
        "blocks_lifted_check",
        "blocks",
        "(lifted_at IS NULL) = (lifted_by_id IS NULL) AND (lifted_at IS NULL) = (lifted_reason IS NULL)",
    )


def index_lists() -> None:
    op.create_index("users_since_idx", "users", ["role", "created_at", "id"])
    op.create_index("users_name_idx", "users", ["role", "full_name", "id"])
    words = sa.Computed("lower(full_name || ' ' || email || ' ' || phone)", persisted=True)
    op.add_column("users", sa.Column("words", sa.Text(), words, nullable=False))
    op.create_index(
        "users_words_idx", "users", ["words"], postgresql_using="gin", postgresql_ops={"words": "gin_trgm_ops"}
    )
    # Words that many customers have too, and the few who have left.
    op.create_index(
        "users_professional_words_idx",
        "users",
        ["words"],
        postgresql_using="gin",
        postgresql_ops={"words": "gin_trgm_ops"},
        postgresql_where=sa.text("role = 'professional'"),
    )
    left = sa.text("left_at IS NOT NULL")
    op.create_index("users_left_idx", "users", ["role", "created_at", "id"], postgresql_where=left)
    op.create_index("bookings_service_idx", "bookings", ["service_id", "starts_at", "id"])
    op.create_index("bookings_state_idx", "bookings", ["state", "starts_at", "id"])
    op.create_index("bookings_place_idx", "bookings", ["pincode", "starts_at", "id"])
    op.create_index("bookings_price_idx", "bookings", ["price", "id"])
    op.create_index("bookings_payment_idx", "bookings", ["payment", "starts_at", "id"])
    rare = sa.text("kind IN ('fee', 'refund', 'settle')")
    op.create_index(
        "ledger_transactions_rare_idx", "ledger_transactions", ["kind", "booking_id"], postgresql_where=rare
    )
    ended = sa.text("cancelled_as IS NOT NULL")
    op.create_index("bookings_ended_idx", "bookings", ["cancelled_as", "starts_at", "id"], postgresql_where=ended)
    op.create_index("events_actor_idx", "events", ["actor_id", "at", "id"])
    op.create_index("events_name_idx", "events", ["name", "at", "id"])
    op.create_index("events_family_idx", "events", [sa.text("split_part(name, '.'::text, 1)"), "at", "id"])
    op.create_index("events_at_idx", "events", ["at", "id"])


def keep_figures() -> None:
    for name in SUMMED:
        op.add_column("bookings", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("bookings", sa.Column("rating", sa.SmallInteger(), nullable=True))
    minutes = sa.Computed(ACCEPTED_IN, persisted=True)
    op.add_column("bookings", sa.Column("accepted_minutes", sa.Integer(), minutes, nullable=True))
    op.execute(
        "UPDATE bookings b SET commission = s.commission, revenue = s.revenue FROM ("
        " SELECT t.booking_id, coalesce(-sum(e.amount) FILTER (WHERE e.account = 'commission'), 0) AS commission,"
        " coalesce(sum(e.amount) FILTER (WHERE e.account IN ('gateway', 'receivable')), 0) AS revenue"
        " FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id GROUP BY 1) s"
        " WHERE b.id = s.booking_id"
    )
    op.execute("UPDATE bookings b SET rating = r.rating FROM reviews r WHERE r.booking_id = b.id")
    rated, by_clock = sa.text("rating IS NOT NULL"), sa.text("by_clock")
    op.create_index("bookings_rating_idx", "bookings", ["rating", "starts_at", "id"], postgresql_where=rated)
    op.create_index("bookings_by_clock_idx", "bookings", ["starts_at", "id"], postgresql_where=by_clock)
    op.create_index("bookings_report_idx", "bookings", ["starts_at", "id"], postgresql_include=[*REPORTED, *SUMMED])
    # Reports read the index alone where the table is known to be at rest: so it is looked at often.
    op.execute(
        "ALTER TABLE bookings SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02)"
    )
    op.execute(ADD_UP_MONEY)
    op.execute(COPY_RATING)
    op.execute(
        "CREATE TRIGGER ledger_entries_add_up AFTER INSERT ON ledger_entries REFERENCING NEW TABLE AS added"
        " FOR EACH STATEMENT EXECUTE FUNCTION add_up_money()"
    )
    op.execute(
        "CREATE TRIGGER reviews_copy_rating AFTER INSERT OR DELETE OR UPDATE OF rating ON reviews"
        " FOR EACH ROW EXECUTE FUNCTION copy_rating()"
    )


def line_up_professionals() -> None:
    for name in ("shown_as", "stars"):
        op.add_column("professionals", sa.Column(name, sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("professionals", sa.Column("jobs", sa.Integer(), server_default="0", nullable=False))
    op.execute(f"UPDATE professionals p SET shown_as = {SHOWN} FROM users u WHERE u.id = p.user_id")
    op.execute(
        f"UPDATE professionals p SET jobs = r.jobs, stars = {STARS}"
        " FROM professional_ratings r WHERE r.professional_id = p.user_id"
    )
    for name in SORTED:
        op.create_index(f"professionals_{name}_idx", "professionals", [name, "user_id"])
    trades = {"trade": "gin_trgm_ops"}
    op.create_index(
        "professionals_trade_idx", "professionals", ["trade"], postgresql_using="gin", postgresql_ops=trades
    )
    op.create_index("pincodes_place_idx", "pincodes", ["place"])
    op.execute(SETTLE_SHOWN)
    op.execute(COPY_RECORD)
    for table, happens, whose in STANDINGS:
        op.execute(
            f"CREATE TRIGGER {table}_settle_shown AFTER {happens} ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION settle_shown('{whose}')"
        )
    op.execute(
        "CREATE TRIGGER professional_ratings_copy_record AFTER INSERT OR UPDATE ON professional_ratings"
        " FOR EACH ROW EXECUTE FUNCTION copy_record()"
    )


def forget_professionals() -> None:
    op.execute("DROP TRIGGER professional_ratings_copy_record ON professional_ratings")
    for table, _happens, _whose in STANDINGS:
        op.execute(f"DROP TRIGGER {table}_settle_shown ON {table}")
    op.execute("DROP FUNCTION copy_record()")
    op.execute("DROP FUNCTION settle_shown()")
    op.drop_index("pincodes_place_idx", table_name="pincodes")
    op.drop_index("professionals_trade_idx", table_name="professionals")
    for name in SORTED:
        op.drop_index(f"professionals_{name}_idx", table_name="professionals")
    for name in ("shown_as", "stars", "jobs"):
        op.drop_column("professionals", name)


def forget_figures() -> None:
    op.execute("DROP TRIGGER reviews_copy_rating ON reviews")
    op.execute("DROP TRIGGER ledger_entries_add_up ON ledger_entries")
    op.execute("DROP FUNCTION copy_rating()")
    op.execute("DROP FUNCTION add_up_money()")
    op.execute("ALTER TABLE bookings RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor)")
    for name in ("report", "by_clock", "rating"):
        op.drop_index(f"bookings_{name}_idx", table_name="bookings")
    for name in ("accepted_minutes", "rating", *SUMMED):
        op.drop_column("bookings", name)


def downgrade() -> None:
    forget_professionals()
    forget_figures()
    op.execute("DROP TRIGGER bookings_nobody_blocked ON bookings")
    op.execute("DROP FUNCTION refuse_blocked()")
    op.drop_index("ledger_transactions_rare_idx", table_name="ledger_transactions")
    for name in ("ended", "payment", "price", "place", "state", "service"):
        op.drop_index(f"bookings_{name}_idx", table_name="bookings")
    for table, indexes in (
        ("events", ("at", "family", "name", "actor")),
        ("users", ("left", "professional_words", "words", "name", "since")),
    ):
        for index in indexes:
            op.drop_index(f"{table}_{index}_idx", table_name=table)
    op.drop_column("users", "words")
    op.drop_constraint("blocks_lifted_check", "blocks", type_="check")
    op.drop_column("blocks", "lifted_reason")
    for column in ("event_head", "event_count", "retired_at"):
        op.drop_column("categories", column)
    op.drop_column("users", "left_at")
    op.drop_column("professionals", "papers_expire_on")
    for table in ("unmet_searches", "verifications", "documents"):
        op.drop_table(table)
