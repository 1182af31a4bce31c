"""What a search for candidates reads: how near a professional's home is to each covered pincode, and their week.

Both are maintained by triggers, so that the nearest candidates and the distinct weeks of a city come from narrow rows
and an index. Rows stay as they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# By road between two pincodes (app.scheduling.travel): 0 within one, NULL where a place is not known.
PINCODE_DISTANCE = """
CREATE FUNCTION pincode_distance(home varchar, covered varchar) RETURNS integer
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN home = covered THEN 0 ELSE round(1300 * 2 * 6371.0088 * asin(sqrt(
               power(sin(radians(h.latitude - p.latitude) / 2), 2) + cos(radians(p.latitude))
               * cos(radians(h.latitude)) * power(sin(radians(h.longitude - p.longitude) / 2), 2)))) END
      FROM pincodes h, pincodes p WHERE h.pincode = home AND p.pincode = covered;
END
"""
SET_COVERAGE_DISTANCE = """
CREATE FUNCTION set_coverage_distance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.metres := pincode_distance((SELECT home_pincode FROM professionals WHERE user_id = NEW.professional_id),
                                     NEW.pincode);
    RETURN NEW;
END $$
"""
UPDATE_COVERAGE_DISTANCES = """
CREATE FUNCTION update_coverage_distances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE coverage SET metres = pincode_distance(NEW.home_pincode, pincode) WHERE professional_id = NEW.user_id;
    RETURN NULL;
END $$
"""
WORKING_WEEK = """
CREATE FUNCTION working_week(who bigint) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(json_agg(json_build_array(weekday, opens, closes) ORDER BY weekday, opens)::text, '[]')
      FROM working_hours WHERE professional_id = who;
END
"""
UPDATE_WORKING_WEEKS = """
CREATE FUNCTION update_working_weeks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE professionals p SET week = working_week(p.user_id)
     WHERE p.user_id IN (SELECT professional_id FROM changed) AND p.week <> working_week(p.user_id);
    RETURN NULL;
END $$
"""
FUNCTIONS = (
    ("pincode_distance(varchar, varchar)", PINCODE_DISTANCE),
    ("working_week(bigint)", WORKING_WEEK),
    ("set_coverage_distance()", SET_COVERAGE_DISTANCE),
    ("update_coverage_distances()", UPDATE_COVERAGE_DISTANCES),
    ("update_working_weeks()", UPDATE_WORKING_WEEKS),
)
CHANGED_ROWS = {"insert": "NEW", "update": "NEW", "delete": "OLD"}


def upgrade() -> None:
    for _signature, definition in FUNCTIONS:
        op.execute(definition)
    op.add_column("professionals", sa.Column("week", sa.Text(), server_default="[]", nullable=False))
    op.execute("UPDATE professionals SET week = working_week(user_id)")
    for change, rows in CHANGED_ROWS.items():
        op.execute(
            f"CREATE TRIGGER working_hours_week_on_{change} AFTER {change} ON working_hours"
            f" REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION update_working_weeks()"
        )
    op.add_column("coverage", sa.Column("metres", sa.Integer(), nullable=True))
    op.execute(
        "UPDATE coverage c SET metres = pincode_distance(p.home_pincode, c.pincode)"
        " FROM professionals p WHERE p.user_id = c.professional_id"
    )
    op.execute(
        "CREATE TRIGGER coverage_distance BEFORE INSERT ON coverage FOR EACH ROW WHEN (NEW.metres IS NULL)"
        " EXECUTE FUNCTION set_coverage_distance()"
    )
    op.execute(
        "CREATE TRIGGER professionals_coverage_distances AFTER UPDATE OF home_pincode ON professionals FOR EACH ROW"
        " WHEN (NEW.home_pincode <> OLD.home_pincode) EXECUTE FUNCTION update_coverage_distances()"
    )
    op.create_index("coverage_nearest_idx", "coverage", ["pincode", "metres", "professional_id"])
    op.drop_index("coverage_pincode_idx", table_name="coverage")


def downgrade() -> None:
    op.create_index("coverage_pincode_idx", "coverage", ["pincode", "professional_id"])
    op.drop_index("coverage_nearest_idx", table_name="coverage")
    op.execute("DROP TRIGGER professionals_coverage_distances ON professionals")
    op.execute("DROP TRIGGER coverage_distance ON coverage")
    op.drop_column("coverage", "metres")
    for change in CHANGED_ROWS:
        op.execute(f"DROP TRIGGER working_hours_week_on_{change} ON working_hours")
    op.drop_column("professionals", "week")
    for signature, _definition in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {signature}")
