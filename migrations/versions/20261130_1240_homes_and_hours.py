"""What a search reads instead of everyone: the homes from which a pincode is covered, and the hours offered there.

Triggers add to both tables and keep the home and the stars of a professional beside each offered service, so that the
nearest and best are read in the order of two indexes. Rows that are not needed any more stay until they are removed by
the scheduled task: they cost a look, never a wrong answer.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# The stretches of a week without end, in minutes from Monday's midnight: those that meet are one, over midnight and over
# the end of the week too (`closes` is then up to a week later).
WEEK_STRETCHES = """
CREATE FUNCTION week_stretches(week text) RETURNS TABLE (opens smallint, closes smallint)
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT lower(merged.stretch)::smallint, least(upper(merged.stretch), lower(merged.stretch) + 10080)::smallint
      FROM (SELECT unnest(range_agg(int4range((day.stretch ->> 0)::int * 1440 + (day.stretch ->> 1)::int + later,
                                              (day.stretch ->> 0)::int * 1440 + (day.stretch ->> 2)::int + later)))
                   AS stretch
              FROM json_array_elements(week::json) AS day (stretch), generate_series(0, 10080, 10080) AS later) merged
     WHERE lower(merged.stretch) < 10080;
END
"""
# Transactions that add do not wait for each other, so two may add the same row. The lock is against the task that
# removes rows, which takes it without waiting: a row that was seen is not removed before the reason for it is visible.
# The professional's row is locked, so that of two changes of the same one the later sees the earlier.
ADD_OFFERED_HOURS = """
CREATE FUNCTION add_offered_hours(ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7008, 0);
    PERFORM FROM professionals WHERE user_id = ANY(ids) ORDER BY user_id FOR NO KEY UPDATE;
    INSERT INTO offered_hours (service_id, pincode, opens, closes)
    WITH added AS MATERIALIZED (
        SELECT DISTINCT o.service_id, c.pincode, p.week
          FROM offered_services o JOIN professionals p ON p.user_id = o.professional_id
          JOIN coverage c ON c.professional_id = o.professional_id
         WHERE o.professional_id = ANY(ids) AND o.approval_status = 'approved'
    ), stretches AS MATERIALIZED (
        SELECT weeks.week, s.opens, s.closes
          FROM (SELECT DISTINCT week FROM added) weeks, week_stretches(weeks.week) s
    )
    SELECT DISTINCT a.service_id, a.pincode, s.opens, s.closes FROM added a JOIN stretches s ON s.week = a.week
     WHERE NOT EXISTS (SELECT 1 FROM offered_hours h WHERE h.service_id = a.service_id AND h.pincode = a.pincode
                          AND h.opens <= s.opens AND h.closes >= s.closes);
END $$
"""
ADD_COVERAGE_HOMES = """
CREATE FUNCTION add_coverage_homes(ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7008, 0);
    PERFORM FROM professionals WHERE user_id = ANY(ids) ORDER BY user_id FOR NO KEY UPDATE;
    INSERT INTO coverage_homes (pincode, home_pincode, metres)
    SELECT added.pincode, added.home_pincode, pincode_distance(added.home_pincode, added.pincode)
      FROM (SELECT DISTINCT c.pincode, p.home_pincode
              FROM coverage c JOIN professionals p ON p.user_id = c.professional_id
             WHERE c.professional_id = ANY(ids)) added
     WHERE NOT EXISTS (SELECT 1 FROM coverage_homes h
                        WHERE h.pincode = added.pincode AND h.home_pincode = added.home_pincode);
END $$
"""
ADD_OF_COVERAGE = """
CREATE FUNCTION add_of_coverage() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ids bigint[] := ARRAY(SELECT DISTINCT professional_id FROM added);
BEGIN
    PERFORM add_coverage_homes(ids);
    PERFORM add_offered_hours(ids);
    RETURN NULL;
END $$
"""
ADD_OF_OFFERED_SERVICES = """
CREATE FUNCTION add_of_offered_services() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM add_offered_hours(ARRAY(SELECT DISTINCT professional_id FROM added WHERE approval_status = 'approved'));
    RETURN NULL;
END $$
"""
ADD_OF_OFFERED_SERVICE = """
CREATE FUNCTION add_of_offered_service() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM add_offered_hours(ARRAY[NEW.professional_id]);
    RETURN NULL;
END $$
"""
UPDATE_WORKING_WEEKS = """
CREATE OR REPLACE FUNCTION update_working_weeks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE professionals p SET week = working_week(p.user_id)
     WHERE p.user_id IN (SELECT professional_id FROM changed) AND p.week <> working_week(p.user_id);{also}
    RETURN NULL;
END $$
"""
ADD_OF_WEEK = """
    IF TG_OP <> 'DELETE' THEN
        PERFORM add_offered_hours(ARRAY(SELECT DISTINCT professional_id FROM changed));
    END IF;"""
SET_OFFERED_SERVICE_RANK = """
CREATE FUNCTION set_offered_service_rank() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT home_pincode, stars INTO NEW.home_pincode, NEW.stars FROM professionals
     WHERE user_id = NEW.professional_id;
    RETURN NEW;
END $$
"""
UPDATE_OFFERED_SERVICE_RANKS = """
CREATE FUNCTION update_offered_service_ranks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE offered_services SET home_pincode = NEW.home_pincode, stars = NEW.stars
     WHERE professional_id = NEW.user_id;
    IF NEW.home_pincode <> OLD.home_pincode THEN
        PERFORM add_coverage_homes(ARRAY[NEW.user_id]);
    END IF;
    RETURN NULL;
END $$
"""
FUNCTIONS = (
    ("week_stretches(text)", WEEK_STRETCHES),
    ("add_offered_hours(bigint[])", ADD_OFFERED_HOURS),
    ("add_coverage_homes(bigint[])", ADD_COVERAGE_HOMES),
    ("add_of_coverage()", ADD_OF_COVERAGE),
    ("add_of_offered_services()", ADD_OF_OFFERED_SERVICES),
    ("add_of_offered_service()", ADD_OF_OFFERED_SERVICE),
    ("set_offered_service_rank()", SET_OFFERED_SERVICE_RANK),
    ("update_offered_service_ranks()", UPDATE_OFFERED_SERVICE_RANKS),
)
TRIGGERS = (
    (
        "coverage_homes_and_hours",
        "coverage",
        "AFTER INSERT ON coverage REFERENCING NEW TABLE AS added FOR EACH STATEMENT",
        "add_of_coverage()",
    ),
    (
        "offered_services_hours_on_insert",
        "offered_services",
        "AFTER INSERT ON offered_services REFERENCING NEW TABLE AS added FOR EACH STATEMENT",
        "add_of_offered_services()",
    ),
    (
        "offered_services_hours_on_update",
        "offered_services",
        "AFTER UPDATE OF approval_status ON offered_services FOR EACH ROW"
        " WHEN (NEW.approval_status = 'approved' AND OLD.approval_status <> 'approved')",
        "add_of_offered_service()",
    ),
    (
        "offered_services_rank",
        "offered_services",
        "BEFORE INSERT ON offered_services FOR EACH ROW",
        "set_offered_service_rank()",
    ),
    (
        "professionals_offered_service_ranks",
        "professionals",
        "AFTER UPDATE OF home_pincode, stars ON professionals FOR EACH ROW"
        " WHEN (NEW.home_pincode <> OLD.home_pincode OR NEW.stars <> OLD.stars)",
        "update_offered_service_ranks()",
    ),
)


# The shared rule, with the order in which candidates are read.
ELIGIBLE_SERVICES = """
CREATE FUNCTION eligible_services(today date) RETURNS TABLE (professional_id bigint, service_id bigint{columns})
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT o.professional_id, o.service_id{values}
      FROM offered_services o JOIN eligible_professionals(today) p ON p.professional_id = o.professional_id
     WHERE o.approval_status = 'approved';
END
"""
ELIGIBLE_COVERAGE = """
CREATE FUNCTION eligible_coverage(today date)
RETURNS TABLE (professional_id bigint, service_id bigint, pincode varchar)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT o.professional_id, o.service_id, c.pincode
      FROM eligible_services(today) o JOIN coverage c ON c.professional_id = o.professional_id;
END
"""


def upgrade() -> None:
    op.create_table(
        "coverage_homes",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("pincode", sa.String(6), nullable=False),
        sa.Column("home_pincode", sa.String(6), nullable=False),
        sa.Column("metres", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="coverage_homes_pkey"),
        sa.ForeignKeyConstraint(["pincode"], ["pincodes.pincode"], name="coverage_homes_pincode_fkey"),
        sa.ForeignKeyConstraint(["home_pincode"], ["pincodes.pincode"], name="coverage_homes_home_pincode_fkey"),
    )
    op.create_index("coverage_homes_nearest_idx", "coverage_homes", ["pincode", "metres", "home_pincode"])
    op.create_table(
        "offered_hours",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("pincode", sa.String(6), nullable=False),
        sa.Column("opens", sa.SmallInteger(), nullable=False),
        sa.Column("closes", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="offered_hours_pkey"),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name="offered_hours_service_id_fkey", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["pincode"], ["pincodes.pincode"], name="offered_hours_pincode_fkey"),
        sa.CheckConstraint(
            "0 <= opens AND opens < 10080 AND opens < closes AND closes <= opens + 10080",
            name="offered_hours_span_check",
        ),
    )
    op.create_index("offered_hours_pincode_idx", "offered_hours", ["pincode", "service_id", "opens", "closes"])
    op.add_column("offered_services", sa.Column("home_pincode", sa.String(6), nullable=True))
    op.add_column("offered_services", sa.Column("stars", sa.SmallInteger(), nullable=True))
    op.execute(
        "UPDATE offered_services o SET home_pincode = p.home_pincode, stars = p.stars"
        " FROM professionals p WHERE p.user_id = o.professional_id"
    )
    op.alter_column("offered_services", "home_pincode", nullable=False)
    op.alter_column("offered_services", "stars", nullable=False)
    op.create_index(
        "offered_services_nearest_idx",
        "offered_services",
        ["service_id", "home_pincode", "approval_status", sa.text("stars DESC"), "professional_id"],
    )
    for _signature, definition in FUNCTIONS:
        op.execute(definition)
    op.execute(UPDATE_WORKING_WEEKS.format(also=ADD_OF_WEEK))
    op.execute("SELECT add_coverage_homes(ARRAY(SELECT user_id FROM professionals))")
    op.execute("SELECT add_offered_hours(ARRAY(SELECT user_id FROM professionals))")
    for name, _table, occasion, function in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} {occasion} EXECUTE FUNCTION {function}")
    op.execute("DROP FUNCTION eligible_coverage(date)")
    op.execute("DROP FUNCTION eligible_services(date)")
    op.execute(
        ELIGIBLE_SERVICES.format(columns=", home_pincode varchar, stars smallint", values=", o.home_pincode, o.stars")
    )
    op.execute(ELIGIBLE_COVERAGE)


def downgrade() -> None:
    op.execute("DROP FUNCTION eligible_coverage(date)")
    op.execute("DROP FUNCTION eligible_services(date)")
    op.execute(ELIGIBLE_SERVICES.format(columns="", values=""))
    op.execute(ELIGIBLE_COVERAGE)
    for name, table, _occasion, _function in TRIGGERS:
        op.execute(f"DROP TRIGGER {name} ON {table}")
    op.execute(UPDATE_WORKING_WEEKS.format(also=""))
    for signature, _definition in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {signature}")
    op.drop_index("offered_services_nearest_idx", "offered_services")
    op.drop_column("offered_services", "stars")
    op.drop_column("offered_services", "home_pincode")
    op.drop_table("offered_hours")
    op.drop_table("coverage_homes")
